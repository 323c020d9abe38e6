/*
 * The parts of the HTTP server, for its own files only: http.c (the server), listener.c (one MHD
 * daemon on sd_event, its connections and their deadlines), request.c (one request from head to
 * answer), head.c (the shape of a head), answer.c (the prepared responses).
 */
#ifndef IPND_NET_HTTP_PRIVATE_H
#define IPND_NET_HTTP_PRIVATE_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "net/http.h"

/*
 * Head and buffers of one connection; above it libmicrohttpd answers 431 (414 in the request line).
 */
#define HTTP_CONNECTION_MEMORY ((size_t)32 * 1024)

/*
 * A refused body is read to its end up to this size, because a client that still sends does not see
 * the answer; what declares more is answered at once and closed (interface.md, "HTTP answers").
 */
#define HTTP_DRAIN_MAX ((size_t)1024 * 1024)

/*
 * A refused chunked body cannot be answered in its middle; one that grows over this is cut off
 * unanswered.
 */
#define HTTP_DRAIN_CHUNKED_MAX ((size_t)8 * 1024 * 1024)

struct http_server {
	sd_event *event;
	sd_event_source *stopped; /* deferred: tells the owner that the stop is complete */
	char *path;
	struct http_limits limits;
	struct http_handler handler;
	void *userdata;
	struct MHD_Response *answers[VERDICT_N];
	struct MHD_Response *last_answers[VERDICT_N]; /* the same, and the connection closes */
	struct listener *listeners;
	unsigned n_connections;
	unsigned n_posts; /* given to post() since the last turn() */
	unsigned n_kept;  /* given to post() and not answered */
	size_t bodies;    /* bytes that bodies take, as request.c counts them */
	bool head_is_raw; /* see head_read() */
	bool stopping;
	void (*done)(void *userdata);
	void *done_userdata;
};

struct listener {
	struct http_server *server;
	struct listener *next;
	struct MHD_Daemon *daemon;
	struct tls_credentials *tls; /* NULL: plain HTTP */
	sd_event_source *io;
	sd_event_source *timer;
	struct connection *connections;
	char *unlink_path; /* our own socket's file, or NULL */
	bool listening;
	/*
	 * MHD has to run once more: a request was resumed, or a connection has closed. Having run out of
	 * file descriptors MHD stops accepting until one closes, and only its next run begins again.
	 */
	bool again;
};

struct connection {
	struct listener *listener;
	struct connection *previous, *next;
	sd_event_source *deadline;
	struct in6_addr owner;  /* socket_owner() of the other end */
	const char *target_end; /* of the request line, where a NUL ends it */
	int fd;
	bool busy; /* from a request line to the end of its answer */
};

/* listener.c */

/* Takes `fd`, which listens; takes `unlink_path` on success. */
int listener_new(struct http_server *s, int fd, struct tls_credentials *tls, char *unlink_path,
		 struct why *why);
/* Has MHD run soon. */
void listener_wake(struct listener *l);
/* Stops listening and closes what has no request. */
void listener_stop(struct listener *l);
void listener_free(struct listener *l);
/* NULL: memory ran out when it was accepted. */
struct connection *connection_of(struct MHD_Connection *mhd);

/* http.c */

/* Lets done() be called if the server is stopping and nothing is left. */
void server_check_stopped(struct http_server *s);

/* request.c: callbacks of libmicrohttpd. The listener is the userdata. */

enum MHD_Result request_handle(void *userdata, struct MHD_Connection *mhd, const char *url,
			       const char *method, const char *version, const char *upload,
			       size_t *upload_len, void **context);
/* The answer is sent, or the connection is gone. */
void request_completed(struct http_request *r);

/* head.c */

/* What decides how a request is read. Borrowed from the connection. */
struct head {
	struct text content_length;
	struct text transfer_encoding;
	unsigned n_content_length;
	unsigned n_transfer_encoding;
	unsigned n_host;
	bool encoded; /* a Content-Encoding other than identity; an empty one names none */
	bool expects; /* 100-continue */
	bool malformed;
	bool chunked;    /* valid after head_framing_fault() has found none */
	bool has_length; /* likewise */
	size_t length;   /* likewise */
};

/*
 * `raw`: the strings of the head lie in it as they came, which is true of libmicrohttpd 0.9.75;
 * then bytes that it hides (behind a NUL, in a folded line) are found, too.
 */
void head_read(struct MHD_Connection *mhd, const char *method, const char *version, bool raw,
	       struct head *ret);

/* Why it is in doubt what this request says (RFC 9112, sections 3.2 and 6.3), or NULL. */
const char *head_framing_fault(struct head *h, const char *version);

/* The value without white space around it. */
struct text head_trim(const char *value, size_t len);

/* answer.c */

int answers_new(struct http_server *s);
void answers_done(struct http_server *s);
/* `word` behind the text; "": none. */
enum MHD_Result answer_queue(struct http_server *s, struct MHD_Connection *mhd, enum verdict v,
			     const char *word);

#endif
