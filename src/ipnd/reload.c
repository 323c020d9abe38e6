/* SIGHUP: a new configuration while connections stay open. */
#include "ipnd/daemon.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <systemd/sd-daemon.h>

#include "base/utc.h"
#include "journal/journal.h"
#include "receive/receive.h"

#define RELOAD_TRIES 20 /* of 10 ms: how long another writer may hold the database */

DEFINE_CLEANUP(struct config *, config_free)

/* Loud, since whoever listens there can say which certificate is Amazon's. */
void daemon_warn_of_stand_in(const struct config *c)
{
	if (c->sns.connect_to[0])
		journal_say(
			KIND_SETTING, LOG_WARNING,
			"%s: sns.connect_to = \"%s\": certificates are fetched from there and subscriptions confirmed "
			"there, and not at Amazon's. This is for tests: remove it where real payments come in",
			c->file, c->sns.connect_to);
}

static char *show_number(int64_t n)
{
	char *shown;

	return asprintf(&shown, "%" PRId64, n) < 0 ? NULL : shown;
}

static char *show_strings(const struct strings *list)
{
	char *shown = NULL;
	size_t size;
	FILE *f = open_memstream(&shown, &size);

	if (!f)
		return NULL;
	for (size_t i = 0; i < list->n; i++)
		fprintf(f, "%s\n", list->at[i]);
	if (fclose(f) == 0)
		return shown;
	free(shown);
	return NULL;
}

static char *show_https(const struct config *c)
{
	return show_strings(&c->listen.https);
}

static char *show_http(const struct config *c)
{
	return show_strings(&c->listen.http);
}

static char *show_connections(const struct config *c)
{
	return show_number(c->listen.max_connections);
}

static char *show_deadline(const struct config *c)
{
	return show_number(c->listen.request_deadline_ms);
}

static char *show_database(const struct config *c)
{
	return strdup(c->database.path);
}

/* What is made at the start for good. */
static const struct {
	const char *setting;
	char *(*show)(const struct config *c); /* owned by the caller; NULL: out of memory */
} fixed[] = {
	{"listen.https", show_https},
	{"listen.http", show_http},
	{"listen.max_connections", show_connections},
	{"listen.request_deadline", show_deadline},
	{"database.path", show_database},
};

#define FIXED_N (sizeof(fixed) / sizeof(fixed[0]))

static_assert(FIXED_N <= DAEMON_FIXED_MAX, "each has its place in struct daemon");

int daemon_remember(struct daemon *d, const struct config *c)
{
	for (size_t i = 0; i < FIXED_N; i++) {
		d->fixed[i] = fixed[i].show(c);
		if (!d->fixed[i])
			return -ENOMEM;
	}
	return 0;
}

void daemon_forget(struct daemon *d)
{
	for (size_t i = 0; i < FIXED_N; i++)
		free(d->fixed[i]);
}

/* Compared with what is in use, not with the configuration before: what waits for a restart is said at each reload. */
static void warn_of_restart(const struct daemon *d, const struct config *c)
{
	for (size_t i = 0; i < FIXED_N; i++) {
		CLEANUP(freep) char *now = fixed[i].show(c);

		if (now && strcmp(now, d->fixed[i]) != 0)
			journal_say(KIND_SETTING, LOG_WARNING, "%s: %s changes at a restart only",
				    c->file, fixed[i].setting);
	}
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
	CLEANUP(freep) char *path = NULL;
	bool same_database, same_path;
	int r;

	r = config_load(old->file, PROGRAM, stderr, &c);
	if (r < 0)
		return r;
	warn_of_restart(d, c);
	path = strdup(c->listen.path);
	if (!path)
		return -ENOMEM;
	same_path = strcmp(old->listen.path, c->listen.path) == 0;
	same_database = strcmp(old->database.path, c->database.path) == 0;
	if (d->uses_tls)
		r = daemon_load_tls(d, c);
	if (r == 0 && same_database)
		r = daemon_begin_hooks(d, c, RELOAD_TRIES);
	if (r < 0)
		return r;
	r = receiver_configure(d->receiver, c, &why);
	if (r < 0) {
		journal_say(KIND_NOT_RELOADED, LOG_ERR, "%s: %s", c->file, why.text);
		ledger_rollback(d->ledger);
		return r;
	}
	used = TAKE(c);
	daemon_relisten(d, used, TAKE(path), same_path);
	daemon_warn_of_stand_in(used);
	if (same_database && daemon_commit_hooks(d, used) < 0)
		journal_say(KIND_DATABASE, LOG_ERR,
			    "%s: is in use, but for its hooks: reload again", used->file);
	return 0;
}

int daemon_on_reload(sd_event_source *source, const struct signalfd_siginfo *signal, void *userdata)
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
