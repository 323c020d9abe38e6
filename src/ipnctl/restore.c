/* restore: a backup in the place of the database, which is kept beside. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "ipnctl/ipnctl.h"
#include "ipnctl/progress.h"
#include "ipnctl/rows.h"
#include "ledger/copy.h"

#define BYTES_AT_ONCE 1048576
#define UNKNOWN_GAP                                                                                \
	1000000 /* events that a database which cannot be read may have had after the backup */

static const char *arg_yes, *arg_dry_run;

static const struct option_row options[] = {
	{0, "yes", NULL, "also when the database has what FILE lacks, or cannot be read", &arg_yes},
	{0, "dry-run", NULL, "only check FILE and show what it would replace", &arg_dry_run},
	{0},
};

/* What is known of a database. */
struct side {
	bool there, readable;
	struct ledger *ledger;
	struct ledger_summary sum;
};

struct restore {
	struct ctl *c;
	const char *file;
	int from, to; /* FILE, and the copy of it */
	int locks[2]; /* of both daemons, so that neither starts meanwhile */
	char *fresh;  /* the copy, beside the database; NULL: there is none */
	char *kept;   /* the name that the database gets */
	struct side old, backup;
	int64_t lacking; /* notifications that FILE has not */
};

static void restore_done(struct restore *r)
{
	ledger_close(r->old.ledger);
	ledger_close(r->backup.ledger);
	if (r->fresh)
		unlink(r->fresh);
	closep(&r->from);
	closep(&r->to);
	closep(&r->locks[0]);
	closep(&r->locks[1]);
	free(r->fresh);
	free(r->kept);
}

/* Changes that stand in a log beside FILE would be lost. */
static enum exit_code check_alone(const struct restore *r)
{
	CLEANUP(freep) char *wal = NULL;
	struct stat st;

	if (asprintf(&wal, "%s-wal", r->file) < 0)
		wal = NULL;
	if (stat(output_need(wal), &st) < 0 || st.st_size == 0)
		return EXIT_DONE;
	log_error("%s: a part of it stands in %s: it is no backup of " IPNCTL_PROGRAM
		  "; sqlite3 FILE 'PRAGMA wal_checkpoint(TRUNCATE)' brings them together",
		  r->file, wal);
	return EXIT_BAD_DATA;
}

/* Before we become another user, who may not be able to read it. */
static enum exit_code open_file(struct restore *r)
{
	struct stat st;

	r->from = open(r->file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (r->from < 0 || fstat(r->from, &st) < 0)
		return progress_failed(r->file, NULL, -errno);
	if (S_ISREG(st.st_mode))
		return check_alone(r);
	log_error("%s: is no file; name one that " IPNCTL_PROGRAM " backup wrote", r->file);
	return EXIT_BAD_DATA;
}

static enum exit_code take_lock(struct restore *r, const char *program, int *ret_lock)
{
	int fd = ledger_lock(r->c->state_folder, program, NULL);

	if (fd >= 0) {
		*ret_lock = fd;
		return EXIT_DONE;
	}
	if (fd != -EAGAIN)
		return progress_failed(r->c->state_folder, NULL, fd);
	log_error(
		"restore: %s is running; systemctl stop ipnd ipn-hookd (or end both in another way), then run this again",
		program);
	return EXIT_TRY_AGAIN;
}

static int copy_bytes(struct restore *r)
{
	CLEANUP(freep) char *buffer = output_need(malloc(BYTES_AT_ONCE));
	struct progress progress = {.what = "copying"};
	struct stat st;
	int64_t done = 0;
	ssize_t n, written;
	int error = fstat(r->from, &st) < 0 ? -errno : 0;

	while (error == 0) {
		n = read(r->from, buffer, BYTES_AT_ONCE);
		if (n <= 0) {
			error = n < 0 ? -errno : 0;
			break;
		}
		for (ssize_t at = 0; at < n; at += written) {
			written = write(r->to, buffer + at, (size_t)(n - at));
			if (written < 0) {
				progress_end(&progress);
				return -errno;
			}
		}
		done += n;
		if (!progress_step(done, st.st_size, &progress))
			error = -EINTR;
	}
	progress_end(&progress);
	return error;
}

static enum exit_code copy_file(struct restore *r)
{
	const char *path = r->c->config->database.path;
	int error;

