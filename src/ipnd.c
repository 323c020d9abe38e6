/*
 * ipnd: receives Amazon Pay notifications, proves that Amazon sent them, keeps them, answers. Options and wiring; the story
 * of a post is in receive/.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/complete.h"
#include "base/exit.h"
#include "base/log.h"
#include "base/options.h"
#include "base/utc.h"
#include "config/config.h"
#include "journal/journal.h"
#include "ledger/apply.h"
#include "ledger/ledger.h"
#include "ledger/subscription.h"
#include "net/http.h"
#include "net/tls.h"
#include "receive/receive.h"

#define PROGRAM               "ipnd"
#define START_TRIES           500 /* of 10 ms: how long another writer may hold the database when we start */
#define RELOAD_TRIES          20
#define NOTES_MAX             2048
#define FILES_OWN             64 /* listeners, epoll, database, log, and a certificate that is being read */
#define MIGRATION_TELL_USEC   UINT64_C(1000000)
#define MIGRATION_EXTEND_USEC UINT64_C(600000000)
#define TLS_WARN_MS           (14 * 24 * 3600 * INT64_C(1000))

DEFINE_CLEANUP(struct config *, config_free)

struct daemon {
	sd_event *event;
	struct ledger *ledger;
	struct tls_credentials *tls;
	struct receiver *receiver;
	struct http_server *server;
	char *state_folder;
	char notes[NOTES_MAX]; /* the URLs listened on, a line each */
	int lock;
	bool uses_tls;
	bool stopping;
};

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

static int load_tls(struct daemon *d, const struct config *c)
{
	CLEANUP(freep) char *certificate = config_file_path(c->listen.certificate);
	CLEANUP(freep) char *private_key = config_file_path(c->listen.private_key);
	struct why why;
	int64_t left_ms;
	int r;

	if (!certificate || !private_key)
		return -ENOMEM;
	r = tls_credentials_load(d->tls, certificate, private_key, &why);
	if (r < 0) {
		journal_say(KIND_TLS, LOG_ERR, "%s: listen.certificate: %s", c->file, why.text);
		return r;
	}
	left_ms = tls_credentials_not_after_ms(d->tls) - utc_now_ms();
	if (left_ms < TLS_WARN_MS)
		journal_say(KIND_TLS, LOG_WARNING, "%s: the TLS certificate %s", certificate,
			    left_ms < 0 ? "has expired: Amazon will not connect"
					: "expires within 14 days");
	return 0;
}

static int hooks_registered(struct daemon *d, const char *path, int r)
{
	if (r < 0) {
		journal_say(KIND_DATABASE, LOG_ERR, "%s: the hooks could not be registered: %s",
			    path, ledger_error(d->ledger));
		ledger_rollback(d->ledger);
	}
	return r;
}

/* On success the caller ends the transaction. */
static int begin_hooks(struct daemon *d, const struct config *c, int tries)
{
	int r;

	while ((r = ledger_begin(d->ledger)) == -EBUSY && --tries > 0)
		usleep(10000);
	if (r == 0)
		r = ledger_register_hooks(d->ledger, c, utc_now_ms());
	return hooks_registered(d, c->database.path, r);
}

static int commit_hooks(struct daemon *d, const struct config *c)
{
	return hooks_registered(d, c->database.path, ledger_commit(d->ledger));
}

/* Inside the transaction of the start: what a crash left in the middle is for a person, who is told. */
static int end_confirmations(struct daemon *d, const struct config *c)
{
	int n = ledger_cut_off_subscriptions(d->ledger, PROGRAM,
					     "ipnd ended before SNS had answered", utc_now_ms());

	if (n < 0) {
		journal_say(KIND_DATABASE, LOG_ERR, "%s: %s", c->database.path,
			    ledger_error(d->ledger));
		ledger_rollback(d->ledger);
		return n;
	}
	if (n > 0)
		journal_say(
			KIND_UNCONFIRMED, LOG_ERR,
			"%d subscription%s may not be confirmed, since ipnd ended before SNS had answered: "
			"ipnctl subscriptions",
			n, n == 1 ? "" : "s");
	return 0;
}

struct migration {
	uint64_t started_usec, told_usec; /* monotonic; 0: not yet */
	int from, to;
};

