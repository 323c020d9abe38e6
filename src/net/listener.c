#include "net/http-private.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "net/socket.h"
#include "net/tls-private.h"

/*
 * Read, answer, send, and once more for what came meanwhile; then it is the turn of the other
 * sources.
 */
#define ROUNDS_MAX 4

#define DEADLINE_ACCURACY_USEC 10000
#define USEC_PER_MSEC          1000

__attribute__((format(printf, 2, 0))) static void mhd_log(void *userdata, const char *format,
							  va_list ap)
{
	char line[512];
	size_t len;

	(void)userdata;
	if (vsnprintf(line, sizeof(line), format, ap) < 0)
		return;
	len = strlen(line);
	if (len > 0 && line[len - 1] == '\n')
		line[len - 1] = 0;
	log_debug("libmicrohttpd: %s", line);
}

struct connection *connection_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static uint64_t deadline_usec(const struct connection *c)
{
	return (uint64_t)c->listener->server->limits.request_deadline_ms * USEC_PER_MSEC;
}

/* MHD sees the end of the connection; it, not we, closes the socket. */
static int connection_expired(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct connection *c = userdata;

	(void)source;
	(void)usec;
	shutdown(c->fd, SHUT_RDWR);
	listener_wake(c->listener);
	return 0;
}

static struct connection *connection_open(struct listener *l, struct MHD_Connection *mhd, int fd)
{
	CLEANUP(freep) struct connection *c = calloc(1, sizeof(*c));
	const union MHD_ConnectionInfo *info;

	if (!c)
		return NULL;
	c->listener = l;
	c->fd = fd;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	c->owner = socket_owner(info->client_addr);
	if (sd_event_add_time_relative(l->server->event, &c->deadline, CLOCK_MONOTONIC,
				       deadline_usec(c), DEADLINE_ACCURACY_USEC, connection_expired,
				       c) < 0)
		return NULL;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	if (info)
		tls_session_use(info->tls_session, l->tls);
	c->next = l->connections;
	if (c->next)
		c->next->previous = c;
	l->connections = c;
	return TAKE(c);
}

/*
 * A socket closed over unread bytes is reset, and a reset may overtake the answer: what has arrived
 * is read first.
 */
static void connection_drain(int fd)
{
	char dropped[16 * 1024];
	size_t n = 0;
	ssize_t r;

	do {
		r = recv(fd, dropped, sizeof(dropped), MSG_DONTWAIT);
		n += r > 0 ? (size_t)r : 0;
	} while (r > 0 && n < HTTP_DRAIN_MAX);
}

static void connection_close(struct connection *c)
{
	connection_drain(c->fd);
	sd_event_source_disable_unref(c->deadline);
	if (c->previous)
		c->previous->next = c->next;
	else
		c->listener->connections = c->next;
	if (c->next)
		c->next->previous = c->previous;
	free(c);
}

static void mhd_connection(void *userdata, struct MHD_Connection *mhd, void **context,
			   enum MHD_ConnectionNotificationCode code)
{
	struct listener *l = userdata;
	int fd;

	switch (code) {
	case MHD_CONNECTION_NOTIFY_STARTED:
		l->server->n_connections++;
		fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		*context = connection_open(l, mhd, fd);
		/* None is served without its deadline. */
		if (!*context)
			shutdown(fd, SHUT_RDWR);
		break;
	case MHD_CONNECTION_NOTIFY_CLOSED:
		l->server->n_connections--;
		l->again = true;
		if (*context)
			connection_close(*context);
		*context = NULL;
		break;
	}
}

/* Over all listeners with TLS: on the others a proxy is everybody. */
static unsigned connections_of(const struct http_server *s, const struct sockaddr *address)
{
	struct in6_addr owner = socket_owner(address);
	unsigned n = 0;

	for (const struct listener *l = s->listeners; l; l = l->next)
		for (const struct connection *c = l->tls ? l->connections : NULL; c; c = c->next)
			n += IN6_ARE_ADDR_EQUAL(&c->owner, &owner);
	return n;
}

