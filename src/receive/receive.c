#include "receive/receive.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "base/utc.h"
#include "journal/journal.h"
#include "ledger/subscription.h"
#include "receive/confirm.h"
#include "receive/counters.h"
#include "receive/deadlines.h"
#include "receive/message.h"
#include "receive/say.h"
#include "receive/source.h"
#include "receive/supply.h"
#include "receive/trust.h"
#include "receive/unknown.h"

#define DATABASE_RETRY_USEC 2000    /* the other writer's transaction takes about this long */
#define PATIENCE_MAX_MS     10000   /* SNS waits 15 s for an answer (threats.md section 6) */
#define COUNTERS_WRITE_USEC 5000000 /* refusals must not cost a sync each */

/* One POST, from its arrival to its answer. */
struct post {
	struct supply_wait wait; /* for its certificate; first, so that it leads back here */
	struct post *next;
	struct http_request *request;
	uint64_t arrived_usec,
		accepted_usec; /* monotonic; accepted: since when it waits for the database */
	int64_t subscription_id; /* after the turn: the subscription that is to be confirmed; 0: none */
	struct message message;
};

struct receiver {
	sd_event *event;
	struct ledger *ledger;
	struct config *config;
	struct config *retired; /* messages that wait still point into it */
	struct sns_trust trust;
	struct supply *supply;
	struct confirmer *confirmer;
	struct post *waiting, **waiting_end; /* authentic, in the order of arrival */
	sd_event_source *retry;
	sd_event_source *write_counters;
	struct deadlines *deadlines;
	struct says *says;
	struct counters counters;
	struct unknown_names unknown, certificates_noted;
	int64_t deadline_ms;  /* of a request: that of the start, since connections keep it */
	bool database_failed; /* said once per trouble, not once per turn */
};

const struct config *receiver_config(const struct receiver *r)
{
	return r->config;
}

