#include "receive/counters.h"

#include "ledger/apply.h"

/* In the database and in `ipnctl status`. */
static const char *const notes[] = {
	[NOTE_FETCHED] = "certificate fetched",
	[NOTE_NOT_FETCHED] = "certificate not fetched",
	[NOTE_MD5] = "certificate name is not its MD5",
	[NOTE_ISSUER_UNKNOWN] = "certificate of an unknown issuer",
};

void counters_note(struct counters *c, enum note n, int64_t now_ms)
{
	c->notes[n].count++;
	c->notes[n].last_ms = now_ms;
	c->dirty = true;
}

void counters_verdict(struct counters *c, enum verdict v, int64_t now_ms)
{
	c->verdicts[v].count++;
	c->verdicts[v].last_ms = now_ms;
	c->dirty = true;
}

void counters_topic(struct counters *c, struct text arn, int64_t now_ms)
{
	struct sns_topic topic;
	size_t i;

	if (arn.len >= SNS_ARN_MAX || !sns_topic_parse(arn, &topic))
		return;
	for (i = 0; i < c->n_topics && !text_is(arn, c->topics[i].arn); i++)
		;
	if (i == COUNTED_TOPICS_MAX)
		return;
	if (i == c->n_topics) {
		memcpy(c->topics[i].arn, arn.at, arn.len);
		c->topics[i].arn[arn.len] = 0;
		c->topics[i].count = 0;
		c->n_topics++;
	}
	c->topics[i].count++;
	c->topics[i].last_ms = now_ms;
	c->dirty = true;
}

static int write_all(const struct counters *c, struct ledger *l)
{
	int r = 0;

	for (size_t v = VERDICT_PASS + 1; r == 0 && v < VERDICT_N; v++)
		if (c->verdicts[v].count)
			r = ledger_count_verdict(l, (enum verdict)v, c->verdicts[v].count,
						 c->verdicts[v].last_ms);
	for (size_t n = 0; r == 0 && n < NOTE_N; n++)
		if (c->notes[n].count)
			r = ledger_count_note(l, notes[n], c->notes[n].count, c->notes[n].last_ms);
	for (size_t i = 0; r == 0 && i < c->n_topics; i++)
		r = ledger_count_topic(l, text_of(c->topics[i].arn), c->topics[i].count,
				       c->topics[i].last_ms);
	return r;
}

int counters_write(struct counters *c, struct ledger *l)
{
	int r;

	if (!c->dirty)
		return 0;
	r = ledger_begin(l);
	if (r < 0)
		return r;
	r = write_all(c, l);
	if (r == 0)
		r = ledger_commit(l);
	if (r < 0) {
		ledger_rollback(l);
		return r;
	}
	*c = (struct counters){0};
	return 0;
}
