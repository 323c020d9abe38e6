#include "receive/supply.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utc.h"
#include "journal/journal.h"
#include "net/fetch.h"
#include "receive/failures.h"
#include "receive/ration.h"
#include "receive/timer.h"
#include "sns/topic.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define LOOK_USEC    100000 /* how exact the ends of waiting and the allowances are */
#define URL_SIZE     SNS_CERTIFICATE_URL_SIZE

/* A certificate that somebody waits for, or waited: it is fetched all the same, for when its sender comes again. */
struct want {
	struct want *next;
	struct supply *supply;
	struct ration_source *source;
	char region[SNS_REGION_MAX + 1];
	char hex[SNS_HEX_SIZE];
	char url[URL_SIZE];
	bool fetching;
	struct supply_wait *waits;
};

struct supply {
	sd_event *event;
	sd_event_source *timer; /* runs while anything is wanted */
	struct certificates *certificates;
	struct fetcher *fetcher; /* NULL: nothing is fetched */
	uint64_t patience_usec;
	struct supply_handler handler;
	void *userdata;
	struct want *wants; /* in the order in which they were first wanted */
	unsigned n_wants, n_fetching, n_waiting;
	struct ration ration;
	struct failures failures;
};

static void arm(struct supply *s)
{
	if (sd_event_source_get_enabled(s->timer, NULL) > 0)
		return;
	timer_arm(s->timer, LOOK_USEC);
}

/* waiting */

static void unlink_wait(struct supply *s, struct supply_wait *w)
{
	struct supply_wait **at = &w->want->waits;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	s->n_waiting--;
	w->source->waiting--;
	w->want = NULL;
}

static void tell_all(struct supply *s, struct want *w, enum verdict v, const char *why)
{
	while (w->waits) {
		struct supply_wait *first = w->waits;

		unlink_wait(s, first);
		s->handler.ready(first, v, why, s->userdata);
	}
}

/* Those whose time is over; the certificate is still wanted, for when they come again. */
static void tell_impatient(struct supply *s, uint64_t now)
{
	for (struct want *w = s->wants; w; w = w->next) {
		struct supply_wait *next;

		for (struct supply_wait *wait = w->waits; wait; wait = next) {
			struct why why;

			next = wait->next;
			if (wait->until_usec > now)
				continue;
			why_set(&why, "%s is %s", w->url,
				w->fetching ? "still being fetched"
					    : "not fetched yet: others are before it");
			unlink_wait(s, wait);
			s->handler.ready(wait, VERDICT_CERTIFICATE_MISSING, why.text, s->userdata);
		}
	}
}

/* wants */

static struct want *find_want(const struct supply *s, const char *url)
{
	struct want *w = s->wants;

	while (w && strcmp(w->url, url) != 0)
		w = w->next;
	return w;
}

/* Nobody waits for it any more. */
static void want_free(struct want *w)
{
	struct supply *s = w->supply;
	struct want **at = &s->wants;

	assert(!w->waits);
	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	s->n_wants--;
	w->source->wanted--;
	if (w->fetching) {
		s->n_fetching--;
		w->source->fetching--;
	}
	free(w);
}

static enum verdict keep(struct want *w, struct text pem, struct why *why)
{
	struct supply *s = w->supply;
	struct sns_certificate *certificate;
	struct why unsaved;
	enum verdict v = sns_certificate_parse(pem, &certificate, why);

	if (v != VERDICT_PASS)
		return v;
	v = sns_certificate_check_signer(certificate, why);
	if (v != VERDICT_PASS) {
		sns_certificate_free(certificate);
		return v;
	}
	if (certificates_put(s->certificates, text_of(w->region), w->hex, pem, certificate,
			     &unsaved) < 0)
		journal_say(KIND_UNSAVED, LOG_ERR, "%s; the certificate is kept in memory only",
			    unsaved.text);
	journal_say(KIND_FETCHED, LOG_NOTICE, "fetched %s", w->url);
	return VERDICT_PASS;
}

static void start_some(struct supply *s);

