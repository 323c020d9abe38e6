#include "ledger/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "ledger/private.h"
#include "ledger/query.h"

#define PAGES_AT_ONCE 256

DEFINE_CLEANUP(sqlite3 *, sqlite3_close)

static int copy_failed(struct ledger *l, sqlite3 *to, int result, struct why *why)
{
	int r = ledger_errno(l, result);

	if (r < 0)
		why_set(why, "%s", sqlite3_errmsg(to));
	return r;
}

static int copy_pages(struct ledger *l, sqlite3 *to, ledger_go_on go_on, void *userdata,
		      struct why *why)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", l->db, "main");
	int result = SQLITE_OK, pages = 0;

	if (!b)
		return copy_failed(l, to, sqlite3_errcode(to), why);
	while (result == SQLITE_OK) {
		if (!go_on(pages - sqlite3_backup_remaining(b), pages, userdata)) {
			sqlite3_backup_finish(b);
			return -EINTR;
		}
		result = sqlite3_backup_step(b, PAGES_AT_ONCE);
		pages = sqlite3_backup_pagecount(b);
	}
	sqlite3_backup_finish(b);
	return copy_failed(l, to, result, why);
}

/*
 * The pages are those of a database with a write-ahead log, which nobody could open where no file can be made beside it.
 * Bytes 18 and 19 say so (https://sqlite.org/fileformat2.html, 1.3.3); 1 is a database without one.
 */
int ledger_leave_wal(const char *path)
{
	static const char legacy[] = {1, 1};
	CLEANUP(closep) int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	return pwrite(fd, legacy, sizeof(legacy), 18) == sizeof(legacy) ? 0 : -EIO;
}

int ledger_copy(struct ledger *l, const char *path, ledger_go_on go_on, void *userdata,
		struct why *why)
{
	CLEANUP(sqlite3_closep) sqlite3 *to = NULL;
	int ignored, r;

	/* The transaction begins with the first read. Without it every write of others would start the copy anew. */
	r = ledger_get_int(l, "PRAGMA schema_version", &ignored);
	if (r < 0) {
		why_set(why, "%s", ledger_error(l));
		return r;
	}
	r = sqlite3_open_v2(path, &to,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW,
			    NULL);
	if (r == SQLITE_OK) /* nobody needs half of a copy; who wants it on disk syncs it whole */
		r = sqlite3_exec(to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL,
				 NULL, NULL);
	r = r == SQLITE_OK ? copy_pages(l, to, go_on, userdata, why) : copy_failed(l, to, r, why);
	if (r < 0)
		return r;
	sqlite3_close(TAKE(to));
	r = ledger_leave_wal(path);
	if (r < 0)
		why_set(why, "%s", strerror(-r));
	return r;
}

int ledger_summary(struct ledger *l, struct ledger_summary *ret)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	struct ledger_summary sum = {0};
	int r = query_start(l, QUERY_copy_summary, &s);

	if (r == 0)
		r = ledger_get_int(l, "PRAGMA user_version", &sum.schema);
	if (r == 0)
		r = query_step(l, s);
	if (r < 0)
		return r;
	sum.notifications = query_int(s, "notifications");
	sum.last_event = query_int(s, "last_event");
	if (!query_is_null(s, "last_received"))
		text_escape(query_text(s, "last_received"), sum.last_received,
			    sizeof(sum.last_received));
	*ret = sum;
	return 0;
}

int ledger_lacks(struct ledger *l, struct ledger *other, int64_t *ret)
{
	CLEANUP(query_donep) sqlite3_stmt *mine = NULL, *theirs = NULL;
	int64_t n = 0;
	int order, ours, more, r = query_start(l, QUERY_copy_messages, &mine);

	if (r == 0)
		r = query_start(other, QUERY_copy_messages, &theirs);
	if (r < 0)
		return r;
	ours = query_step(l, mine);
	more = query_step(other, theirs);
	while (ours > 0 && more >= 0) {
		order = more ? strcmp(query_string(mine, "message_id"),
				      query_string(theirs, "message_id"))
			     : -1;
		n += order < 0;
		if (order <= 0)
			ours = query_step(l, mine);
		if (order >= 0)
			more = query_step(other, theirs);
	}
	if (ours < 0 || more < 0)
		return ours < 0 ? ours : more;
	*ret = n;
	return 0;
}

int ledger_skip_events(const char *path, int64_t last_event)
{
	CLEANUP(ledger_closep) struct ledger *l = calloc(1, sizeof(*l));
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r;

	if (!l)
		return -ENOMEM;
	l->mode = LEDGER_WRITE;
	r = ledger_errno(l, sqlite3_open_v2(path, &l->db, SQLITE_OPEN_READWRITE, NULL));
	if (r == 0)
		r = ledger_run(l, "PRAGMA journal_mode = MEMORY");
	if (r == 0)
		r = query_start(l, QUERY_copy_skip_events, &s);
	if (r < 0)
		return r;
	query_bind_int(s, ":last_event", last_event);
	r = query_run(l, s);
	query_done(TAKE(s));
	return r;
}
