/* Where ipnd listens: sockets that systemd has handed in or of its own, their TLS pair, the files they need. */
#include "ipnd/daemon.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include "base/utc.h"
#include "journal/journal.h"
#include "net/http.h"
#include "net/tls.h"
#include "receive/receive.h"

#define FILES_OWN   64 /* listeners, epoll, database, log, and a certificate that is being read */
#define TLS_WARN_MS (14 * 24 * 3600 * INT64_C(1000))

int daemon_load_tls(struct daemon *d, const struct config *c)
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
		journal_say(KIND_TLS, LOG_ERR, "%s: %s", c->file, why.text);
		return r;
	}
	left_ms = tls_credentials_not_after_ms(d->tls) - utc_now_ms();
	if (left_ms < TLS_WARN_MS)
		journal_say(KIND_TLS, LOG_WARNING, "%s: the TLS certificate %s", certificate,
			    left_ms < 0 ? "has expired: Amazon will not connect"
					: "expires within 14 days");
	return 0;
}

/* Says where we listen: in the log, and in the lock file for ipnctl and ipn-simulate. */
static void listening(struct daemon *d, const char *url)
{
	size_t used = strlen(d->notes);

	journal_say(KIND_LISTENING, LOG_NOTICE, "listening on %s", url);
	snprintf(d->notes + used, sizeof(d->notes) - used, "%s\n", url);
}

static const char *right_instead(int error)
{
	switch (-error) {
	case EADDRINUSE:
		return "another program listens there, which ss -ltnp shows";
	case EADDRNOTAVAIL:
		return "write one of this machine's addresses, which ip address shows";
	case EACCES:
		return "this user may not; systemd can hand in the socket (ipnd.socket)";
	case EEXIST:
		return "a file that is no socket is there";
	default:
		return "write another address";
	}
}

static int listen_on(struct daemon *d, const struct config *c, const char *setting,
		     const struct strings *addresses, struct tls_credentials *tls)
{
	for (size_t i = 0; i < addresses->n; i++) {
		CLEANUP(freep) char *url = NULL;
		struct why why;
		int r = http_server_listen(d->server, addresses->at[i], tls, &url, &why);

		if (r < 0) {
			journal_say(KIND_NOT_STARTED, LOG_ERR, "%s: listen.%s: %s; %s", c->file,
				    setting, why.text, right_instead(r));
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
void daemon_allow_files(const struct config *c)
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

static struct http_limits limits_of(const struct config *c)
{
	return (struct http_limits){
		.max_connections = c->listen.max_connections,
		.max_connections_per_address = c->listen.max_connections_per_address,
		.request_deadline_ms = c->listen.request_deadline_ms,
		.max_body = c->listen.max_body,
	};
}

int daemon_listen(struct daemon *d, const struct config *c)
{
	const struct http_limits limits = limits_of(c);
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
	r = listen_on(d, c, "https", &c->listen.https, d->tls);
	return r < 0 ? r : listen_on(d, c, "http", &c->listen.http, NULL);
}

/* SCHEME://ADDRESS/PATH, or "unix:" and a file, which names no path. */
static void listening_again(struct daemon *d, const char *url, const char *path)
{
	const char *address = strstr(url, "://");
	char again[NOTES_MAX];
	size_t kept;

	if (!address) {
		listening(d, url);
		return;
	}
	address += strlen("://");
	kept = (size_t)(address - url) + strcspn(address, "/");
	snprintf(again, sizeof(again), "%.*s%s", (int)kept, url, path);
	listening(d, again);
}

void daemon_relisten(struct daemon *d, const struct config *c, char *path, bool same_path)
{
	const struct http_limits limits = limits_of(c);
	char before[NOTES_MAX], *rest = before, *url;
	int r;

	http_server_configure(d->server, path, &limits);
	if (same_path)
		return;
	memcpy(before, d->notes, sizeof(before));
	d->notes[0] = 0;
	while ((url = strsep(&rest, "\n")) && url[0])
		listening_again(d, url, path);
	r = ledger_lock_note(d->lock, d->notes);
	if (r < 0)
		journal_say(
			KIND_SETTING, LOG_WARNING,
			"%s: cannot note where ipnd listens: %s; ipnctl status shows no address",
			d->state_folder, strerror(-r));
}

bool daemon_speaks_tls(const struct config *c)
{
	CLEANUP(free_names) char **names = NULL;
	int n = sd_listen_fds_with_names(0, &names);

	for (int i = 0; i < n; i++)
		if (!names || !names[i] || strcmp(names[i], "http") != 0)
			return true;
	return n <= 0 && c->listen.https.n > 0;
}