static void tell_fetched(struct supply *s, const char *why, int remembered_s)
{
	char line[WHY_SIZE + 128];

	if (why)
		snprintf(line, sizeof(line),
			 "%s; not tried again for %d s; it can be put into the folder by hand: "
			 "ipnd(8), CERTIFICATES",
			 why, remembered_s);
	s->handler.fetched(why ? line : NULL, s->userdata);
}

static void on_fetched(int error, struct text body, const char *reason, void *userdata)
{
	struct want *w = userdata;
	struct supply *s = w->supply;
	/* What SNS says stands for longer than what the network does to us. */
	int remembered_s = error == 0 || error == -EPROTO ? SUPPLY_REFUSED_S : SUPPLY_FAILED_S;
	struct why why = {""};
	enum verdict v;

	if (error < 0) {
		v = VERDICT_CERTIFICATE_MISSING;
		why_set(&why, "cannot fetch %s: %s", w->url, reason);
	} else {
		v = keep(w, body, &why);
		if (v != VERDICT_PASS)
			why_set(&why, "what was fetched from %s: %s", w->url, why.text);
	}
	if (v != VERDICT_PASS)
		failures_add(&s->failures, w->url, v, &why, monotonic_usec(),
			     monotonic_usec() + (uint64_t)remembered_s * USEC_PER_SEC);
	tell_fetched(s, v == VERDICT_PASS ? NULL : why.text, remembered_s);
	tell_all(s, w, v, why.text);
	want_free(w);
	start_some(s);
}

static bool may_fetch(struct ration_source *source, uint64_t now)
{
	return source->fetching < SUPPLY_PER_SOURCE &&
	       ration_allows(source, SUPPLY_BURST, SUPPLY_REFILL_S * USEC_PER_SEC, now);
}

/* The oldest of the source whose turn was longest ago. */
static struct want *next_want(struct supply *s)
{
	struct want *next = NULL;
	uint64_t now = monotonic_usec();

	for (struct want *w = s->wants; w; w = w->next)
		if (!w->fetching && may_fetch(w->source, now) &&
		    (!next || w->source->turn < next->source->turn))
			next = w;
	return next;
}

static void start_some(struct supply *s)
{
	struct want *w;

	while (s->n_fetching < SUPPLY_FETCHES && (w = next_want(s))) {
		ration_take(&s->ration, w->source);
		if (fetch_start(s->fetcher, w->url, on_fetched, w) < 0)
			break; /* out of memory: tried again */
		w->fetching = true;
		s->n_fetching++;
		w->source->fetching++;
	}
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct supply *s = userdata;

	(void)source;
	(void)usec;
	tell_impatient(s, monotonic_usec());
	start_some(s);
	if (s->wants)
		arm(s);
	return 0;
}

/*
 * The place of one that is not being fetched goes to who has fewer: of the source that has the most, one that nobody waits for any
 * more if there is such. False: nobody has more.
 */
static bool make_room(struct supply *s, const struct ration_source *from)
{
	struct want *victim = NULL;

	for (struct want *w = s->wants; w; w = w->next) {
		if (w->fetching || w->source->wanted <= from->wanted + 1)
			continue;
		if (!victim || w->source->wanted > victim->source->wanted ||
		    (w->source == victim->source && victim->waits && !w->waits))
			victim = w;
	}
	if (!victim)
		return false;
	tell_all(s, victim, VERDICT_CERTIFICATE_MISSING, "too many others are wanted");
	want_free(victim);
	return true;
}

static struct want *want_new(struct supply *s, struct text region, const char *hex, const char *url,
			     struct ration_source *source)
{
	struct want *w, **end = &s->wants;

	if (source->wanted >= SUPPLY_WANTED_EACH ||
	    (s->n_wants >= SUPPLY_WANTED && !make_room(s, source)))
		return NULL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->supply = s;
	w->source = source;
	memcpy(w->region, region.at, region.len);
	memcpy(w->hex, hex, sizeof(w->hex));
	memcpy(w->url, url, sizeof(w->url));
	while (*end)
		end = &(*end)->next;
	*end = w;
	s->n_wants++;
	source->wanted++;
	return w;
}

