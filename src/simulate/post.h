/* Posting as SNS does: one kept connection, its headers, no redirects. What a load posts has the same headers. */
#ifndef IPND_SIMULATE_POST_H
#define IPND_SIMULATE_POST_H

#include "base/cleanup.h"
#include "base/text.h"

#define POST_USER_AGENT      "Amazon Simple Notification Service Agent"
#define POST_ACCEPT_ENCODING "gzip,deflate"
#define POST_CONNECT_S       5
#define POST_ANSWER_S        15 /* SNS waits no longer (threats.md section 6) */

struct poster;

/* `ca_file`: the only certificates believed. 0 or negative errno. */
int poster_new(const char *url, const char *ca_file, struct poster **ret);
void poster_free(struct poster *p);
DEFINE_CLEANUP(struct poster *, poster_free)

/* What the x-amz-sns-* headers repeat of the body. */
struct post {
	const char *message_id;
	const char *topic_arn;
	const char *subscription_arn;
	struct text body;
};

/*
 * Calls add() for each header of a recorded request (protocol.md section 1.1) but those of every HTTP client: Host, User-Agent,
 * Accept-Encoding, Content-Length. 0, or the first negative value that add() returns.
 */
typedef int post_add_header(void *userdata, const char *name, const char *value);
int post_headers(const struct post *m, post_add_header *add, void *userdata);

#define POST_ANSWER_SIZE 128

struct post_answer {
	long status;
	char text[POST_ANSWER_SIZE]; /* the first line of the answer, escaped */
};

/* 0: answered; -ECONNREFUSED with the reason: no answer came; -ENOMEM. */
int poster_send(struct poster *p, const struct post *m, struct post_answer *ret, struct why *why);

#endif
