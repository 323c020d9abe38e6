#include "net/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

#define PATIENCE_MS 8000
#define KEPT_MAX    256

enum manner { ANSWER_IN_POST, ANSWER_IN_TURN, KEEP };

/* The server with its loop, in this process, and what it told its owner. */
struct world {
	sd_event *event;
	struct http_server *server;
	struct http_limits limits;
	enum manner manner;
	enum verdict answer;
	struct http_request *kept[KEPT_MAX];
	unsigned n_kept, posts, turns, refusals, stops;
	enum verdict refusal;
	char why[64], peer[64];
	char *body;
	size_t body_len;
	char header[64], last_header[64];
	size_t header_len;
	bool has_header;
	int kill_in_post; /* a client's socket, reset inside post(); -1 */
	void (*in_turn)(struct world *w);
	int spare_fd;    /* for in_turn() */
	bool say_header; /* with the answer */
};

struct client {
	int fd;
	char *in;
	size_t n;
	bool closed;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void answer_kept(struct world *w)
{
	unsigned n = w->n_kept;

	w->n_kept = 0;
	for (unsigned i = 0; i < n; i++)
		http_answer(w->kept[i], w->answer);
}

static void reset_socket(int fd)
{
	static const struct linger at_once = {1, 0};

	ck_assert(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) == 0);
	close(fd);
}

static void on_post(struct http_request *r, void *userdata)
{
	struct world *w = userdata;
	struct text body = http_request_body(r), header = http_request_header(r, "X-Test");

	w->posts++;
	free(w->body);
	w->body = text_dup(body);
	w->body_len = body.len;
	w->has_header = header.at != NULL;
	w->header_len = header.len;
	snprintf(w->header, sizeof(w->header), "%.*s", (int)header.len, header.at ? header.at : "");
	header = http_request_last_header(r, "x-test");
	snprintf(w->last_header, sizeof(w->last_header), "%.*s", (int)header.len,
		 header.at ? header.at : "");
	snprintf(w->peer, sizeof(w->peer), "%s", http_request_peer(r));
	if (w->kill_in_post >= 0) {
		reset_socket(w->kill_in_post);
		w->kill_in_post = -1;
	}
	if (w->manner == ANSWER_IN_POST && w->say_header) {
		http_answer_word(r, w->answer, http_request_header(r, "X-Test"));
		return;
	}
	if (w->manner == ANSWER_IN_POST) {
		http_answer(r, w->answer);
		return;
	}
	ck_assert(w->n_kept < KEPT_MAX);
	w->kept[w->n_kept++] = r;
}

static void on_stopped(void *userdata)
{
	struct world *w = userdata;

	w->stops++;
}

static void on_turn(void *userdata)
{
	struct world *w = userdata;

	w->turns++;
	if (w->manner == ANSWER_IN_TURN)
		answer_kept(w);
	if (w->in_turn)
		w->in_turn(w);
}

static void on_refused(struct http_request *r, enum verdict v, const char *why, void *userdata)
{
	struct world *w = userdata;

	w->refusals++;
	w->refusal = v;
	snprintf(w->why, sizeof(w->why), "%s", why);
	snprintf(w->peer, sizeof(w->peer), "%s", http_request_peer(r));
}

static const struct http_handler handler = {on_post, on_turn, on_refused, NULL};

static void world_begin(struct world *w, const struct http_limits *limits)
{
	*w = (struct world){
		.answer = VERDICT_APPLIED, .manner = ANSWER_IN_TURN, .kill_in_post = -1};
	w->limits = limits ? *limits : (struct http_limits){300, 2, 10000, 512 * 1024};
	signal(SIGPIPE, SIG_IGN);
	ck_assert(sd_event_new(&w->event) >= 0);
	ck_assert_int_eq(http_server_new(w->event, "/ipn", &w->limits, &handler, w, &w->server), 0);
}

static void world_turn(struct world *w)
{
	ck_assert(sd_event_run(w->event, 2000) >= 0);
}

/* Every connection must come to its end: a leaked one would hold up the stop. */
static void world_end(struct world *w)
{
	int64_t until = now_ms() + PATIENCE_MS;

	answer_kept(w);
	http_server_stop(w->server, on_stopped, w);
	while (w->stops == 0 && now_ms() < until)
		world_turn(w);
	ck_assert_uint_eq(w->stops, 1);
	http_server_free(w->server);
	sd_event_unref(w->event);
	free(w->body);
}

/* Listens and returns the port, 0 for a Unix socket. */
static unsigned world_listen(struct world *w, const char *address)
{
	CLEANUP(freep) char *url = NULL;
	struct why why = {""};
	const char *colon;

	ck_assert_msg(http_server_listen(w->server, address, NULL, &url, &why) == 0, "%s",
		      why.text);
	if (strncmp(address, "unix:", 5) == 0) {
		ck_assert_str_eq(url, address);
		return 0;
	}
	colon = strrchr(url, ':');
	ck_assert_str_eq(strchr(colon, '/'), "/ipn");
	return (unsigned)strtoul(colon + 1, NULL, 10);
}

static struct client client_of(int fd)
{
	ck_assert(fd >= 0);
	return (struct client){.fd = fd, .in = calloc(1, 1)};
}

static int connect_from(unsigned port, const char *source)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)},
			   from = to;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	from.sin_addr.s_addr = inet_addr(source);
	from.sin_port = 0;
	ck_assert(fd >= 0 && bind(fd, (struct sockaddr *)&from, sizeof(from)) == 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static struct client client_open(unsigned port)
{
	return client_of(connect_from(port, "127.0.0.1"));
}

static void client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->in);
	*c = (struct client){.fd = -1};
}

static void client_read(struct client *c)
{
	char buf[65536];
	ssize_t r;

	while (!c->closed && (r = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT)) >= 0) {
		if (r == 0)
			c->closed = true;
		c->in = realloc(c->in, c->n + (size_t)r + 1);
		ck_assert(c->in != NULL);
		memcpy(c->in + c->n, buf, (size_t)r);
		c->n += (size_t)r;
		c->in[c->n] = 0;
	}
	if (!c->closed && errno != EAGAIN)
		c->closed = true;
}

