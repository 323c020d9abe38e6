/* Could ipn-hookd start the hook's program? Looked at from outside: nothing is run. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "ipnctl/doctor.h"

#define FIRST_LINE 256 /* of which Linux reads a `#!` line (BINPRM_BUF_SIZE) */

static void say_missing(struct doctor *d, const struct hook_config *hook, const char *path,
			const char *at, int error)
{
	doctor_find(d, FINDING_FAILED, "hook %s: %s: %s", hook->name,
		    strcmp(at, path) == 0 ? path : at, strerror(error));
	doctor_mend(d, "put the program there, or change run in hook \"%s\" { } of %s and reload",
		    hook->name, d->c->config->file);
}

/* A program or a folder on the way to it is closed to the user that runs it. */
static void say_closed(struct doctor *d, const struct hook_config *hook, const char *path,
		       const char *at)
{
	CLEANUP(freep) char *quoted = doctor_quote(at), *real = realpath(path, NULL);
	bool itself = strcmp(at, real ? real : path) == 0;

	doctor_find(d, FINDING_FAILED, "hook %s: %s may not execute %s%s%s", hook->name,
		    d->owner.name, path, itself ? "" : ": no way through ", itself ? "" : at);
	doctor_mend(d, "chmod a+x %s", quoted);
}

static void check_one_writable(struct doctor *d, const struct hook_config *hook, const char *path)
{
	CLEANUP(freep) char *quoted = doctor_quote(path);
	struct stat st;

	/* A folder with the sticky bit keeps what is another's. */
	if (stat(path, &st) < 0 || !(st.st_mode & 0002) ||
	    (S_ISDIR(st.st_mode) && st.st_mode & S_ISVTX))
		return;
	doctor_find(d, FINDING_WARNING, "hook %s: everybody may write %s, and so what it runs",
		    hook->name, path);
	doctor_mend(d, "chmod o-w %s", quoted);
}

/* Whoever may write it, or a folder above it, runs what he likes as that user. */
static void check_writable(struct doctor *d, const struct hook_config *hook, const char *path)
{
	CLEANUP(freep) char *real = realpath(path, NULL);
	char *end;

	while (real && (end = strrchr(real, '/'))) {
		check_one_writable(d, hook, real);
		*end = 0;
	}
}

static void check_interpreter(struct doctor *d, const struct hook_config *hook, const char *path,
			      char *line)
{
	char *name = line + strspn(line, " \t"), *end = name + strcspn(name, " \t");
	CLEANUP(freep) char *at = NULL, *quoted = doctor_quote(path);
	int r;

	*end = 0;
	r = doctor_may(d, name, X_OK, &at);
	if (r > 0)
		return;
	doctor_find(d, FINDING_FAILED, "hook %s: %s begins with #!%s, which %s", hook->name, path,
		    name, r == 0 ? "the daemon's user may not execute" : "is not there");
	if (end > name && end[-1] == '\r')
		doctor_mend(d, "dos2unix %s    # its lines end as on Windows", quoted);
	else
		doctor_mend(d, "install %s, or correct the first line of %s",
			    name[0] ? name : "an interpreter", quoted);
}

/* The kernel starts ELF, and scripts that say by what. */
static void check_beginning(struct doctor *d, const struct hook_config *hook, const char *path)
{
	CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	CLEANUP(freep) char *quoted = doctor_quote(path);
	char line[FIRST_LINE + 1];
	ssize_t n = fd < 0 ? -1 : read(fd, line, FIRST_LINE);

	if (n < 0)
		return; /* it may be run without being read */
	line[n] = 0;
	line[strcspn(line, "\n")] = 0;
	if (strncmp(line, "#!", 2) == 0) {
		check_interpreter(d, hook, path, line + 2);
	} else if (strncmp(line, "\177ELF", 4) != 0) {
		doctor_find(d, FINDING_FAILED,
			    "hook %s: %s is neither a program nor a script that begins with #!",
			    hook->name, path);
		doctor_mend(d, "write the interpreter into the first line of %s, as in #!/bin/sh",
			    quoted);
	}
}

void doctor_check_program(struct doctor *d, const struct hook_config *hook)
{
	const char *path = hook->run.at[0];
	CLEANUP(freep) char *at = NULL;
	struct stat st;
	int r;

	r = d->owner.known ? doctor_may(d, path, X_OK, &at) : -ENOENT;
	if (!d->owner.known)
		at = output_need(strdup(path));
	if (r == -EACCES) {
		doctor_find(d, FINDING_WARNING, "hook %s: %s cannot be looked at by you",
			    hook->name, path);
		doctor_mend(d, "ask again as root: sudo ipnctl doctor");
		return;
	}
	if (r < 0 && (d->owner.known || access(path, F_OK) < 0)) {
		say_missing(d, hook, path, at, -r);
		return;
	}
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		doctor_find(d, FINDING_FAILED, "hook %s: %s is not a regular file", hook->name,
			    path);
		doctor_mend(d, "name the program itself in hook \"%s\" { } of %s and reload",
			    hook->name, d->c->config->file);
		return;
	}
	if (r == 0) {
		say_closed(d, hook, path, at);
		return;
	}
	check_writable(d, hook, path);
	check_beginning(d, hook, path);
}
