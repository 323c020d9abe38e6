#include "net/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <sys/epoll.h>

#define USEC_PER_MSEC 1000

struct fetcher {
	sd_event *event;
	sd_event_source *timer;
	CURLM *multi;
	char *trust; /* NULL: the system's */
	struct curl_slist *connect_to;
	struct fetch *fetches;
	struct watch *watches;
};

struct fetch {
	struct fetcher *fetcher;
	struct fetch *next;
	CURL *easy;
	char error[CURL_ERROR_SIZE];
	char body[FETCH_BODY_MAX];
	size_t len;
	bool too_long;
	fetch_done *done;
	void *userdata;
};

/* A socket of libcurl's. */
struct watch {
	struct watch *next;
	sd_event_source *io;
};

static void watch_free(struct fetcher *f, struct watch *w)
{
	struct watch **at = &f->watches;

	while (*at && *at != w)
		at = &(*at)->next;
	if (*at)
		*at = w->next;
	sd_event_source_disable_unref(w->io);
	free(w);
}

static void fetch_free(struct fetch *t)
{
	struct fetch **at = &t->fetcher->fetches;

	while (*at && *at != t)
		at = &(*at)->next;
	if (*at)
		*at = t->next;
	if (t->easy) {
		curl_multi_remove_handle(t->fetcher->multi, t->easy);
		curl_easy_cleanup(t->easy);
	}
	free(t);
}

DEFINE_CLEANUP(struct fetch *, fetch_free)

/* 0 when all is well, else negative errno. */
static int outcome(struct fetch *t, CURLcode code, struct why *why)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (t->too_long) {
		why_set(why, "the answer is longer than %zu bytes", FETCH_BODY_MAX);
		return -EFBIG;
	}
	if (code != CURLE_OK) {
		char words[WHY_SIZE];

		text_escape_line(text_of(t->error[0] ? t->error : curl_easy_strerror(code)), words,
				 sizeof(words));
		why_set(why, "%s", words);
		return code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EIO;
	}
	if (status != 200) {
		why_set(why, "answered %ld", status);
		return status < 500 ? -EPROTO : -EIO;
	}
	return 0;
}

static void finish(struct fetch *t, CURLcode code)
{
	struct why why = {""};
	int error = outcome(t, code, &why);

	t->done(error, (struct text){t->body, t->len}, why.text, t->userdata);
	fetch_free(t);
}

/* done() may start another fetch, but not free the fetcher. */
static void collect(struct fetcher *f)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(f->multi, &left))) {
		CURLcode code = message->data.result;
		struct fetch *t = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		finish(t, code);
	}
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct fetcher *f = userdata;
	int running, bits = 0;

	(void)source;
	bits |= events & EPOLLIN ? CURL_CSELECT_IN : 0;
	bits |= events & EPOLLOUT ? CURL_CSELECT_OUT : 0;
	bits |= events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0;
	curl_multi_socket_action(f->multi, fd, bits, &running);
	collect(f);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct fetcher *f = userdata;
	int running;

	(void)source;
	(void)usec;
	curl_multi_socket_action(f->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(f);
	return 0;
}

/* libcurl wants to know of this socket, of others of its events, or of none. */
static int curl_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socketdata)
{
	struct fetcher *f = userdata;
	struct watch *w = socketdata;
	uint32_t events =
		(what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w)
			watch_free(f, w);
		return 0;
	}
	if (w)
		return sd_event_source_set_io_events(w->io, events) < 0 ? -1 : 0;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -1;
	if (sd_event_add_io(f->event, &w->io, fd, events, on_io, f) < 0) {
		free(w);
		return -1;
	}
	sd_event_source_set_description(w->io, "fetch");
	w->next = f->watches;
	f->watches = w;
	curl_multi_assign(f->multi, fd, w);
	return 0;
}