/* Sends while the server works. Stops when the server has closed. */
static void client_send(struct world *w, struct client *c, const char *at, size_t len)
{
	int64_t until = now_ms() + PATIENCE_MS;

	while (len > 0 && now_ms() < until) {
		ssize_t r = send(c->fd, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (r < 0 && errno != EAGAIN)
			return;
		if (r > 0) {
			at += r;
			len -= (size_t)r;
		}
		if (len > 0)
			world_turn(w);
	}
	ck_assert(len == 0);
}

static void client_say(struct world *w, struct client *c, const char *s)
{
	client_send(w, c, s, strlen(s));
}

/* Complete answers so far, 100 (Continue) included. */
static unsigned client_answers(const struct client *c)
{
	const char *at = c->in;
	unsigned n = 0;

	for (;;) {
		const char *end = strstr(at, "\r\n\r\n"), *length = strstr(at, "Content-Length: ");
		size_t body = 0;

		if (!end)
			return n;
		if (length && length < end)
			body = strtoul(length + 16, NULL, 10);
		if ((size_t)(end + 4 - c->in) + body > c->n)
			return n;
		at = end + 4 + body;
		n++;
	}
}

static void client_wait(struct world *w, struct client *c, unsigned answers)
{
	int64_t until = now_ms() + PATIENCE_MS;

	for (;;) {
		client_read(c);
		if (c->closed || client_answers(c) >= answers)
			return;
		ck_assert_msg(now_ms() < until, "no answer; so far: %zu bytes", c->n);
		world_turn(w);
	}
}

static void client_wait_closed(struct world *w, struct client *c)
{
	client_wait(w, c, UINT32_MAX);
	ck_assert(c->closed);
}

static void wait_kept(struct world *w, unsigned n)
{
	int64_t until = now_ms() + PATIENCE_MS;

	while (w->n_kept < n && now_ms() < until)
		world_turn(w);
	ck_assert_uint_eq(w->n_kept, n);
	/* Two more: the connections are suspended now. */
	for (int i = 0; i < 2; i++)
		ck_assert(sd_event_run(w->event, 0) >= 0);
}

static unsigned status_of(const struct client *c)
{
	return strncmp(c->in, "HTTP/1.1 ", 9) == 0 ? (unsigned)strtoul(c->in + 9, NULL, 10) : 0;
}

static bool has_line(const struct client *c, const char *line)
{
	CLEANUP(freep) char *with_ends = unit_format("\r\n%s\r\n", line);

	return strstr(c->in, with_ends) != NULL;
}

static const char *body_of(const struct client *c)
{
	const char *end = strstr(c->in, "\r\n\r\n");

	return end ? end + 4 : "";
}

static const struct http_limits hasty = {300, 2, 300, 512 * 1024};

#define POST "POST /ipn HTTP/1.1\r\nHost: x\r\n"
#define GOOD POST "Content-Length: 2\r\n\r\n{}"

struct exchange {
	const char *request;
	size_t len;
	unsigned status;      /* 0: closed without an answer */
	enum verdict refusal; /* VERDICT_PASS: not by our server */
	unsigned posts;
	bool closes;
};

#define ROW(request, ...)                                                                          \
	{                                                                                          \
		request, sizeof(request) - 1, __VA_ARGS__                                          \
	}

/* clang-format off */
static const struct exchange exchanges[] = {
	ROW(GOOD, 200, VERDICT_PASS, 1, false),
	ROW("POST /ipn?x=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 200, VERDICT_PASS, 1, false),
	ROW(POST "Content-Length: 0\r\n\r\n", 200, VERDICT_PASS, 1, false),
	ROW(POST "Content-Length: 000000000000000002\r\n\r\n{}", 200, VERDICT_PASS, 1, false),
	ROW(POST "Content-Length: 2\r\nContent-Encoding: identity\r\n\r\n{}", 200, VERDICT_PASS, 1, false),
	ROW(POST "Content-Length: 2\r\nContent-Encoding:\r\n\r\n{}", 200, VERDICT_PASS, 1, false),
	ROW(POST "Content-Length: 2\r\nContent-Encoding: \t\r\n\r\n{}", 200, VERDICT_PASS, 1, false),
	ROW(POST "Content-Length: 2\r\nConnection: close\r\n\r\n{}", 200, VERDICT_PASS, 1, true),
	ROW("POST /ipn HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}", 200, VERDICT_PASS, 1, true),
	ROW(POST "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 200, VERDICT_PASS, 1, false),
	ROW(POST "Transfer-Encoding: Chunked\r\n\r\n1;x=y\r\n{\r\n1\r\n}\r\n0\r\nA: b\r\n\r\n", 200, VERDICT_PASS, 1, false),
	ROW("POST /ipn HTTP/1.1\nHost:x\nContent-Length:2\nEmpty:\nBlank: \t\n\n{}", 200, VERDICT_PASS, 1, false),
	ROW("POST /ipn HTTP/1.1\r\nHost:   x  \r\nContent-Length:2\r\nEmpty:\r\nBlank: \t\r\nUmlaut: \xC3\xA4\r\n\r\n{}", 200, VERDICT_PASS, 1, false),
	ROW("POST /%69p%6E HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 200, VERDICT_PASS, 1, false),
	ROW("POST http://shop.example/ipn HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 200, VERDICT_PASS, 1, false),
	ROW("POST HTTPS://[::1]:8443/ipn?x=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 200, VERDICT_PASS, 1, false),
	/* path and method */
	ROW("POST http://shop.example HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404, VERDICT_PATH, 0, true),
	ROW("POST http://shop.example/ipn/ipn HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404, VERDICT_PATH, 0, true),
	ROW("POST http:///ipn HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404, VERDICT_PATH, 0, true),
	ROW("POST http:%2F%2Fx/ipn HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404, VERDICT_PATH, 0, true),
	ROW("POST ftp://x/ipn HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404, VERDICT_PATH, 0, true),
	ROW("GET http://shop.example/ipn HTTP/1.1\r\nHost: x\r\n\r\n", 405, VERDICT_METHOD, 0, true),
	ROW("POST /ipn%00 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404, VERDICT_PATH, 0, true),
	ROW("POST /ipn%00junk HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404, VERDICT_PATH, 0, true),
	ROW("POST %2fipn HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404, VERDICT_PATH, 0, true),
	ROW("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404, VERDICT_PATH, 0, true),
	ROW("POST /ipn/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404, VERDICT_PATH, 0, true),
	ROW("POST /ipn x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404, VERDICT_PATH, 0, true),
	ROW("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404, VERDICT_PATH, 0, true),
	ROW("GET /ipn HTTP/1.1\r\nHost: x\r\n\r\n", 405, VERDICT_METHOD, 0, true),
	ROW("HEAD /ipn HTTP/1.1\r\nHost: x\r\n\r\n", 405, VERDICT_METHOD, 0, true),
	ROW("DELETE /ipn HTTP/1.1\r\nHost: x\r\n\r\n", 405, VERDICT_METHOD, 0, true),
	ROW("PUT /ipn HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 405, VERDICT_METHOD, 0, true),
	ROW("post /ipn HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 405, VERDICT_METHOD, 0, true),
	/* framing */
	ROW(POST "\r\n", 411, VERDICT_NO_LENGTH, 0, true),
	ROW(POST "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Transfer-Encoding: gzip\r\n\r\n", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Transfer-Encoding: identity\r\n\r\n", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Transfer-Encoding: chunked \r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Transfer-Encoding:\r\n\r\n", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Transfer-Encoding: \x0B" "chunked\r\n\r\n0\r\n\r\n", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, VERDICT_FRAMING, 0, true),
	ROW("POST /ipn HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Content-Length: 0000000000000000002\r\n\r\n{}", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Content-Length : 2\r\n\r\n{}", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "X\tY: 2\r\nContent-Length: 2\r\n\r\n{}", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Content-Length: 2\r\n: 2\r\n\r\n{}", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Content-Length: 2\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n{}", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Content-Length: 2\r\nX: a\0b\r\n\r\n{}", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Content-Length: 2\0" "0\r\n\r\n{}", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Content-Length: 2\0" "0\r\nA: b\r\n\r\n{}", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Content-Length: 2\r\n\0Transfer-Encoding: chunked\r\n\r\n{}", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Content-Length: 2\r\n 0\r\n\r\n{}", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400, VERDICT_FRAMING, 0, true),
	ROW("POST /ipn HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 400, VERDICT_FRAMING, 0, true),
	ROW(POST "Host: y\r\nContent-Length: 2\r\n\r\n{}", 400, VERDICT_FRAMING, 0, true),
	ROW("POST /ipn\0junk HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 400, VERDICT_FRAMING, 0, true),
	/* a bad framing is not read on behind another refusal either */
	ROW("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 900\r\n\r\n{}", 404, VERDICT_PATH, 0, true),
	/* libmicrohttpd answers these itself */
	ROW(POST "Content-Length: +5\r\n\r\n{}", 400, VERDICT_PASS, 0, true),
	ROW(POST "Content-Length: -5\r\n\r\n{}", 400, VERDICT_PASS, 0, true),
	ROW(POST "Content-Length: 5,5\r\n\r\n{}", 400, VERDICT_PASS, 0, true),
	ROW(POST "Content-Length: 0x5\r\n\r\n{}", 400, VERDICT_PASS, 0, true),
	ROW(POST "Content-Length: 5 \r\n\r\n{}", 400, VERDICT_PASS, 0, true),
	ROW(POST "Content-Length:\r\n\r\n{}", 400, VERDICT_PASS, 0, true),
	ROW(POST "Content-Length: 99999999999999999999\r\n\r\n{}", 413, VERDICT_PASS, 0, true),
	ROW(POST "Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n", 400, VERDICT_PASS, 0, true),
	ROW(POST "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n", 400, VERDICT_PASS, 0, true),
	ROW(POST "no colon\r\n\r\n", 400, VERDICT_PASS, 0, true),
	ROW("POST /ipn HTTP/9.9\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 505, VERDICT_PASS, 0, true),
	ROW("\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03\r\n\r\n", 0, VERDICT_PASS, 0, true),
	/* size and encoding */
	ROW(POST "Content-Length: 524289\r\nExpect: 100-continue\r\n\r\n", 413, VERDICT_TOO_LARGE, 0, true),
	ROW(POST "Content-Length: 999999999999999999\r\n\r\n", 413, VERDICT_TOO_LARGE, 0, true),
	ROW(POST "Content-Length: 2\r\nContent-Encoding: gzip\r\n\r\n{}", 415, VERDICT_ENCODED, 0, true),
	ROW(POST "Content-Length: 2\r\nContent-Encoding: identity, gzip\r\n\r\n{}", 415, VERDICT_ENCODED, 0, true),
	ROW(POST "Content-Length: 2\r\nContent-Encoding: identity\r\nContent-Encoding: br\r\n\r\n{}", 415, VERDICT_ENCODED, 0, true),
	ROW(POST "Content-Length: 2\r\nContent-Encoding: gzip\r\nExpect: 100-Continue\r\n\r\n", 415, VERDICT_ENCODED, 0, true),
};
/* clang-format on */

static void exchange_check(struct world *w, unsigned port, const struct exchange *e, size_t step)
{
	struct client c = client_open(port);
	unsigned posts = w->posts, refusals = w->refusals;

	for (size_t i = 0; i < e->len && !c.closed; i += step) {
		client_send(w, &c, e->request + i, i + step < e->len ? step : e->len - i);
		if (step < e->len) {
			ck_assert(sd_event_run(w->event, 0) >= 0);
			client_read(&c);
		}
	}
	client_wait(w, &c, 1);
	ck_assert_uint_eq(status_of(&c), e->status);
	ck_assert_uint_eq(w->posts - posts, e->posts);
	ck_assert_uint_eq(w->refusals - refusals, e->refusal != VERDICT_PASS);
	if (e->refusal != VERDICT_PASS)
		ck_assert_int_eq(w->refusal, e->refusal);
	ck_assert(has_line(&c, "Connection: close") == (e->closes && e->status));
	ck_assert(strstr(c.in, "Server:") == NULL);
	if (e->closes)
		client_wait_closed(w, &c);
	else
		ck_assert(!c.closed);
	client_close(&c);
}

START_TEST(answers_each_shape)
{
	struct world w;
	unsigned port;

	world_begin(&w, NULL);
	port = world_listen(&w, "127.0.0.1:0");
	for (size_t i = 0; i < sizeof(exchanges) / sizeof(exchanges[0]); i++) {
		exchange_check(&w, port, &exchanges[i], SIZE_MAX / 2);
		exchange_check(&w, port, &exchanges[i], 1);
	}
	world_end(&w);
}
END_TEST

START_TEST(answers_in_the_words_of_the_verdict)
{
	struct world w;
	unsigned port;

	world_begin(&w, NULL);
	port = world_listen(&w, "127.0.0.1:0");
	for (enum verdict v = VERDICT_PASS + 1; v < VERDICT_N; v++) {
		const struct verdict_row *row = verdict_row(v);
		CLEANUP(freep) char *line = unit_format("%s\n", row->answer);

		for (int manner = ANSWER_IN_POST; manner <= KEEP; manner++) {
			struct client c = client_open(port);

			w.answer = v;
			w.manner = (enum manner)manner;
			client_say(&w, &c, GOOD);
			if (w.manner == KEEP) {
				wait_kept(&w, 1);
				answer_kept(&w);
			}
			client_wait(&w, &c, 1);
			ck_assert_uint_eq(status_of(&c), (unsigned)row->http);
			ck_assert_str_eq(body_of(&c), line);
			ck_assert(has_line(&c, "Content-Type: text/plain; charset=UTF-8"));
			ck_assert(has_line(&c, "X-Content-Type-Options: nosniff"));
			ck_assert(has_line(&c, "Retry-After: 20") == (row->http == 503));
			ck_assert(has_line(&c, "Allow: POST") == (row->http == 405));
			ck_assert(has_line(&c, "Connection: close") == (row->http / 100 == 4));
			client_close(&c);
		}
	}
	world_end(&w);
}
END_TEST

/* A word of the request comes back, and of what is none not one byte. */
START_TEST(repeats_a_word_and_nothing_else)
{
	static const struct {
		const char *given;
		bool repeated;
	} words[] = {
		{"8691205f-508e-5e4f-b488-fa6cdc2d85e2", true},
		{"A-z0", true},
		{"8691205f-508e-5e4f-b488-fa6cdc2d85e2a", false},
		{"", false},
		{"<b>", false},
		{"a b", false},
		{"a;b", false},
		{"a\xc3\xa9", false},
		{"%41", false},
		{"a:b", false},
	};
	const char *answer = verdict_row(VERDICT_CERTIFICATE_URL)->answer;
	struct world w;
	unsigned port;

	world_begin(&w, NULL);
	port = world_listen(&w, "127.0.0.1:0");
	w.say_header = true;
	w.manner = ANSWER_IN_POST;
	w.answer = VERDICT_CERTIFICATE_URL;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		CLEANUP(freep)
		char *request = unit_format(POST "X-Test: %s\r\nContent-Length: 2\r\n\r\n{}",
					    words[i].given);
		CLEANUP(freep)
		char *line = unit_format("%s%s%s\n", answer, words[i].repeated ? ": " : "",
					 words[i].repeated ? words[i].given : "");
		struct client c = client_open(port);

		client_say(&w, &c, request);
		client_wait(&w, &c, 1);
		ck_assert_uint_eq(status_of(&c), 403);
		ck_assert_str_eq(body_of(&c), line);
		ck_assert(has_line(&c, "X-Content-Type-Options: nosniff"));
		ck_assert(has_line(&c, "Connection: close"));
		client_close(&c);
	}
	world_end(&w);
}
END_TEST

START_TEST(says_which_method_is_allowed)
{
	struct world w;
	struct client c;

	world_begin(&w, NULL);
	c = client_open(world_listen(&w, "127.0.0.1:0"));
	client_say(&w, &c, "GET /ipn HTTP/1.1\r\nHost: x\r\n\r\n");
	client_wait(&w, &c, 1);
	ck_assert(has_line(&c, "Allow: POST"));
	ck_assert_str_eq(body_of(&c), "only POST\n");
	client_close(&c);
	world_end(&w);
}
END_TEST

START_TEST(gives_body_header_and_peer)
{
	struct world w;
	struct client c;
	struct sockaddr_in own;
	socklen_t len = sizeof(own);
	static const char request[] = POST "x-TEST:  a b \r\nContent-Length: 5\r\n\r\na\0b\r\n";
	CLEANUP(freep) char *peer = NULL;

	world_begin(&w, NULL);
	c = client_open(world_listen(&w, "127.0.0.1:0"));
	client_send(&w, &c, request, sizeof(request) - 1);
	client_wait(&w, &c, 1);
	ck_assert_uint_eq(w.body_len, 5);
	ck_assert_mem_eq(w.body, "a\0b\r\n", 5);
	ck_assert_str_eq(w.header, "a b");
	ck_assert(getsockname(c.fd, (struct sockaddr *)&own, &len) == 0);
	peer = unit_format("127.0.0.1:%u", ntohs(own.sin_port));
	ck_assert_str_eq(w.peer, peer);
	client_say(&w, &c,
		   POST "X-Test: a\r\nX-TEST:  b, c \r\nX-Other: d\r\nContent-Length: 0\r\n\r\n");
	client_wait(&w, &c, 2);
	ck_assert(w.has_header && w.header_len == 1 && w.header[0] == 0);
	ck_assert_str_eq(w.last_header, "b, c");
	client_say(&w, &c, POST "X-Test: a\r\nX-TEST:  a \r\nContent-Length: 0\r\n\r\n");
	client_wait(&w, &c, 3);
	ck_assert_str_eq(w.header, "a");
	client_say(&w, &c, POST "X-Test:\r\nContent-Length: 0\r\n\r\n");
	client_wait(&w, &c, 4);
	ck_assert(w.has_header);
	ck_assert_uint_eq(w.body_len, 0);
	client_say(&w, &c, GOOD);
	client_wait(&w, &c, 5);
	ck_assert(!w.has_header);
	ck_assert_str_eq(w.last_header, "");
	client_close(&c);
	world_end(&w);
}
END_TEST

/*
 * A request with a body of `len` bytes, chunked in pieces of `chunk` or with its length. The caller
 * frees.
 */
static char *big_request(size_t len, size_t chunk, size_t *ret_len)
{
	char *s = malloc(len + 512 + (chunk ? len / chunk * 32 : 0));
	size_t n;

	ck_assert(s != NULL);
	if (!chunk) {
		n = (size_t)snprintf(s, 256, POST "Content-Length: %zu\r\n\r\n", len);
		memset(s + n, 'x', len);
		*ret_len = n + len;
		return s;
	}
	n = (size_t)snprintf(s, 256, POST "Transfer-Encoding: chunked\r\n\r\n");
	while (len > 0) {
		size_t piece = len < chunk ? len : chunk;

		n += (size_t)snprintf(s + n, 32, "%zx\r\n", piece);
		memset(s + n, 'x', piece);
		n += piece;
		n += (size_t)snprintf(s + n, 32, "\r\n");
		len -= piece;
	}
	n += (size_t)snprintf(s + n, 32, "0\r\n\r\n");
	*ret_len = n;
	return s;
}

struct size_row {
	size_t len, chunk;
	unsigned status; /* 0: closed unanswered */
	bool stays_open;
};

static const struct size_row sizes[] = {
	{512 * 1024, 0, 200, true},         {512 * 1024, 1000, 200, true},
	{512 * 1024, 65536, 200, true},     {512 * 1024 + 1, 0, 413, false},
	{512 * 1024 + 1, 4096, 413, false}, {1024 * 1024, 0, 413, false},
	{2048 * 1024, 65536, 413, false},   {9 * 1024 * 1024, 65536, 0, false},
};

START_TEST(bounds_the_body)
{
	struct world w;
	unsigned port;

	world_begin(&w, NULL);
	port = world_listen(&w, "127.0.0.1:0");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct size_row *row = &sizes[i];
		struct client c = client_open(port);
		size_t len;
		CLEANUP(freep) char *request = big_request(row->len, row->chunk, &len);
		unsigned posts = w.posts;

		client_send(&w, &c, request, len);
		client_wait(&w, &c, 1);
		ck_assert_uint_eq(status_of(&c), row->status);
		ck_assert_uint_eq(w.posts - posts, row->status == 200);
		if (row->status == 200)
			ck_assert_uint_eq(w.body_len, row->len);
		if (!row->stays_open)
			client_wait_closed(&w, &c);
		ck_assert(c.closed != row->stays_open);
		client_close(&c);
	}
	world_end(&w);
}
END_TEST

/* Above what is drained, the answer does not wait for the body. */
/* As at a reload. A request that is under way goes on by what it began with. */
START_TEST(takes_another_path_and_other_limits)
{
	static const char moved[] = "POST /pay HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n";
	static const struct http_limits small = {1, 2, 1, 1024};
	char body[2000];
	struct world w;
	struct client c, late;
	unsigned port;

	world_begin(&w, NULL);
	memset(body, 'x', sizeof(body));
	port = world_listen(&w, "127.0.0.1:0");
	c = client_open(port);
	client_say(&w, &c, POST "Content-Length: 2000\r\n\r\n");
	client_send(&w, &c, body, 1500);
	for (int i = 0; i < 5; i++)
		ck_assert(sd_event_run(w.event, 100000) >= 0);
	http_server_configure(w.server, strdup("/pay"), &small);
	client_send(&w, &c, body, 500);
	client_wait(&w, &c, 1);
	ck_assert_uint_eq(status_of(&c), 200);
	ck_assert_uint_eq(w.body_len, 2000);
	late = client_open(port); /* the limit of connections is that of before */
	client_say(&w, &late, moved);
	client_send(&w, &late, body, sizeof(body));
	client_wait(&w, &late, 1);
	ck_assert_uint_eq(status_of(&late), 413);
	client_close(&late);
	client_say(&w, &c, GOOD);
	client_wait_closed(&w, &c);
	ck_assert(strstr(c.in, "HTTP/1.1 404 ") != NULL);
	client_close(&c);
	world_end(&w);
}
END_TEST

START_TEST(answers_a_large_length_at_once)
{
	struct world w;
	struct client c;

	world_begin(&w, NULL);
	c = client_open(world_listen(&w, "127.0.0.1:0"));
	client_say(&w, &c, POST "Content-Length: 1048577\r\n\r\nxxxx");
	client_wait_closed(&w, &c);
	ck_assert_uint_eq(status_of(&c), 413);
	ck_assert_str_eq(w.why, "declares more than max_body");
	client_close(&c);
	world_end(&w);
}
END_TEST

START_TEST(continues_only_what_it_takes)
{
	struct world w;
	struct client c;
	unsigned port;

	world_begin(&w, NULL);
	port = world_listen(&w, "127.0.0.1:0");
	c = client_open(port);
	client_say(&w, &c, POST "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n");
	client_wait(&w, &c, 1);
	ck_assert_uint_eq(status_of(&c), 100);
	client_say(&w, &c, "{}");
	client_wait(&w, &c, 2);
	ck_assert(strstr(c.in, "HTTP/1.1 200 OK\r\n") != NULL);
	client_close(&c);
	c = client_open(port);
	client_say(
		&w, &c,
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
	client_wait_closed(&w, &c);
	ck_assert_uint_eq(status_of(&c), 404);
	client_close(&c);
	world_end(&w);
}
END_TEST

static void large_head_check(struct world *w, unsigned port, const char *request)
{
	struct client c = client_open(port);
	socklen_t len = sizeof(int);
	int reset;

	client_say(w, &c, request);
	client_wait_closed(w, &c);
	ck_assert_uint_eq(status_of(&c), 431);
	/* Linux gives the answer even so; others drop what is unread at a reset. */
	ck_assert(getsockopt(c.fd, SOL_SOCKET, SO_ERROR, &reset, &len) == 0 && reset == 0);
	client_close(&c);
}

START_TEST(refuses_large_heads)
{
	CLEANUP(freep) char *long_line = NULL, *many = NULL;
	char *at, pad[64 * 1024];
	struct world w;
	unsigned port;

	world_begin(&w, NULL);
	port = world_listen(&w, "127.0.0.1:0");
	memset(pad, 'a', sizeof(pad) - 1);
	pad[sizeof(pad) - 1] = 0;
	long_line = unit_format(POST "X: %s\r\nContent-Length: 2\r\n\r\n{}", pad);
	large_head_check(&w, port, long_line);
	many = calloc(1, 64 * 1024);
	ck_assert(many != NULL);
	at = many + snprintf(many, 256, POST);
	for (int i = 0; i < 1000; i++)
		at += snprintf(at, 32, "X-%d: %d\r\n", i, i);
	snprintf(at, 64, "Content-Length: 2\r\n\r\n{}");
	large_head_check(&w, port, many);
	ck_assert_uint_eq(w.posts, 0);
	world_end(&w);
}
END_TEST

/* A head of a few kilobytes in pieces of all sizes passes the search for hidden bytes. */
START_TEST(takes_ordinary_large_heads)
{
	char head[16 * 1024], *at = head;
	struct world w;
	unsigned port;

	world_begin(&w, NULL);
	port = world_listen(&w, "127.0.0.1:0");
	at += snprintf(at, 256, POST);
	for (int i = 0; i < 120; i++)
		at += snprintf(
			at, 128, "X-%d:%.*s%.*s\r\n", i, i % 3, "  ", i % 70,
			"v v v v v v v v v v v v v v v v v v v v v v v v v v v v v v v v v v");
	at += snprintf(at, 128, "Cookie: a=b; c=d\r\nContent-Length: 2\r\n\r\n{}");
	for (size_t step = 1; step < 5000; step = step * 3 + 1) {
		struct client c = client_open(port);

		/* Twice on one connection: its buffer has moved then. */
		for (unsigned n = 1; n <= 2; n++) {
			for (char *p = head; p < at; p += step) {
				client_send(&w, &c, p,
					    (size_t)(at - p) < step ? (size_t)(at - p) : step);
				ck_assert(sd_event_run(w.event, 0) >= 0);
			}
			client_wait(&w, &c, n);
			ck_assert_uint_eq(client_answers(&c), n);
			ck_assert_uint_eq(status_of(&c), 200);
		}
		client_close(&c);
	}
	world_end(&w);
}
END_TEST

START_TEST(keeps_connections_and_order)
{
	struct world w;
	struct client c;

	world_begin(&w, NULL);
	c = client_open(world_listen(&w, "127.0.0.1:0"));
	for (unsigned i = 1; i <= 3; i++) {
		client_say(&w, &c, GOOD);
		client_wait(&w, &c, i);
		ck_assert_uint_eq(client_answers(&c), i);
	}
	for (int manner = ANSWER_IN_POST; manner <= ANSWER_IN_TURN; manner++) {
		unsigned before = client_answers(&c);

		w.manner = (enum manner)manner;
		client_say(&w, &c, GOOD GOOD GOOD);
		client_wait(&w, &c, before + 3);
		ck_assert_uint_eq(client_answers(&c), before + 3);
	}
	w.manner = KEEP;
	client_say(&w, &c, GOOD POST "Content-Length: 3\r\n\r\nabc");
	wait_kept(&w, 1);
	ck_assert_str_eq(w.body, "{}");
	answer_kept(&w);
	wait_kept(&w, 1);
	ck_assert_str_eq(w.body, "abc");
	answer_kept(&w);
	client_wait(&w, &c, 11);
	ck_assert_uint_eq(client_answers(&c), 11);
	ck_assert(!c.closed);
	client_close(&c);
	world_end(&w);
}
END_TEST

START_TEST(reads_nothing_behind_a_refusal)
{
	static const char *const refused[] = {
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}" GOOD,
		POST "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" GOOD,
		POST "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" GOOD,
		POST "\r\n" GOOD,
		"GET /ipn HTTP/1.1\r\nHost: x\r\n\r\n" GOOD,
	};
	struct world w;
	unsigned port;

	world_begin(&w, NULL);
	port = world_listen(&w, "127.0.0.1:0");
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct client c = client_open(port);

		client_say(&w, &c, refused[i]);
		client_wait_closed(&w, &c);
		ck_assert_uint_eq(client_answers(&c), 1);
		ck_assert_uint_eq(w.posts, 0);
		client_close(&c);
	}
	/* Nor behind a refusal of the owner's. */
	w.answer = VERDICT_SIGNATURE;
	struct client c = client_open(port);

	client_say(&w, &c, GOOD GOOD);
	client_wait_closed(&w, &c);
	ck_assert_uint_eq(client_answers(&c), 1);
	ck_assert_uint_eq(w.posts, 1);
	client_close(&c);
	world_end(&w);
}
END_TEST

START_TEST(answers_many_in_one_turn)
{
	struct client c[200];
	struct world w;
	unsigned port, turns;

	world_begin(&w, NULL);
	port = world_listen(&w, "127.0.0.1:0");
	w.manner = KEEP;
	for (size_t i = 0; i < 200; i++) {
		c[i] = client_open(port);
		client_say(&w, &c[i], GOOD);
	}
	wait_kept(&w, 200);
	turns = w.turns;
	ck_assert(turns > 0 && turns <= 200);
	answer_kept(&w);
	for (size_t i = 0; i < 200; i++) {
		client_wait(&w, &c[i], 1);
		ck_assert_uint_eq(status_of(&c[i]), 200);
	}
	ck_assert_uint_eq(w.turns, turns);
	/* Now all have data at once: far fewer turns than requests. */
	w.manner = ANSWER_IN_TURN;
	for (size_t i = 0; i < 200; i++)
		ck_assert(send(c[i].fd, GOOD, sizeof(GOOD) - 1, 0) == sizeof(GOOD) - 1);
	for (size_t i = 0; i < 200; i++) {
		client_wait(&w, &c[i], 2);
		ck_assert_uint_eq(client_answers(&c[i]), 2);
	}
	ck_assert_uint_eq(w.posts, 400);
	ck_assert_uint_le(w.turns - turns, 4);
	for (size_t i = 0; i < 200; i++)
		client_close(&c[i]);
	world_end(&w);
}
END_TEST

/* libmicrohttpd treats its oldest connection in another way: it is not the one to look at. */
START_TEST(answers_a_client_that_sends_no_more)
{
	struct world w;
	unsigned port;

	world_begin(&w, &hasty);
	port = world_listen(&w, "127.0.0.1:0");
	for (int manner = ANSWER_IN_POST; manner <= KEEP; manner++) {
		struct client oldest = client_open(port), c = client_open(port);

		w.manner = (enum manner)manner;
		ck_assert(send(c.fd, GOOD, sizeof(GOOD) - 1, 0) == sizeof(GOOD) - 1);
		ck_assert(shutdown(c.fd, SHUT_WR) == 0);
		if (w.manner == KEEP) {
			wait_kept(&w, 1);
			answer_kept(&w);
		}
		client_wait_closed(&w, &c);
		ck_assert_uint_eq(status_of(&c), 200);
		client_close(&c);
		client_close(&oldest);
	}
	world_end(&w);
}
END_TEST

START_TEST(outlives_its_clients)
{
	static const char *const begun[] = {
		"",
		"PO",
		POST,
		POST "Content-Length: 100\r\n\r\n",
		POST "Content-Length: 100\r\n\r\n{",
		POST "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
	};
	struct client c, oldest;
	struct world w;
	unsigned port;

	world_begin(&w, NULL);
	port = world_listen(&w, "127.0.0.1:0");
	oldest = client_open(port);
	for (size_t i = 0; i < 2 * sizeof(begun) / sizeof(begun[0]); i++) {
		c = client_open(port);
		client_say(&w, &c, begun[i / 2]);
		ck_assert(sd_event_run(w.event, 10000) >= 0);
		ck_assert(sd_event_run(w.event, 1000) >= 0);
		if (i % 2) {
			reset_socket(c.fd);
			c.fd = -1;
		}
		client_close(&c);
	}
	for (int i = 0; i < 10; i++)
		world_turn(&w);
	ck_assert_uint_eq(w.posts, 0);
	ck_assert_uint_eq(w.refusals, 0);

	/* Gone while suspended, in both ways. */
	w.manner = KEEP;
	for (int i = 0; i < 2; i++) {
		c = client_open(port);
		client_say(&w, &c, GOOD);
		wait_kept(&w, 1);
		if (i) {
			reset_socket(c.fd);
			c.fd = -1;
		}
		client_close(&c);
		for (int k = 0; k < 3; k++)
			world_turn(&w);
		ck_assert_mem_eq(http_request_body(w.kept[0]).at, "{}", 2);
		answer_kept(&w);
		for (int k = 0; k < 3; k++)
			world_turn(&w);
	}

	/*
	 * Gone before the suspension: the request lives on without its connection. (libmicrohttpd
	 * looks at its oldest connection before it looks at the ends of the others.)
	 */
	c = client_open(port);
	w.kill_in_post = c.fd;
	client_say(&w, &c, POST "X-Test: v\r\nContent-Length: 2\r\n\r\n{}");
	c.fd = -1;
	wait_kept(&w, 1);
	ck_assert_mem_eq(http_request_body(w.kept[0]).at, "{}", 2);
	ck_assert(http_request_header(w.kept[0], "X-Test").at == NULL);
	ck_assert_str_eq(http_request_peer(w.kept[0]), w.peer);
	answer_kept(&w);
	client_close(&c);
	client_close(&oldest);
	world_end(&w);
}
END_TEST

/* Sends `unit` every 20 ms and returns after how many milliseconds the server has closed. */
static int64_t drip(struct world *w, unsigned port, const char *first, const char *unit)
{
	struct client c = client_open(port);
	int64_t begin = now_ms();

	client_say(w, &c, first);
	while (!c.closed && now_ms() < begin + PATIENCE_MS) {
		int64_t until = now_ms() + 20;

		send(c.fd, unit, strlen(unit), MSG_DONTWAIT | MSG_NOSIGNAL);
		while (now_ms() < until && !c.closed) {
			world_turn(w);
			client_read(&c);
		}
	}
	ck_assert(c.closed);
	ck_assert_uint_eq(c.n, 0);
	client_close(&c);
	return now_ms() - begin;
}

START_TEST(cuts_slow_clients)
{
	static const char *const begun[][2] = {
		{"", ""},
		{"", "\r\n"},
		{"P", ""},
		{POST "X: ", "a"},
		{POST "Content-Length: 1000\r\n\r\n", "a"},
		{POST "Transfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n"},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", "a"},
	};
	struct world w;
	unsigned port;

	world_begin(&w, &hasty);
	port = world_listen(&w, "127.0.0.1:0");
	for (size_t i = 0; i < sizeof(begun) / sizeof(begun[0]); i++) {
		int64_t ms = drip(&w, port, begun[i][0], begun[i][1]);

		ck_assert_msg(ms >= 290 && ms < 1500, "closed after %ld ms", (long)ms);
	}
	ck_assert_uint_eq(w.posts, 0);
	world_end(&w);
}
END_TEST

static void idle(struct world *w, int64_t ms)
{
	int64_t until = now_ms() + ms;

	while (now_ms() < until)
		world_turn(w);
}

START_TEST(counts_the_deadline_anew_after_an_answer)
{
	struct world w;
	struct client c;
	int64_t begin;

	world_begin(&w, &hasty);
	c = client_open(world_listen(&w, "127.0.0.1:0"));
	for (unsigned i = 1; i <= 4; i++) {
		idle(&w, 150);
		client_say(&w, &c, GOOD);
		client_wait(&w, &c, i);
		ck_assert_uint_eq(client_answers(&c), i);
	}
	begin = now_ms();
	client_wait_closed(&w, &c);
	ck_assert(now_ms() - begin >= 250 && now_ms() - begin < 1500);
	client_close(&c);
	world_end(&w);
}
END_TEST

START_TEST(ends_a_suspended_connection_at_the_deadline)
{
	struct world w;
	struct client c;

	world_begin(&w, &hasty);
	w.manner = KEEP;
	c = client_open(world_listen(&w, "127.0.0.1:0"));
	client_say(&w, &c, GOOD);
	client_wait_closed(&w, &c);
	ck_assert_uint_eq(c.n, 0);
	ck_assert_uint_eq(w.n_kept, 1);
	ck_assert_mem_eq(http_request_body(w.kept[0]).at, "{}", 2);
	client_close(&c);
	world_end(&w);
}
END_TEST

START_TEST(limits_connections_over_all_listeners)
{
	static const struct http_limits few = {3, 1, 10000, 1024};
	CLEANUP(freep) char *folder = unit_folder();
	CLEANUP(freep) char *address = unit_format("unix:%s/s", folder);
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct client c[3], over;
	struct world w;
	unsigned port;
	int fd;

	world_begin(&w, &few);
	port = world_listen(&w, "127.0.0.1:0");
	world_listen(&w, address);
	for (int i = 0; i < 3; i++) {
		c[i] = client_open(port);
		client_say(&w, &c[i], GOOD);
		client_wait(&w, &c[i], 1);
		ck_assert_uint_eq(status_of(&c[i]), 200);
	}
	over = client_open(port);
	client_wait_closed(&w, &over);
	ck_assert_uint_eq(over.n, 0);
	client_close(&over);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", address + 5);
	ck_assert(connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0);
	over = client_of(fd);
	client_wait_closed(&w, &over);
	client_close(&over);
	/* One goes, another may come. */
	client_close(&c[0]);
	for (int i = 0; i < 5; i++)
		world_turn(&w);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert(connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0);
	c[0] = client_of(fd);
	client_say(&w, &c[0], GOOD);
	client_wait(&w, &c[0], 1);
	ck_assert_uint_eq(status_of(&c[0]), 200);
	ck_assert_str_eq(w.peer, "unix");
	for (int i = 0; i < 3; i++)
		client_close(&c[i]);
	world_end(&w);
}
END_TEST

/* MHD stops listening when accept(2) finds no descriptor free, and begins again in the run after a close. */
START_TEST(accepts_again_when_files_are_free_again)
{
	struct rlimit limit, none;
	struct client first, second;
	struct world w;
	unsigned port;

	world_begin(&w, NULL);
	port = world_listen(&w, "127.0.0.1:0");
	first = client_open(port);
	client_say(&w, &first, GOOD);
	client_wait(&w, &first, 1);
	second = client_open(port);
	ck_assert(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	none = (struct rlimit){0, limit.rlim_max};
	ck_assert(setrlimit(RLIMIT_NOFILE, &none) == 0);
	client_say(&w, &second, GOOD);
	for (int i = 0; i < 5; i++)
		ck_assert(sd_event_run(w.event, 0) >= 0);
	ck_assert_uint_eq(w.posts, 1);
	ck_assert(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	client_close(&first);
	client_wait(&w, &second, 1);
	ck_assert_uint_eq(status_of(&second), 200);
	client_close(&second);
	world_end(&w);
}
END_TEST

START_TEST(stops_with_nothing_open)
{
	struct world w;

	world_begin(&w, NULL);
	http_server_stop(w.server, on_stopped, &w);
	ck_assert_uint_eq(w.stops, 0);
	world_end(&w);
}
END_TEST

START_TEST(finishes_what_is_in_flight)
{
	struct client waiting, kept, half;
	struct world w;
	unsigned port;

	world_begin(&w, NULL);
	port = world_listen(&w, "127.0.0.1:0");
	waiting = client_open(port);
	client_say(&w, &waiting, GOOD);
	client_wait(&w, &waiting, 1);
	half = client_open(port);
	client_say(&w, &half, POST "Content-Length: 2\r\n");
	w.manner = KEEP;
	kept = client_open(port);
	client_say(&w, &kept, GOOD);
	wait_kept(&w, 1);

	http_server_stop(w.server, on_stopped, &w);
	client_wait_closed(&w, &waiting);
	ck_assert_uint_eq(client_answers(&waiting), 1);
	ck_assert_int_eq(connect_from(port, "127.0.0.1"), -1);
	ck_assert_uint_eq(w.stops, 0);
	answer_kept(&w);
	client_wait_closed(&w, &kept);
	ck_assert_uint_eq(status_of(&kept), 200);
	ck_assert(has_line(&kept, "Connection: close"));
	ck_assert_uint_eq(w.stops, 0);
	w.manner = ANSWER_IN_TURN;
	client_say(&w, &half, "\r\n{}");
	client_wait_closed(&w, &half);
	ck_assert_uint_eq(status_of(&half), 200);
	ck_assert(has_line(&half, "Connection: close"));
	client_close(&waiting);
	client_close(&kept);
	client_close(&half);
	world_end(&w);
}
END_TEST

START_TEST(stops_in_spite_of_slow_clients)
{
	struct client c;
	struct world w;

	world_begin(&w, &hasty);
	c = client_open(world_listen(&w, "127.0.0.1:0"));
	client_say(&w, &c, POST "Content-Length: 2\r\n\r\n");
	idle(&w, 50);
	world_end(&w);
	client_read(&c);
	ck_assert(c.closed);
	client_close(&c);
}
END_TEST

/* The second post comes in the run of libmicrohttpd that prepares the answer to the first. */
static void stop_in_second_turn(struct world *w)
{
	if (w->turns == 1)
		ck_assert(send(w->spare_fd, GOOD, sizeof(GOOD) - 1, 0) == sizeof(GOOD) - 1);
	else
		http_server_stop(w->server, on_stopped, w);
}

/* An answer that was on its way without "close" when the stop came does not keep the connection. */
START_TEST(closes_after_an_answer_given_before_the_stop)
{
	struct client c, second;
	struct world w;
	unsigned port;

	world_begin(&w, NULL);
	port = world_listen(&w, "127.0.0.1:0");
	second = client_open(port);
	c = client_open(port);
	world_turn(&w);
	w.spare_fd = second.fd;
	w.in_turn = stop_in_second_turn;
	client_say(&w, &c, GOOD);
	client_wait_closed(&w, &c);
	ck_assert_uint_eq(status_of(&c), 200);
	ck_assert(!has_line(&c, "Connection: close"));
	client_wait_closed(&w, &second);
	ck_assert_uint_eq(status_of(&second), 200);
	ck_assert(has_line(&second, "Connection: close"));
	ck_assert_uint_eq(w.turns, 2);
	w.in_turn = NULL;
	client_close(&c);
	client_close(&second);
	world_end(&w);
}
END_TEST

START_TEST(is_freed_without_a_stop)
{
	struct client idle_one, kept, half;
	struct world w;
	unsigned port;

	world_begin(&w, NULL);
	port = world_listen(&w, "127.0.0.1:0");
	w.manner = KEEP;
	idle_one = client_open(port);
	half = client_open(port);
	client_say(&w, &half, POST "Content-Length: 100\r\n\r\n{");
	kept = client_open(port);
	client_say(&w, &kept, GOOD);
	wait_kept(&w, 1);
	answer_kept(&w);
	http_server_free(w.server);
	sd_event_unref(w.event);
	free(w.body);
	client_close(&idle_one);
	client_close(&half);
	client_close(&kept);
}
END_TEST

START_TEST(replaces_only_dead_sockets)
{
	CLEANUP(freep) char *folder = unit_folder();
	CLEANUP(freep)
	char *path = unit_format("%s/s", folder), *address = unit_format("unix:%s", path);
	CLEANUP(freep)
	char *file = unit_format("%s/f", folder), *not_socket = unit_format("unix:%s", file);
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct why why = {""};
	struct world w, second;
	char *url = NULL;
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	FILE *f = fopen(file, "we");

	ck_assert(f != NULL && fclose(f) == 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	ck_assert(bind(fd, (struct sockaddr *)&un, sizeof(un)) == 0);
	close(fd);
	world_begin(&w, NULL);
	world_listen(&w, address);
	ck_assert(stat(path, &st) == 0);
	ck_assert(S_ISSOCK(st.st_mode) && (st.st_mode & 07777) == 0660);

	world_begin(&second, NULL);
	ck_assert_int_eq(http_server_listen(second.server, address, NULL, &url, &why), -EADDRINUSE);
	ck_assert(strstr(why.text, path) != NULL);
	ck_assert_int_eq(http_server_listen(second.server, not_socket, NULL, &url, &why), -EEXIST);
	ck_assert(stat(file, &st) == 0 && S_ISREG(st.st_mode));
	world_end(&second);
	ck_assert(stat(path, &st) == 0);
	world_end(&w);
	ck_assert(stat(path, &st) < 0 && errno == ENOENT);
}
END_TEST

START_TEST(refuses_bad_addresses)
{
	static const char *const bad[] = {
		"",
		"127.0.0.1",
		"localhost:8443",
		"127.0.0.1:99999",
		"127.0.0.1:http",
		"[::1:8443",
		"::1:8443",
		":8443",
		"[]:8443",
		"unix:",
		"unix:s",
		"unix:@abstract",
		"127.0.0.1:-1",
		"127.0.0.1: 80",
	};
	CLEANUP(freep) char *slashes = unit_format("unix:/%0200d", 0);
	struct why why = {""};
	struct world w;
	char *url = NULL;

	world_begin(&w, NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(http_server_listen(w.server, bad[i], NULL, &url, &why) == -EINVAL,
			      "%s", bad[i]);
	ck_assert_int_eq(http_server_listen(w.server, slashes, NULL, &url, &why), -EINVAL);
	ck_assert_int_eq(http_server_listen(w.server, "unix:/nonexistent/s", NULL, &url, &why),
			 -ENOENT);
	ck_assert(strstr(why.text, "/nonexistent/s") != NULL);
	ck_assert(url == NULL);
	world_end(&w);
}
END_TEST

START_TEST(tells_a_port_in_use)
{
	CLEANUP(freep) char *address = NULL;
	struct why why = {""};
	char *url = NULL;
	struct world w;

	world_begin(&w, NULL);
	address = unit_format("127.0.0.1:%u", world_listen(&w, "127.0.0.1:0"));
	ck_assert_int_eq(http_server_listen(w.server, address, NULL, &url, &why), -EADDRINUSE);
	ck_assert(strstr(why.text, address) != NULL);
	world_end(&w);
}
END_TEST

START_TEST(takes_ipv4_on_the_any_address_of_ipv6)
{
	int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 any = {.sin6_family = AF_INET6};
	CLEANUP(freep) char *url = NULL;
	struct why why = {""};
	struct client c;
	struct world w;

	if (probe < 0 || bind(probe, (struct sockaddr *)&any, sizeof(any)) < 0) {
		unit_skip("no IPv6 here");
		return;
	}
	close(probe);
	world_begin(&w, NULL);
	ck_assert_int_eq(http_server_listen(w.server, "[::]:0", NULL, &url, &why), 0);
	ck_assert(strncmp(url, "http://[::]:", 12) == 0);
	c = client_open((unsigned)strtoul(url + 12, NULL, 10));
	client_say(&w, &c, GOOD);
	client_wait(&w, &c, 1);
	ck_assert_uint_eq(status_of(&c), 200);
	ck_assert(strncmp(w.peer, "127.0.0.1:", 10) == 0);
	client_close(&c);
	world_end(&w);
}
END_TEST

START_TEST(takes_inherited_sockets)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof(a);
	CLEANUP(freep) char *url = NULL, *expected = NULL;
	struct why why = {""};
	struct client c;
	struct world w;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), held;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	world_begin(&w, NULL);
	ck_assert(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	held = dup(fd);
	ck_assert_int_eq(http_server_listen_fd(w.server, fd, NULL, &url, &why), -EINVAL);
	ck_assert(fcntl(fd, F_GETFD) < 0 && errno == EBADF);
	ck_assert(listen(held, 5) == 0);
	fd = dup(held);
	ck_assert_int_eq(http_server_listen_fd(w.server, fd, NULL, &url, &why), 0);
	ck_assert(getsockname(held, (struct sockaddr *)&a, &len) == 0);
	expected = unit_format("http://127.0.0.1:%u/ipn", ntohs(a.sin_port));
	ck_assert_str_eq(url, expected);
	c = client_open(ntohs(a.sin_port));
	client_say(&w, &c, GOOD);
	client_wait(&w, &c, 1);
	ck_assert_uint_eq(status_of(&c), 200);
	client_close(&c);
	world_end(&w);
	/* The socket that systemd would hold still listens. */
	c = client_open(ntohs(a.sin_port));
	client_close(&c);
	close(held);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("http");
	TCase *c = unit_case(suite, "answers");

	tcase_add_test(c, answers_each_shape);
	tcase_add_test(c, answers_in_the_words_of_the_verdict);
	tcase_add_test(c, repeats_a_word_and_nothing_else);
	tcase_add_test(c, says_which_method_is_allowed);
	tcase_add_test(c, gives_body_header_and_peer);
	tcase_add_test(c, bounds_the_body);
	tcase_add_test(c, takes_another_path_and_other_limits);
	tcase_add_test(c, answers_a_large_length_at_once);
	tcase_add_test(c, continues_only_what_it_takes);
	tcase_add_test(c, refuses_large_heads);
	tcase_add_test(c, takes_ordinary_large_heads);
	tcase_add_test(c, keeps_connections_and_order);
	tcase_add_test(c, reads_nothing_behind_a_refusal);
	c = unit_case(suite, "connections");
	tcase_add_test(c, answers_many_in_one_turn);
	tcase_add_test(c, answers_a_client_that_sends_no_more);
	tcase_add_test(c, outlives_its_clients);
	tcase_add_test(c, cuts_slow_clients);
	tcase_add_test(c, counts_the_deadline_anew_after_an_answer);
	tcase_add_test(c, ends_a_suspended_connection_at_the_deadline);
	tcase_add_test(c, limits_connections_over_all_listeners);
	tcase_add_test(c, accepts_again_when_files_are_free_again);
	c = unit_case(suite, "stop");
	tcase_add_test(c, stops_with_nothing_open);
	tcase_add_test(c, finishes_what_is_in_flight);
	tcase_add_test(c, stops_in_spite_of_slow_clients);
	tcase_add_test(c, closes_after_an_answer_given_before_the_stop);
	tcase_add_test(c, is_freed_without_a_stop);
	c = unit_case(suite, "sockets");
	tcase_add_test(c, replaces_only_dead_sockets);
	tcase_add_test(c, refuses_bad_addresses);
	tcase_add_test(c, tells_a_port_in_use);
	tcase_add_test(c, takes_ipv4_on_the_any_address_of_ipv6);
	tcase_add_test(c, takes_inherited_sockets);
	return unit_main(suite);
}