/* The service manager is asked for more time each time, also for what SQLite does in one step, such as the last sync. */
static void on_migrating(int from, int to, void *userdata)
{
	struct migration *m = userdata;
	uint64_t now = monotonic_usec();

	if (m->told_usec && now - m->told_usec < MIGRATION_TELL_USEC)
		return;
	if (!m->started_usec)
		*m = (struct migration){.started_usec = now, .from = from, .to = to};
	m->told_usec = now;
	sd_notifyf(0,
		   "EXTEND_TIMEOUT_USEC=%" PRIu64
		   "\nSTATUS=Bringing the database from schema %d to %d, since %" PRIu64 " s",
		   MIGRATION_EXTEND_USEC, from, to, (now - m->started_usec) / 1000000);
}

static void say_migrated(const struct migration *m, const char *path)
{
	if (m->started_usec)
		journal_say(KIND_MIGRATED, LOG_NOTICE,
			    "%s: was brought from schema %d to %d in %.1f s", path, m->from, m->to,
			    (double)(monotonic_usec() - m->started_usec) / 1000000);
}

static int open_ledger(struct daemon *d, const struct config *c)
{
	struct migration m = {0};
	struct why why;
	int r;

	d->state_folder = config_state_folder(c);
	if (!d->state_folder)
		return -ENOMEM;
	d->lock = ledger_lock(d->state_folder, PROGRAM, NULL);
	if (d->lock < 0) {
		if (d->lock == -EAGAIN)
			journal_say(KIND_NOT_STARTED, LOG_ERR,
				    "%s: another ipnd uses this folder; stop it first",
				    d->state_folder);
		else
			journal_say(
				KIND_NOT_STARTED, LOG_ERR,
				"%s: cannot be used: %s; it must exist and be writable by this user",
				d->state_folder, strerror(-d->lock));
		return d->lock;
	}
	r = ledger_open_own(c->database.path, on_migrating, &m, &d->ledger, &why);
	for (int tries = START_TRIES; r == -EBUSY && tries > 0; tries--) {
		usleep(10000);
		r = ledger_open_own(c->database.path, on_migrating, &m, &d->ledger, &why);
	}
	if (r < 0) {
		journal_say(KIND_DATABASE, LOG_ERR, "%s: %s", c->database.path, why.text);
		return r;
	}
	say_migrated(&m, c->database.path);
	r = begin_hooks(d, c, START_TRIES);
	if (r == 0)
		r = end_confirmations(d, c);
	if (r == 0)
		r = commit_hooks(d, c);
	if (r == 0 && ledger_checkpoint_aside(d->ledger) < 0)
		log_warning("no thread for checkpoints is to be had: answers wait for them");
	return r;
}

/* Says where we listen: in the log, and in the lock file for ipnctl and ipn-simulate. */
static void listening(struct daemon *d, const char *url)
{
	size_t used = strlen(d->notes);

	journal_say(KIND_LISTENING, LOG_NOTICE, "listening on %s", url);
	snprintf(d->notes + used, sizeof(d->notes) - used, "%s\n", url);
}

static int listen_on(struct daemon *d, const struct strings *addresses, struct tls_credentials *tls)
{
	for (size_t i = 0; i < addresses->n; i++) {
		CLEANUP(freep) char *url = NULL;
		struct why why;
		int r = http_server_listen(d->server, addresses->at[i], tls, &url, &why);

		if (r < 0) {
			journal_say(KIND_NOT_STARTED, LOG_ERR, "cannot listen on %s: %s",
				    addresses->at[i], why.text);
			return r;
		}
		listening(d, url);
	}
	return 0;
}

/* A socket named "http" in its unit (FileDescriptorName=) speaks plain HTTP, any other one HTTPS. */
static int listen_on_handed(struct daemon *d, int n, char **names)
{
	for (int i = 0; i < n; i++) {
		CLEANUP(freep) char *url = NULL;
		bool plain = names && names[i] && strcmp(names[i], "http") == 0;
		struct why why;
		int r = http_server_listen_fd(d->server, SD_LISTEN_FDS_START + i,
					      plain ? NULL : d->tls, &url, &why);

		if (r < 0) {
			journal_say(KIND_NOT_STARTED, LOG_ERR,
				    "the socket handed in by systemd: %s", why.text);
			return r;
		}
		listening(d, url);
	}
	return 0;
}