/* libcurl wants to be called again in so many milliseconds; -1: not by time. */
static int curl_timer(CURLM *multi, long ms, void *userdata)
{
	struct fetcher *f = userdata;

	(void)multi;
	if (ms < 0)
		return sd_event_source_set_enabled(f->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
	if (sd_event_source_set_time_relative(f->timer, (uint64_t)ms * USEC_PER_MSEC) < 0 ||
	    sd_event_source_set_enabled(f->timer, SD_EVENT_ONESHOT) < 0)
		return -1;
	return 0;
}

/* Fewer bytes taken than given end the transfer. */
static size_t curl_body(char *at, size_t one, size_t len, void *userdata)
{
	struct fetch *t = userdata;

	if (len > sizeof(t->body) - t->len) {
		t->too_long = true;
		return 0;
	}
	memcpy(t->body + t->len, at, len);
	t->len += len;
	return len * one;
}

int fetcher_new(sd_event *event, const struct fetch_settings *settings, struct fetcher **ret,
		struct why *why)
{
	CLEANUP(fetcher_freep) struct fetcher *f = calloc(1, sizeof(*f));
	CLEANUP(freep) char *connect_to = NULL;
	int r;

	why_set(why, "out of memory");
	if (!f || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	f->event = sd_event_ref(event);
	f->multi = curl_multi_init();
	if (!f->multi)
		return -ENOMEM;
	if (strcmp(settings->trust, "system") != 0 && !(f->trust = strdup(settings->trust)))
		return -ENOMEM;
	/* HOST:PORT:CONNECT-TO; an empty host or port is any. */
	if (settings->connect_to[0] && (asprintf(&connect_to, "::%s", settings->connect_to) < 0 ||
					!(f->connect_to = curl_slist_append(NULL, connect_to))))
		return -ENOMEM;
	/* libcurl finds out only when it connects, and then names no file. */
	if (f->trust && access(f->trust, R_OK) < 0) {
		r = -errno;
		why_set(why,
			"cannot read %s: %m; name a PEM file of CA certificates, or \"system\"",
			f->trust);
		return r;
	}
	r = sd_event_add_time(event, &f->timer, CLOCK_MONOTONIC, 0, 1, on_timer, f);
	if (r < 0)
		return r;
	sd_event_source_set_description(f->timer, "fetch-timer");
	sd_event_source_set_enabled(f->timer, SD_EVENT_OFF);
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, curl_socket);
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, curl_timer);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
	*ret = TAKE(f);
	return 0;
}

void fetcher_free(struct fetcher *f)
{
	if (!f)
		return;
	while (f->fetches)
		fetch_free(f->fetches);
	if (f->multi)
		curl_multi_cleanup(f->multi);
	while (f->watches)
		watch_free(f, f->watches);
	curl_slist_free_all(f->connect_to);
	sd_event_source_disable_unref(f->timer);
	sd_event_unref(f->event);
	free(f->trust);
	free(f);
}

static CURLcode set_trust(const struct fetcher *f, CURL *easy)
{
	CURLcode r = CURLE_OK;

	/* Where libcurl was built to look is added to what is named, so it is taken away. */
	if (f->trust && (r = curl_easy_setopt(easy, CURLOPT_CAINFO, f->trust)) == CURLE_OK)
		r = curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	if (r == CURLE_OK)
		r = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	if (r == CURLE_OK)
		r = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	if (r == CURLE_OK)
		r = curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	return r;
}

/*
 * All that would loosen the rules is set, whatever libcurl's default is or becomes. With a resolver that does not answer libcurl
 * would wait, at the end of a fetch, for the thread that asks it; QUICK_EXIT leaves the thread behind.
 */
static CURLcode set_rules(const struct fetcher *f, CURL *easy)
{
	const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{CURLOPT_FOLLOWLOCATION, 0},
		{CURLOPT_CONNECTTIMEOUT_MS, FETCH_CONNECT_MS},
		{CURLOPT_TIMEOUT_MS, FETCH_TOTAL_MS},
		{CURLOPT_NOSIGNAL, 1},
		{CURLOPT_QUICK_EXIT, 1},
		{CURLOPT_FORBID_REUSE, 1},
		{CURLOPT_NETRC, CURL_NETRC_IGNORED},
		{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
	};
	CURLcode r = CURLE_OK;

	for (size_t i = 0; r == CURLE_OK && i < sizeof(numbers) / sizeof(numbers[0]); i++)
		r = curl_easy_setopt(easy, numbers[i].option, numbers[i].value);
	if (r == CURLE_OK)
		r = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
	if (r == CURLE_OK) /* empty: none, whatever the environment says */
		r = curl_easy_setopt(easy, CURLOPT_PROXY, "");
	if (r == CURLE_OK)
		r = set_trust(f, easy);
	if (r == CURLE_OK && f->connect_to)
		r = curl_easy_setopt(easy, CURLOPT_CONNECT_TO, f->connect_to);
	return r;
}

static CURLcode set_request(struct fetch *t, const char *url)
{
	CURL *easy = t->easy;
	CURLcode r = set_rules(t->fetcher, easy);

	if (r == CURLE_OK)
		r = curl_easy_setopt(easy, CURLOPT_URL, url);
	if (r == CURLE_OK)
		r = curl_easy_setopt(easy, CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION);
	if (r == CURLE_OK)
		r = curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error);
	if (r == CURLE_OK)
		r = curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, curl_body);
	if (r == CURLE_OK)
		r = curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
	if (r == CURLE_OK)
		r = curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
	return r;
}

int fetch_start(struct fetcher *f, const char *url, fetch_done *done, void *userdata)
{
	CLEANUP(fetch_freep) struct fetch *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->fetcher = f;
	t->done = done;
	t->userdata = userdata;
	t->easy = curl_easy_init();
	if (!t->easy || set_request(t, url) != CURLE_OK ||
	    curl_multi_add_handle(f->multi, t->easy) != CURLM_OK)
		return -ENOMEM;
	t->next = f->fetches;
	f->fetches = t;
	TAKE(t);
	return 0;
}
