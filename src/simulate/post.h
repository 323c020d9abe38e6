/* Posting as SNS does: one kept connection, its headers, no redirects. */
#ifndef IPND_SIMULATE_POST_H
#define IPND_SIMULATE_POST_H

#include "base/cleanup.h"
#include "base/text.h"

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

#define POST_ANSWER_SIZE 128

struct post_answer {
	long status;
	char text[POST_ANSWER_SIZE]; /* the first line of the answer, escaped */
};

/* 0: answered; -ECONNREFUSED with the reason: no answer came; -ENOMEM. */
int poster_send(struct poster *p, const struct post *m, struct post_answer *ret, struct why *why);

#endif