/* Else one who has used up its allowance could ask for what another needs, and keep it waiting. */
static void hand_over(struct want *w, struct ration_source *to, uint64_t now)
{
	if (w->fetching || w->source == to || to->wanted >= SUPPLY_WANTED_EACH ||
	    may_fetch(w->source, now) || !may_fetch(to, now))
		return;
	w->source->wanted--;
	w->source = to;
	to->wanted++;
}

static void wait_for(struct want *w, struct supply_wait *wait, struct ration_source *from,
		     uint64_t now)
{
	struct supply_wait **end = &w->waits;
	struct supply *s = w->supply;

	wait->want = w;
	wait->source = from;
	wait->until_usec = now + s->patience_usec;
	wait->next = NULL;
	while (*end)
		end = &(*end)->next;
	*end = wait; /* they go on in the order in which they came */
	s->n_waiting++;
	from->waiting++;
}

bool supply_want(struct supply *s, struct text region, const char *hex, const char *source,
		 struct supply_wait *wait, struct why *why)
{
	struct ration_source *from;
	uint64_t now = monotonic_usec();
	char url[URL_SIZE] = "";
	struct want *w = NULL;

	sns_certificate_url_write(region, hex, url);
	if (!s->fetcher || failures_find(&s->failures, url, now))
		return false;
	from = ration_source(&s->ration, source, now);
	if (from && s->n_waiting < SUPPLY_WAITING && from->waiting < SUPPLY_WAITING_EACH)
		w = find_want(s, url) ?: want_new(s, region, hex, url, from);
	if (!w) {
		why_set(why, "%s: too many others wait for a certificate", url);
		return false;
	}
	hand_over(w, from, now);
	wait_for(w, wait, from, now);
	start_some(s);
	arm(s);
	return true;
}

enum verdict supply_get(struct supply *s, struct text region, const char *hex,
			const struct sns_certificate **ret, struct why *why)
{
	enum verdict v = certificates_get(s->certificates, region, hex, ret, why);
	const struct failure *f;
	char url[URL_SIZE];

	if (v == VERDICT_PASS || !s->fetcher)
		return v;
	sns_certificate_url_write(region, hex, url);
	f = failures_find(&s->failures, url, monotonic_usec());
	if (!f)
		return v;
	*why = f->why;
	return f->verdict;
}

int supply_new(sd_event *event, const struct sns_config *c, int64_t patience_ms,
	       const struct supply_handler *handler, void *userdata, struct supply **ret,
	       struct why *why)
{
	CLEANUP(supply_freep) struct supply *s = calloc(1, sizeof(*s));
	const struct fetch_settings settings = {c->tls_trust, c->connect_to};
	int r;

	why_set(why, "out of memory");
	if (!s)
		return -ENOMEM;
	s->event = sd_event_ref(event);
	s->patience_usec = (uint64_t)patience_ms * 1000;
	s->handler = *handler;
	s->userdata = userdata;
	r = certificates_new(c->certificate_cache, &s->certificates);
	if (r == -ENAMETOOLONG)
		why_set(why, "sns.certificate_cache: the path is too long; write a shorter one");
	if (r == 0 && c->fetch) {
		r = fetcher_new(event, &settings, &s->fetcher, why);
		if (r < 0)
			why_set(why, "sns.tls_trust: %s", why->text);
	}
	if (r == 0)
		r = sd_event_add_time(event, &s->timer, CLOCK_MONOTONIC, 0, 1, on_time, s);
	if (r < 0)
		return r;
	sd_event_source_set_description(s->timer, "certificates");
	sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
	*ret = TAKE(s);
	return 0;
}

void supply_free(struct supply *s)
{
	if (!s)
		return;
	fetcher_free(s->fetcher);
	while (s->wants) {
		tell_all(
			s, s->wants, VERDICT_CERTIFICATE_MISSING,
			"the certificate was being fetched when ipnd was told to stop or to reload");
		want_free(s->wants);
	}
	certificates_free(s->certificates);
	sd_event_source_disable_unref(s->timer);
	sd_event_unref(s->event);
	free(s);
}
