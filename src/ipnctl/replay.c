/* replay: hooks run once more for events of the past, or for the first time when they are newer than the events. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "base/utc.h"
#include "hooks/match.h"
#include "ipnctl/feed.h"
#include "ipnctl/ipnctl.h"
#include "ipnctl/progress.h"
#include "ipnctl/rows.h"
#include "ipnctl/when.h"
#include "ledger/queue.h"

#define AT_ONCE 500 /* events in a transaction: the daemons wait for it */

static const char *arg_since, *arg_until, *arg_hook, *arg_dry_run;

static const struct option_row options[] = {
	{0, "since", "WHEN", "events from then on: " WHEN_HELP, &arg_since},
	{0, "until", "WHEN", "events before then (default: now)", &arg_until},
	{0, "hook", "NAME", "this hook only", &arg_hook},
	{0, "dry-run", NULL, "only count", &arg_dry_run},
	{0},
};

struct replay {
	struct ctl *c;
	struct queue_hooks hooks;
	int64_t since_ms, until_ms;
	int64_t last_ms, last_id; /* the event that was looked at last */
	size_t n;                 /* events looked at in this transaction */
	int64_t *runs;            /* for each hook */
	int64_t events, waiting;
};

static int replay_one(struct replay *p, const struct queue_event *e, size_t i)
{
	const struct hook_config *hook = config_hook(p->c->config, p->hooks.at[i].name);
	struct why why;
	int r;

	if (!hook || (arg_hook && strcmp(arg_hook, hook->name) != 0) ||
	    match_event(hook, e, &why) != MATCH_RUN)
		return 0;
	r = arg_dry_run ? queue_may_replay(p->c->ledger, e->id, hook->name)
			: queue_replay(p->c->ledger, e->id, hook->name, p->c->now_ms);
	if (r < 0)
		return r;
	p->runs[i] += r;
	p->waiting += !r;
	return 0;
}

static int replay_event(const struct queue_event *e, void *userdata)
{
	struct replay *p = userdata;
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->hooks.n; i++)
		r = replay_one(p, e, i);
	p->last_ms = e->created_ms;
	p->last_id = e->id;
	p->events++;
	p->n++;
	return r;
}

static int replay_window(struct replay *p)
{
	struct ledger *l = p->c->ledger;
	int r;

	p->last_ms = p->since_ms;
	do {
		p->n = 0;
		r = queue_events_between(l, p->last_ms, p->last_id, p->until_ms, AT_ONCE,
					 replay_event, p);
		if (r == 0 && !arg_dry_run)
			r = ledger_commit(l);
		if (r == 0 && !arg_dry_run && p->n == AT_ONCE)
			r = ledger_begin(l);
		feed_progress(p->events, 0);
	} while (r == 0 && p->n == AT_ONCE && progress_goes_on());
	feed_progress_clear();
	return r;
}

static int replay_number(struct replay *p, int64_t id)
{
	CLEANUP(queue_event_freep) struct queue_event *e = NULL;
	int r = queue_event(p->c->ledger, id, &e);

	if (r == 0)
		r = replay_event(e, p);
	if (r == 0 && !arg_dry_run)
		r = ledger_commit(p->c->ledger);
	return r;
}

static void report_json(const struct replay *p)
{
	CLEANUP(json_decrefp) json_t *done = output_need(json_object());
	json_t *hooks = output_need(json_object());

	json_put(done, "dry_run", json_boolean(arg_dry_run != NULL));
	json_put(done, "events", json_integer(p->events));
	json_put(done, "waiting", json_integer(p->waiting));
	json_put(done, "runs", hooks);
	for (size_t i = 0; i < p->hooks.n; i++)
		if (p->runs[i])
			json_put(hooks, p->hooks.at[i].name, json_integer(p->runs[i]));
	output_json(&p->c->out, done);
}

static enum exit_code report(const struct replay *p)
{
	const struct output *o = &p->c->out;
	int64_t all = 0;

