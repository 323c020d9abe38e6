#include "simulate/request.h"

#include <stdarg.h>

static void add(struct request_head *h, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What does not fit is cut off; nothing of ours is so long. */
static void add(struct request_head *h, const char *format, ...)
{
	size_t room = sizeof(h->text) - h->len;
	va_list list;
	int n;

	va_start(list, format);
	n = vsnprintf(h->text + h->len, room, format, list);
	va_end(list);
	if (n > 0)
		h->len += (size_t)n < room ? (size_t)n : room - 1;
}

static int add_header(void *userdata, const char *name, const char *value)
{
	add(userdata, "%s: %s\r\n", name, value);
	return 0;
}

void request_head_make(const struct destination *d, const struct post *m, struct request_head *ret)
{
	ret->len = 0;
	add(ret, "POST %s HTTP/1.1\r\nHost: %s\r\n", destination_path(d), destination_host(d));
	add_header(ret, "User-Agent", POST_USER_AGENT);
	add_header(ret, "Accept-Encoding", POST_ACCEPT_ENCODING);
	add(ret, "Content-Length: %zu\r\n", m->body.len);
	post_headers(m, add_header, ret);
	add(ret, "\r\n");
}
