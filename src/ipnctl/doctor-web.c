/* HTTPS for a check: as strict as the daemon's fetches (net/fetch.c), and waiting. */
#include <string.h>

#include "ipnctl/doctor.h"

void doctor_web_done(struct doctor_call *c)
{
	curl_easy_cleanup(c->easy);
	curl_slist_free_all(c->connect_to);
}

static CURLcode set_numbers(CURL *easy, const struct doctor_web *w)
{
	const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{CURLOPT_FOLLOWLOCATION, 0},
		{CURLOPT_CONNECTTIMEOUT_MS, w->connect_ms},
		{CURLOPT_TIMEOUT_MS, w->total_ms},
		{CURLOPT_NOSIGNAL, 1},
		{CURLOPT_QUICK_EXIT, 1}, /* a resolver that does not answer is not waited for */
		{CURLOPT_NETRC, CURL_NETRC_IGNORED},
		{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
		{CURLOPT_SSL_VERIFYPEER, 1},
		{CURLOPT_SSL_VERIFYHOST, 2},
		{CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
	};
	CURLcode r = CURLE_OK;

	for (size_t i = 0; r == CURLE_OK && i < sizeof(numbers) / sizeof(numbers[0]); i++)
		r = curl_easy_setopt(easy, numbers[i].option, numbers[i].value);
	return r;
}

static CURLcode set_texts(struct doctor_call *c, const struct doctor_web *w)
{
	CURLcode r = curl_easy_setopt(c->easy, CURLOPT_URL, w->url);

	if (r == CURLE_OK)
		r = curl_easy_setopt(c->easy, CURLOPT_PROTOCOLS_STR, "https");
	if (r == CURLE_OK) /* none, whatever the environment says: the daemon and Amazon use none */
		r = curl_easy_setopt(c->easy, CURLOPT_PROXY, "");
	if (r == CURLE_OK && strcmp(w->trust, "system") != 0) {
		r = curl_easy_setopt(c->easy, CURLOPT_CAINFO, w->trust);
		if (r == CURLE_OK)
			r = curl_easy_setopt(c->easy, CURLOPT_CAPATH, NULL);
	}
	if (r == CURLE_OK)
		r = curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->error);
	return r;
}

static CURLcode set_address(struct doctor_call *c, const struct doctor_web *w)
{
	CLEANUP(freep) char *entry = NULL;

	if (!w->connect_to[0])
		return CURLE_OK;
	/* HOST:PORT:CONNECT-TO; an empty host or port is any. */
	if (asprintf(&entry, "::%s", w->connect_to) < 0 ||
	    !(c->connect_to = curl_slist_append(NULL, entry)))
		return CURLE_OUT_OF_MEMORY;
	return curl_easy_setopt(c->easy, CURLOPT_CONNECT_TO, c->connect_to);
}

bool doctor_web_open(const struct doctor_web *w, struct doctor_call *ret)
{
	*ret = (struct doctor_call){.easy = curl_easy_init()};
	if (ret->easy && set_numbers(ret->easy, w) == CURLE_OK && set_texts(ret, w) == CURLE_OK &&
	    set_address(ret, w) == CURLE_OK)
		return true;
	doctor_web_done(ret);
	return false;
}

void doctor_web_why(const struct doctor_call *c, CURLcode code, struct why *ret)
{
	char words[WHY_SIZE];

	text_escape_line(text_of(c->error[0] ? c->error : curl_easy_strerror(code)), words,
			 sizeof(words));
	why_set(ret, "%s", words);
}
