#include "net/http.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "net/http-private.h"
#include "net/socket.h"

/* The only release whose heads were found to lie in memory as head_read() wants it. */
#define MHD_RAW_HEAD_VERSION "0.9.75"

static int server_stopped(sd_event_source *source, void *userdata)
{
	struct http_server *s = userdata;
	void (*done)(void *) = s->done;

	(void)source;
	s->done = NULL;
	/* It may free the server. */
	if (done)
		done(s->done_userdata);
	return 0;
}

void server_check_stopped(struct http_server *s)
{
	if (s->stopping && s->n_connections == 0 && s->n_kept == 0)
		sd_event_source_set_enabled(s->stopped, SD_EVENT_ONESHOT);
}

static int server_prepare(struct http_server *s, const char *path)
{
	int r;

	s->path = strdup(path);
	if (!s->path)
		return -ENOMEM;
	r = answers_new(s);
	if (r < 0)
		return r;
	r = sd_event_add_defer(s->event, &s->stopped, server_stopped, s);
	if (r < 0)
		return r;
	return sd_event_source_set_enabled(s->stopped, SD_EVENT_OFF);
}

int http_server_new(sd_event *event, const char *path, const struct http_limits *limits,
		    const struct http_handler *handler, void *userdata, struct http_server **ret)
{
	CLEANUP(http_server_freep) struct http_server *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->event = sd_event_ref(event);
	s->limits = *limits;
	s->handler = *handler;
	s->userdata = userdata;
	s->head_is_raw = strcmp(MHD_get_version(), MHD_RAW_HEAD_VERSION) == 0;
	r = server_prepare(s, path);
	if (r < 0)
		return r;
	*ret = TAKE(s);
	return 0;
}

/* Takes `fd`. */
static int server_listen(struct http_server *s, int fd, struct tls_credentials *tls,
			 char *unlink_path, char **ret_url, struct why *why)
{
	char *url;
	int r;

	r = socket_url(fd, tls != NULL, s->path, &url);
	if (r < 0) {
		close(fd);
		errno = -r;
		why_set(why, "cannot name the socket: %m");
		return r;
	}
	r = listener_new(s, fd, tls, unlink_path, why);
	if (r < 0) {
		free(url);
		return r;
	}
	*ret_url = url;
	return 0;
}

int http_server_listen(struct http_server *s, const char *address, struct tls_credentials *tls,
		       char **ret_url, struct why *why)
{
	char *unlink_path;
	int r, fd;

	r = socket_listen(address, &fd, &unlink_path, why);
	if (r < 0)
		return r;
	r = server_listen(s, fd, tls, unlink_path, ret_url, why);
	if (r < 0 && unlink_path) {
		unlink(unlink_path);
		free(unlink_path);
	}
	return r;
}

int http_server_listen_fd(struct http_server *s, int fd, struct tls_credentials *tls,
			  char **ret_url, struct why *why)
{
	int r = sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1);

	if (r <= 0) {
		close(fd);
		why_set(why, "descriptor %d is not a listening stream socket", fd);
		return r < 0 ? r : -EINVAL;
	}
	return server_listen(s, fd, tls, NULL, ret_url, why);
}

void http_server_configure(struct http_server *s, char *path, const struct http_limits *limits)
{
	free(s->path);
	s->path = path;
	s->limits.max_connections_per_address = limits->max_connections_per_address;
	s->limits.max_body = limits->max_body;
}

void http_server_stop(struct http_server *s, void (*done)(void *userdata), void *userdata)
{
	if (s->stopping)
		return;
	s->stopping = true;
	s->done = done;
	s->done_userdata = userdata;
	for (struct listener *l = s->listeners; l; l = l->next)
		listener_stop(l);
	server_check_stopped(s);
}

void http_server_free(struct http_server *s)
{
	if (!s)
		return;
	assert(s->n_kept == 0);
	while (s->listeners) {
		struct listener *l = s->listeners;

		s->listeners = l->next;
		listener_free(l);
	}
	answers_done(s);
	sd_event_source_disable_unref(s->stopped);
	sd_event_unref(s->event);
	free(s->path);
	free(s);
}
