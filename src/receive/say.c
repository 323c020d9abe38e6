#include "receive/say.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utc.h"
#include "journal/journal.h"
#include "journal/limit.h"
#include "net/socket.h"
#include "receive/timer.h"

#define ID_SIZE 64 /* of a MessageId; a UUID has 36 */

struct says {
	sd_event_source *timer; /* runs while anything is held back */
	struct {
		struct limit limit;
		char peer[SOCKET_PEER_SIZE]; /* of the last that was held back */
	} verdicts[VERDICT_N];
	struct limit fetches, turned_away;
};

/* VERDICT_PASS is never said. */
static enum kind kind_of(enum verdict v)
{
	switch (v) {
	case VERDICT_SAMPLE:
	case VERDICT_APPLIED:
	case VERDICT_UNCHANGED:
	case VERDICT_STALE:
	case VERDICT_DUPLICATE:
		return KIND_STORED;
	case VERDICT_FOREIGN:
	case VERDICT_UNRECOGNIZED:
	case VERDICT_CONFLICT:
		return KIND_HELD;
	case VERDICT_SUBSCRIPTION:
		return KIND_SUBSCRIPTION;
	case VERDICT_TOPIC_UNNAMED:
		return KIND_TOPIC_UNNAMED;
	case VERDICT_CERTIFICATE_MISSING:
	case VERDICT_CERTIFICATE:
	case VERDICT_CLOCK:
	case VERDICT_DATABASE:
	case VERDICT_OVERLOAD:
		return KIND_DEFERRED;
	case VERDICT_PATH:
	case VERDICT_METHOD:
	case VERDICT_NO_LENGTH:
	case VERDICT_TOO_LARGE:
	case VERDICT_ENCODED:
	case VERDICT_FRAMING:
	case VERDICT_RAW_DELIVERY:
	case VERDICT_NOT_JSON:
	case VERDICT_BAD_FIELD:
	case VERDICT_HEADER:
	case VERDICT_TOPIC:
	case VERDICT_CERTIFICATE_URL:
	case VERDICT_SUBSCRIBE_URL:
	case VERDICT_SIGNATURE:
	case VERDICT_TOO_OLD:
	case VERDICT_PASS:
	case VERDICT_N:
		break;
	}
	return KIND_REFUSED;
}

/*
 * What is kept, or would be if the database could be written, has passed every check: Amazon has sent it. But who came when the
 * line lets nobody in was not read at all.
 */
static bool is_genuine(enum verdict v, const struct message *m)
{
	return verdict_row(v)->http == 200 || (v == VERDICT_DATABASE && m->has_envelope);
}

/* Only some of what is held back comes again, so the time is that of the first. */
static void hold(struct says *s)
{
	if (sd_event_source_get_enabled(s->timer, NULL) > 0)
		return;
	timer_arm(s->timer, LIMIT_SUM_USEC);
}

static bool may_say_of_stranger(struct says *s, enum verdict v, const char *peer)
{
	if (limit_allows(&s->verdicts[v].limit, monotonic_usec()))
		return true;
	snprintf(s->verdicts[v].peer, SOCKET_PEER_SIZE, "%s", peer);
	hold(s);
	return false;
}

static void sum_up(struct says *s, enum verdict v, uint64_t now_usec)
{
	const struct verdict_row *row = verdict_row(v);
	uint64_t seconds, n = limit_take(&s->verdicts[v].limit, now_usec, &seconds);
	const struct facts facts = {
		.verdict = row->word,
		.http = NUMBER(row->http),
		.peer = s->verdicts[v].peer,
		.more = NUMBER((int64_t)n),
	};

	if (n > 0)
		journal_facts(KIND_HELD_BACK, row->log, &facts,
			      "%s: answered %d to %" PRIu64 " more in the last %" PRIu64
			      " s, the last of them to %s",
			      row->word, row->http, n, seconds, facts.peer);
}

static void sum_up_others(struct limit *l, const char *what, uint64_t now_usec)
{
	uint64_t seconds, n = limit_take(l, now_usec, &seconds);

	if (n > 0)
		journal_facts(KIND_HELD_BACK, LOG_WARNING,
			      &(const struct facts){.more = NUMBER((int64_t)n)},
			      "%" PRIu64 " more %s in the last %" PRIu64 " s", n, what, seconds);
}

static void sum_up_all(struct says *s)
{
	uint64_t now_usec = monotonic_usec();

	for (enum verdict v = VERDICT_PASS + 1; v < VERDICT_N; v++)
		sum_up(s, v, now_usec);
	sum_up_others(&s->fetches, "certificates could not be fetched", now_usec);
	sum_up_others(&s->turned_away, "connections were closed, over the limits,", now_usec);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	sum_up_all(userdata);
	return 0;
}

