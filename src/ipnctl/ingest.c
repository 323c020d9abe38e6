/* ingest: bodies of posts that were saved elsewhere, through the checks of a post and into the database. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/utc.h"
#include "ipn/document.h"
#include "ipnctl/feed.h"
#include "ipnctl/input.h"
#include "ipnctl/ipnctl.h"
#include "ipnctl/progress.h"
#include "ipnctl/rows.h"
#include "ledger/apply.h"
#include "receive/certificates.h"
#include "receive/message.h"
#include "receive/trust.h"

static const char *arg_dry_run, *arg_lines;

static const struct option_row options[] = {
	{0, "dry-run", NULL, "only check: nothing is written", &arg_dry_run},
	{0, "lines", NULL, "each line of the files is a message of its own", &arg_lines},
	{0},
};

/* Proved and understood; it waits for the transaction. */
struct pending {
	struct message message;
	char *body;
	char *place;
};

struct ingest {
	struct ctl *c;
	struct inputs inputs;
	struct certificates *certificates;
	struct sns_trust trust;
	struct pending batch[FEED_AT_ONCE];
	size_t n;
	int64_t messages, taken, refused;
	struct feed_counts counts;
	json_t *refusals;
	json_t *seen; /* of a dry run: MessageIds that would be stored by now */
	enum exit_code unread;
	bool issuer_unknown;
};

static void pending_done(struct pending *p)
{
	message_done(&p->message);
	free(p->body);
	free(p->place);
}

static void ingest_done(struct ingest *g)
{
	for (size_t i = 0; i < g->n; i++)
		pending_done(&g->batch[i]);
	certificates_free(g->certificates);
	trust_done(&g->trust);
	inputs_done(&g->inputs);
	json_decref(g->refusals);
	json_decref(g->seen);
}

static void refuse(struct ingest *g, const struct pending *p, enum verdict v, const char *why)
{
	json_t *one = output_need(json_object());

	feed_progress_clear();
	log_error("%s: %s", p->place, why);
	json_put(one, "file", json_text(p->place));
	json_put(one, "verdict", json_text(verdict_row(v)->word));
	json_put(one, "why", json_text(why));
	json_add(g->refusals, one);
	g->counts.n[v]++;
	g->refused++;
}

/* The refusals that a person can do something about. */
static void advise(const struct ingest *g, struct message *m, enum verdict v)
{
	if (v == VERDICT_TOO_OLD)
		why_set(&m->why, "%s; to take what is old, set max_age = \"none\" in sns { } of %s",
			m->why.text, g->c->config->file);
	else if (v == VERDICT_CERTIFICATE_MISSING)
		why_set(&m->why, "%s; nothing is fetched here: put the signing certificate there",
			m->why.text);
}

/* As the receiver does it (src/receive/receive.c), but that nothing is fetched and subscriptions are not its business. */
static enum verdict prove(struct ingest *g, struct message *m)
{
	const struct sns_certificate *certificate;
	enum verdict v = message_read(m, NULL, g->c->config, utc_now_ms());

	if (v == VERDICT_PASS && m->envelope.type != SNS_NOTIFICATION) {
		why_set(&m->why,
			"is a %.*s, which is of use only when it comes: ingest takes notifications; ipnctl subscriptions shows the others",
			(int)m->envelope.type_text.len, m->envelope.type_text.at);
		return VERDICT_SUBSCRIPTION;
	}
	if (v == VERDICT_PASS)
		v = certificates_get(g->certificates, m->topic.region, m->hex, &certificate,
				     &m->why);
	if (v != VERDICT_PASS)
		return v;
	m->why.text[0] = 0;
	return message_check(m, g->c->config, certificate, &g->trust);
}

static enum verdict check(struct ingest *g, struct message *m)
{
	enum verdict v;

	if (m->body.len > INPUT_MESSAGE_MAX) {
		why_set(&m->why, "is larger than 1 MiB, and so no SNS message");
		return VERDICT_TOO_LARGE;
	}
	if (m->body.len == 0) {
		why_set(&m->why, "is empty: it should be the body of a post by SNS");
		return VERDICT_NOT_JSON;
	}
	v = prove(g, m);
	if (v == VERDICT_PASS)
		v = message_understand(m);
	if (v != VERDICT_PASS)
		advise(g, m, v);
	return v;
}