/* Whether one of the lines of notes is that address's URL. */
static bool is_listened_on(const struct daemon *d, const char *scheme, const char *address)
{
	size_t scheme_len = strlen(scheme), len = strlen(address);
	const char *end;

	for (const char *line = d->notes; (end = strchr(line, '\n')); line = end + 1) {
		const char *rest = line + scheme_len;

		if (strncmp(line, "unix:", 5) == 0)
			rest = line;
		else if (strncmp(line, scheme, scheme_len) != 0)
			continue;
		if (strncmp(rest, address, len) == 0 && (rest[len] == '/' || rest[len] == '\n'))
			return true;
	}
	return false;
}

/* The sockets of systemd win; that one of ours is not served is for a person to know. */
static void warn_of_unused(const struct daemon *d, const struct config *c)
{
	const struct {
		const char *setting, *scheme;
		const struct strings *addresses;
	} doors[] = {{"https", "https://", &c->listen.https}, {"http", "http://", &c->listen.http}};

	for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++)
		for (size_t k = 0; k < doors[i].addresses->n; k++)
			if (!is_listened_on(d, doors[i].scheme, doors[i].addresses->at[k]))
				journal_say(
					KIND_SETTING, LOG_WARNING,
					"%s: listen.%s: \"%s\" is not used, since systemd handed in other sockets",
					c->file, doors[i].setting, doors[i].addresses->at[k]);
}

static void free_names(char ***names)
{
	for (char **n = *names; n && *n; n++)
		free(*n);
	free(*names);
}

/*
 * A file for each connection that is allowed: else strangers who hold connections open keep us from reading a
 * certificate. The soft limit that systemd and login set is 1024.
 */
static void allow_files(const struct config *c)
{
	rlim_t needed = (rlim_t)c->listen.max_connections + FILES_OWN;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= needed)
		return;
	limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < needed)
		journal_say(
			KIND_SETTING, LOG_WARNING,
			"%s: listen.max_connections = %u needs %ju open files and %ju are allowed; "
			"lower it, or raise LimitNOFILE= or ulimit -Hn",
			c->file, c->listen.max_connections, (uintmax_t)needed,
			(uintmax_t)limit.rlim_max);
}

static int start_server(struct daemon *d, const struct config *c)
{
	struct http_limits limits = {
		.max_connections = c->listen.max_connections,
		.max_connections_per_address = c->listen.max_connections_per_address,
		.request_deadline_ms = c->listen.request_deadline_ms,
		.max_body = c->listen.max_body,
	};
	CLEANUP(free_names) char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names), r;

	if (n < 0)
		return n;
	if (n == 0 && c->listen.https.n + c->listen.http.n == 0) {
		journal_say(
			KIND_NOT_STARTED, LOG_ERR,
			"%s: listen: neither https nor http names an address, and systemd handed in no socket",
			c->file);
		return -EINVAL;
	}
	r = http_server_new(d->event, c->listen.path, &limits, &receiver_handler, d->receiver,
			    &d->server);
	if (r < 0)
		return r;
	if (n > 0) {
		r = listen_on_handed(d, n, names);
		if (r == 0)
			warn_of_unused(d, c);
		return r;
	}
	r = listen_on(d, &c->listen.https, d->tls);
	return r < 0 ? r : listen_on(d, &c->listen.http, NULL);
}

/* Loud, since whoever listens there can say which certificate is Amazon's. */
static void warn_of_stand_in(const struct config *c)
{
	if (c->sns.connect_to[0])
		journal_say(
			KIND_SETTING, LOG_WARNING,
			"%s: sns.connect_to = \"%s\": certificates are fetched from there and subscriptions confirmed "
			"there, and not at Amazon's. This is for tests: remove it where real payments come in",
			c->file, c->sns.connect_to);
}

