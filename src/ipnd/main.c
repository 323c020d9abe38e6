/*
 * ipnd: receives Amazon Pay notifications, proves that Amazon sent them, keeps them, answers. Options and wiring; the story
 * of a post is in receive/.
 */
#include "ipnd/daemon.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/complete.h"
#include "base/exit.h"
#include "base/log.h"
#include "base/options.h"
#include "journal/journal.h"
#include "net/http.h"
#include "net/tls.h"
#include "receive/receive.h"

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
	       "Receive Amazon Pay notifications, verify them and keep them in a database.\n\n");
	options_print(options, stdout);
	printf("\nStays in the foreground. SIGHUP reloads the configuration and the TLS certificate; SIGTERM\n"
	       "finishes what is in flight and exits. See also: ipn-hookd, ipnctl, ipn-simulate.\n");
}

static void on_stopped(void *userdata)
{
	struct daemon *d = userdata;

	sd_event_exit(d->event, EXIT_DONE);
}

static int on_stop(sd_event_source *source, const struct signalfd_siginfo *signal, void *userdata)
{
	struct daemon *d = userdata;

	(void)source;
	(void)signal;
	if (d->stopping)
		return 0;
	d->stopping = true;
	sd_notify(0, "STOPPING=1\nSTATUS=Finishing what is in flight");
	journal_say(KIND_STOPPING, LOG_NOTICE, "finishing what is in flight");
	http_server_stop(d->server, on_stopped, d);
	return 0;
}

static int handle_signals(struct daemon *d)
{
	static const struct {
		int number;
		sd_event_signal_handler_t handler;
	} signals[] = {{SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGHUP, daemon_on_reload}};
	sigset_t set;
	int r = 0;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&set, signals[i].number);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	for (size_t i = 0; r >= 0 && i < sizeof(signals) / sizeof(signals[0]); i++)
		r = sd_event_add_signal(d->event, NULL, signals[i].number, signals[i].handler, d);
	return r < 0 ? r : 0;
}

/* Takes *c on success. Returns an exit code. */
static int start(struct daemon *d, struct config **c)
{
	struct why why = {""};
	int r = sd_event_default(&d->event);

	if (r >= 0)
		r = handle_signals(d);
	if (r >= 0)
		r = tls_credentials_new(&d->tls);
	if (r < 0) {
		journal_say(KIND_NOT_STARTED, LOG_ERR, "cannot start: %s", strerror(-r));
		return exit_code_of(r);
	}
	d->uses_tls = daemon_speaks_tls(*c);
	if (d->uses_tls)
		r = daemon_load_tls(d, *c);
	if (r < 0)
		return config_exit_code(r);
	r = daemon_open_ledger(d, *c);
	if (r < 0)
		return exit_code_of(r);
	r = receiver_new(d->event, d->ledger, *c, &d->receiver, &why);
	if (r < 0) {
		journal_say(KIND_NOT_STARTED, LOG_ERR, "%s: %s", (*c)->file,
			    why.text[0] ? why.text : strerror(-r));
		return config_exit_code(r);
	}
	*c = NULL;
	return EXIT_DONE;
}

static int serve(struct daemon *d)
{
	const struct config *c = receiver_config(d->receiver);
	int r;

	daemon_warn_of_stand_in(c);
	daemon_allow_files(c);
	r = daemon_listen(d, c);
	if (r < 0)
		return r == -EADDRINUSE ? EXIT_TRY_AGAIN
		       : r == -EACCES   ? EXIT_NO_PERMISSION
					: EXIT_BAD_CONFIG;
	r = daemon_remember(d, c);
	if (r >= 0)
		r = ledger_lock_note(d->lock, d->notes);
	if (r >= 0)
		r = sd_event_set_watchdog(d->event, 1);
	if (r < 0)
		return exit_code_of(r);
	receiver_say_status(d->receiver);
	sd_notify(0, "READY=1");
	r = sd_event_loop(d->event);
	if (r < 0)
		journal_say(KIND_NOT_STARTED, LOG_ERR, "the event loop failed: %s", strerror(-r));
	return r < 0 ? EXIT_OUR_BUG : r;
}

static void stop(struct daemon *d)
{
	/* The receiver answers what still waits, so the server must still be there. */
	receiver_free(d->receiver);
	http_server_free(d->server);
	tls_credentials_free(d->tls);
	ledger_close(d->ledger);
	free(d->state_folder);
	daemon_forget(d);
	sd_event_unref(d->event);
	closep(&d->lock);
}

int main(int argc, char **argv)
{
	CLEANUP(config_freep) struct config *c = NULL;
	struct daemon d = {.lock = -1};
	int r, code;

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
	umask(0027);
	signal(SIGPIPE, SIG_IGN);
	r = config_load(config_path(arg_config), PROGRAM, stderr, &c);
	if (r < 0)
		return config_exit_code(r);
	if (arg_check) {
		printf("%s: ok\n", c->file);
		return exit_printed(EXIT_DONE);
	}
	code = start(&d, &c);
	if (code == EXIT_DONE)
		code = serve(&d);
	stop(&d);
	return code;
}