static int store(struct ingest *g)
{
	struct ledger *l = g->c->ledger;
	int r = ledger_begin(l);

	for (size_t i = 0; r == 0 && i < g->n; i++) {
		struct message *m = &g->batch[i].message;

		r = message_store(m, l);
		if (r == -EINVAL) { /* this one only */
			why_set(&m->why, "could not be stored: %s", ledger_error(l));
			m->verdict = VERDICT_DATABASE;
			r = 0;
		}
	}
	if (r == 0)
		r = ledger_commit(l);
	if (r < 0)
		ledger_rollback(l);
	return r;
}

/* What would become of it: of one that the machine decides about, only that it would be new. */
static int foresee(struct ingest *g)
{
	struct ledger *l = g->c->ledger;
	int r = ledger_begin(l);

	for (size_t i = 0; r >= 0 && i < g->n; i++) {
		struct message *m = &g->batch[i].message;
		CLEANUP(freep) char *id = output_need(text_dup(m->envelope.message_id));

		r = ledger_knows(l, m->envelope.message_id);
		m->verdict =
			r > 0 || json_object_get(g->seen, id) ? VERDICT_DUPLICATE : m->understood;
		json_put(g->seen, id, json_true());
	}
	ledger_rollback(l);
	return r < 0 ? r : 0;
}

/* Those that wait, in one transaction. Without a lock until here: proving takes longer than writing. */
static int flush(struct ingest *g)
{
	int r;

	if (!g->n)
		return 0;
	r = arg_dry_run ? foresee(g) : store(g);
	if (r < 0)
		return r;
	for (size_t i = 0; i < g->n; i++) {
		struct pending *p = &g->batch[i];

		if (p->message.verdict == VERDICT_DATABASE) {
			refuse(g, p, VERDICT_DATABASE, p->message.why.text);
		} else {
			g->counts.n[p->message.verdict]++;
			g->taken++;
			g->issuer_unknown = g->issuer_unknown || p->message.issuer_unknown;
		}
		pending_done(p);
	}
	g->n = 0;
	return 0;
}

static char *place_of(const struct reader *r)
{
	char *place = NULL;
	const char *name = strcmp(r->name, "-") == 0 ? "stdin" : r->name;
	int n = r->lines ? asprintf(&place, "%s:%zu", name, r->line) : asprintf(&place, "%s", name);

	return output_need(n < 0 ? NULL : place);
}

static int take(struct ingest *g, const struct reader *r, struct text body)
{
	struct pending *p = &g->batch[g->n];
	enum verdict v;

	*p = (struct pending){.place = place_of(r), .body = output_need(malloc(body.len + 1))};
	memcpy(p->body, body.at, body.len);
	p->message.body = (struct text){p->body, body.len};
	g->messages++;
	v = check(g, &p->message);
	if (v != VERDICT_PASS) {
		refuse(g, p, v, p->message.why.text);
		pending_done(p);
		return 0;
	}
	return ++g->n == FEED_AT_ONCE ? flush(g) : 0;
}

static void cannot_read(struct ingest *g, const char *name, int error)
{
	enum exit_code code;

	feed_progress_clear();
	code = input_failed(strcmp(name, "-") == 0 ? "stdin" : name, error);
	if (g->unread == EXIT_DONE)
		g->unread = code;
}

static int take_file(struct ingest *g, struct input *in)
{
	CLEANUP(reader_done) struct reader r = {0};
	struct text body;
	int found, error = in->fd < 0 ? -in->error : reader_open(in, arg_lines != NULL, &r);

	if (error < 0) {
		cannot_read(g, in->name, -error);
		return 0;
	}
	while ((found = reader_next(&r, &body)) > 0) {
		error = take(g, &r, body);
		if (error < 0)
			return error;
		feed_progress(g->messages, arg_lines ? 0 : (int64_t)g->inputs.n);
		if (!progress_goes_on())
			return 0;
	}
	if (found < 0 && progress_goes_on())
		cannot_read(g, in->name, -found);
	return 0;
}

