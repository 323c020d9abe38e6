#include "simulate/post.h"

#include <curl/curl.h>
#include <errno.h>

#define KEPT_ANSWER 512 /* bytes; answers are one short line */

typedef struct curl_slist *slist;
DEFINE_CLEANUP(slist, curl_slist_free_all)

struct poster {
	CURL *curl;
	char error[CURL_ERROR_SIZE];
	char answer[KEPT_ANSWER];
	size_t answer_len;
};

static size_t keep_answer(char *data, size_t size, size_t n, void *userdata)
{
	struct poster *p = userdata;
	size_t room = sizeof(p->answer) - p->answer_len, len = size * n;

	memcpy(p->answer + p->answer_len, data, len < room ? len : room);
	p->answer_len += len < room ? len : room;
	return len;
}

void poster_free(struct poster *p)
{
	if (!p)
		return;
	curl_easy_cleanup(p->curl);
	free(p);
}

#define SET(option, value)                                                                         \
	do {                                                                                       \
		if (curl_easy_setopt(p->curl, option, value) != CURLE_OK)                          \
			return -EINVAL;                                                            \
	} while (0)

static int set_options(struct poster *p, const char *url, const char *ca_file)
{
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, "https,http");
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_CAINFO, ca_file);
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_USERAGENT, POST_USER_AGENT);
	SET(CURLOPT_ACCEPT_ENCODING, POST_ACCEPT_ENCODING);
	SET(CURLOPT_POST, 1L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_CONNECTTIMEOUT, (long)POST_CONNECT_S);
	SET(CURLOPT_TIMEOUT, (long)POST_ANSWER_S);
	SET(CURLOPT_ERRORBUFFER, p->error);
	SET(CURLOPT_WRITEFUNCTION, keep_answer);
	SET(CURLOPT_WRITEDATA, p);
	return 0;
}

int poster_new(const char *url, const char *ca_file, struct poster **ret)
{
	CLEANUP(poster_freep) struct poster *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return -ENOMEM;
	p->curl = curl_easy_init();
	if (!p->curl)
		return -ENOMEM;
	if ((r = set_options(p, url, ca_file)) < 0)
		return r;
	*ret = TAKE(p);
	return 0;
}

static int add_header(void *userdata, const char *name, const char *value)
{
	CLEANUP(freep) char *line = NULL;
	slist *headers = userdata, longer;

	if (asprintf(&line, "%s: %s", name, value) < 0 ||
	    !(longer = curl_slist_append(*headers, line)))
		return -ENOMEM;
	*headers = longer;
	return 0;
}

int post_headers(const struct post *m, post_add_header *add, void *userdata)
{
	const struct {
		const char *name, *value;
	} headers[] = {
		{"x-amz-sns-message-type", "Notification"},
		{"x-amz-sns-message-id", m->message_id},
		{"x-amz-sns-topic-arn", m->topic_arn},
		{"x-amz-sns-subscription-arn", m->subscription_arn},
		{"Content-Type", "text/plain; charset=UTF-8"},
		{"Connection", "Keep-Alive"},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(headers) / sizeof(headers[0]); i++)
		r = add(userdata, headers[i].name, headers[i].value);
	return r;
}

/* Without what libcurl adds of its own accord. */
static int make_headers(const struct post *m, slist *headers)
{
	int r = post_headers(m, add_header, headers);

	if (r < 0 || (r = add_header(headers, "Accept", "")) < 0)
		return r;
	return add_header(headers, "Expect", "");
}

int poster_send(struct poster *p, const struct post *m, struct post_answer *ret, struct why *why)
{
	CLEANUP(curl_slist_free_allp) slist headers = NULL;
	struct post_answer a;
	const char *end;
	CURLcode code;
	int r;

	if ((r = make_headers(m, &headers)) < 0)
		return r;
	p->answer_len = 0;
	p->error[0] = 0;
	SET(CURLOPT_HTTPHEADER, headers);
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)m->body.len);
	SET(CURLOPT_POSTFIELDS, m->body.at);
	code = curl_easy_perform(p->curl);
	curl_easy_setopt(p->curl, CURLOPT_HTTPHEADER, NULL);
	if (code != CURLE_OK) {
		why_set(why, "%s", p->error[0] ? p->error : curl_easy_strerror(code));
		return -ECONNREFUSED;
	}
	curl_easy_getinfo(p->curl, CURLINFO_RESPONSE_CODE, &a.status);
	end = memchr(p->answer, '\n', p->answer_len);
	text_escape((struct text){p->answer, end ? (size_t)(end - p->answer) : p->answer_len},
		    a.text, sizeof(a.text));
	*ret = a;
	return 0;
}
