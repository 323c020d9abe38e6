#include "receive/confirm.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/utc.h"
#include "journal/journal.h"
#include "ledger/subscription.h"
#include "net/fetch.h"
#include "receive/timer.h"
#include "sns/topic.h"

#define WRITE_RETRY_USEC 500000

/* One that is being confirmed, or has been and is not written yet. */
struct confirmation {
	struct confirmer *confirmer;
	struct confirmation *next;
	struct fetcher *fetcher; /* of its own: a reload changes nothing for it */
	int64_t id;
	bool known; /* what came of it */
	int error;
	struct why why;
};

struct confirmer {
	sd_event *event;
	sd_event_source *write; /* soon: what is known */
	struct ledger *ledger;
	struct confirmation *first;
	bool failed; /* said once per trouble */
};

static void confirmation_free(struct confirmation *n)
{
	if (!n)
		return;
	fetcher_free(n->fetcher);
	free(n);
}

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

static void write_soon(struct confirmer *c, uint64_t usec)
{
	timer_arm(c->write, usec);
}

/* What the database cannot take now is written later. */
static int on_write(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct confirmer *c = userdata;
	struct confirmation **at = &c->first;

	(void)source;
	(void)usec;
	while (*at) {
		struct confirmation *n = *at;

		if (!n->known) {
			at = &n->next;
		} else if (write_one(c->ledger, n) < 0) {
			if (!c->failed)
				journal_say(KIND_DATABASE, LOG_WARNING,
					    "what came of a confirmation cannot be written yet: %s",
					    ledger_error(c->ledger));
			c->failed = true;
			write_soon(c, WRITE_RETRY_USEC);
			return 0;
		} else {
			*at = n->next;
			confirmation_free(n);
		}
	}
	c->failed = false;
	return 0;
}

/* Not written here: a fetcher is not freed inside its own call. */
static void on_answer(int error, struct text body, const char *why, void *userdata)
{
	struct confirmation *n = userdata;

	(void)body;
	n->known = true;
	n->error = error;
	why_set(&n->why, "not confirmed: %s", why);
	if (error < 0)
		journal_say(KIND_UNCONFIRMED, LOG_ERR,
			    "subscription %" PRId64 " is %s; ipnctl subscriptions confirm %" PRId64
			    " tries again",
			    n->id, n->why.text, n->id);
	else
		journal_say(KIND_CONFIRMED, LOG_NOTICE, "subscription %" PRId64 " is confirmed",
			    n->id);
	write_soon(n->confirmer, 0);
}

static struct fetch_settings settings_of(const struct sns_config *c)
{
	return (struct fetch_settings){c->tls_trust, c->connect_to};
}

void confirmer_start(struct confirmer *c, const struct sns_config *settings, int64_t id,
		     struct text topic_arn, struct text token)
{
	CLEANUP(freep) char *url = sns_subscribe_url_new(topic_arn, token);
	const struct fetch_settings fetch = settings_of(settings);
	struct confirmation *n = calloc(1, sizeof(*n));
	struct why why = {"out of memory"};
	int r = -ENOMEM;

	if (!n)
		return; /* it stays "confirming", which ipnctl shows as cut off */
	n->confirmer = c;
	n->id = id;
	n->next = c->first;
	c->first = n;
	if (url)
		r = fetcher_new(c->event, &fetch, &n->fetcher, &why);
	if (r == 0)
		r = fetch_start(n->fetcher, url, on_answer, n);
	if (r < 0)
		on_answer(r, (struct text){0}, why.text, n);
}

int confirmer_new(sd_event *event, struct ledger *ledger, struct confirmer **ret)
{
	CLEANUP(confirmer_freep) struct confirmer *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->event = sd_event_ref(event);
	c->ledger = ledger;
	r = sd_event_add_time(event, &c->write, CLOCK_MONOTONIC, 0, 1, on_write, c);
	if (r < 0)
		return r;
	sd_event_source_set_description(c->write, "write-confirmations");
	sd_event_source_set_enabled(c->write, SD_EVENT_OFF);
	*ret = TAKE(c);
	return 0;
}

void confirmer_free(struct confirmer *c)
{
	if (!c)
		return;
	while (c->first) {
		struct confirmation *n = c->first;

		c->first = n->next;
		if (!n->known) {
			n->error = -ECANCELED;
			why_set(&n->why, "ipnd was stopped before SNS had answered");
		}
		if (write_one(c->ledger, n) < 0)
			journal_say(KIND_DATABASE, LOG_ERR,
				    "subscription %" PRId64
				    ": what came of its confirmation could not be written: %s",
				    n->id, ledger_error(c->ledger));
		confirmation_free(n);
	}
	sd_event_source_disable_unref(c->write);
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
		why_set(a->why, "not confirmed: %s", why);
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
