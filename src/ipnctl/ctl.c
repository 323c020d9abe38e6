#include <errno.h>
#include <grp.h>
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
		return EXIT_BAD_CONFIG;
	c->state_folder = output_need(config_state_folder(c->config));
	return EXIT_DONE;
}

static int become_owner(const char *path)
{
	struct stat st;

	/* What is not there is reported by the one who opens it. */
	if (geteuid() != 0 || stat(path, &st) < 0 || st.st_uid == 0)
		return 0;
	if (setgroups(1, &st.st_gid) < 0 || setgid(st.st_gid) < 0 || setuid(st.st_uid) < 0)
		return -errno;
	return 0;
}

enum exit_code ctl_open_ledger(struct ctl *c)
{
	enum exit_code code = ctl_load_config(c);
	const char *path;
	struct why why;
	int r;

	if (code != EXIT_DONE)
		return code;
	path = c->config->database.path;
	r = become_owner(path);
	if (r < 0) {
		log_error("%s: cannot become its owner: %s; run this as its owner", path,
			  strerror(-r));
		return EXIT_NO_PERMISSION;
	}
	r = ledger_open(path, LEDGER_READ, &c->ledger, &why);
	if (r < 0) {
		log_error("%s: %s", path, why.text);
		return r == -ENOENT ? EXIT_NOT_AVAILABLE : (enum exit_code)exit_code_of(r);
	}
	r = ledger_begin(c->ledger);
	return r < 0 ? ctl_failed(c, r) : EXIT_DONE;
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
	free(c->state_folder);
	config_free(c->config);
}
