#include "hooks/database.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>

#include "base/utc.h"
#include "hooks/orphans.h"
#include "ledger/queue.h"

#define PROGRAM "ipn-hookd"

int database_init(struct database *d, const struct config *c)
{
	*d = (struct database){.lock = -1};
	d->path = strdup(c->database.path);
	d->folder = config_state_folder(c);
	return d->path && d->folder ? 0 : -ENOMEM;
}

void database_done(struct database *d)
{
	database_close(d);
	free(d->path);
	free(d->folder);
	closep(&d->lock);
}

void database_close(struct database *d)
{
	ledger_close(d->ledger);
	d->ledger = NULL;
}

static int take_lock(struct database *d, struct why *why)
{
	int r;

	if (d->lock >= 0)
		return 0;
	r = ledger_lock(d->folder, PROGRAM, NULL);
	if (r == -EAGAIN)
		why_set(why, "another " PROGRAM " uses this folder; stop it first");
	else if (r == -ENOENT)
		why_set(why, "its folder is not there: it comes with ipnd");
	else if (r < 0)
		why_set(why, "its folder cannot be used: %s; it must be writable by this user",
			strerror(-r));
	if (r < 0)
		return r;
	d->lock = r;
	return 0;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Opens, and knows which file that was: the path is looked at before and after. */
static int open_file(struct database *d, struct why *why)
{
	struct stat before, after;
	int r;

	if (stat(d->path, &before) < 0)
		memset(&before, 0, sizeof(before));
	r = ledger_open(d->path, LEDGER_WRITE, &d->ledger, why);
	if (r < 0)
		return r;
	if (stat(d->path, &after) < 0 || !same_file(&before, &after)) {
		database_close(d);
		why_set(why, "is being replaced");
		return -EBUSY;
	}
	d->device = after.st_dev;
	d->inode = after.st_ino;
	return 0;
}

struct interrupted {
	const struct jobs *in_hand;
	struct jobs found;
	int error;
};

static bool collect(const struct queue_run *run, void *userdata)
{
	struct interrupted *i = userdata;

	if (!jobs_hold_run(i->in_hand, run))
		i->error = jobs_add(&i->found, run, false);
	return i->error == 0;
}

static int signal_after(int64_t waited_ms)
{
	return waited_ms >= ORPHANS_GRACE_MS + ORPHANS_TERM_MS ? SIGKILL
	       : waited_ms >= ORPHANS_GRACE_MS                 ? SIGTERM
							       : 0;
}

/* A run is never doubled: its process may end by itself, then it has to. TERM comes once. */
static int wait_for_orphans(struct database *d, const struct jobs *found, struct why *why)
{
	int64_t now = (int64_t)(monotonic_usec() / 1000);
	int64_t waited = d->orphans_ms ? now - d->orphans_ms : 0;
	int signal = signal_after(waited);
	size_t n = 0;
	int r = orphans_signal(found, signal == d->orphans_told ? 0 : signal, &n);

	if (r < 0) {
		why_set(why,
			"what became of the runs of the " PROGRAM
			" that was killed cannot be seen in /proc: %s",
			strerror(-r));
		return r;
	}
	d->orphans_ms = n > 0 ? now - waited : 0;
	d->orphans_told = n > 0 ? signal : 0;
	if (n == 0)
		return 0;
	why_set(why, "%zu run%s of the " PROGRAM " that was killed go%s on", n, n == 1 ? "" : "s",
		n == 1 ? "es" : "");
	if (waited < ORPHANS_GRACE_MS + 2 * ORPHANS_TERM_MS)
		return -EINPROGRESS;
	why_set(why, "%s and cannot be killed", why->text);
	return -ETIMEDOUT;
}

/* In one transaction, if there are any. */
static int for_each(struct ledger *l, const struct jobs *found,
		    int (*change)(struct ledger *l, const struct job *j))
{
	int r = found->first ? ledger_begin(l) : 0;

	for (struct job *j = found->first; r >= 0 && j; j = j->next)
		r = change(l, j);
	if (r >= 0 && found->first)
		r = ledger_commit(l);
	if (r < 0)
		ledger_rollback(l);
	return r < 0 ? r : 0;
}

static int put_back(struct ledger *l, const struct job *j)
{
	return queue_again(l, j->event_id, j->hook, PROGRAM " ended while it ran", utc_now_ms());
}

static int wake(struct ledger *l, const struct job *j)
{
	return queue_wake(l, j->event_id, j->hook, utc_now_ms());
}

/* An older ipn-hookd, which an upgrade met at work, or a person may have taken away what a run waited for. */
static int wake_stranded(struct ledger *l)
{
	struct interrupted i = {.in_hand = &(struct jobs){0}};
	int r = queue_stranded(l, collect, &i);

	if (r == 0)
		r = i.error;
	if (r == 0)
		r = for_each(l, &i.found, wake);
	jobs_done(&i.found);
	return r;
}

/* Only who holds the folder's lock changes rows that say `running`: they are looked for outside the transaction. */
static int recover(struct database *d, const struct jobs *jobs, size_t *ret_n, struct why *why)
{
	struct interrupted i = {.in_hand = jobs};
	int r = queue_running(d->ledger, collect, &i);

	why->text[0] = 0;
	if (r == 0)
		r = i.error;
	for (struct job *j = i.found.first; r == 0 && j; j = j->next)
		r = job_recall(j, d->ledger);
	if (r == 0 && i.found.first)
		r = wait_for_orphans(d, &i.found, why);
	if (r == 0)
		r = for_each(d->ledger, &i.found, put_back);
	for (struct job *j = i.found.first; r == 0 && j; j = j->next)
		++*ret_n;
	if (r == 0)
		r = wake_stranded(d->ledger);
	jobs_done(&i.found);
	return r;
}

int database_open(struct database *d, const struct jobs *jobs, size_t *ret_interrupted,
		  struct why *why)
{
	int r = take_lock(d, why);

	if (r == 0)
		r = open_file(d, why);
	if (r < 0)
		return r;
	r = recover(d, jobs, ret_interrupted, why);
	if (r < 0) {
		if (!why->text[0])
			why_set(why, "%s", ledger_error(d->ledger));
		database_close(d);
	}
	return r;
}

bool database_replaced(const struct database *d)
{
	struct stat st;

	return stat(d->path, &st) < 0 || st.st_dev != d->device || st.st_ino != d->inode;
}
