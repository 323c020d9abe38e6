#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/utc.h"
#include "ipnctl/ipnctl.h"

enum exit_code ctl_load_config(struct ctl *c)
{
	int r = config_load(config_path(c->config_option), IPNCTL_PROGRAM, stderr, &c->config);

	if (r < 0)
		return config_exit_code(r);
	c->state_folder = output_need(config_state_folder(c->config));
	return EXIT_DONE;
}

int ctl_become_owner_of(const char *path)
{
	struct stat st;

	/* What is not there is reported by the one who opens it. */
	if (geteuid() != 0 || stat(path, &st) < 0 || st.st_uid == 0)
		return 0;
	if (setgroups(1, &st.st_gid) < 0 || setgid(st.st_gid) < 0 || setuid(st.st_uid) < 0)
		return -errno;
	return 0;
}

static const char *login_of(uid_t uid)
{
	const struct passwd *user = getpwuid(uid);

	return user ? user->pw_name : NULL;
}

/* Who runs this, to be asked before ctl_become_owner(). sudo's word counts for root only: anybody can set a variable. */
static char *person(void)
{
	const char *login = getuid() == 0 ? getenv("SUDO_USER") : NULL;
	char *name = NULL;

	if (!login || !login[0])
		login = login_of(getuid());
	if (login)
		return output_need(strdup(login));
	if (asprintf(&name, "uid %u", (unsigned)getuid()) < 0)
		name = NULL;
	return output_need(name);
}

/* SQLite opens for reading, without a word, what it may not write. */
static enum exit_code check_writable(const char *path)
{
	int r = access(path, W_OK) < 0 ? -errno : 0;
	const char *owner = NULL;
	struct stat st;

	if (r == -EROFS) {
		log_error("%s: is on a file system that cannot be written", path);
		return EXIT_NO_PERMISSION;
	}
	if (r != -EACCES) /* else it can be written, or is reported by the one who opens it */
		return EXIT_DONE;
	if (stat(path, &st) == 0)
		owner = login_of(st.st_uid);
	log_error("%s: you may not write it. Its owner%s%s and root may: run this again with sudo",
		  path, owner ? " " : "", owner ? owner : "");
	return EXIT_NO_PERMISSION;
}

static void remember_file(struct ctl *c)
{
	struct stat st;

	if (stat(c->config->database.path, &st) < 0)
		return;
	c->device = st.st_dev;
	c->inode = st.st_ino;
}

static bool was_replaced(const struct ctl *c)
{
	struct stat st;

	return stat(c->config->database.path, &st) == 0 &&
	       (st.st_dev != c->device || st.st_ino != c->inode);
}

static enum exit_code open_as_myself(struct ctl *c, enum ledger_mode mode)
{
	const char *path = c->config->database.path;
	enum exit_code code;
	struct why why;
	int r;

	code = mode == LEDGER_READ ? EXIT_DONE : check_writable(path);
	if (code != EXIT_DONE)
		return code;
	r = ledger_open(path, mode, &c->ledger, &why);
	if (r < 0) {
		log_error("%s: %s%s", path, why.text, r == -EBUSY ? "; try again" : "");
		return r == -ENOENT || r == -ENOTDIR ? EXIT_NOT_AVAILABLE
						     : (enum exit_code)exit_code_of(r);
	}
	remember_file(c);
	r = ledger_begin(c->ledger);
	return r < 0 ? ctl_failed(c, r) : EXIT_DONE;
}

static enum exit_code open_ledger(struct ctl *c, enum ledger_mode mode)
{
	const char *path = c->config->database.path;
	int r = ctl_become_owner_of(path);

	if (r == 0)
		return open_as_myself(c, mode);
	log_error("%s: cannot become its owner: %s; run this as its owner", path, strerror(-r));
	return EXIT_NO_PERMISSION;
}

enum exit_code ctl_open_ledger(struct ctl *c)
{
	enum exit_code code = ctl_load_config(c);

	return code == EXIT_DONE ? open_ledger(c, LEDGER_READ) : code;
}

enum exit_code ctl_open_ledger_to_write(struct ctl *c)
{
	enum exit_code code = ctl_load_config(c);

