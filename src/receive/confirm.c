#include "receive/confirm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/utc.h"
#include "ledger/subscription.h"
#include "net/fetch.h"
#include "sns/topic.h"

#define WRITE_RETRY_USEC 100000

/* One that is being confirmed, or has been and is not written yet. */
struct confirmation {
	struct confirmer *confirmer;
	struct confirmation *next;
	int64_t id;
	bool known; /* what came of it */
	int error;
	struct why why;
};

struct confirmer {
	sd_event *event;
	sd_event_source *retry;
	struct ledger *ledger;
	struct fetcher *fetcher;
	struct confirmation *first;
};

static int write_one(struct ledger *l, const struct confirmation *n)
{
	int r = ledger_begin(l);

	if (r == 0)
		r = ledger_set_subscription(
			l, n->id, n->error < 0 ? SUBSCRIPTION_FAILED : SUBSCRIPTION_CONFIRMED,
			n->error < 0 ? n->why.text : NULL, log_program(), utc_now_ms());
	if (r == 0)
		r = ledger_commit(l);
	if (r < 0)
		ledger_rollback(l);
	return r;
}

/* What the database cannot take now is written later. */
static void write_known(struct confirmer *c)
{
	struct confirmation **at = &c->first;

	while (*at) {
		struct confirmation *n = *at;

		if (!n->known) {
			at = &n->next;
		} else if (write_one(c->ledger, n) < 0) {
			sd_event_source_set_time_relative(c->retry, WRITE_RETRY_USEC);
			sd_event_source_set_enabled(c->retry, SD_EVENT_ONESHOT);
			return;
		} else {
			*at = n->next;
			free(n);
		}
	}
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	write_known(userdata);
	return 0;
}

static void on_answer(int error, struct text body, const char *why, void *userdata)
{
	struct confirmation *n = userdata;

	(void)body;
	n->known = true;
	n->error = error;
	why_set(&n->why, "SNS did not confirm it: %s", why);
	if (error < 0)
		log_error("subscription %" PRId64
			  " is not confirmed: %s; ipnctl subscriptions confirm %" PRId64
			  " tries again",
			  n->id, n->why.text, n->id);
	else
		log_notice("subscription %" PRId64 " is confirmed", n->id);
	write_known(n->confirmer);
}

void confirmer_start(struct confirmer *c, int64_t id, struct text topic_arn, struct text token)
{
	CLEANUP(freep) char *url = sns_subscribe_url_new(topic_arn, token);
	struct confirmation *n = calloc(1, sizeof(*n));
	int r = -ENOMEM;

	if (n && url) {
		n->confirmer = c;
		n->id = id;
		r = fetch_start(c->fetcher, url, on_answer, n);
	}
	if (r < 0) {
		log_error("subscription %" PRId64
			  " is not confirmed: out of memory; ipnctl subscriptions confirm %" PRId64
			  " does it",
			  id, id);
		free(n);
		return;
	}
	n->next = c->first;
	c->first = n;
}

static struct fetch_settings settings_of(const struct sns_config *c)
{
	return (struct fetch_settings){c->tls_trust, c->connect_to};
}

int confirmer_new(sd_event *event, struct ledger *ledger, const struct sns_config *c,
		  struct confirmer **ret, struct why *why)
{
	CLEANUP(confirmer_freep) struct confirmer *n = calloc(1, sizeof(*n));
	const struct fetch_settings settings = settings_of(c);
	int r;

	why_set(why, "out of memory");
	if (!n)
		return -ENOMEM;
	n->event = sd_event_ref(event);
	n->ledger = ledger;
	r = fetcher_new(event, &settings, &n->fetcher, why);
	if (r == 0)
		r = sd_event_add_time(event, &n->retry, CLOCK_MONOTONIC, 0, 1, on_retry, n);
	if (r < 0)
		return r;
	sd_event_source_set_description(n->retry, "write-confirmations");
	sd_event_source_set_enabled(n->retry, SD_EVENT_OFF);
	*ret = TAKE(n);
	return 0;
}

void confirmer_free(struct confirmer *c)
{
	if (!c)
		return;
	fetcher_free(c->fetcher);
	while (c->first) {
		struct confirmation *n = c->first;

		c->first = n->next;
		free(n);
	}
	sd_event_source_disable_unref(c->retry);
	sd_event_unref(c->event);
	free(c);
}

struct answer {
	sd_event *event;
	int error;
	struct why *why;
};

static void on_answer_now(int error, struct text body, const char *why, void *userdata)
{
	struct answer *a = userdata;

	(void)body;
	a->error = error;
	if (error < 0)
		why_set(a->why, "SNS did not confirm it: %s", why);
	sd_event_exit(a->event, 0);
}

int confirm_now(const struct sns_config *c, struct text topic_arn, struct text token,
		struct why *why)
{
	CLEANUP(freep) char *url = sns_subscribe_url_new(topic_arn, token);
	CLEANUP(sd_event_unrefp) sd_event *event = NULL;
	CLEANUP(fetcher_freep) struct fetcher *fetcher = NULL;
	const struct fetch_settings settings = settings_of(c);
	struct answer answer = {.why = why};
	int r;

	why_set(why, "out of memory");
	if (!url)
		return -ENOMEM;
	r = sd_event_new(&event);
	if (r >= 0)
		r = fetcher_new(event, &settings, &fetcher, why);
	if (r < 0)
		return r;
	answer.event = event;
	r = fetch_start(fetcher, url, on_answer_now, &answer);
	if (r == 0)
		r = sd_event_loop(event);
	return r < 0 ? r : answer.error;
}
