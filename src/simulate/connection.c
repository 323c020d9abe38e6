#include "simulate/connection.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>

#include "simulate/answer.h"

#define HEAD_MAX 4096 /* of an answer */

enum phase {
	PHASE_CLOSED,
	PHASE_CONNECTING,
	PHASE_HANDSHAKE,
	PHASE_IDLE,
	PHASE_WRITING,
	PHASE_READING
};

struct connection {
	sd_event *event;
	sd_event_source *io;
	struct destination *destination;
	const struct addrinfo *address; /* that is tried */
	SSL *ssl;                       /* NULL: plain HTTP */
	int fd;
	enum phase phase;
	bool keep, last; /* last: the answer ends the connection */
	char *out;
	size_t out_size, out_len, out_done;
	char in[HEAD_MAX];
	size_t in_len;
	size_t body_left; /* of the answer, behind its head */
	bool head_read;
	unsigned times_made;
	struct connection_answer answer;
	connection_done *done;
	void *userdata;
};

const char *connection_error_words(enum connection_error e)
{
	static const char *const words[CONNECTION_ERRORS] = {
		[CONNECTION_GOOD] = "answered",
		[CONNECTION_NOT_MADE] = "connection not made",
		[CONNECTION_UNTRUSTED] = "certificate not believed",
		[CONNECTION_NO_TLS] = "TLS handshake failed",
		[CONNECTION_CLOSED] = "connection closed without an answer",
		[CONNECTION_BROKEN] = "connection broken",
		[CONNECTION_TIMED_OUT] = "timed out",
		[CONNECTION_NOT_HTTP] = "not an HTTP answer",
	};

	return words[e];
}

int connection_new(sd_event *event, struct destination *d, bool keep, connection_done *done,
		   void *userdata, struct connection **ret)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->event = sd_event_ref(event);
	c->destination = d;
	c->keep = keep;
	c->done = done;
	c->userdata = userdata;
	c->fd = -1;
	*ret = c;
	return 0;
}

static void hang_up(struct connection *c)
{
	c->io = sd_event_source_disable_unref(c->io);
	if (c->ssl && c->phase >= PHASE_IDLE)
		SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	ERR_clear_error();
	c->ssl = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->phase = PHASE_CLOSED;
}

void connection_free(struct connection *c)
{
	if (!c)
		return;
	hang_up(c);
	sd_event_unref(c->event);
	free(c->out);
	free(c);
}

/* What follows is -EIO when the post has failed, 0 when it is under way, 1 when it is over. */
static int fail(struct connection *c, enum connection_error e, const char *words)
{
	hang_up(c);
	c->answer.error = e;
	why_set(&c->answer.why, "%s%s%s", connection_error_words(e), words ? ": " : "",
		words ? words : "");
	return -EIO;
}

static int wait_for(struct connection *c, uint32_t events)
{
	if (sd_event_source_set_io_events(c->io, events) < 0)
		return fail(c, CONNECTION_BROKEN, "epoll");
	return 0;
}

/* What OpenSSL or the socket wants next, or why it cannot go on. */
static int wait_or_fail(struct connection *c, int n)
{
	int error = errno, wanted;

	if (!c->ssl) {
		if (n < 0 && (error == EAGAIN || error == EINTR))
			return wait_for(c, c->phase == PHASE_WRITING ? EPOLLOUT : EPOLLIN);
		return n == 0 ? fail(c, CONNECTION_CLOSED, NULL)
			      : fail(c, CONNECTION_BROKEN, strerror(error));
	}
	wanted = SSL_get_error(c->ssl, n);
	if (wanted == SSL_ERROR_WANT_READ || wanted == SSL_ERROR_WANT_WRITE)
		return wait_for(c, wanted == SSL_ERROR_WANT_WRITE ? EPOLLOUT : EPOLLIN);
	if (wanted == SSL_ERROR_ZERO_RETURN || (wanted == SSL_ERROR_SYSCALL && error == 0))
		return fail(c, CONNECTION_CLOSED, NULL);
	if (wanted == SSL_ERROR_SYSCALL)
		return fail(c, CONNECTION_BROKEN, strerror(error));
	return ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING
		       ? fail(c, CONNECTION_CLOSED, NULL)
		       : fail(c, CONNECTION_BROKEN, ERR_reason_error_string(ERR_peek_error()));
}

static int receive(struct connection *c, char *at, size_t size)
{
	errno = 0;
	return c->ssl ? SSL_read(c->ssl, at, (int)size) : (int)recv(c->fd, at, size, 0);
}

static int end_post(struct connection *c)
{
	c->phase = PHASE_IDLE;
	if (c->last || !c->keep)
		hang_up(c);
	return 1;
}

/*
 * The lines of a complete head. An answer whose length is not said ends the connection: nobody needs its body.
 */
static int read_head(struct connection *c, size_t head_len)
{
	struct text head = {c->in, head_len};
	struct answer_head a;

	if (!answer_parse_head(head, &a))
		return fail(c, CONNECTION_NOT_HTTP, NULL);
	c->in_len -= head_len;
	memmove(c->in, c->in + head_len, c->in_len);
	if (a.status < 200) /* an interim one; the answer follows */
		return 0;
	c->answer.status = a.status;
	c->answer.retry_after_s = a.retry_after_s;
	c->head_read = true;
	c->last = a.close || a.content_length < 0;
	c->body_left = a.content_length < 0 ? 0 : (size_t)a.content_length;
	return 0;
}

