#include "simulate/answer.h"

#include <ctype.h>
#include <string.h>

#define STATUS_LINE "HTTP/1."
#define SECONDS_MAX 86400

/* -1: no number from 0 to `max`. */
static int64_t parse_number(struct text t, int64_t max)
{
	int64_t n = 0;

	if (t.len == 0)
		return -1;
	for (size_t i = 0; i < t.len; i++) {
		if (!isdigit((unsigned char)t.at[i]) || n > max)
			return -1;
		n = n * 10 + (t.at[i] - '0');
	}
	return n <= max ? n : -1;
}

static struct text trim(struct text t)
{
	while (t.len > 0 && (*t.at == ' ' || *t.at == '\t'))
		t = (struct text){t.at + 1, t.len - 1};
	while (t.len > 0 && (t.at[t.len - 1] == ' ' || t.at[t.len - 1] == '\t'))
		t.len--;
	return t;
}

/* "HTTP/1.1 200 OK" */
static bool parse_status(struct text line, struct answer_head *ret)
{
	const size_t before = strlen(STATUS_LINE);

	if (line.len < before + 5 || memcmp(line.at, STATUS_LINE, before) != 0 ||
	    !isdigit((unsigned char)line.at[before]) || line.at[before + 1] != ' ' ||
	    (line.len > before + 5 && line.at[before + 5] != ' '))
		return false;
	ret->close = line.at[before] == '0';
	ret->status = (int)parse_number((struct text){line.at + before + 2, 3}, 999);
	return ret->status >= 100;
}

static bool parse_header(struct text line, struct answer_head *ret)
{
	const char *colon = memchr(line.at, ':', line.len);
	struct text name, value;

	if (!colon)
		return false;
	name = (struct text){line.at, (size_t)(colon - line.at)};
	value = trim((struct text){colon + 1, line.len - name.len - 1});
	if (text_is_nocase(name, "Content-Length")) {
		ret->content_length = parse_number(value, ANSWER_LENGTH_MAX);
		return ret->content_length >= 0;
	}
	if (text_is_nocase(name, "Retry-After"))
		ret->retry_after_s = parse_number(value, SECONDS_MAX);
	else if (text_is_nocase(name, "Connection") && text_is_nocase(value, "close"))
		ret->close = true;
	return true;
}

bool answer_parse_head(struct text head, struct answer_head *ret)
{
	struct answer_head a = {.content_length = -1, .retry_after_s = -1};
	bool first = true;

	while (head.len > 0) {
		const char *end = memmem(head.at, head.len, "\r\n", 2);
		struct text line = {head.at, end ? (size_t)(end - head.at) : 0};

		if (!end)
			return false;
		if (line.len == 0)
			break;
		if (first ? !parse_status(line, &a) : !parse_header(line, &a))
			return false;
		first = false;
		head = (struct text){end + 2, head.len - line.len - 2};
	}
	if (first)
		return false;
	*ret = a;
	return true;
}
