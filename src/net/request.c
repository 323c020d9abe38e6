#include "net/http-private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "net/socket.h"

/* A body without a declared length starts with this much; real notifications are 2 to 3 KB. */
#define BODY_FIRST_SIZE ((size_t)4 * 1024)

/*
 * Many large bodies at once would take max_connections times max_body. What of a body is above the first size counts, over
 * all requests, towards the second; so real notifications never suffer from what strangers send.
 */
#define BODY_UNCOUNTED ((size_t)16 * 1024)
#define BODIES_MAX     ((size_t)16 * 1024 * 1024)

struct http_request {
	struct listener *listener;
	struct MHD_Connection *mhd; /* NULL when the client is gone */
	char *body;
	size_t body_len, body_size;
	size_t max_body;      /* of the server, when the request began */
	size_t length;        /* declared; 0 when chunked */
	size_t received;      /* refused bytes included */
	enum verdict refusal; /* of the server itself */
	const char *why;
	enum verdict answer;
	char word[HTTP_WORD_MAX + 1]; /* in the answer; "": none */
	bool given;                   /* to post() */
	bool suspended;
	char peer[SOCKET_PEER_SIZE];
};

static size_t counted(size_t size)
{
	return size > BODY_UNCOUNTED ? size - BODY_UNCOUNTED : 0;
}

static void body_free(struct http_request *r)
{
	r->listener->server->bodies -= counted(r->body_size);
	free(r->body);
	r->body = NULL;
	r->body_len = r->body_size = 0;
}

static void request_free(struct http_request *r)
{
	body_free(r);
	free(r);
}

static struct http_request *request_new(struct listener *l, struct MHD_Connection *mhd)
{
	struct http_request *r = calloc(1, sizeof(*r));
	const union MHD_ConnectionInfo *info;

	if (!r)
		return NULL;
	r->listener = l;
	r->mhd = mhd;
	r->max_body = l->server->limits.max_body;
	info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	socket_peer(info->client_addr, r->peer);
	return r;
}

static void request_refuse(struct http_request *r, enum verdict v, const char *why)
{
	r->refusal = v;
	r->why = why;
	body_free(r);
}

static enum MHD_Result refusal_send(struct http_request *r)
{
	struct http_server *s = r->listener->server;

	if (answer_queue(s, r->mhd, r->refusal, "") != MHD_YES)
		return MHD_NO;
	s->handler.refused(r, r->refusal, r->why, s->userdata);
	return MHD_YES;
}

/* Of the absolute form, "http://HOST/PATH", which a proxy may send, only what is behind the host (RFC 9112, section 3.2.2). */
static const char *path_of(const char *target)
{
	static const char *const schemes[] = {"http://", "https://"};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t len = strlen(schemes[i]);

		if (strncasecmp(target, schemes[i], len) == 0 && target[len] != '/')
			return target + len + strcspn(target + len, "/");
	}
	return target;
}

/* In the order of threats.md, section 2.6: path, method, framing, size. */
static void head_judge(struct http_request *r, const struct head *h, const char *framing_fault,
		       const char *url, const char *method)
{
	const struct http_server *s = r->listener->server;

	if (strcmp(path_of(url), s->path) != 0)
		request_refuse(r, VERDICT_PATH, "another path");
	else if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
		request_refuse(r, VERDICT_METHOD, "not POST");
	else if (framing_fault)
		request_refuse(r, VERDICT_FRAMING, framing_fault);
	else if (!h->chunked && !h->has_length)
		request_refuse(r, VERDICT_NO_LENGTH, "neither Content-Length nor chunked");
	else if (h->length > r->max_body)
		request_refuse(r, VERDICT_TOO_LARGE, "declares more than max_body");
	else if (h->encoded)
		request_refuse(r, VERDICT_ENCODED, "a Content-Encoding");
}

/*
 * The head is here. A response queued now is sent at once, the body stays unread and the connection
 * closes.
 */
static enum MHD_Result request_begin(struct listener *l, struct MHD_Connection *mhd,
				     const char *url, const char *method, const char *version,
				     void **context)
{
	struct http_request *r;
	const char *fault;
	struct head h;

	r = request_new(l, mhd);
	if (!r)
		return MHD_NO;
	*context = r;
	head_read(mhd, method, version, l->server->head_is_raw, &h);
	fault = head_framing_fault(&h, version);
	head_judge(r, &h, fault, url, method);
	r->length = h.length;
	if (r->refusal != VERDICT_PASS && (fault || h.expects || h.length > HTTP_DRAIN_MAX))
		return refusal_send(r);
	return MHD_YES;
}

static int body_grow(struct http_request *r, size_t size)
{
	struct http_server *s = r->listener->server;
	size_t bodies = s->bodies - counted(r->body_size) + counted(size);
	char *body;

	if (bodies > s->bodies && bodies > BODIES_MAX)
		return -ENOBUFS;
	body = realloc(r->body, size);
	if (!body)
		return -ENOMEM;
	r->body = body;
	r->body_size = size;
	s->bodies = bodies;
	return 0;
}

