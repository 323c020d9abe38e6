/* From ledger_begin() to its end. */
#include <assert.h>
#include <errno.h>
#include <sys/eventfd.h>

#include "base/memory.h"
#include "base/worker.h"
#include "ledger/private.h"

static void roll_back(struct ledger *l)
{
	if (!sqlite3_get_autocommit(l->db))
		sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
}

/* What came of a COMMIT: after a failed one nobody knows what is on disk. */
static int end(struct ledger *l, int r)
{
	if (r < 0) {
		l->suspect = true;
		roll_back(l);
	}
	return r;
}

static void settle(struct ledger *l)
{
	if (!l->committing)
		return;
	if (l->committer)
		worker_wait(l->committer);
	l->committing = false;
	end(l, l->committed);
}

void ledger_rollback(struct ledger *l)
{
	settle(l);
	roll_back(l);
}

/* An upgraded ipnd may have migrated what we have open: its rules are not ours. */
static int check_same_schema(struct ledger *l)
{
	int version = 0, r = ledger_get_int(l, "PRAGMA user_version", &version);

	if (r == 0 && version != ledger_schema())
		r = ledger_fail(l, -ENOTSUP, "another version of ipnd has changed its schema");
	if (r < 0)
		ledger_rollback(l);
	return r;
}

int ledger_begin(struct ledger *l)
{
	int r;

	memory_watch();
	ledger_rollback(l); /* one for whose end there was no memory */
	l->together = l->spoilt = l->half_done = false;
	if (ledger_only_reads(l))
		return ledger_run(l, "BEGIN");
	r = l->mode == LEDGER_OWN ? files_check(l) : 0;
	if (r == 0 && l->mode == LEDGER_OWN && l->suspect)
		r = ledger_make_sure(l);
	if (r < 0)
		return r;
	r = ledger_run(l, "BEGIN IMMEDIATE");
	return r == 0 && l->mode == LEDGER_WRITE ? check_same_schema(l) : r;
}

int ledger_begin_together(struct ledger *l)
{
	int r = ledger_begin(l);

	l->together = r == 0;
	return r;
}

static int check_whole(struct ledger *l)
{
	assert(!l->spoilt);
	/* What was read or written with values missing is not what was meant. */
	return memory_was_short() || l->half_done ? ledger_fail(l, -ENOMEM, "out of memory") : 0;
}

int ledger_commit(struct ledger *l)
{
	int r = check_whole(l);

	return end(l, r < 0 ? r : ledger_run(l, "COMMIT"));
}

static void commit(void *userdata)
{
	struct ledger *l = userdata;

	l->committed = ledger_run(l, "COMMIT");
	eventfd_write(l->committed_fd, 1);
}

int ledger_commit_aside(struct ledger *l, int fd)
{
	int r = check_whole(l);

	if (r < 0)
		return end(l, r);
	l->committed_fd = fd;
	l->committing = true;
	if (l->committer || worker_new(commit, l, &l->committer) == 0)
		worker_start(l->committer);
	else /* no thread is to be had: better late than not at all */
		commit(l);
	return 0;
}

int ledger_commit_end(struct ledger *l)
{
	settle(l);
	return l->committed;
}

int ledger_savepoint(struct ledger *l)
{
	/* Outside a transaction SAVEPOINT would begin one of its own, and RELEASE commit it. */
	if (sqlite3_get_autocommit(l->db))
		return ledger_fail(l, -EIO, "the transaction has been rolled back");
	return l->together ? 0 : ledger_run(l, "SAVEPOINT one");
}

int ledger_release(struct ledger *l)
{
	if (memory_was_short())
		return ledger_fail(l, -ENOMEM, "out of memory");
	return l->together ? 0 : ledger_run(l, "RELEASE one");
}

int ledger_undo(struct ledger *l, int error)
{
	if (l->together) {
		l->spoilt = true;
		return error == -EINVAL ? -ECANCELED : error;
	}
	/* After some errors SQLite has rolled the whole transaction back by itself. */
	if (!sqlite3_get_autocommit(l->db) &&
	    sqlite3_exec(l->db, "ROLLBACK TO one; RELEASE one", NULL, NULL, NULL) != SQLITE_OK)
		l->half_done = true;
	return error;
}