static void warn_of_restart(const struct config *old, const struct config *new)
{
	if (strcmp(old->database.path, new->database.path) != 0 ||
	    strcmp(old->listen.path, new->listen.path) != 0 ||
	    old->listen.max_connections != new->listen.max_connections ||
	    old->listen.max_connections_per_address != new->listen.max_connections_per_address ||
	    old->listen.max_body != new->listen.max_body ||
	    old->listen.request_deadline_ms != new->listen.request_deadline_ms)
		journal_say(KIND_SETTING, LOG_WARNING,
			    "%s: database.path and the limits of listen change at a restart only",
			    new->file);
}

static bool same_strings(const struct strings *a, const struct strings *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->at[i], b->at[i]) != 0)
			return false;
	return true;
}

/*
 * All or nothing: what cannot be used as a whole leaves everything as it was, but for a TLS pair that is good and
 * used at once.
 */
static int reload(struct daemon *d)
{
	CLEANUP(config_freep) struct config *c = NULL;
	const struct config *old = receiver_config(d->receiver), *used;
	struct why why = {""};
	bool same_database;
	int r;

	r = config_load(old->file, PROGRAM, stderr, &c);
	if (r < 0)
		return r;
	warn_of_restart(old, c);
	if (!same_strings(&old->listen.https, &c->listen.https) ||
	    !same_strings(&old->listen.http, &c->listen.http))
		journal_say(KIND_SETTING, LOG_WARNING,
			    "%s: listen.https and listen.http change at a restart only", c->file);
	same_database = strcmp(old->database.path, c->database.path) == 0;
	if (d->uses_tls)
		r = load_tls(d, c);
	if (r == 0 && same_database)
		r = begin_hooks(d, c, RELOAD_TRIES);
	if (r < 0)
		return r;
	r = receiver_configure(d->receiver, c, &why);
	if (r < 0) {
		journal_say(KIND_NOT_RELOADED, LOG_ERR, "%s: %s", c->file, why.text);
		ledger_rollback(d->ledger);
		return r;
	}
	used = TAKE(c);
	warn_of_stand_in(used);
	if (same_database && commit_hooks(d, used) < 0)
		journal_say(KIND_DATABASE, LOG_ERR,
			    "%s: is in use, but for its hooks: reload again", used->file);
	return 0;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *signal, void *userdata)
{
	struct daemon *d = userdata;

	(void)source;
	(void)signal;
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, monotonic_usec());
	if (reload(d) < 0)
		journal_say(KIND_NOT_RELOADED, LOG_ERR,
			    "the configuration was not reloaded; the one before stays in use");
	else
		journal_say(KIND_RELOADED, LOG_NOTICE, "the configuration was reloaded");
	receiver_say_status(d->receiver);
	sd_notify(0, "READY=1");
	return 0;
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
	} signals[] = {{SIGTERM, on_stop}, {SIGINT, on_stop}, {SIGHUP, on_reload}};
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

/* Whether any listener will speak TLS: then the pair must be there, and is loaded anew at each reload. */
static bool speaks_tls(const struct config *c)
{
	CLEANUP(free_names) char **names = NULL;
	int n = sd_listen_fds_with_names(0, &names);

	for (int i = 0; i < n; i++)
		if (!names || !names[i] || strcmp(names[i], "http") != 0)
			return true;
	return n <= 0 && c->listen.https.n > 0;
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
	d->uses_tls = speaks_tls(*c);
	if (d->uses_tls && load_tls(d, *c) < 0)
		return EXIT_BAD_CONFIG;
	r = open_ledger(d, *c);
	if (r < 0)
		return exit_code_of(r);
	r = receiver_new(d->event, d->ledger, *c, &d->receiver, &why);
	if (r < 0) {
		journal_say(KIND_NOT_STARTED, LOG_ERR, "%s: sns: %s", (*c)->file, why.text);
		return EXIT_BAD_CONFIG;
	}
	*c = NULL;
	return EXIT_DONE;
}

static int serve(struct daemon *d)
{
	const struct config *c = receiver_config(d->receiver);
	int r;

	warn_of_stand_in(c);
	allow_files(c);
	r = start_server(d, c);
	if (r < 0)
		return r == -EADDRINUSE ? EXIT_TRY_AGAIN
		       : r == -EACCES   ? EXIT_NO_PERMISSION
					: EXIT_BAD_CONFIG;
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
	if (config_load(config_path(arg_config), PROGRAM, stderr, &c) < 0)
		return EXIT_BAD_CONFIG;
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