static int body_append(struct http_request *r, const char *at, size_t len)
{
	size_t max = r->max_body, size = r->body_size;
	int e;

	if (len > max - r->body_len)
		return -EFBIG;
	if (r->body_len + len > size) {
		if (size == 0)
			size = r->length ? r->length : BODY_FIRST_SIZE;
		while (size < r->body_len + len)
			size *= 2;
		if (size > max)
			size = max;
		e = body_grow(r, size);
		if (e < 0)
			return e;
	}
	memcpy(r->body + r->body_len, at, len);
	r->body_len += len;
	return 0;
}

static enum MHD_Result request_take(struct http_request *r, const char *at, size_t *len)
{
	int e = 0;

	r->received += *len;
	if (r->refusal == VERDICT_PASS)
		e = body_append(r, at, *len);
	if (e == -EFBIG)
		request_refuse(r, VERDICT_TOO_LARGE, "more than max_body");
	else if (e == -ENOBUFS)
		request_refuse(r, VERDICT_OVERLOAD, "too many large bodies at once");
	else if (e < 0)
		request_refuse(r, VERDICT_OVERLOAD, "out of memory");
	if (r->refusal != VERDICT_PASS && r->received > HTTP_DRAIN_CHUNKED_MAX)
		return MHD_NO;
	*len = 0;
	return MHD_YES;
}

static void request_give(struct http_request *r)
{
	struct http_server *s = r->listener->server;

	r->given = true;
	s->n_posts++;
	s->n_kept++;
	s->handler.post(r, s->userdata);
}

/*
 * The whole request is here. libmicrohttpd calls again in its next run when there is neither a
 * response nor a suspension. The suspension waits for that second call, by which turn() has
 * answered most: a connection that is suspended in the call in which its body was read is read once
 * more when it is resumed, and a client that has shut down its sending side would lose its answer.
 */
static enum MHD_Result request_end(struct http_request *r)
{
	bool again = r->given;

	if (r->refusal != VERDICT_PASS)
		return refusal_send(r);
	if (!r->given)
		request_give(r);
	if (r->answer != VERDICT_PASS)
		return answer_queue(r->listener->server, r->mhd, r->answer, r->word);
	if (again) {
		r->suspended = true;
		MHD_suspend_connection(r->mhd);
	}
	return MHD_YES;
}

enum MHD_Result request_handle(void *userdata, struct MHD_Connection *mhd, const char *url,
			       const char *method, const char *version, const char *upload,
			       size_t *upload_len, void **context)
{
	struct http_request *r = *context;

	if (!r)
		return request_begin(userdata, mhd, url, method, version, context);
	if (*upload_len > 0)
		return request_take(r, upload, upload_len);
	return request_end(r);
}

void request_completed(struct http_request *r)
{
	if (r->given && r->answer == VERDICT_PASS)
		r->mhd = NULL;
	else
		request_free(r);
}

struct text http_request_body(const struct http_request *r)
{
	return (struct text){r->body ? r->body : "", r->body_len};
}

struct named {
	const char *name;
	struct text first, last;
	bool differ;
};

static enum MHD_Result named_visit(void *userdata, enum MHD_ValueKind kind, const char *name,
				   size_t name_len, const char *value, size_t value_len)
{
	struct named *n = userdata;

	(void)kind;
	if (!text_is_nocase((struct text){name, name_len}, n->name))
		return MHD_YES;
	n->last = head_trim(value ? value : "", value_len);
	if (!n->first.at)
		n->first = n->last;
	n->differ |= !text_equal(n->first, n->last);
	return MHD_YES;
}

static struct named headers_named(const struct http_request *r, const char *name)
{
	struct named n = {.name = name};

	if (r->mhd)
		MHD_get_connection_values_n(r->mhd, MHD_HEADER_KIND, named_visit, &n);
	return n;
}

struct text http_request_header(const struct http_request *r, const char *name)
{
	struct named n = headers_named(r, name);

	return n.differ ? (struct text){"", 1} : n.first;
}

struct text http_request_last_header(const struct http_request *r, const char *name)
{
	return headers_named(r, name).last;
}

const char *http_request_peer(const struct http_request *r)
{
	return r->peer;
}

void http_answer(struct http_request *r, enum verdict v)
{
	struct http_server *s = r->listener->server;

	assert(r->given && r->answer == VERDICT_PASS && v != VERDICT_PASS);
	r->answer = v;
	s->n_kept--;
	if (!r->mhd) {
		request_free(r);
		server_check_stopped(s);
	} else if (r->suspended) {
		r->suspended = false;
		r->listener->again = true;
		MHD_resume_connection(r->mhd);
		listener_wake(r->listener);
	}
}

static bool is_word(struct text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (!strchr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-",
			    t.at[i]) ||
		    !t.at[i])
			return false;
	return t.len >= 1 && t.len <= HTTP_WORD_MAX;
}

void http_answer_word(struct http_request *r, enum verdict v, struct text word)
{
	if (is_word(word))
		memcpy(r->word, word.at, word.len);
	http_answer(r, v);
}
