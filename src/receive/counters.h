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

struct counters {
	struct {
		uint64_t count;
		int64_t last_ms;
	} verdicts[VERDICT_N];
	struct counted_topic {
		char arn[SNS_ARN_MAX];
		uint64_t count;
		int64_t last_ms;
	} topics[COUNTED_TOPICS_MAX]; /* since the last write; what does not fit is not counted */
	size_t n_topics;
	bool dirty;
};

void counters_verdict(struct counters *c, enum verdict v, int64_t now_ms);
/* Only well-formed topics: strangers can post any text as one. */
void counters_topic(struct counters *c, struct text arn, int64_t now_ms);

/* In a transaction of its own. On success they are zero again. */
int counters_write(struct counters *c, struct ledger *l);

#endif
