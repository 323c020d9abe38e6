/* reprocess: messages that an earlier version kept without understanding them, read again by this one. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/utc.h"
#include "ipn/document.h"
#include "ipnctl/feed.h"
#include "ipnctl/ipnctl.h"
#include "ipnctl/progress.h"
#include "ipnctl/rows.h"
#include "ledger/apply.h"
#include "receive/message.h"

#define REASONS_MAX 32 /* that are told apart */

static const char *arg_dry_run;

static const struct option_row options[] = {
	{0, "dry-run", NULL, "only look what this version understands", &arg_dry_run},
	{0},
};

struct reprocess {
	struct ctl *c;
	struct {
		struct ledger_unrecognized row;
		struct message message;
	} batch[FEED_AT_ONCE]; /* those of this step that are understood now */
	size_t n;
	int64_t last_id; /* that was looked at */
	int64_t looked, understood, held;
	struct feed_counts counts;
	json_t *reasons; /* why not, and how often */
};

static void batch_done(struct reprocess *p)
{
	for (size_t i = 0; i < p->n; i++) {
		message_done(&p->batch[i].message);
		ledger_unrecognized_done(&p->batch[i].row);
	}
	p->n = 0;
}

static void reprocess_done(struct reprocess *p)
{
	batch_done(p);
	json_decref(p->reasons);
}

static void hold(struct reprocess *p, const char *why)
{
	const char *reason = why[0] ? why : "not understood";

	if (!json_object_get(p->reasons, reason) && json_object_size(p->reasons) >= REASONS_MAX)
		reason = "other reasons";
	json_put(p->reasons, reason, json_integer(row_number(p->reasons, reason) + 1));
	p->held++;
}

/*
 * Only what it says is read anew. The signature is not checked again: it was proved when the row was written, nobody but the
 * database's owner can have changed `raw` since, and by now the certificate may have ended, or be gone from the cache.
 */
static bool understand(struct reprocess *p, const struct ledger_unrecognized *row,
		       struct message *m)
{
	m->body = text_of(row->raw);
	if (message_read_stored(m, p->c->config, p->c->now_ms) != VERDICT_PASS)
		return false;
	if (!text_is(m->envelope.message_id, row->message_id)) {
		why_set(&m->why, "raw is another message: its MessageId is not the row's");
		return false;
	}
	if (m->envelope.type != SNS_NOTIFICATION) {
		why_set(&m->why, "is no notification");
		return false;
	}
	if (message_understand(m) != VERDICT_PASS)
		return false;
	if (m->understood == VERDICT_SAMPLE)
		why_set(&m->why, "a test message of Seller Central: changes nothing");
	return m->understood == VERDICT_PASS;
}

/* Up to FEED_AT_ONCE rows, looked at without a lock. 1: there may be more; 0; negative errno. */
static int look(struct reprocess *p)
{
	for (size_t i = 0; i < FEED_AT_ONCE; i++) {
		struct ledger_unrecognized *row = &p->batch[p->n].row;
		struct message *m = &p->batch[p->n].message;
		int r = ledger_unrecognized_after(p->c->ledger, p->last_id, row);

		if (r <= 0)
			return r;
		p->last_id = row->id;
		p->looked++;
		*m = (struct message){0};
		if (understand(p, row, m)) {
			p->n++;
			continue;
		}
		hold(p, m->why.text);
		message_done(m);
		ledger_unrecognized_done(row);
	}
	return 1;
}

static int apply_one(struct reprocess *p, size_t i)
{
	struct message *m = &p->batch[i].message;
	int r = message_store_again(m, p->c->ledger, p->batch[i].row.id);

	if (r == -EINVAL) { /* this one only */
		why_set(&m->why, "could not be applied: %s", ledger_error(p->c->ledger));
		m->verdict = VERDICT_UNRECOGNIZED;
		return 0;
	}
	if (r == -EALREADY) { /* somebody else was faster */
		m->verdict = VERDICT_DUPLICATE;
		return 0;
	}
	return r;
}

