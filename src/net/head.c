#include "net/http-private.h"

#include <stdint.h>

/* 10^18 - 1 is below both INT64_MAX and SIZE_MAX. */
#define LENGTH_DIGITS_MAX 18

struct visit {
	struct head *head;
	bool raw;
	const char *end; /* of the value before */
};

/* tchar of RFC 9110, section 5.6.2. */
static bool is_token_byte(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c != 0 && strchr("!#$%&'*+-.^_`|~", c));
}

/* A name with a blank before the colon is another header to the next reader. */
static bool is_token(struct text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (!is_token_byte(t.at[i]))
			return false;
	return t.len > 0;
}

static bool is_value(struct text t)
{
	for (size_t i = 0; i < t.len; i++)
		if (((unsigned char)t.at[i] < ' ' && t.at[i] != '\t') || t.at[i] == 0x7F)
			return false;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct text head_trim(const char *value, size_t len)
{
	struct text t = {value, len};

	while (t.len > 0 && is_blank(t.at[0])) {
		t.at++;
		t.len--;
	}
	while (t.len > 0 && is_blank(t.at[t.len - 1]))
		t.len--;
	return t;
}

/* Between the end of a value and what follows there is one line end per line, LF or CRLF. */
static bool is_gap(const char *end, const char *next, unsigned n_lines)
{
	uintptr_t gap = (uintptr_t)next - (uintptr_t)end;

	return gap >= n_lines && gap <= 2 * (uintptr_t)n_lines;
}

static enum MHD_Result head_visit(void *userdata, enum MHD_ValueKind kind, const char *name_at,
				  size_t name_len, const char *value_at, size_t value_len)
{
	struct visit *visit = userdata;
	struct head *h = visit->head;
	struct text name = {name_at, name_len}, value = head_trim(value_at, value_len);

	(void)kind;
	if (!is_token(name) || !is_value(value))
		h->malformed = true;
	if (visit->raw && visit->end && !is_gap(visit->end, name_at, 1))
		h->malformed = true;
	visit->end = value_at + value_len;

	if (text_is_nocase(name, MHD_HTTP_HEADER_CONTENT_LENGTH)) {
		h->content_length = value;
		h->n_content_length++;
	} else if (text_is_nocase(name, MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
		/* libmicrohttpd knows the word without a blank behind it only, and reads on to the end else. */
		h->transfer_encoding = (struct text){value_at, value_len};
		h->n_transfer_encoding++;
	} else if (text_is_nocase(name, MHD_HTTP_HEADER_CONTENT_ENCODING)) {
		h->encoded |= value.len > 0 && !text_is_nocase(value, "identity");
	} else if (text_is_nocase(name, MHD_HTTP_HEADER_EXPECT)) {
		h->expects |= text_is_nocase(value, "100-continue");
	} else if (text_is_nocase(name, MHD_HTTP_HEADER_HOST)) {
		h->n_host++;
	}
	return MHD_YES;
}

void head_read(struct MHD_Connection *mhd, const char *method, const char *version, bool raw,
	       struct head *ret)
{
	const struct connection *c = connection_of(mhd);
	struct head h = {0};
	struct visit visit = {.head = &h, .raw = raw};
	const union MHD_ConnectionInfo *size;

	MHD_get_connection_values_n(mhd, MHD_HEADER_KIND, head_visit, &visit);
	size = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	/* One blank is between the target and the version, both in one piece. */
	if (raw && c && version != c->target_end + 1)
		h.malformed = true;
	/* The head begins with the method and ends with an empty line. */
	if (raw && visit.end && size && !is_gap(visit.end, method + size->header_size, 2))
		h.malformed = true;
	*ret = h;
}

static bool length_parse(struct text t, size_t *ret)
{
	size_t n = 0;

	if (t.len == 0 || t.len > LENGTH_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < t.len; i++) {
		if (t.at[i] < '0' || t.at[i] > '9')
			return false;
		n = n * 10 + (size_t)(t.at[i] - '0');
	}
	*ret = n;
	return true;
}

const char *head_framing_fault(struct head *h, const char *version)
{
	bool old = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;

	if (h->malformed)
		return "a malformed header";
	if (h->n_host > 1 || (h->n_host == 0 && !old))
		return "not one Host";
	if (h->n_content_length > 1)
		return "more than one Content-Length";
	if (h->n_transfer_encoding > 0) {
		if (h->n_content_length > 0)
			return "Content-Length beside Transfer-Encoding";
		if (h->n_transfer_encoding > 1 || !text_is_nocase(h->transfer_encoding, "chunked"))
			return "a Transfer-Encoding other than chunked";
		if (old)
			return "a Transfer-Encoding in HTTP/1.0";
		h->chunked = true;
	}
	if (h->n_content_length > 0) {
		if (!length_parse(h->content_length, &h->length))
			return "a Content-Length that is not a number";
		h->has_length = true;
	}
	return NULL;
}
