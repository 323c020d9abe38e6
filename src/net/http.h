/*
 * An HTTP server on sd_event: libmicrohttpd with external epoll, one thread. Knows limits,
 * deadlines, TLS and the shapes of requests that must be refused; knows nothing of what is posted.
 */
#ifndef IPND_NET_HTTP_H
#define IPND_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "verdict/verdict.h"

struct http_server;
struct http_request;
struct tls_credentials; /* net/tls.h */

struct http_limits {
	unsigned max_connections; /* over all listeners; above it a connection is closed */
	unsigned max_connections_per_address; /* https listeners only; of IPv6 the first 64 bits */
	/* From connect, or from the answer before, to the whole request with its answer. */
	int64_t request_deadline_ms;
	size_t max_body; /* bytes */
};

struct http_handler {
	/*
	 * A whole POST to the path. Answer it now, or keep `r`: then it stays suspended until
	 * http_answer(), which must come. `r` is valid until it is answered.
	 */
	void (*post)(struct http_request *r, void *userdata);
	/*
	 * All posts of this turn of the loop have been given to post(). Comes after each turn that
	 * had one.
	 */
	void (*turn)(void *userdata);
	/*
	 * The server itself refused a request (path, method, length, framing, ...), and has
	 * answered. What libmicrohttpd refuses before (431, no syntax) is not told.
	 */
	void (*refused)(struct http_request *r, enum verdict v, const char *why, void *userdata);
	/* A connection was closed at once, since there are too many; `setting` is the limit. May be NULL. */
	void (*turned_away)(const char *setting, const char *peer, void *userdata);
};

/* `path`: the only one served. Strings, limits, handler are copied; `event` is referenced. */
int http_server_new(sd_event *event, const char *path, const struct http_limits *limits,
		    const struct http_handler *handler, void *userdata, struct http_server **ret);

/*
 * Listens on `address` ("[::]:8443", "127.0.0.1:0", "unix:/run/ipnd/http.sock"); with `tls` HTTPS,
 * else plain HTTP. `tls` must outlive the server. `ret_url` gets the URL with the real port
 * ("https://[::]:8443/ipn", "unix:/run/ipnd/http.sock"); the caller frees. On failure `why` has the
 * reason.
 */
int http_server_listen(struct http_server *s, const char *address, struct tls_credentials *tls,
		       char **ret_url, struct why *why);
/* The same with a bound, listening socket (socket activation). Takes the fd. */
int http_server_listen_fd(struct http_server *s, int fd, struct tls_credentials *tls,
			  char **ret_url, struct why *why);

/*
 * From the next request on another path (of malloc(), taken) and other limits of connections per address and of bodies; of
 * `limits` the rest stays as it was. A request that is under way keeps what it began with. Cannot fail.
 */
void http_server_configure(struct http_server *s, char *path, const struct http_limits *limits);

/*
 * Stops listening, closes idle connections, lets requests in flight finish within the deadline;
 * then `done` is called, once, from the loop. Kept requests must still be answered: `done` waits
 * for them, too.
 */
void http_server_stop(struct http_server *s, void (*done)(void *userdata), void *userdata);

/* All kept requests must have been answered. */
void http_server_free(struct http_server *s);
DEFINE_CLEANUP(struct http_server *, http_server_free)

struct text http_request_body(const struct http_request *r);
/*
 * The value of that name, trimmed; absent when there is none, or the client has gone. Names have no case. Where it stands
 * there more than once with values that differ, which of them holds is in doubt (RFC 9110, section 5.3): the value is then
 * one NUL, and so equal to nothing that anybody can send.
 */
struct text http_request_header(const struct http_request *r, const char *name);
/* The last of that name: what the nearest proxy has added stands there. */
struct text http_request_last_header(const struct http_request *r, const char *name);
/* "192.0.2.1:4711", "[2001:db8::1]:4711", "unix" */
const char *http_request_peer(const struct http_request *r);

/*
 * Answers with the status and text of the verdict (5xx with Retry-After); after a 4xx the
 * connection is closed. `r` is gone after that. May be called inside post() or at any later time
 * from the loop.
 */
void http_answer(struct http_request *r, enum verdict v);

/*
 * The same, and behind the text, after a colon, a word of the request: whoever put it there sees that the answer is this
 * server's and of this very request, not that of something in between, which `ipnctl doctor --url` asks. Nothing else
 * of a request ever comes back in an answer, and a word is 1 to HTTP_WORD_MAX of 0-9 A-Z a-z and "-"; what is not is left
 * out, whatever a caller has checked. No such word means anything to a browser, and all answers are text/plain with nosniff.
 */
#define HTTP_WORD_MAX 36 /* a UUID */
void http_answer_word(struct http_request *r, enum verdict v, struct text word);

#endif
