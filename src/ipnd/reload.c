/* SIGHUP: a new configuration while connections stay open. */
#include "ipnd/daemon.h"

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