static enum MHD_Result turn_away(const struct http_server *s, const struct sockaddr *address,
				 const char *setting)
{
	char peer[SOCKET_PEER_SIZE];

	if (s->handler.turned_away) {
		socket_peer(address, peer);
		s->handler.turned_away(setting, peer, s->userdata);
	}
	return MHD_NO;
}

/*
 * Over the limit a connection is closed. MHD's own limits would leave it waiting in the backlog, and count single IPv6
 * addresses. An address that is longer than MHD's buffer can only be that of a named Unix socket, and 0.9.75 would read beyond its
 * buffer.
 */
static enum MHD_Result mhd_accept(void *userdata, const struct sockaddr *address, socklen_t len)
{
	const struct listener *l = userdata;
	const struct http_server *s = l->server;

	if (len > sizeof(struct sockaddr_in6))
		return MHD_NO;
	if (s->n_connections >= s->limits.max_connections)
		return turn_away(s, address, "listen.max_connections");
	if (l->tls && connections_of(s, address) >= s->limits.max_connections_per_address)
		return turn_away(s, address, "listen.max_connections_per_address");
	return MHD_YES;
}

static void *mhd_request_line(void *userdata, const char *uri, struct MHD_Connection *mhd)
{
	struct connection *c = connection_of(mhd);

	(void)userdata;
	if (!c)
		return NULL;
	c->busy = true;
	c->target_end = uri + strlen(uri);
	return NULL;
}

/* The answer has been sent or the connection is closing. The time of the next request begins. */
static void mhd_completed(void *userdata, struct MHD_Connection *mhd, void **context,
			  enum MHD_RequestTerminationCode code)
{
	struct connection *c = connection_of(mhd);

	(void)userdata;
	(void)code;
	if (*context)
		request_completed(*context);
	*context = NULL;
	if (!c)
		return;
	c->busy = false;
	if (sd_event_source_set_time_relative(c->deadline, deadline_usec(c)) < 0 ||
	    sd_event_source_set_enabled(c->deadline, SD_EVENT_ONESHOT) < 0)
		shutdown(c->fd, SHUT_RDWR);
}

/*
 * Of an encoded NUL the path would end there for all who read it as a string, and an encoded slash separates nothing
 * (RFC 3986, section 2.2): such a path stays as it came, which is no path of ours.
 */
static size_t mhd_unescape(void *userdata, struct MHD_Connection *mhd, char *s)
{
	(void)userdata;
	(void)mhd;
	if (strstr(s, "%00") || strcasestr(s, "%2F"))
		return strlen(s);
	return MHD_http_unescape(s);
}

static void listener_wait(struct listener *l, uint64_t ms)
{
	sd_event_source_set_time_relative(l->timer, ms * USEC_PER_MSEC);
	sd_event_source_set_enabled(l->timer, SD_EVENT_ONESHOT);
}

void listener_wake(struct listener *l)
{
	listener_wait(l, 0);
}

/* When MHD wants to run again without a socket's being ready. False: not at all. */
static bool listener_due(struct listener *l, uint64_t *ret_ms)
{
	MHD_UNSIGNED_LONG_LONG ms = 0;

	if (!l->again && MHD_get_timeout(l->daemon, &ms) != MHD_YES)
		return false;
	*ret_ms = ms;
	return true;
}

/* Connections that wait for a next request. MHD closes them in its next run. */
static void listener_sweep(struct listener *l)
{
	for (struct connection *c = l->connections; c; c = c->next)
		if (!c->busy)
			shutdown(c->fd, SHUT_RDWR);
}