	c->person = person();
	return code == EXIT_DONE ? open_ledger(c, LEDGER_WRITE) : code;
}

void ctl_let_go(const struct ctl *c)
{
	ledger_rollback(c->ledger);
}

/* One that is not to be read yet, because ipnd is just making it, is looked at the next time. */
static bool open_the_new_one(struct ctl *c)
{
	struct ledger *fresh = NULL;
	struct why why;

	if (!was_replaced(c))
		return false;
	remember_file(c);
	if (ledger_open(c->config->database.path, LEDGER_READ, &fresh, &why) < 0) {
		c->inode = 0;
		return false;
	}
	ledger_close(c->ledger);
	c->ledger = fresh;
	return true;
}

enum exit_code ctl_look_again(struct ctl *c, bool *ret_replaced)
{
	int r;

	ledger_rollback(c->ledger);
	*ret_replaced = open_the_new_one(c);
	r = ledger_begin(c->ledger);
	return r < 0 ? ctl_failed(c, r) : EXIT_DONE;
}

/* What is opened stays open; what is made later is the invoking person's. */
enum exit_code ctl_open_ledger_to_copy(struct ctl *c)
{
	enum exit_code code = ctl_load_config(c);
	const gid_t group = getegid();
	struct stat st;

	if (code != EXIT_DONE)
		return code;
	if (geteuid() != 0 || stat(c->config->database.path, &st) < 0 || st.st_uid == 0)
		return open_as_myself(c, LEDGER_READ);
	if (setegid(st.st_gid) < 0 || seteuid(st.st_uid) < 0) {
		log_error("%s: cannot become its owner: %m; run this as its owner",
			  c->config->database.path);
		return EXIT_NO_PERMISSION;
	}
	code = open_as_myself(c, LEDGER_READ);
	if (seteuid(0) < 0 || setegid(group) < 0)
		return EXIT_OUR_BUG;
	return code;
}

enum exit_code ctl_become_owner(struct ctl *c)
{
	const char *path = c->config->database.path;
	int r = ctl_become_owner_of(access(path, F_OK) == 0 ? path : c->state_folder);

	if (r == 0)
		return check_writable(c->state_folder);
	log_error("%s: cannot become its owner: %s; run this as its owner", path, strerror(-r));
	return EXIT_NO_PERMISSION;
}

enum exit_code ctl_failed(const struct ctl *c, int error)
{
	log_error("%s: %s%s", c->config->database.path, ledger_error(c->ledger),
		  error == -EBUSY ? "; try again" : "");
	return (enum exit_code)exit_code_of(error);
}

int ctl_running(const struct ctl *c, const char *program, char **ret_text)
{
	CLEANUP(freep) char *text = NULL;
	int r = ledger_locked(c->state_folder, program, &text);

	if (r >= 0 && ret_text)
		*ret_text = TAKE(text);
	return r;
}

void ctl_done(struct ctl *c)
{
	if (c->ledger)
		ledger_rollback(c->ledger);
	ledger_close(c->ledger);
	free(c->person);
	free(c->state_folder);
	config_free(c->config);
}

bool ctl_parse_number(const char *given, int64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoll(given, &end, 10);
	return !errno && given[0] >= '0' && given[0] <= '9' && !*end;
}

enum exit_code ctl_show(const struct ctl *c, const json_t *rows,
			void (*print)(const struct ctl *c, const json_t *rows), const char *none,
			...)
{
	if (json_array_size(rows) == 0) {
		char words[256];
		va_list ap;

		va_start(ap, none);
		vsnprintf(words, sizeof(words), none, ap);
		va_end(ap);
		log_error("%s", words);
		return EXIT_NOTHING;
	}
	if (c->json)
		output_json_lines(&c->out, rows);
	else
		print(c, rows);
	return EXIT_DONE;
}

bool ctl_parse_limit(const char *given, int64_t by_itself, int64_t *ret)
{
	*ret = by_itself;
	if (given && !ctl_parse_number(given, ret)) {
		log_error("--limit=%s: is no number; write one, or 0 for all", given);
		return false;
	}
	if (*ret == 0)
		*ret = -1;
	return true;
}
