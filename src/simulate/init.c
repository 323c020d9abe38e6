#include "simulate/simulate.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/exit.h"
#include "base/log.h"

#include "simulate/authority.h"

#define REGION "us-east-1"
/* Amazon Pay's account and US sandbox marketplace, then a seller that nobody is (protocol.md section 1.2). */
#define SELLER "AREHEARSAL"
#define TOPIC  "arn:aws:sns:" REGION ":291180941288:A3BXB0YN3XH17H" SELLER

DEFINE_CLEANUP(DIR *, closedir)

static const char hook_script[] =
	"#!/bin/sh\n"
	"# A rehearsal's hook. It keeps each event whole in events.jsonl, and prints one line of it: ipn-hookd records that\n"
	"# as the run's output, and hook.log has all of them. IPN_* and stdin are described under \"Events and hooks\".\n"
	"set -eu\n"
	"folder=${0%/*}\n"
	"cat >>\"$folder/events.jsonl\"\n"
	"{\n"
	"	printf '%s %s' \"$IPN_EVENT\" \"$IPN_OBJECT_ID\"\n"
	"	[ -z \"$IPN_STATE\" ] || printf ': %s -> %s' \"${IPN_PREVIOUS_STATE:-new}\" \"$IPN_STATE\"\n"
	"	printf '%s%s\\n' \"${IPN_REASON_CODE:+ ($IPN_REASON_CODE)}\" \"${IPN_AMOUNT:+, $IPN_AMOUNT $IPN_CURRENCY}\"\n"
	"} | tee -a \"$folder/hook.log\"\n";

/* The folder is the only argument, as often as it stands there. */
static const char configuration[] =
	"# A rehearsal: ipnd on this machine only, believing nobody but the keys beside this file.\n"
	"listen {\n"
	"	https = {\"127.0.0.1:0\"}\n"
	"	certificate = \"%1$s/" AUTHORITY_TLS "\"\n"
	"	private_key = \"%1$s/" AUTHORITY_TLS_KEY "\"\n"
	"}\n"
	"account \"rehearsal\" {\n"
	"	topic_arn = \"" TOPIC "\"\n"
	"	seller_id = {\"" SELLER "\"}\n"
	"	environment = sandbox\n"
	"}\n"
	"sns {\n"
	"	certificate_cache = \"%1$s/certificates\"\n"
	"	fetch = no\n"
	"	trust = \"%1$s/" AUTHORITY_CA "\"\n"
	"	chain = require\n"
	"}\n"
	"database {\n"
	"	path = \"%1$s/state/ipnd.db\"\n"
	"}\n"
	"hook \"print\" {\n"
	"	on = {\"*\"}\n"
	"	run = {\"%1$s/hook\"}\n"
	"	environment = any\n"
	"	backoff = \"1s\"\n"
	"	backoff_max = \"10s\"\n"
	"}\n";

/* Says what failed, and gives the exit code. */
static int failed(const char *what, const char *path)
{
	int error = errno;

	log_error("cannot %s %s: %m", what, path);
	return error == ENOTDIR ? EXIT_USAGE : exit_code_of(-error);
}

/* 0 when it is there and empty, or has been made; else the exit code. */
static int empty_folder(const char *path)
{
	CLEANUP(closedirp) DIR *folder = NULL;
	const struct dirent *d;

	if (mkdir(path, 0750) == 0)
		return EXIT_DONE;
	if (errno != EEXIST)
		return failed("create", path);
	folder = opendir(path);
	if (!folder)
		return failed("read", path);
	while ((d = readdir(folder)))
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0) {
			log_error("%s is not empty; name a new folder", path);
			return EXIT_USAGE;
		}
	return EXIT_DONE;
}

/*
 * The path goes into the configuration between quotes, where libconfuse expands "${...}" and backslashes, and into
 * commands for a person to type: what would need quoting there is refused.
 */
static bool is_plain(const char *path)
{
	for (const char *p = path; *p; p++)
		if ((unsigned char)*p < ' ' || strchr("\"'\\$\x7f", *p)) {
			log_error(
				"%s: the folder's path may not hold quotes, backslashes, $ or control characters",
				path);
			return false;
		}
	return true;
}

static int absolute_folder(const char *path, char **ret)
{
	CLEANUP(freep) char *absolute = realpath(path, NULL);

	if (!absolute)
		return failed("find", path);
	if (!is_plain(absolute))
		return EXIT_USAGE;
	*ret = TAKE(absolute);
	return EXIT_DONE;
}

static int make_folder(const char *parent, const char *name, mode_t mode)
{
	CLEANUP(freep) char *path = NULL;

	if (asprintf(&path, "%s/%s", parent, name) < 0)
		return exit_code_of(-ENOMEM);
	/* mkdir() takes no set-group-ID bit, and the umask away. */
	if (mkdir(path, 0700) < 0 || chmod(path, mode) < 0)
		return failed("create", path);
	return EXIT_DONE;
}

__attribute__((format(printf, 4, 5))) static int write_file(const char *folder, const char *name,
							    mode_t mode, const char *format, ...)
{
	CLEANUP(freep) char *path = NULL;
	CLEANUP(closep) int fd = -1;
	va_list ap;
	int n;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return exit_code_of(-ENOMEM);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return failed("create", path);
	va_start(ap, format);
	n = vdprintf(fd, format, ap);
	va_end(ap);
	if (n < 0 || fchmod(fd, mode) < 0)
		return failed("write", path);
	return EXIT_DONE;
}

static int make_keys(const char *folder)
{
	CLEANUP(freep) char *cache = NULL;
	struct why why;
	int r;

	if (asprintf(&cache, "%s/certificates/" REGION, folder) < 0)
		return exit_code_of(-ENOMEM);
	r = authority_create(folder, cache, &why);
	if (r < 0)
		log_error("%s", why.text);
	return r < 0 ? exit_code_of(r) : EXIT_DONE;
}

static int fill_folder(const char *folder)
{
	int r;

	if ((r = make_folder(folder, "certificates", 0750)) != EXIT_DONE ||
	    (r = make_folder(folder, "certificates/" REGION, 0750)) != EXIT_DONE ||
	    (r = make_folder(folder, "state", 02750)) != EXIT_DONE ||
	    (r = make_keys(folder)) != EXIT_DONE ||
	    (r = write_file(folder, "hook", 0755, "%s", hook_script)) != EXIT_DONE)
		return r;
	return write_file(folder, "ipnd.conf", 0640, configuration, folder);
}

int simulate_init(const struct verb *v, const char *config, int argc, char **argv)
{
	CLEANUP(freep) char *folder = NULL;
	const char *help = NULL, *path = NULL;
	const struct option_row rows[] = {
		{'h', "help", NULL, "show this and exit", &help},
		{0},
	};
	int r = verb_parse(v, rows, &help, argc, argv, &path);

	(void)config;
	if (r >= 0)
		return r;
	if (!is_plain(path))
		return EXIT_USAGE;
	if ((r = empty_folder(path)) != EXIT_DONE ||
	    (r = absolute_folder(path, &folder)) != EXIT_DONE ||
	    (r = fill_folder(folder)) != EXIT_DONE)
		return r;
	printf("Made keys, certificates and a configuration in %1$s. Next, each in a terminal of its own:\n\n"
	       "  ipnd -c '%1$s/ipnd.conf'\n"
	       "  ipn-hookd -c '%1$s/ipnd.conf'\n"
	       "  ipn-simulate play one-time -c '%1$s/ipnd.conf'\n",
	       folder);
	return EXIT_DONE;
}