static int apply(struct reprocess *p)
{
	struct ledger *l = p->c->ledger;
	int r = ledger_begin(l);

	for (size_t i = 0; r == 0 && i < p->n; i++)
		r = apply_one(p, i);
	if (r == 0)
		r = ledger_commit(l);
	if (r < 0)
		ledger_rollback(l);
	return r;
}

static void count(struct reprocess *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct message *m = &p->batch[i].message;
		enum verdict v = arg_dry_run ? VERDICT_PASS : m->verdict;

		if (v == VERDICT_UNRECOGNIZED) {
			hold(p, m->why.text);
		} else {
			p->counts.n[v]++;
			p->understood += v != VERDICT_DUPLICATE;
		}
	}
}

static int reprocess_all(struct reprocess *p)
{
	int more, r = 0;

	do {
		more = look(p);
		if (more < 0)
			r = more;
		else if (p->n && !arg_dry_run)
			r = apply(p);
		if (r == 0)
			count(p);
		batch_done(p);
		feed_progress(p->looked, 0);
	} while (r == 0 && more > 0 && progress_goes_on());
	feed_progress_clear();
	return r;
}

static void report_json(const struct reprocess *p)
{
	CLEANUP(json_decrefp) json_t *done = output_need(json_object());

	json_put(done, "dry_run", json_boolean(arg_dry_run != NULL));
	json_put(done, "looked_at", json_integer(p->looked));
	json_put(done, "understood", json_integer(p->understood));
	json_put(done, "verdicts", feed_counts_json(&p->counts, "understood"));
	json_put(done, "held", json_integer(p->held));
	json_put(done, "reasons", json_incref(p->reasons));
	output_json(&p->c->out, done);
}

static void report(const struct reprocess *p)
{
	const struct output *o = &p->c->out;
	const char *reason;
	json_t *n;

	if (p->c->json) {
		report_json(p);
		return;
	}
	feed_counts_print(o, &p->counts, "understood", "would be applied");
	if (p->held)
		output_line(o, COLOUR_WAIT, "%" PRId64 " still not understood:", p->held);
	json_object_foreach(p->reasons, reason, n)
	{
		output_line(o, COLOUR_PLAIN, "  %" JSON_INTEGER_FORMAT "  %s",
			    json_integer_value(n), reason);
	}
	if (p->understood && !arg_dry_run)
		feed_say_hooks(p->c);
	if (!p->looked)
		log_error("reprocess: nothing waits for a version that understands it");
}

static enum exit_code run(struct ctl *c, char **operands, int n)
{
	CLEANUP(reprocess_done)
	struct reprocess p = {.c = c, .reasons = output_need(json_object())};
	enum exit_code code = arg_dry_run ? ctl_open_ledger(c) : ctl_open_ledger_to_write(c);
	int r;

	(void)operands;
	(void)n;
	if (code != EXIT_DONE)
		return code;
	ctl_let_go(c); /* begun anew for each step */
	progress_watch();
	message_init();
	r = reprocess_all(&p);
	code = r < 0 ? ctl_failed(c, r) : p.understood ? EXIT_DONE : EXIT_NOTHING;
	report(&p);
	if (r == 0 && !progress_goes_on())
		return progress_ended_early("run this again for the rest");
	return code;
}

const struct verb verb_reprocess = {
	.name = "reprocess",
	.operands = "",
	.help = "after an upgrade: apply what an earlier version did not understand",
	.more = "Notifications with the verdict `unrecognized` are read again, from the body that was kept. What this version\n"
		"understands is applied, with its events, which run hooks; its verdict stays what it was on arrival, and\n"
		"reprocessed_at says when. What is still not understood is counted by its reason, and waits on. Exit status\n"
		"1: nothing was applied. Needs the database's owner (ipnd) or root, but for --dry-run. It may be interrupted\n"
		"(75) and run again: what it has done by then stays done.\n",
	.options = options,
	.run = run,
};
