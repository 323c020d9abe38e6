/* The database at the start: the lock on its folder, migrations, and the hooks of the configuration in it. */
#include "ipnd/daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "base/utc.h"
#include "journal/journal.h"
#include "ledger/apply.h"
#include "ledger/subscription.h"

#define START_TRIES           500 /* of 10 ms: how long another writer may hold the database when we start */
#define MIGRATION_TELL_USEC   UINT64_C(1000000)
#define MIGRATION_EXTEND_USEC UINT64_C(600000000)

static int hooks_registered(struct daemon *d, const char *path, int r)
{
	if (r < 0) {
		journal_say(KIND_DATABASE, LOG_ERR, "%s: the hooks could not be registered: %s",
			    path, ledger_error(d->ledger));
		ledger_rollback(d->ledger);
	}
	return r;
}

/* On success the caller ends the transaction. */
int daemon_begin_hooks(struct daemon *d, const struct config *c, int tries)
{
	int r;

	while ((r = ledger_begin(d->ledger)) == -EBUSY && --tries > 0)
		usleep(10000);
	if (r == 0)
		r = ledger_register_hooks(d->ledger, c, utc_now_ms());
	return hooks_registered(d, c->database.path, r);
}

int daemon_commit_hooks(struct daemon *d, const struct config *c)
{
	return hooks_registered(d, c->database.path, ledger_commit(d->ledger));
}

/* Inside the transaction of the start: what a crash left in the middle is for a person, who is told. */
static int end_confirmations(struct daemon *d, const struct config *c)
{
	int n = ledger_cut_off_subscriptions(d->ledger, PROGRAM,
					     "ipnd ended before SNS had answered", utc_now_ms());

	if (n < 0) {
		journal_say(KIND_DATABASE, LOG_ERR, "%s: %s", c->database.path,
			    ledger_error(d->ledger));
		ledger_rollback(d->ledger);
		return n;
	}
	if (n > 0)
		journal_say(
			KIND_UNCONFIRMED, LOG_ERR,
			"%d subscription%s may not be confirmed, since ipnd ended before SNS had answered: "
			"ipnctl subscriptions",
			n, n == 1 ? "" : "s");
	return 0;
}

struct migration {
	uint64_t started_usec, told_usec; /* monotonic; 0: not yet */
	int from, to;
};

/* The service manager is asked for more time each time, also for what SQLite does in one step, such as the last sync. */
static void on_migrating(int from, int to, void *userdata)
{
	struct migration *m = userdata;
	uint64_t now = monotonic_usec();

	if (m->told_usec && now - m->told_usec < MIGRATION_TELL_USEC)
		return;
	if (!m->started_usec)
		*m = (struct migration){.started_usec = now, .from = from, .to = to};
	m->told_usec = now;
	sd_notifyf(0,
		   "EXTEND_TIMEOUT_USEC=%" PRIu64
		   "\nSTATUS=Bringing the database from schema %d to %d, since %" PRIu64 " s",
		   MIGRATION_EXTEND_USEC, from, to, (now - m->started_usec) / 1000000);
}

static void say_migrated(const struct migration *m, const char *path)
{
	if (m->started_usec)
		journal_say(KIND_MIGRATED, LOG_NOTICE,
			    "%s: was brought from schema %d to %d in %.1f s", path, m->from, m->to,
			    (double)(monotonic_usec() - m->started_usec) / 1000000);
}

int daemon_open_ledger(struct daemon *d, const struct config *c)
{
	struct migration m = {0};
	struct why why;
	int r;

	d->state_folder = config_state_folder(c);
	if (!d->state_folder)
		return -ENOMEM;
	d->lock = ledger_lock(d->state_folder, PROGRAM, NULL);
	if (d->lock < 0) {
		if (d->lock == -EAGAIN)
			journal_say(KIND_NOT_STARTED, LOG_ERR,
				    "%s: another ipnd uses this folder; stop it first",
				    d->state_folder);
		else
			journal_say(
				KIND_NOT_STARTED, LOG_ERR,
				"%s: cannot be used: %s; it must exist and be writable by this user",
				d->state_folder, strerror(-d->lock));
		return d->lock;
	}
	r = ledger_open_own(c->database.path, on_migrating, &m, &d->ledger, &why);
	for (int tries = START_TRIES; r == -EBUSY && tries > 0; tries--) {
		usleep(10000);
		r = ledger_open_own(c->database.path, on_migrating, &m, &d->ledger, &why);
	}
	if (r < 0) {
		journal_say(KIND_DATABASE, LOG_ERR, "%s: %s", c->database.path, why.text);
		return r;
	}
	say_migrated(&m, c->database.path);
	r = daemon_begin_hooks(d, c, START_TRIES);
	if (r == 0)
		r = end_confirmations(d, c);
	if (r == 0)
		r = daemon_commit_hooks(d, c);
	if (r == 0 && ledger_checkpoint_aside(d->ledger) < 0)
		log_warning("no thread for checkpoints is to be had: answers wait for them");
	return r;
}
