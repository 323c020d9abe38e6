/*
 * What the checks of `ipnctl doctor` share. A check is one function and one row of the table in doctor.c; it says what it found,
 * and how to mend what is wrong. Checks change nothing.
 */
#ifndef IPND_IPNCTL_DOCTOR_H
#define IPND_IPNCTL_DOCTOR_H

#include <curl/curl.h>
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "ipnctl/ipnctl.h"
#include "ledger/query.h"

enum finding {
	FINDING_OK,
	FINDING_SKIPPED, /* not looked at, or cannot be seen from here: nothing is known to be wrong */
	FINDING_WARNING, /* works, and should be looked at */
	FINDING_FAILED,
};

#define DOCTOR_GROUPS_MAX 64

/* As whom the daemons run: the owner of the database, or of its folder while there is none but root's. */
struct doctor_owner {
	bool known;
	uid_t uid;
	gid_t gid;
	gid_t groups[DOCTOR_GROUPS_MAX];
	int n_groups;
	char *name; /* "ipnd"; a number when it has none */
	char *pair; /* "ipnd:ipnd", for chown */
};

struct doctor {
	struct ctl *c;
	const char *url; /* --url, NULL: not given */
	const char *ca;  /* --ca, NULL: the system's */
	bool full, offline;
	struct doctor_owner owner;
	const char *check; /* the one that runs */
	json_t *findings;
	size_t counts[FINDING_FAILED + 1];
};

/* A finding of the check that runs, for people: one line. */
void doctor_find(struct doctor *d, enum finding level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* How to mend the last finding: a command or a setting, in one line. May be called again for a next line. */
void doctor_mend(struct doctor *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether the check that runs has said anything yet. */
bool doctor_has_found(const struct doctor *d);

/* The rows of a query, for the caller; NULL: it failed, which is now a finding. */
json_t *doctor_ask(struct doctor *d, enum query q);

/* A path as a shell takes it: in quotes where it needs them. The caller frees. */
char *doctor_quote(const char *path);

/* "3 min ago" */
#define DOCTOR_AGO_SIZE 64
void doctor_ago(const struct doctor *d, int64_t ms, char ret[static DOCTOR_AGO_SIZE]);

/* doctor-may.c: fills d->owner from the database's file or folder. */
void doctor_find_owner(struct doctor *d);
void doctor_owner_done(struct doctor_owner *o);

/*
 * Whether the owner may do that (R_OK, W_OK, X_OK) with the file, by owner, group and mode: 1; 0, and `ret_at` is the folder or file
 * that forbids it; negative errno: it cannot be looked at, and `ret_at` is where. The caller frees `ret_at`, which may be NULL on 1 only.
 */
int doctor_may(const struct doctor *d, const char *path, int what, char **ret_at);

/* doctor-web.c: libcurl over https, with everything set that would loosen the rules. NULL: out of memory. */
struct doctor_web {
	const char *url;
	const char *trust;      /* "system" or a file of CAs */
	const char *connect_to; /* ADDRESS:PORT; "": where the name leads */
	long connect_ms, total_ms;
};
struct doctor_call {
	CURL *easy;
	struct curl_slist *connect_to;
	char error[CURL_ERROR_SIZE];
};
bool doctor_web_open(const struct doctor_web *w, struct doctor_call *ret);
void doctor_web_done(struct doctor_call *c);
/* What went wrong in words, escaped. */
void doctor_web_why(const struct doctor_call *c, CURLcode code, struct why *ret);

/* doctor-program.c: what there is to say of a hook's program. */
void doctor_check_program(struct doctor *d, const struct hook_config *hook);

/* The checks. */
void doctor_check_configuration(struct doctor *d);
void doctor_check_files(struct doctor *d);
void doctor_check_disk(struct doctor *d);
void doctor_check_tls(struct doctor *d);
void doctor_check_database(struct doctor *d);
void doctor_check_clock(struct doctor *d);
void doctor_check_daemons(struct doctor *d);
void doctor_check_certificates(struct doctor *d);
void doctor_check_sns(struct doctor *d);
void doctor_check_way(struct doctor *d);
void doctor_check_hooks(struct doctor *d);
void doctor_check_topics(struct doctor *d);
void doctor_check_notifications(struct doctor *d);

#endif
