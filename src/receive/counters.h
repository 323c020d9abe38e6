/* How often each verdict was given and which topics were refused: in memory, written now and then. */
#ifndef IPND_RECEIVE_COUNTERS_H
#define IPND_RECEIVE_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "ledger/ledger.h"
#include "sns/topic.h"
#include "verdict/verdict.h"

#define COUNTED_TOPICS_MAX 64

/* What is no answer to a post and still worth counting. */
enum note {
	NOTE_FETCHED,     /* a certificate was fetched */
	NOTE_NOT_FETCHED, /* a fetch failed */
	NOTE_MD5, /* a message was signed with a certificate whose MD5 is not its file's name */
	NOTE_ISSUER_UNKNOWN, /* a message was signed with a certificate of an unknown issuer, under chain = prefer */
	NOTE_N
};

struct counter {
	uint64_t count;
	int64_t last_ms;
};

struct counters {
	struct counter verdicts[VERDICT_N];
	struct counter notes[NOTE_N];
	struct counted_topic {
		char arn[SNS_ARN_MAX];
		uint64_t count;
		int64_t last_ms;
	} topics[COUNTED_TOPICS_MAX]; /* since the last write; what does not fit is not counted */
	size_t n_topics;
	bool dirty;
};

void counters_verdict(struct counters *c, enum verdict v, int64_t now_ms);
void counters_note(struct counters *c, enum note n, int64_t now_ms);
/* Only well-formed topics: strangers can post any text as one. */
void counters_topic(struct counters *c, struct text arn, int64_t now_ms);

/* In a transaction of its own. On success they are zero again. */
int counters_write(struct counters *c, struct ledger *l);

#endif