static void listener_run(struct listener *l)
{
	struct http_server *s = l->server;
	uint64_t ms = 0;
	bool due = true;

	for (unsigned i = 0; i < ROUNDS_MAX && due && ms == 0; i++) {
		l->again = false;
		MHD_run(l->daemon);
		if (s->n_posts > 0) {
			s->n_posts = 0;
			s->handler.turn(s->userdata);
		}
		due = listener_due(l, &ms);
	}
	if (due)
		listener_wait(l, ms);
	else
		sd_event_source_set_enabled(l->timer, SD_EVENT_OFF);
	if (s->stopping)
		listener_sweep(l);
	server_check_stopped(s);
}

static int listener_ready(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	(void)source;
	(void)fd;
	(void)events;
	listener_run(userdata);
	return 0;
}

static int listener_timed(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	listener_run(userdata);
	return 0;
}

/* MHD checks the types of nothing that follows an option. */
static struct MHD_Daemon *daemon_start(struct listener *l, int fd)
{
	const struct http_limits *limits = &l->server->limits;
	static char priorities[] = TLS_PRIORITIES;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_PRIORITIES, 0, priorities},
		{MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)tls_retrieve},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;

	if (l->tls)
		flags |= MHD_USE_TLS;
	/* clang-format off */
	return MHD_start_daemon(flags, 0, mhd_accept, l, request_handle, l,
		MHD_OPTION_EXTERNAL_LOGGER, mhd_log, NULL, /* must be the first */
		MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, limits->max_connections + 1,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_CONNECTION_MEMORY,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, (int)1,
		MHD_OPTION_NOTIFY_CONNECTION, mhd_connection, l,
		MHD_OPTION_NOTIFY_COMPLETED, mhd_completed, l,
		MHD_OPTION_URI_LOG_CALLBACK, mhd_request_line, NULL,
		MHD_OPTION_UNESCAPE_CALLBACK, mhd_unescape, NULL,
		MHD_OPTION_ARRAY, l->tls ? tls : none,
		MHD_OPTION_END);
	/* clang-format on */
}

static int listener_attach(struct listener *l)
{
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	sd_event *event = l->server->event;
	int r;

	r = sd_event_add_io(event, &l->io, info->epoll_fd, EPOLLIN, listener_ready, l);
	if (r < 0)
		return r;
	r = sd_event_add_time(event, &l->timer, CLOCK_MONOTONIC, 0, 1, listener_timed, l);
	if (r < 0)
		return r;
	sd_event_source_set_description(l->io, "http");
	sd_event_source_set_description(l->timer, "http-timer");
	return 0;
}

/*
 * The socket is closed without shutdown(2), which would end it for systemd, too, when it came from
 * there.
 */
static void listener_close(struct listener *l)
{
	if (!l->listening)
		return;
	l->listening = false;
	close(MHD_quiesce_daemon(l->daemon));
	if (l->unlink_path)
		unlink(l->unlink_path);
}

int listener_new(struct http_server *s, int fd, struct tls_credentials *tls, char *unlink_path,
		 struct why *why)
{
	struct listener *l = calloc(1, sizeof(*l));
	int r;

	if (!l) {
		close(fd);
		why_set(why, "out of memory");
		return -ENOMEM;
	}
	l->server = s;
	l->tls = tls;
	l->daemon = daemon_start(l, fd);
	if (!l->daemon) {
		/* MHD 0.9.75 may or may not have closed the socket: it is not ours any more. */
		free(l);
		why_set(why, "libmicrohttpd does not start");
		return -EIO;
	}
	l->listening = true;
	r = listener_attach(l);
	if (r < 0) {
		listener_free(l);
		errno = -r;
		why_set(why, "sd-event: %m");
		return r;
	}
	l->unlink_path = unlink_path;
	l->next = s->listeners;
	s->listeners = l;
	return 0;
}

void listener_stop(struct listener *l)
{
	listener_close(l);
	listener_sweep(l);
	listener_wake(l);
}

void listener_free(struct listener *l)
{
	listener_close(l);
	sd_event_source_disable_unref(l->io);
	sd_event_source_disable_unref(l->timer);
	MHD_stop_daemon(l->daemon);
	free(l->unlink_path);
	free(l);
}