	if (asprintf(&r->fresh, "%s.restore-XXXXXX", path) < 0)
		r->fresh = NULL;
	output_need(r->fresh);
	r->to = mkostemp(r->fresh, O_CLOEXEC);
	if (r->to < 0) {
		error = -errno;
		free(TAKE(r->fresh));
		return progress_failed(r->c->state_folder, NULL, error);
	}
	error = copy_bytes(r);
	if (error == 0)
		error = ledger_leave_wal(r->fresh);
	return error < 0 ? progress_failed(r->fresh, NULL, error) : EXIT_DONE;
}

static enum exit_code check_file(struct restore *r)
{
	struct progress progress = {.what = "checking"};
	struct why why = {""};
	int error = ledger_open(r->fresh, LEDGER_LOOK, &r->backup.ledger, &why);

	if (error == 0)
		error = ledger_check(r->backup.ledger, false, progress_step, &progress, &why);
	progress_end(&progress);
	if (error == 0) {
		error = ledger_summary(r->backup.ledger, &r->backup.sum);
		why_set(&why, "%s", error < 0 ? ledger_error(r->backup.ledger) : "");
	}
	if (error == 0 || error == -EINTR)
		return error == 0 ? EXIT_DONE : progress_failed(r->file, NULL, error);
	log_error("%s: %s; name a file that " IPNCTL_PROGRAM " backup wrote", r->file, why.text);
	return error == -EUCLEAN || error == -EINVAL || error == -ENOTSUP ? EXIT_BAD_DATA : EXIT_IO;
}

/* What is not readable may have anything. */
static void look_at_old(struct restore *r)
{
	const char *path = r->c->config->database.path;
	struct why why;
	int error;

	r->old.there = access(path, F_OK) == 0;
	if (!r->old.there)
		return;
	error = ledger_open(path, LEDGER_LOOK, &r->old.ledger, &why);
	if (error == 0)
		error = ledger_summary(r->old.ledger, &r->old.sum);
	if (error == 0)
		error = ledger_lacks(r->old.ledger, r->backup.ledger, &r->lacking);
	r->old.readable = error == 0;
}

static bool loses(const struct restore *r)
{
	if (!r->old.there)
		return false;
	return !r->old.readable || r->lacking > 0 ||
	       r->old.sum.last_event > r->backup.sum.last_event;
}

static json_t *side_json(const struct side *s)
{
	json_t *row;

	if (!s->readable)
		return json_null();
	row = output_need(json_object());
	json_put(row, "schema", json_integer(s->sum.schema));
	json_put(row, "notifications", json_integer(s->sum.notifications));
	json_put(row, "last_received",
		 json_text(s->sum.last_received[0] ? s->sum.last_received : NULL));
	json_put(row, "last_event", json_integer(s->sum.last_event));
	return row;
}

static void side_cells(struct table *t, const char *what, const struct side *s)
{
	char notifications[24], event[24];

	table_cell(t, COLOUR_BOLD, what);
	if (!s->readable) {
		table_cell(t, s->there ? COLOUR_BAD : COLOUR_DIM,
			   s->there ? "cannot be read" : "is not there");
		table_cell(t, COLOUR_DIM, NULL);
		table_cell(t, COLOUR_DIM, NULL);
		return;
	}
	snprintf(notifications, sizeof(notifications), "%" PRId64, s->sum.notifications);
	snprintf(event, sizeof(event), "%" PRId64, s->sum.last_event);
	table_cell(t, COLOUR_PLAIN, notifications);
	table_cell(t, COLOUR_PLAIN, s->sum.last_received);
	table_cell(t, COLOUR_PLAIN, event);
}

static void compare(const struct restore *r)
{
	CLEANUP(table_freep) struct table *t = table_new();
	const struct output *o = &r->c->out;

	table_heading(t, "WHICH", false);
	table_heading(t, "NOTIFICATIONS", true);
	table_heading(t, "LATEST RECEIVED (UTC)", false);
	table_heading(t, "LAST EVENT", true);
	side_cells(t, "database", &r->old);
	side_cells(t, "backup", &r->backup);
	table_print(t, 0, o);
	if (!r->lacking)
		return;
	output_line(o, COLOUR_BAD, "notifications that the backup lacks: %" PRId64, r->lacking);
	output_line(
		o, COLOUR_BAD,
		"SNS does not send them again, and hooks that have not run for them never will");
}

static void report_json(const struct restore *r, bool done)
{
	CLEANUP(json_decrefp) json_t *all = output_need(json_object());

	json_put(all, "restored", json_boolean(done));
	json_put(all, "file", json_text(r->file));
	json_put(all, "database", side_json(&r->old));
	json_put(all, "backup", side_json(&r->backup));
	json_put(all, "lacking", json_integer(r->lacking));
	json_put(all, "kept", json_text(done && r->old.there ? r->kept : NULL));
	output_json(&r->c->out, all);
}

static void report(const struct restore *r)
{
	const struct output *o = &r->c->out;

	if (r->c->json) {
		report_json(r, true);
		return;
	}
	output_line(o, COLOUR_GOOD, "%s: holds the backup now", r->c->config->database.path);
	if (r->old.there)
		output_line(o, COLOUR_PLAIN,
			    "%s: the database as it was; remove it when you need it no more",
			    r->kept);
	output_line(
		o, COLOUR_PLAIN,
		"start ipnd and ipn-hookd again: hooks run for what waited when the backup was made,");
	output_line(o, COLOUR_PLAIN,
		    "perhaps once more; new events have numbers that were not used before");
}

/* As the database was, else as ipnd makes it. */
static int dress(struct restore *r)
{
	const char *path = r->c->config->database.path;
	struct stat now, st = {.st_mode = 0640};
	int error;

	/* Numbers of events that hooks have seen must not come again: a hook would take the new one for done. */
	error = ledger_skip_events(r->fresh, r->old.readable
						     ? r->old.sum.last_event
						     : r->backup.sum.last_event + UNKNOWN_GAP);
	if (error < 0)
		return error;
	if (fstat(r->to, &now) < 0)
		return -errno;
	if (stat(path, &st) == 0 && now.st_gid != st.st_gid &&
	    fchown(r->to, (uid_t)-1, st.st_gid) < 0)
		return -errno;
	if (fchmod(r->to, st.st_mode & 0777) < 0 || fsync(r->to) < 0)
		return -errno;
	return 0;
}

static void name_kept(struct restore *r)
{
	char time[UTC_TEXT_SIZE];

	utc_format(r->c->now_ms, time);
	if (asprintf(&r->kept, "%s.before-%s", r->c->config->database.path, time) < 0)
		r->kept = NULL;
	output_need(r->kept);
}

static enum exit_code replace(struct restore *r)
{
	const char *path = r->c->config->database.path;
	struct why why = {""};
	int error;