/* What has come in so far. */
static int consume(struct connection *c)
{
	while (!c->head_read) {
		const char *end = memmem(c->in, c->in_len, "\r\n\r\n", 4);

		if (!end)
			return c->in_len < sizeof(c->in) ? 0 : fail(c, CONNECTION_NOT_HTTP, NULL);
		if (read_head(c, (size_t)(end - c->in) + 4) < 0)
			return -EIO;
	}
	if (c->in_len > c->body_left)
		c->last = true; /* more than was announced: not to be trusted with another */
	c->body_left -= c->in_len < c->body_left ? c->in_len : c->body_left;
	c->in_len = 0;
	return c->body_left == 0 ? end_post(c) : 0;
}

static int go_on_reading(struct connection *c)
{
	int r = 0;

	while (r == 0) {
		int n = receive(c, c->in + c->in_len, sizeof(c->in) - c->in_len);

		if (n <= 0)
			return wait_or_fail(c, n);
		c->in_len += (size_t)n;
		r = consume(c);
	}
	return r;
}

static int go_on_writing(struct connection *c)
{
	c->phase = PHASE_WRITING;
	while (c->out_done < c->out_len) {
		const char *at = c->out + c->out_done;
		size_t left = c->out_len - c->out_done;
		int n;

		errno = 0;
		n = c->ssl ? SSL_write(c->ssl, at, (int)left)
			   : (int)send(c->fd, at, left, MSG_NOSIGNAL);
		if (n <= 0)
			return wait_or_fail(c, n);
		c->out_done += (size_t)n;
	}
	c->phase = PHASE_READING;
	return wait_for(c, EPOLLIN);
}

static int go_on_shaking_hands(struct connection *c)
{
	long verified;
	int n, wanted;

	c->phase = PHASE_HANDSHAKE;
	errno = 0;
	n = c->ssl ? SSL_connect(c->ssl) : 1;
	if (n == 1) {
		c->times_made++;
		return go_on_writing(c);
	}
	wanted = SSL_get_error(c->ssl, n);
	if (wanted == SSL_ERROR_WANT_READ || wanted == SSL_ERROR_WANT_WRITE)
		return wait_for(c, wanted == SSL_ERROR_WANT_WRITE ? EPOLLOUT : EPOLLIN);
	verified = SSL_get_verify_result(c->ssl);
	if (verified != X509_V_OK)
		return fail(c, CONNECTION_UNTRUSTED, X509_verify_cert_error_string(verified));
	return fail(c, CONNECTION_NO_TLS, ERR_reason_error_string(ERR_peek_error()));
}

static int try_address(struct connection *c);

/* A host with several addresses may listen on one of them only: "localhost" has two. */
static int try_next_address(struct connection *c, int error)
{
	hang_up(c);
	c->address = c->address->ai_next;
	return c->address ? try_address(c) : fail(c, CONNECTION_NOT_MADE, strerror(error));
}

static int go_on_connecting(struct connection *c)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error)
		return try_next_address(c, error);
	return go_on_shaking_hands(c);
}

/* Tickets, or the server's good-bye: the next post connects again. */
static void go_on_idling(struct connection *c)
{
	int n = receive(c, c->in, sizeof(c->in));

	if (n > 0)
		hang_up(c);
	else
		wait_or_fail(c, n);
}

static int go_on(struct connection *c)
{
	ERR_clear_error();
	switch (c->phase) {
	case PHASE_CONNECTING:
		return go_on_connecting(c);
	case PHASE_HANDSHAKE:
		return go_on_shaking_hands(c);
	case PHASE_WRITING:
		return go_on_writing(c);
	case PHASE_READING:
		return go_on_reading(c);
	case PHASE_IDLE:
		go_on_idling(c);
		return 0;
	case PHASE_CLOSED:
		break;
	}
	return 0;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct connection *c = userdata;

	(void)source;
	(void)fd;
	(void)events;
	if (go_on(c) != 0)
		c->done(&c->answer, c->userdata);
	return 0;
}

static int try_address(struct connection *c)
{
	const struct addrinfo *a = c->address;
	int yes = 1;

	c->fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return try_next_address(c, errno);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (destination_new_ssl(c->destination, c->fd, &c->ssl) < 0)
		return fail(c, CONNECTION_NO_TLS, "out of memory");
	c->phase = PHASE_CONNECTING;
	if (connect(c->fd, a->ai_addr, a->ai_addrlen) < 0 && errno != EINPROGRESS)
		return try_next_address(c, errno);
	if (sd_event_add_io(c->event, &c->io, c->fd, EPOLLOUT, on_io, c) < 0)
		return fail(c, CONNECTION_NOT_MADE, "epoll");
	return 0;
}

const struct connection_answer *connection_post(struct connection *c, struct text head,
						struct text body)
{
	int r;

	c->answer = (struct connection_answer){.retry_after_s = -1};
	c->last = c->head_read = false;
	c->in_len = c->out_done = 0;
	c->out_len = head.len + body.len;
	if (c->out_size < c->out_len) {
		free(c->out);
		c->out = malloc(c->out_len);
		c->out_size = c->out ? c->out_len : 0;
	}
	if (!c->out) {
		fail(c, CONNECTION_BROKEN, "out of memory");
		return &c->answer;
	}
	memcpy(c->out, head.at, head.len);
	memcpy(c->out + head.len, body.at, body.len);
	ERR_clear_error();
	if (c->phase == PHASE_IDLE) {
		r = go_on_writing(c);
	} else {
		c->address = destination_addresses(c->destination);
		r = try_address(c);
	}
	return r < 0 ? &c->answer : NULL;
}

void connection_time_out(struct connection *c)
{
	fail(c, CONNECTION_TIMED_OUT, NULL);
	c->done(&c->answer, c->userdata);
}

unsigned connection_times_made(const struct connection *c)
{
	return c->times_made;
}