static int take_all(struct ingest *g)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < g->inputs.n && progress_goes_on(); i++)
		r = take_file(g, &g->inputs.at[i]);
	if (r == 0)
		r = flush(g);
	feed_progress_clear();
	return r;
}

static void report(const struct ingest *g)
{
	const struct output *o = &g->c->out;
	CLEANUP(json_decrefp) json_t *done = NULL;

	if (g->issuer_unknown)
		log_warning("the issuer of a signing certificate is unknown, which sns.chain = "
			    "prefer allows; ipnctl verify FILE says more");
	if (!g->c->json) {
		feed_counts_print(o, &g->counts, "new", "genuine and not here yet: would be taken");
		if (!arg_dry_run && g->taken > g->counts.n[VERDICT_DUPLICATE])
			feed_say_hooks(g->c);
		return;
	}
	done = output_need(json_object());
	json_put(done, "dry_run", json_boolean(arg_dry_run != NULL));
	json_put(done, "messages", json_integer(g->messages));
	json_put(done, "taken", json_integer(g->taken));
	json_put(done, "refused", json_integer(g->refused));
	json_put(done, "verdicts", feed_counts_json(&g->counts, "new"));
	json_put(done, "refusals", json_incref(g->refusals));
	output_json(o, done);
}

static enum exit_code prepare(struct ingest *g)
{
	struct ctl *c = g->c;
	enum exit_code code = arg_dry_run ? ctl_open_ledger(c) : ctl_open_ledger_to_write(c);
	struct why why;
	int r;

	if (code != EXIT_DONE)
		return code;
	ctl_let_go(c); /* begun anew for each batch */
	r = certificates_new(c->config->sns.certificate_cache, &g->certificates);
	if (r < 0) {
		log_error("%s: sns.certificate_cache: %s", c->config->file, strerror(-r));
		return EXIT_BAD_CONFIG;
	}
	r = trust_load(&c->config->sns, &g->trust, &why);
	if (r < 0) {
		log_error("%s: %s", c->config->file, why.text);
		return config_exit_code(r);
	}
	return EXIT_DONE;
}

static enum exit_code run(struct ctl *c, char **operands, int n)
{
	CLEANUP(ingest_done)
	struct ingest g = {
		.c = c,
		.refusals = output_need(json_array()),
		.seen = output_need(json_object()),
	};
	enum exit_code code;
	int r;

	progress_watch();
	message_init();
	code = inputs_open(operands, (size_t)n, &g.inputs);
	if (code == EXIT_DONE)
		code = prepare(&g);
	if (code != EXIT_DONE)
		return code;
	r = take_all(&g);
	code = r < 0 ? ctl_failed(c, r) : EXIT_DONE;
	report(&g);
	if (code != EXIT_DONE)
		return code;
	if (!progress_goes_on())
		return progress_ended_early(
			"run this again: what was taken counts as a duplicate then");
	if (g.unread != EXIT_DONE)
		return g.unread;
	if (g.refused)
		return EXIT_BAD_DATA;
	return g.messages ? EXIT_DONE : EXIT_NOTHING;
}

const struct verb verb_ingest = {
	.name = "ingest",
	.operands = "FILE...",
	.min = 1,
	.max = INT32_MAX,
	.help = "take in messages that were saved elsewhere (-: stdin)",
	.more = "FILE is the body of a post by SNS, as received, or with --lines one such body on each line. It goes through\n"
		"the checks of a post: fields, topic, certificate (of the cache only: nothing is fetched), signature, and\n"
		"sns.max_age. What is genuine is stored and applied, and its events run hooks as if it had come just now.\n"
		"Messages about the subscription are not taken. A refused one is said with its reason and ends in exit\n"
		"status 65, a file that is not there in 66; the others are taken all the same. Needs the database's owner\n"
		"(ipnd) or root, but for --dry-run. It may be interrupted (75) and run again: what was taken by then\n"
		"stays, and counts as a duplicate.\n",
	.options = options,
	.run = run,
};