/* `id`: the MessageId, escaped. */
static void say_stored(enum verdict v, const struct message *m, const char *id,
		       const struct facts *facts)
{
	const struct verdict_row *row = verdict_row(v);

	journal_facts(kind_of(v), row->log, facts,
		      "%s: %s %s %s%s%s; account %s, message %s, from %s in %.2f ms%s%s", row->word,
		      facts->object_type, facts->object_id, facts->state,
		      facts->reason_code ? " " : "", facts->reason_code ? facts->reason_code : "",
		      m->account->name, id, facts->peer, (double)facts->duration_usec.at / 1000,
		      m->why.text[0] ? ": " : "", m->why.text);
}

void say_outcome(struct says *s, enum verdict v, const struct message *m, const char *peer,
		 uint64_t arrived_usec)
{
	const struct verdict_row *row = verdict_row(v);
	bool kept = m->has_document && row->http == 200;
	char id[ID_SIZE] = "";
	struct facts facts = {
		.verdict = row->word,
		.http = NUMBER(row->http),
		.peer = peer,
		.account = m->account && is_genuine(v, m) ? m->account->name : NULL,
		.message_id = id,
		.duration_usec = NUMBER((int64_t)(monotonic_usec() - arrived_usec)),
	};

	if (!is_genuine(v, m) && !may_say_of_stranger(s, v, peer))
		return;
	if (m->has_envelope)
		text_escape(m->envelope.message_id, id, sizeof(id));
	if (kept) {
		facts.object_type = object_word(m->document.object);
		facts.object_id = m->document.object_id;
		facts.state = m->document.state;
		facts.reason_code = m->document.reason_code;
		say_stored(v, m, id, &facts);
		return;
	}
	journal_facts(kind_of(v), row->log, &facts, "%s: answered %d to %s%s%s in %.2f ms%s%s",
		      row->word, row->http, peer, id[0] ? ", message " : "", id,
		      (double)facts.duration_usec.at / 1000, m->why.text[0] ? ": " : "",
		      m->why.text);
}

void say_refused(struct says *s, enum verdict v, const char *why, const char *peer)
{
	const struct verdict_row *row = verdict_row(v);
	const struct facts facts = {.verdict = row->word, .http = NUMBER(row->http), .peer = peer};

	if (may_say_of_stranger(s, v, peer))
		journal_facts(kind_of(v), row->log, &facts, "%s: answered %d to %s: %s", row->word,
			      row->http, peer, why);
}

void say_turned_away(struct says *s, const char *setting, const char *peer)
{
	if (limit_allows(&s->turned_away, monotonic_usec()))
		journal_facts(KIND_TURNED_AWAY, LOG_WARNING, &(const struct facts){.peer = peer},
			      "closed a connection of %s: %s allows no more", peer, setting);
	else
		hold(s);
}

void say_not_fetched(struct says *s, const char *why)
{
	if (limit_allows(&s->fetches, monotonic_usec()))
		journal_say(KIND_NOT_FETCHED, LOG_WARNING, "%s", why);
	else
		hold(s);
}

void say_unknown(struct unknown_names *said, const struct message *m)
{
	const char *name;

	for (size_t i = 0; m->has_document && i < m->document.n_unknown; i++)
		if (unknown_is_new(said, m->document.unknown[i], &name))
			journal_say(
				KIND_UNKNOWN_CONTENT, LOG_NOTICE,
				"%s has an element %s, which this version does not know: kept in notification.raw; "
				"said once",
				object_word(m->document.object), name);
	if (m->has_document && m->notification.event_type.at &&
	    !ipn_change_of(m->notification.event_type)) {
		CLEANUP(freep) char *type = text_dup(m->notification.event_type);

		if (type && unknown_is_new(said, type, &name))
			journal_say(
				KIND_UNKNOWN_CONTENT, LOG_NOTICE,
				"%s has the EventType %s, which this version does not know: its state was read; "
				"said once",
				object_word(m->document.object), name);
	}
}

int says_new(sd_event *event, struct says **ret)
{
	CLEANUP(says_freep) struct says *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	r = timer_new(event, on_time, "held-back", s, &s->timer);
	if (r < 0)
		return r;
	*ret = TAKE(s);
	return 0;
}

void says_free(struct says *s)
{
	if (!s)
		return;
	sum_up_all(s);
	sd_event_source_disable_unref(s->timer);
	free(s);
}