	for (size_t i = 0; i < p->hooks.n; i++)
		all += p->runs[i];
	if (p->c->json) {
		report_json(p);
		return all ? EXIT_DONE : EXIT_NOTHING;
	}
	output_line(o, COLOUR_PLAIN, "%" PRId64 " event%s", p->events, p->events == 1 ? "" : "s");
	for (size_t i = 0; i < p->hooks.n; i++)
		if (p->runs[i])
			output_line(o, COLOUR_GOOD, "hook %s: %s %" PRId64 " time%s",
				    p->hooks.at[i].name, arg_dry_run ? "would run" : "runs",
				    p->runs[i], p->runs[i] == 1 ? "" : "s");
	if (p->waiting)
		output_line(o, COLOUR_PLAIN, "%" PRId64 " wait or run already: left alone",
			    p->waiting);
	if (!all)
		log_error(
			"replay: no hook wants any of that, or all of it waits already; ipnctl show EVENT says why one was skipped");
	else if (!arg_dry_run && ctl_running(p->c, "ipn-hookd", NULL) == 0)
		output_line(o, COLOUR_WAIT,
			    "ipn-hookd is not running: they run when it is started");
	return all ? EXIT_DONE : EXIT_NOTHING;
}

/* Where to go on, since what is done by now would be done once more. */
static enum exit_code interrupted(const struct replay *p)
{
	CLEANUP(freep) char *how = NULL;
	char last[UTC_TEXT_SIZE], until[UTC_TEXT_SIZE];

	utc_format(p->last_ms, last);
	utc_format(p->until_ms, until);
	if (asprintf(&how, "ipnctl replay --since %s --until %s goes on", last, until) < 0)
		how = NULL;
	return progress_ended_early(output_need(how));
}

static bool parse_window(struct replay *p)
{
	p->until_ms = p->c->now_ms;
	if (when_parse(arg_since, p->c->now_ms, &p->since_ms) < 0) {
		log_error("--since=%s: is no time; write " WHEN_HELP, arg_since);
		return false;
	}
	if (arg_until && when_parse(arg_until, p->c->now_ms, &p->until_ms) < 0) {
		log_error("--until=%s: is no time; write " WHEN_HELP, arg_until);
		return false;
	}
	if (p->since_ms < p->until_ms)
		return true;
	log_error("--since=%s: is not before --until=%s", arg_since, arg_until ? arg_until : "now");
	return false;
}

static enum exit_code open_replay(struct replay *p)
{
	enum exit_code code = arg_dry_run ? ctl_open_ledger(p->c) : ctl_open_ledger_to_write(p->c);
	int r;

	if (code != EXIT_DONE)
		return code;
	if (arg_hook && !config_hook(p->c->config, arg_hook)) {
		log_error("--hook=%s: the configuration has no such hook", arg_hook);
		return EXIT_USAGE;
	}
	r = queue_hooks(p->c->ledger, &p->hooks);
	if (r < 0)
		return ctl_failed(p->c, r);
	p->runs = output_need(calloc(p->hooks.n + 1, sizeof(*p->runs)));
	return EXIT_DONE;
}

static void replay_done(struct replay *p)
{
	queue_hooks_done(&p->hooks);
	free(p->runs);
}

static enum exit_code run(struct ctl *c, char **operands, int n)
{
	CLEANUP(replay_done) struct replay p = {.c = c};
	enum exit_code code;
	int64_t id = 0;
	int r;

	if ((n == 1) == (arg_since != NULL) || (n == 1 && arg_until)) {
		log_error("replay: write the number of an event, or --since WHEN [--until WHEN]");
		return EXIT_USAGE;
	}
	if (n == 1 && !ctl_parse_number(operands[0], &id)) {
		log_error("replay %s: is no event's number; ipnctl list events shows them",
			  operands[0]);
		return EXIT_USAGE;
	}
	if (n == 0 && !parse_window(&p))
		return EXIT_USAGE;
	progress_watch();
	code = open_replay(&p);
	if (code != EXIT_DONE)
		return code;
	r = n == 1 ? replay_number(&p, id) : replay_window(&p);
	if (r == -ENOENT) {
		log_error("replay %" PRId64
			  ": there is no such event; ipnctl list events shows them",
			  id);
		return EXIT_NOTHING;
	}
	if (r < 0)
		return ctl_failed(c, r);
	code = report(&p);
	return p.n < AT_ONCE ? code : interrupted(&p);
}

const struct verb verb_replay = {
	.name = "replay",
	.operands = "[EVENT]",
	.max = 1,
	.help = "run hooks again for an event, or for all of a time",
	.more = "Every configured hook that wants the event runs once more, under the same IPN_EVENT_ID; a hook that is\n"
		"newer than the event runs for the first time. What still waits or runs is left alone, and what a\n"
		"hook skips (environment, account, late) it skips again. --dry-run counts first. Needs the\n"
		"database's owner (ipnd) or root. It may be interrupted (75): what it has done by then stays done.\n",
	.options = options,
	.run = run,
};
