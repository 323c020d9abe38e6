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
#include "receive/confirm.h"
#include "receive/counters.h"
#include "receive/deadlines.h"
#include "receive/line.h"
#include "receive/say.h"
#include "receive/source.h"
#include "receive/supply.h"
#include "receive/timer.h"
#include "receive/trust.h"
#include "receive/unknown.h"

#define PATIENCE_MAX_MS     10000   /* SNS waits 15 s for an answer (threats.md section 6) */
#define COUNTERS_WRITE_USEC 5000000 /* refusals must not cost a sync each */

struct receiver {
	sd_event *event;
	struct ledger *ledger;
	struct config *config;
	struct sns_trust trust;
	struct supply *supply;
	struct confirmer *confirmer;
	struct line *line;
	sd_event_source *write_counters;
	struct deadlines *deadlines;
	struct says *says;
	struct counters counters;
	struct unknown_names unknown, certificates_noted;
	int64_t deadline_ms; /* of a request: that of the start, since connections keep it */
};

const struct config *receiver_config(const struct receiver *r)
{
	return r->config;
}

static void count(struct receiver *r, enum verdict v)
{
	if (!r->counters.dirty)
		timer_arm(r->write_counters, COUNTERS_WRITE_USEC);
	counters_verdict(&r->counters, v, utc_now_ms());
}

static void note(struct receiver *r, enum note n)
{
	if (!r->counters.dirty)
		timer_arm(r->write_counters, COUNTERS_WRITE_USEC);
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
	config_free(p->config);
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
	enum verdict v = VERDICT_PASS;

	if (p->message.envelope.type == SNS_NOTIFICATION)
		v = message_understand(&p->message);
	if (v == VERDICT_PASS)
		line_add(r->line, p);
	else
		finish(r, p, v);
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
	line_turn_soon(r->line);
}

static void on_fetched(const char *failure, void *userdata)
{
	struct receiver *r = userdata;

	note(r, failure ? NOTE_NOT_FETCHED : NOTE_FETCHED);
	if (failure)
		say_not_fetched(r->says, failure);
}

static const struct supply_handler supply_handler = {on_certificate, on_fetched};

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
	p->config = config_ref(r->config);
	p->arrived_usec = monotonic_usec();
	if (!line_admits(r->line)) {
		why_set(&p->message.why, "the database does not keep up");
		finish(r, p, VERDICT_DATABASE);
		return;
	}
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

static void on_written(struct post *p, enum verdict v, bool stored, void *userdata)
{
	const struct message *m = &p->message;
	struct receiver *r = userdata;

	if (stored && p->subscription_id)
		confirmer_start(r->confirmer, &r->config->sns, p->subscription_id,
				m->envelope.topic_arn, m->envelope.token);
	finish(r, p, v);
}

static void receiver_turn(void *userdata)
{
	struct receiver *r = userdata;

	line_turn(r->line);
}

static int on_write_counters(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct receiver *r = userdata;

	(void)usec;
	if (counters_write(&r->counters, r->ledger) < 0)
		timer_arm(source, COUNTERS_WRITE_USEC);
	return 0;
}

void receiver_say_status(const struct receiver *r)
{
	line_say_status(r->line);
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
	config_free(r->config);
	r->config = config;
	line_configure(r->line, config);
	deadlines_configure(r->deadlines, &config->deadline);
	return 0;
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
	error = line_new(event, ledger, r->deadline_ms, on_written, r, &r->line);
	if (error == 0)
		error = timer_new(event, on_write_counters, "write-counters", r,
				  &r->write_counters);
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
	message_init();
	*ret = TAKE(r);
	return 0;
}

void receiver_free(struct receiver *r)
{
	if (!r)
		return;
	supply_free(r->supply);
	line_free(r->line);
	confirmer_free(r->confirmer);
	if (counters_write(&r->counters, r->ledger) < 0)
		log_debug("the counters of the last seconds could not be written");
	sd_event_source_disable_unref(r->write_counters);
	deadlines_free(r->deadlines);
	says_free(r->says);
	sd_event_unref(r->event);
	trust_done(&r->trust);
	config_free(r->config);
	free(r);
}
