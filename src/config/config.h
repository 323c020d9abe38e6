/*
 * The configuration file as plain data (interface.md, "Configuration file"). One table of settings in
 * config.c gives parser, defaults and checks. Opens nothing but the file itself.
 */
#ifndef IPND_CONFIG_CONFIG_H
#define IPND_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/exit.h"
#include "base/text.h"

#define CONFIG_DEFAULT_PATH "/etc/ipnd/ipnd.conf"

enum environment { ENVIRONMENT_SANDBOX, ENVIRONMENT_LIVE, ENVIRONMENT_ANY };

/* "sandbox", "live", "any": the words of the configuration and the database. */
const char *environment_word(enum environment e);

/* An owned list of NUL-ended strings. */
struct strings {
	char **at;
	size_t n;
};

struct listen_config {
	struct strings https; /* "ADDRESS:PORT", IPv6 in brackets; port 0 lets the kernel choose */
	struct strings http;  /* "unix:/PATH", or a loopback ADDRESS:PORT */
	char *path;
	char *certificate; /* as written; config_file_path() finds a bare name */
	char *private_key;
	unsigned max_connections;
	unsigned max_connections_per_address;
	int64_t request_deadline_ms;
	size_t max_body; /* bytes */
};

struct account {
	char *name;
	char *topic_arn;
	struct strings seller_id;
	enum environment environment; /* sandbox or live */
};

enum chain_policy { CHAIN_REQUIRE, CHAIN_PREFER, CHAIN_NAME_ONLY };
enum subscription_policy { SUBSCRIPTION_IGNORE, SUBSCRIPTION_CONFIRM };

struct sns_config {
	char *certificate_cache;
	bool fetch;
	char *connect_to; /* ADDRESS:PORT of a stand-in for SNS, on this machine; "": none */
	char *tls_trust;  /* "system" or a file of CA certificates: for the connection to SNS */
	char *trust;      /* "system" or a file of CA certificates */
	char *intermediates;
	enum chain_policy chain;
	int64_t max_age_ms; /* DURATION_NONE: no limit */
	enum subscription_policy subscription;
};

struct database_config {
	char *path;
	int64_t keep_raw_ms; /* DURATION_NONE: for ever */
};

/* How long ahead of Amazon's limit an event tells of it; DURATION_NONE: never. */
struct deadline_config {
	int64_t authorization_ms;
	int64_t order_reference_ms;
};

struct hook_config {
	char *name;
	struct strings on;       /* globs over event names */
	struct strings run;      /* argv; run.at[run.n] is NULL */
	struct strings accounts; /* empty: all */
	enum environment environment;
	bool late;
	int64_t timeout_ms;
	int64_t backoff_ms;
	int64_t backoff_max_ms;
	int64_t give_up_ms;   /* DURATION_NONE: never by time */
	unsigned attempts;    /* 0: no limit by number */
	unsigned concurrency; /* runs at a time; 0: as many as all hooks together */
	bool block_on_dead;   /* a run that was given up holds up the later ones of its order */
};

struct config {
	unsigned users; /* who give it back with config_free(), each */
	char *file;     /* the path it was read from */
	struct listen_config listen;
	struct account *accounts;
	size_t n_accounts;
	struct sns_config sns;
	struct database_config database;
	struct deadline_config deadline;
	unsigned hook_concurrency;
	struct hook_config *hooks;
	size_t n_hooks;
};

/*
 * The file to read: `option` (-c), else $IPND_CONFIG, else the default path.
 */
const char *config_path(const char *option);

/*
 * Reads and checks the file. Every problem found is one line on `errors`:
 * `PROGRAM: FILE:LINE: what is wrong, and what would be right`.
 * 0; -ENOENT, -EACCES, -EIO: the file (already reported); -EINVAL: its content.
 */
int config_load(const char *path, const char *program, FILE *errors, struct config **ret);

/*
 * What a program exits with whose configuration, or a file that it names, cannot be used: 77 when this user may not read
 * it, else 78.
 */
enum exit_code config_exit_code(int error);
/* One user more, who may keep it until its own config_free(). */
struct config *config_ref(struct config *c);
/* The last of its users frees it. */
void config_free(struct config *c);

/* The account of a topic, or NULL. ARNs are compared byte for byte. */
const struct account *config_account_of_topic(const struct config *c, struct text topic_arn);

const struct hook_config *config_hook(const struct config *c, const char *name);

/*
 * A bare file name (no '/') is looked up in $CREDENTIALS_DIRECTORY. Returns a path the caller frees;
 * NULL: out of memory.
 */
char *config_file_path(const char *name);

/* The state folder: the folder of database.path. The caller frees. */
char *config_state_folder(const struct config *c);

/* One setting as a person is told of it. */
struct config_setting {
	const char *section;
	bool titled; /* the section has a name behind it, and there may be several */
	const char *name;
	const char *initial; /* as one would write it; NULL: it must be given */
	const char *form;    /* what may be written */
};

/* Tells of every setting, in the order of the file as it is installed. */
void config_describe(void (*tell)(void *userdata, const struct config_setting *s), void *userdata);

#endif
