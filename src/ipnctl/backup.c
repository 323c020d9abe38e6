/* backup: the database as one file, whatever the daemons do meanwhile. */
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

static const char *arg_force;

static const struct option_row options[] = {
	{0, "force", NULL, "FILE may be there: it is replaced once the copy is whole", &arg_force},
	{0},
};

struct backup {
	struct ctl *c;
	const char *file;
	char *path;    /* of FILE, its folder without any symbolic link */
	char *partial; /* what is written; NULL: it is gone, or has become FILE */
	int fd;
	int64_t bytes;
	struct ledger_summary sum;
};

static void backup_done(struct backup *b)
{
	if (b->partial)
		unlink(b->partial);
	closep(&b->fd);
	free(b->partial);
	free(b->path);
}

static enum exit_code check_target(struct backup *b)
{
	struct stat st, database;

	if (lstat(b->path, &st) < 0)
		return errno == ENOENT ? EXIT_DONE : progress_failed(b->file, NULL, -errno);
	if (!S_ISREG(st.st_mode)) {
		log_error("%s: is there and is no file; name another", b->file);
		return EXIT_USAGE;
	}
	if (stat(b->c->config->database.path, &database) == 0 && st.st_dev == database.st_dev &&
	    st.st_ino == database.st_ino) {
		log_error("%s: is the database itself; name another file", b->file);
		return EXIT_USAGE;
	}
	if (arg_force)
		return EXIT_DONE;
	log_error("%s: is there already; name another file, or write --force to replace it",
		  b->file);
	return EXIT_USAGE;
}

/* FILE may be a bare name; what has no name left is a folder. */
static enum exit_code find_target(struct backup *b)
{
	const char *slash = strrchr(b->file, '/'), *name = slash ? slash + 1 : b->file;
	CLEANUP(freep) char *given = NULL, *folder = NULL;

	if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		log_error("%s: is no name of a file", b->file);
		return EXIT_USAGE;
	}
	given = output_need(slash ? strndup(b->file, (size_t)(name - b->file)) : strdup("."));
	folder = realpath(given, NULL);
	if (!folder)
		return progress_failed(given, NULL, -errno);
	if (asprintf(&b->path, "%s/%s", folder, name) < 0)
		b->path = NULL;
	output_need(b->path);
	return check_target(b);
}

/* The name cannot be guessed, so nobody else's file or link is in its place. */
static int make_partial(struct backup *b)
{
	if (asprintf(&b->partial, "%s.XXXXXX", b->path) < 0)
		b->partial = NULL;
	output_need(b->partial);
	b->fd = mkostemp(b->partial, O_CLOEXEC);
	if (b->fd >= 0)
		return 0;
	free(TAKE(b->partial));
	return -errno;
}

static int check_copy(struct backup *b, struct why *why)
{
	CLEANUP(ledger_closep) struct ledger *copy = NULL;
	struct progress progress = {.what = "checking"};
	int r = ledger_open(b->partial, LEDGER_LOOK, &copy, why);

	if (r < 0)
		return r;
	r = ledger_check(copy, false, progress_step, &progress, why);
	progress_end(&progress);
	if (r == 0) {
		r = ledger_summary(copy, &b->sum);
		if (r < 0)
			why_set(why, "%s", ledger_error(copy));
	}
	return r;
}

static int write_copy(struct backup *b, struct why *why)
{
	struct progress progress = {.what = "copying"};
	int r = ledger_copy(b->c->ledger, b->partial, progress_step, &progress, why);

	progress_end(&progress);
	ledger_rollback(b->c->ledger);
	return r == 0 ? check_copy(b, why) : r;
}

/* Without --force nothing is replaced, not even what came since we looked. */
static int name_copy(const struct backup *b)
{
	if (arg_force)
		return rename(b->partial, b->path) < 0 ? -errno : 0;
	if (renameat2(AT_FDCWD, b->partial, AT_FDCWD, b->path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (link(b->partial, b->path) < 0) /* a file system that cannot do it at once */
		return -errno;
	unlink(b->partial);
	return 0;
}

static int keep_copy(struct backup *b)
{
	struct stat st;
	int r;

	if (fchmod(b->fd, 0640) < 0 || fsync(b->fd) < 0 || fstat(b->fd, &st) < 0)
		return -errno;
	b->bytes = st.st_size;
	r = name_copy(b);
	if (r < 0)
		return r;
	free(TAKE(b->partial));
	return ledger_sync_folder(b->path);
}

static void report_json(const struct backup *b)
{
	CLEANUP(json_decrefp) json_t *done = output_need(json_object());

	json_put(done, "file", json_text(b->path));
	json_put(done, "bytes", json_integer(b->bytes));
	json_put(done, "schema", json_integer(b->sum.schema));
	json_put(done, "notifications", json_integer(b->sum.notifications));
	json_put(done, "last_received",
		 json_text(b->sum.last_received[0] ? b->sum.last_received : NULL));
	json_put(done, "last_event", json_integer(b->sum.last_event));
	output_json(&b->c->out, done);
}

static void report(const struct backup *b)
{
	const struct output *o = &b->c->out;

	if (b->c->json) {
		report_json(b);
		return;
	}
	output_line(o, COLOUR_GOOD, "%s: %" PRId64 " bytes, checked", b->file, b->bytes);
	output_line(o, COLOUR_PLAIN, "%" PRId64 " notification%s%s%s; last event %" PRId64,
		    b->sum.notifications, b->sum.notifications == 1 ? "" : "s",
		    b->sum.last_received[0] ? ", the latest received " : "", b->sum.last_received,
		    b->sum.last_event);
}

static enum exit_code run(struct ctl *c, char **operands, int n)
{
	CLEANUP(backup_done) struct backup b = {.c = c, .file = operands[0], .fd = -1};
	struct why why = {""};
	enum exit_code code;
	int r;

	(void)n;
	progress_watch();
	code = ctl_open_ledger_to_copy(c);
	if (code == EXIT_DONE)
		code = find_target(&b);
	if (code != EXIT_DONE)
		return code;
	r = make_partial(&b);
	if (r == 0)
		r = write_copy(&b, &why);
	if (r == 0 && !progress_step(0, 0, &(struct progress){.what = "ending"}))
		r = -EINTR;
	if (r == 0)
		r = keep_copy(&b);
	if (r < 0)
		return progress_failed(b.file, why.text[0] ? why.text : NULL, r);
	report(&b);
	return EXIT_DONE;
}

const struct verb verb_backup = {
	.name = "backup",
	.operands = "FILE",
	.min = 1,
	.max = 1,
	.help = "copy the database into one file, beside running daemons",
	.more = "The copy is of one moment, is checked, and needs no other file beside it; FILE appears only when it is\n"
		"whole and on disk. It belongs to who runs this, also when that is root, and is readable by its\n"
		"group (0640). Whoever may read the database may do it; an interruption leaves nothing behind (75).\n"
		"While it runs, the -wal file cannot be emptied and grows.\n",
	.options = options,
	.run = run,
};
