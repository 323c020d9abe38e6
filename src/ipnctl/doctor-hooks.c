/* Checks of the hooks: their programs, and how their runs do. */
#include <inttypes.h>

#include "base/utc.h"
#include "ipnctl/doctor.h"
#include "ipnctl/rows.h"

#define STALE_MS (10 * 60 * 1000)

static const json_t *row_of(const json_t *rows, const char *name)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) if (row_is(row, "name", name) &&
					     row_number(row, "active")) return row;
	return NULL;
}

static void check_paused(struct doctor *d, const json_t *row)
{
	const char *name = row_word(row, "name");
	char ago[DOCTOR_AGO_SIZE];

	if (!row_text(row, "paused_at"))
		return;
	doctor_ago(d, row_time(row, "paused_at"), ago);
	doctor_find(d, FINDING_FAILED, "hook %s was paused %s, as it fails for everyone: %s", name,
		    ago, row_word(row, "paused_why"));
	doctor_mend(
		d,
		"mend what it says there (ipnctl hooks --state dead shows its output), then: ipnctl hooks resume %s",
		name);
}

static void check_dead(struct doctor *d, const json_t *row)
{
	int64_t dead = row_number(row, "dead");

	if (dead == 0)
		return;
	doctor_find(d, FINDING_WARNING,
		    "hook %s: %" PRId64 " run%s given up: what %s to do has not been done",
		    row_word(row, "name"), dead, dead == 1 ? " was" : "s were",
		    dead == 1 ? "it was" : "they were");
	doctor_mend(
		d,
		"ipnctl hooks --state dead    # why; then ipnctl hooks retry EVENT, or --all-dead");
}

/* While ipn-hookd does not run, everything waits, and another check says so. */
static void check_stale(struct doctor *d, const json_t *row)
{
	int64_t since_ms = row_time(row, "oldest_pending_at");
	char ago[DOCTOR_AGO_SIZE];

	if (since_ms == UTC_UNKNOWN || d->c->now_ms - since_ms < STALE_MS ||
	    row_text(row, "paused_at") || ctl_running(d->c, "ipn-hookd", NULL) == 0)
		return;
	doctor_ago(d, since_ms, ago);
	doctor_find(d, FINDING_WARNING, "hook %s: %" PRId64 " event%s, the oldest of %s",
		    row_word(row, "name"), row_number(row, "pending"),
		    row_number(row, "pending") == 1 ? " waits" : "s wait", ago);
	doctor_mend(
		d,
		"ipnctl hooks --state pending    # what its last attempts printed; or more hooks.concurrency");
}

static void check_unregistered(struct doctor *d, const struct hook_config *hook)
{
	if (ctl_running(d->c, "ipnd", NULL) == 0)
		return; /* it does that when it starts */
	doctor_find(
		d, FINDING_FAILED,
		"hook %s is in the configuration, and ipnd has not read that yet: it gets no events",
		hook->name);
	doctor_mend(d, "systemctl reload ipnd ipn-hookd");
}

static void check_runs(struct doctor *d)
{
	CLEANUP(json_decrefp) json_t *rows = doctor_ask(d, QUERY_ask_hooks);
	const struct config *c = d->c->config;

	for (size_t i = 0; rows && i < c->n_hooks; i++) {
		const json_t *row = row_of(rows, c->hooks[i].name);

		if (!row) {
			check_unregistered(d, &c->hooks[i]);
			continue;
		}
		check_paused(d, row);
		check_dead(d, row);
		check_stale(d, row);
	}
}

void doctor_check_hooks(struct doctor *d)
{
	const struct config *c = d->c->config;

	for (size_t i = 0; i < c->n_hooks; i++)
		doctor_check_program(d, &c->hooks[i]);
	if (d->c->ledger)
		check_runs(d);
	if (doctor_has_found(d))
		return;
	if (c->n_hooks == 0)
		doctor_find(d, FINDING_OK, "none is configured");
	else
		doctor_find(d, FINDING_OK, "%zu, whose programs can be run%s", c->n_hooks,
			    d->c->ledger ? "; nothing is given up or late" : "");
}