static void arm(sd_event_source *timer, uint64_t usec)
{
	/* Cannot fail for a timer that exists, but for want of memory; the next turn arms it again. */
	if (sd_event_source_set_time_relative(timer, usec) >= 0)
		sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static void count(struct receiver *r, enum verdict v)
{
	if (!r->counters.dirty)
		arm(r->write_counters, COUNTERS_WRITE_USEC);
	counters_verdict(&r->counters, v, utc_now_ms());
}

static void note(struct receiver *r, enum note n)
{
	if (!r->counters.dirty)
		arm(r->write_counters, COUNTERS_WRITE_USEC);
	counters_note(&r->counters, n, utc_now_ms());
}

/* The last that is done with a post: said, counted, answered. */
static void finish(struct receiver *r, struct post *p, enum verdict v)
{
	struct message *m = &p->message;

	say_outcome(r->says, v, m, http_request_peer(p->request), p->arrived_usec);
	say_unknown(&r->unknown, m);
	count(r, v);
	if (v == VERDICT_TOPIC || v == VERDICT_TOPIC_UNNAMED)
		counters_topic(&r->counters, m->envelope.topic_arn, m->received_ms);
	/* Of a topic of ours, so no counter of topics is touched, and of a certificate that is never fetched: what doctor sends. */
	if (v == VERDICT_CERTIFICATE_URL)
		http_answer_word(p->request, v, m->envelope.message_id);
	else
		http_answer(p->request, v);
	message_done(m);
	free(p);
}

/* Of a genuine message: nothing to refuse it for, and still for a person to know. Said once for a certificate. */
static void note_certificate(struct receiver *r, const struct message *m)
{
	const char *hex;
	bool is_new = (m->certificate_misnamed || m->issuer_unknown) &&
		      unknown_is_new(&r->certificates_noted, m->hex, &hex);

	if (m->certificate_misnamed)
		note(r, NOTE_MD5);
	if (m->issuer_unknown)
		note(r, NOTE_ISSUER_UNKNOWN);
	if (is_new && m->certificate_misnamed)
		journal_say(
			KIND_DOUBTFUL, LOG_WARNING,
			"certificate %s: its name is not the MD5 of it, as Amazon's have always been; its messages are "
			"accepted; said once",
			hex);
	if (is_new && m->issuer_unknown)
		journal_say(
			KIND_DOUBTFUL, LOG_WARNING,
			"certificate %s: its issuer is unknown, which sns.chain = prefer allows: put the "
			"issuer's certificate into %s and reload; said once",
			hex, r->config->sns.intermediates);
}

/* It is genuine: what is left to do needs the disk, at the end of the turn. */
static void accept_message(struct receiver *r, struct post *p)
{
	if (p->message.envelope.type == SNS_NOTIFICATION)
		message_understand(&p->message);
	p->accepted_usec = monotonic_usec();
	*r->waiting_end = p;
	r->waiting_end = &p->next;
}

static void judge(struct receiver *r, struct post *p, const struct sns_certificate *certificate)
{
	struct message *m = &p->message;
	enum verdict v;

	m->why.text[0] = 0;
	v = message_check(m, r->config, certificate, &r->trust);
	if (v != VERDICT_PASS) {
		finish(r, p, v);
		return;
	}
	note_certificate(r, m);
	accept_message(r, p);
}

static bool wait_for_certificate(struct receiver *r, struct post *p)
{
	struct message *m = &p->message;
	char source[SOURCE_SIZE];

	source_of(http_request_peer(p->request),
		  http_request_last_header(p->request, "X-Forwarded-For"), source);
	return supply_want(r->supply, m->topic.region, m->hex, source, &p->wait, &m->why);
}

static void on_certificate(struct supply_wait *wait, enum verdict v, const char *why,
			   void *userdata)
{
	struct post *p = (struct post *)wait;
	const struct sns_certificate *certificate;
	struct message *m = &p->message;
	struct receiver *r = userdata;

	static_assert(offsetof(struct post, wait) == 0, "the wait leads back to its post");
	if (v == VERDICT_PASS)
		v = supply_get(r->supply, m->topic.region, m->hex, &certificate, &m->why);
	else
		why_set(&m->why, "%s", why);
	if (v != VERDICT_PASS) {
		finish(r, p, v);
		return;
	}
	judge(r, p, certificate);
	/* No turn of the server's ends here. */
	arm(r->retry, 0);
}

static void on_fetched(const char *failure, void *userdata)
{
	struct receiver *r = userdata;

	note(r, failure ? NOTE_NOT_FETCHED : NOTE_FETCHED);
	if (failure)
		say_not_fetched(r->says, failure);
}

static const struct supply_handler supply_handler = {on_certificate, on_fetched};

static struct post *next_waiting(struct receiver *r)
{
	struct post *p = r->waiting;

	if (!p)
		return NULL;
	r->waiting = p->next;
	if (!r->waiting)
		r->waiting_end = &r->waiting;
	return p;
}

static enum verdict read_post(struct receiver *r, struct post *p)
{
	struct message_headers headers = {
		.type = http_request_header(p->request, "x-amz-sns-message-type"),
		.message_id = http_request_header(p->request, "x-amz-sns-message-id"),
		.topic_arn = http_request_header(p->request, "x-amz-sns-topic-arn"),
		.raw_delivery = http_request_header(p->request, "x-amz-sns-rawdelivery"),
	};

	p->message.body = http_request_body(p->request);
	return message_read(&p->message, &headers, r->config, utc_now_ms());
}

static void receiver_post(struct http_request *request, void *userdata)
{
	const struct sns_certificate *certificate;
	struct post *p = calloc(1, sizeof(*p));
	struct receiver *r = userdata;
	struct message *m;
	enum verdict v;

	if (!p) {
		count(r, VERDICT_OVERLOAD);
		http_answer(request, VERDICT_OVERLOAD);
		return;
	}
	p->request = request;
	p->arrived_usec = monotonic_usec();
	v = read_post(r, p);
	if (v != VERDICT_PASS) {
		finish(r, p, v);
		return;
	}
	m = &p->message;
	v = supply_get(r->supply, m->topic.region, m->hex, &certificate, &m->why);
	if (v == VERDICT_PASS)
		judge(r, p, certificate);
	else if (!wait_for_certificate(r, p))
		finish(r, p, v);
}

/* SNS asks, or has ended it: kept for a person, or to be confirmed when it is on disk. */
static int keep_subscription(struct receiver *r, struct post *p)
{
	struct message *m = &p->message;
	bool asks = m->envelope.type == SNS_SUBSCRIPTION_CONFIRMATION;
	bool confirm = asks && r->config->sns.subscription == SUBSCRIPTION_CONFIRM;
	struct ledger_subscription s = {
		.account = m->account->name,
		.topic_arn = m->envelope.topic_arn,
		.type = m->envelope.type_text,
		.message_id = m->envelope.message_id,
		.token = m->envelope.token,
		.sent_at_ms = m->envelope.sent_at_ms,
		.received_at_ms = m->received_ms,
		.state = confirm ? SUBSCRIPTION_CONFIRMING
			 : asks  ? SUBSCRIPTION_PENDING
				 : SUBSCRIPTION_ENDED,
		.by = confirm ? log_program() : NULL,
	};
	int64_t id = 0;
	int kept = ledger_keep_subscription(r->ledger, &s, &id);

	if (kept < 0)
		return kept;
	m->verdict = kept ? VERDICT_SUBSCRIPTION : VERDICT_DUPLICATE;
	p->subscription_id = confirm ? id : 0;
	if (kept)
		why_set(&m->why, "account %s: %s; ipnctl subscriptions shows it as number %" PRId64,
			m->account->name,
			confirm ? "SNS asks to confirm the subscription, which is done now"
			: asks  ? "SNS asks to confirm a subscription, and nothing was confirmed"
				: "SNS has ended the subscription: no more notifications will come",
			id);
	return 0;
}

static int store(struct receiver *r, struct post *p)
{
	if (p->message.envelope.type != SNS_NOTIFICATION)
		return keep_subscription(r, p);
	return message_store(&p->message, r->ledger);
}

static int write_waiting(struct receiver *r)
{
	int error = ledger_begin(r->ledger);

	for (struct post *p = r->waiting; p && error == 0; p = p->next) {
		error = store(r, p);
		if (error == -EINVAL) { /* this one only */
			journal_say(KIND_DATABASE, LOG_ERR, "a message could not be stored: %s",
				    ledger_error(r->ledger));
			p->message.verdict = VERDICT_DATABASE;
			error = 0;
		}
	}
	if (error == 0)
		error = ledger_commit(r->ledger);
	if (error < 0)
		ledger_rollback(r->ledger);
	return error;
}

void receiver_say_status(const struct receiver *r)
{
	if (r->database_failed)
		sd_notify(0, "STATUS=Answering 503: the database cannot be written");
	else
		sd_notifyf(0, "STATUS=Receiving for %zu account%s", r->config->n_accounts,
			   r->config->n_accounts == 1 ? "" : "s");
}

static void say_database(struct receiver *r, int error)
{
	bool failed = error < 0;

	if (failed == r->database_failed)
		return;
	r->database_failed = failed;
	if (failed)
		journal_say(KIND_DATABASE, LOG_ERR,
			    "the database cannot be written: %s (%s); answering 503 until it can",
			    strerror(-error), ledger_error(r->ledger));
	else
		journal_say(KIND_DATABASE_BACK, LOG_NOTICE, "the database can be written again");
	receiver_say_status(r);
}

static void answer_waiting(struct receiver *r, int error)
{
	struct post *p;

	say_database(r, error);
	while ((p = next_waiting(r))) {
		const struct message *m = &p->message;

		if (error == 0 && p->subscription_id)
			confirmer_start(r->confirmer, &r->config->sns, p->subscription_id,
					m->envelope.topic_arn, m->envelope.token);
		finish(r, p, error < 0 ? VERDICT_DATABASE : m->verdict);
	}
	config_free(r->retired);
	r->retired = NULL;
}

/* Whether the oldest has waited so long that its sender had better come again: half of its time for the database, and nearly all. */
static bool waited_enough(const struct receiver *r)
{
	uint64_t now = monotonic_usec(), deadline_usec = (uint64_t)r->deadline_ms * 1000;

	return now - r->waiting->accepted_usec > deadline_usec / 2 ||
	       now - r->waiting->arrived_usec > deadline_usec * 9 / 10;
}

static void receiver_turn(void *userdata)
{
	struct receiver *r = userdata;
	int error;

	if (!r->waiting)
		return;
	error = write_waiting(r);
	if (error == -EBUSY && !waited_enough(r)) {
		arm(r->retry, DATABASE_RETRY_USEC);
		return;
	}
	answer_waiting(r, error);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	receiver_turn(userdata);
	return 0;
}

static int on_write_counters(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct receiver *r = userdata;

	(void)usec;
	if (counters_write(&r->counters, r->ledger) < 0)
		arm(source, COUNTERS_WRITE_USEC);
	return 0;
}

static void receiver_refused(struct http_request *request, enum verdict v, const char *why,
			     void *userdata)
{
	struct receiver *r = userdata;

	say_refused(r->says, v, why, http_request_peer(request));
	count(r, v);
}

static void receiver_turned_away(const char *setting, const char *peer, void *userdata)
{
	struct receiver *r = userdata;

	say_turned_away(r->says, setting, peer);
}

const struct http_handler receiver_handler = {
	.post = receiver_post,
	.turn = receiver_turn,
	.refused = receiver_refused,
	.turned_away = receiver_turned_away,
};

/* How long a message may wait for its certificate: its answer comes before the connection's end, and before SNS gives up. */
static int64_t patience_ms(const struct receiver *r)
{
	int64_t ms = r->deadline_ms * 3 / 4;

	return ms < PATIENCE_MAX_MS ? ms : PATIENCE_MAX_MS;
}

int receiver_configure(struct receiver *r, struct config *config, struct why *why)
{
	CLEANUP(supply_freep) struct supply *supply = NULL;
	struct sns_trust trust;
	int error;

	if (r->retired) {
		why_set(why,
			"messages of the configuration before are still waiting for the database");
		return -EBUSY;
	}
	error = supply_new(r->event, &config->sns, patience_ms(r), &supply_handler, r, &supply,
			   why);
	if (error == 0)
		error = trust_load(&config->sns, &trust, why);
	if (error < 0)
		return error;
	/* Those that wait for a certificate are answered here, by the configuration that they came under. */
	supply_free(r->supply);
	r->supply = TAKE(supply);
	trust_done(&r->trust);
	r->trust = trust;
	if (r->waiting)
		r->retired = r->config;
	else
		config_free(r->config);
	r->config = config;
	deadlines_configure(r->deadlines, &config->deadline);
	return 0;
}

static int add_timer(struct receiver *r, sd_event_time_handler_t handler, const char *name,
		     sd_event_source **ret)
{
	int error = sd_event_add_time_relative(r->event, ret, CLOCK_MONOTONIC, 0, 1, handler, r);

	if (error < 0)
		return error;
	sd_event_source_set_description(*ret, name);
	return sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

int receiver_new(sd_event *event, struct ledger *ledger, struct config *config,
		 struct receiver **ret, struct why *why)
{
	CLEANUP(receiver_freep) struct receiver *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return -ENOMEM;
	r->event = sd_event_ref(event);
	r->ledger = ledger;
	r->deadline_ms = config->listen.request_deadline_ms;
	r->waiting_end = &r->waiting;
	error = add_timer(r, on_retry, "database-retry", &r->retry);
	if (error == 0)
		error = add_timer(r, on_write_counters, "write-counters", &r->write_counters);
	if (error == 0)
		error = says_new(event, &r->says);
	if (error == 0)
		error = deadlines_new(event, ledger, &r->deadlines);
	if (error == 0)
		error = confirmer_new(event, ledger, &r->confirmer);
	if (error == 0)
		error = receiver_configure(r, config, why);
	if (error < 0)
		return error;
	ipn_document_init();
	*ret = TAKE(r);
	return 0;
}

void receiver_free(struct receiver *r)
{
	if (!r)
		return;
	supply_free(r->supply);
	if (r->waiting)
		answer_waiting(r, -ECANCELED);
	confirmer_free(r->confirmer);
	if (counters_write(&r->counters, r->ledger) < 0)
		log_debug("the counters of the last seconds could not be written");
	sd_event_source_disable_unref(r->retry);
	sd_event_source_disable_unref(r->write_counters);
	deadlines_free(r->deadlines);
	says_free(r->says);
	sd_event_unref(r->event);
	trust_done(&r->trust);
	config_free(r->config);
	config_free(r->retired);
	free(r);
}