	ledger_close(TAKE(r->old.ledger)); /* who has it open would be in the way */
	ledger_close(TAKE(r->backup.ledger));
	name_kept(r);
	error = dress(r);
	if (error == 0 && !progress_step(0, 0, &(struct progress){.what = "replacing"}))
		error = -EINTR;
	if (error == 0)
		error = ledger_replace(path, r->fresh, r->kept, &why);
	if (error < 0)
		return progress_failed(path, why.text[0] ? why.text : NULL, error);
	free(TAKE(r->fresh)); /* it has another name now */
	report(r);
	return EXIT_DONE;
}

static enum exit_code prepare(struct restore *r)
{
	enum exit_code code = ctl_load_config(r->c);

	if (code == EXIT_DONE)
		code = open_file(r);
	if (code == EXIT_DONE)
		code = ctl_become_owner(r->c);
	if (code == EXIT_DONE && !arg_dry_run)
		code = take_lock(r, "ipnd", &r->locks[0]);
	if (code == EXIT_DONE && !arg_dry_run)
		code = take_lock(r, "ipn-hookd", &r->locks[1]);
	if (code == EXIT_DONE)
		code = copy_file(r);
	return code == EXIT_DONE ? check_file(r) : code;
}

static enum exit_code run(struct ctl *c, char **operands, int n)
{
	CLEANUP(restore_done)
	struct restore r = {.c = c, .file = operands[0], .from = -1, .to = -1, .locks = {-1, -1}};
	enum exit_code code;

	(void)n;
	progress_watch();
	code = prepare(&r);
	if (code != EXIT_DONE)
		return code;
	r.backup.there = r.backup.readable = true;
	look_at_old(&r);
	if (!c->json)
		compare(&r);
	if (arg_dry_run) {
		if (c->json)
			report_json(&r, false);
		return EXIT_DONE;
	}
	if (!loses(&r) || arg_yes)
		return replace(&r);
	log_error("restore: the database %s; write --yes if it is to be replaced nevertheless",
		  r.old.readable ? "has what the backup lacks" : "cannot be read");
	return EXIT_USAGE;
}

const struct verb verb_restore = {
	.name = "restore",
	.operands = "FILE",
	.min = 1,
	.max = 1,
	.help = "put a backup in the place of the database",
	.more = "FILE is checked and compared with the database first. Both daemons must be stopped, and cannot start\n"
		"meanwhile. The database as it was stays beside, under a name with the time; killed at any moment, this\n"
		"leaves the one or the other, whole. What came after the backup is gone: Amazon does not send it again,\n"
		"so ask Amazon's API for the orders of that time. Needs the database's owner (ipnd) or root.\n",
	.options = options,
	.run = run,
};
