/* prune: bodies and output that are older than database.keep_raw are let go. */
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "ipnctl/ipnctl.h"
#include "ipnctl/progress.h"
#include "ipnctl/rows.h"
#include "ledger/prune.h"

static const char *arg_dry_run;

static const struct option_row options[] = {
	{0, "dry-run", NULL, "only count", &arg_dry_run},
	{0},
};

typedef int (*prune_step)(struct ledger *l, struct prune *p, int64_t before_ms, bool change);

/* 1: an end was asked for; 0: it was all; or negative errno. */
static int walk(const struct ctl *c, prune_step step, const char *what, struct prune *p)
{
	const int64_t before_ms = c->now_ms - c->config->database.keep_raw_ms;
	struct progress progress = {.what = what};
	int r = PRUNE_AT_ONCE;
	bool go_on = true;

	while (r == PRUNE_AT_ONCE && go_on) {
		r = step(c->ledger, p, before_ms, !arg_dry_run);
		go_on = progress_step(0, 0, &progress);
	}
	progress_end(&progress);
	return r < 0 ? r : !go_on;
}

static void report_json(const struct ctl *c, const struct prune *bodies,
			const struct prune *outputs, const char *before)
{
	CLEANUP(json_decrefp) json_t *done = output_need(json_object());

	json_put(done, "dry_run", json_boolean(arg_dry_run != NULL));
	json_put(done, "before", json_text(before));
	json_put(done, "bodies", json_integer(bodies->n));
	json_put(done, "bodies_bytes", json_integer(bodies->bytes));
	json_put(done, "outputs", json_integer(outputs->n));
	json_put(done, "outputs_bytes", json_integer(outputs->bytes));
	output_json(&c->out, done);
}

/* database.keep_raw is "none": all is done by doing nothing, so it is no failure in ipnd-prune.service either. */
static void report_all_kept(const struct ctl *c)
{
	static const struct prune none;

	if (c->json)
		report_json(c, &none, &none, NULL);
	else
		output_line(&c->out, COLOUR_GOOD,
			    "database.keep_raw is \"none\": everything is kept for ever");
}

static void report(const struct ctl *c, const struct prune *bodies, const struct prune *outputs)
{
	const char *would = arg_dry_run ? "would be let go" : "let go";
	char before[UTC_TEXT_SIZE];

	utc_format(c->now_ms - c->config->database.keep_raw_ms, before);
	if (c->json) {
		report_json(c, bodies, outputs, before);
		return;
	}
	output_line(&c->out, COLOUR_PLAIN, "before %s:", before);
	output_line(&c->out, COLOUR_GOOD, "%" PRId64 " bod%s, %" PRId64 " bytes, %s", bodies->n,
		    bodies->n == 1 ? "y" : "ies", bodies->bytes, would);
	output_line(&c->out, COLOUR_GOOD,
		    "%" PRId64 " output%s of earlier attempts, %" PRId64 " bytes, %s", outputs->n,
		    outputs->n == 1 ? "" : "s", outputs->bytes, would);
}

static enum exit_code run(struct ctl *c, char **operands, int n)
{
	struct prune bodies = {0}, outputs = {0};
	enum exit_code code;
	int r;

	(void)operands;
	(void)n;
	progress_watch();
	code = arg_dry_run ? ctl_open_ledger(c) : ctl_open_ledger_to_write(c);
	if (code != EXIT_DONE)
		return code;
	if (c->config->database.keep_raw_ms == DURATION_NONE) {
		report_all_kept(c);
		return EXIT_DONE;
	}
	if (!arg_dry_run)
		ledger_rollback(c->ledger); /* each step has a transaction of its own */
	r = walk(c, prune_bodies, "bodies", &bodies);
	if (r == 0)
		r = walk(c, prune_outputs, "output of attempts", &outputs);
	if (r < 0)
		return ctl_failed(c, r);
	report(c, &bodies, &outputs);
	if (r == 0)
		return EXIT_DONE; /* also when nothing is so old: all is done that there is */
	return progress_ended_early("run this again for the rest");
}

const struct verb verb_prune = {
	.name = "prune",
	.operands = "",
	.help = "let go of bodies that are older than database.keep_raw",
	.more = "Of notifications received before that only the body as received goes, and of earlier attempts of hooks\n"
		"what they printed; no row is removed. Bodies of what was not understood, is not ours or in\n"
		"conflict always stay. The file does not shrink: its free pages are used again.\n"
		"Needs the database's owner (ipnd) or root. It works in short steps and may be\n"
		"interrupted (75): what it has done by then stays done.\n",
	.options = options,
	.run = run,
};
