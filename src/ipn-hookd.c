/*
 * ipn-hookd: runs the merchant's hooks for the events that ipnd wrote. Options and wiring; when to look is in
 * hooks/dispatch.c, what a turn does in hooks/turn.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/complete.h"
#include "base/exit.h"
#include "base/log.h"
#include "base/options.h"
#include "base/utc.h"
#include "config/config.h"
#include "hooks/dispatch.h"
#include "journal/journal.h"

#define PROGRAM "ipn-hookd"

DEFINE_CLEANUP(struct config *, config_free)

static const char *arg_config, *arg_help, *arg_version, *arg_check, *arg_debug;

static const struct option_row options[] = {
	{'c', "config", "FILE",
	 "the configuration (default: $IPND_CONFIG, " CONFIG_DEFAULT_PATH ")", &arg_config},
	{0, "check-config", NULL, "read and check the configuration, then exit", &arg_check},
	{0, "debug", NULL, "say more in the log", &arg_debug},
	{'h', "help", NULL, "show this", &arg_help},
	{0, "version", NULL, "show the version", &arg_version},
	{0},
};

static void print_help(void)
{
	printf("Usage: " PROGRAM " [OPTION]...\n"
	       "Run the configured hooks for the events that ipnd writes to the database.\n\n");
	options_print(options, stdout);
	printf("\nStays in the foreground, and waits for the database if it is not there yet. SIGHUP reloads the\n"
	       "configuration; SIGTERM lets running hooks finish for 10 s, then ends them and exits. See also: ipnd,\n"
	       "ipnctl.\n");
}

/* A pipe to a child must not land on a number that the child's own stdin, stdout or stderr has. */
static int fill_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			return -errno;
	} while (fd <= STDERR_FILENO);
	close(fd);
	return 0;
}

static int reload(struct dispatcher *d)
{
	CLEANUP(config_freep) struct config *c = NULL;
	const struct config *old = dispatcher_config(d);
	int r = config_load(old->file, PROGRAM, stderr, &c);

	if (r < 0)
		return r;
	if (strcmp(old->database.path, c->database.path) != 0)
		journal_say(KIND_SETTING, LOG_WARNING,
			    "%s: database.path changes at a restart only", c->file);
	r = dispatcher_configure(d, c);
	if (r == 0)
		c = NULL;
	return r;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *signal, void *userdata)
{
	(void)source;
	(void)signal;
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, monotonic_usec());
	if (reload(userdata) < 0)
		journal_say(KIND_NOT_RELOADED, LOG_ERR,
			    "the configuration was not reloaded; the one before stays in use");
	else
		journal_say(KIND_RELOADED, LOG_NOTICE, "the configuration was reloaded");
	sd_notify(0, "READY=1");
	return 0;
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *signal, void *userdata)
{
	(void)source;
	(void)signal;
	sd_notify(0, "STOPPING=1");
	journal_say(KIND_STOPPING, LOG_NOTICE, "stopping; hooks that run may finish");
	dispatcher_stop(userdata);
	return 0;
}

static int handle_signals(sd_event *event, struct dispatcher *d)
{
	static const struct {
		int number;
		sd_event_signal_handler_t handler;
	} signals[] = {{SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGHUP, on_reload}};
	int r = 0;

	for (size_t i = 0; r >= 0 && i < sizeof(signals) / sizeof(signals[0]); i++)
		r = sd_event_add_signal(event, NULL, signals[i].number, signals[i].handler, d);
	return r < 0 ? r : 0;
}

/*
 * Before anything else: a signal that comes early waits, and SIGCHLD is for the loop. Who started us may have left it
 * ignored; then the kernel would reap our children, and nobody could tell how they ended.
 */
static int block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	return sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -errno : 0;
}

/* Takes *c. Returns an exit code. */
static int serve(struct config **c)
{
	CLEANUP(sd_event_unrefp) sd_event *event = NULL;
	CLEANUP(dispatcher_freep) struct dispatcher *d = NULL;
	int r = sd_event_default(&event), code;

	if (r >= 0)
		r = dispatcher_new(event, *c, &d);
	if (r >= 0) {
		*c = NULL;
		r = handle_signals(event, d);
	}
	if (r >= 0)
		r = sd_event_set_watchdog(event, 1);
	if (r < 0) {
		journal_say(KIND_NOT_STARTED, LOG_ERR, "cannot start: %s", strerror(-r));
		return exit_code_of(r);
	}
	code = dispatcher_start(d);
	if (code != EXIT_DONE)
		return code;
	sd_notify(0, "READY=1");
	r = sd_event_loop(event);
	if (r < 0)
		journal_say(KIND_NOT_STARTED, LOG_ERR, "the event loop failed: %s", strerror(-r));
	return r < 0 ? EXIT_OUR_BUG : r;
}

int main(int argc, char **argv)
{
	CLEANUP(config_freep) struct config *c = NULL;
	int r;

	if (complete_wanted(argc, argv))
		return complete_program(options, argc, argv);
	r = options_parse(options, argc, argv, false);
	if (r < 0)
		return EXIT_USAGE;
	if (arg_help) {
		print_help();
		return exit_printed(EXIT_DONE);
	}
	if (arg_version) {
		printf(PROGRAM " " PACKAGE_VERSION "\n");
		return exit_printed(EXIT_DONE);
	}
	if (r < argc) {
		fprintf(stderr, PROGRAM ": %s: takes no operand; see " PROGRAM " --help\n",
			argv[r]);
		return EXIT_USAGE;
	}
	log_open(PROGRAM, arg_debug ? LOG_DEBUG : LOG_INFO);
	r = fill_standard_files();
	if (r == 0)
		r = block_signals();
	if (r < 0) {
		journal_say(KIND_NOT_STARTED, LOG_ERR, "cannot start: %s", strerror(-r));
		return exit_code_of(r);
	}
	r = config_load(config_path(arg_config), PROGRAM, stderr, &c);
	if (r < 0)
		return config_exit_code(r);
	if (arg_check) {
		printf("%s: ok\n", c->file);
		return exit_printed(EXIT_DONE);
	}
	return serve(&c);
}
