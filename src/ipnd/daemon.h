/* The parts of ipnd that main.c wires together; what does the work is in the other rooms. */
#ifndef IPND_IPND_DAEMON_H
#define IPND_IPND_DAEMON_H

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "config/config.h"
#include "ledger/ledger.h"

#define PROGRAM          "ipnd"
#define NOTES_MAX        2048
#define DAEMON_FIXED_MAX 8

struct tls_credentials;
struct receiver;
struct http_server;
struct signalfd_siginfo;

struct daemon {
	sd_event *event;
	struct ledger *ledger;
	struct tls_credentials *tls;
	struct receiver *receiver;
	struct http_server *server;
	char *state_folder;
	char notes[NOTES_MAX]; /* the URLs listened on, a line each */
	char *fixed
		[DAEMON_FIXED_MAX]; /* what the settings were that a reload does not change, as text */
	int lock;
	bool uses_tls;
	bool stopping;
};

/* store.c. All say themselves what has failed. */

int daemon_open_ledger(struct daemon *d, const struct config *c);
/* Registers the hooks of `c`; `tries`, 10 ms apart, while another writes. On success the caller ends the transaction. */
int daemon_begin_hooks(struct daemon *d, const struct config *c, int tries);
int daemon_commit_hooks(struct daemon *d, const struct config *c);

/* listen.c */

/* Whether any listener will speak TLS: then the pair must be there, and is loaded anew at each reload. */
bool daemon_speaks_tls(const struct config *c);
int daemon_load_tls(struct daemon *d, const struct config *c);
void daemon_allow_files(const struct config *c);
int daemon_listen(struct daemon *d, const struct config *c);
/* Takes from `c`, which is in use, what listeners can change while they are open; `path`, a copy of listen.path, is taken. */
void daemon_relisten(struct daemon *d, const struct config *c, char *path, bool same_path);

/* reload.c */

/* Keeps of the configuration of the start what a reload does not change, to say so when it differs. */
int daemon_remember(struct daemon *d, const struct config *c);
void daemon_forget(struct daemon *d);
void daemon_warn_of_stand_in(const struct config *c);
/* The handler of SIGHUP; the daemon is its userdata. */
int daemon_on_reload(sd_event_source *source, const struct signalfd_siginfo *signal,
		     void *userdata);

#endif
