#include "net/http-private.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"

/* SNS's own default between attempts (threats.md, section 6). */
#define RETRY_AFTER_S "20"

DEFINE_CLEANUP(struct MHD_Response *, MHD_destroy_response)

static bool is_refusal(enum verdict v)
{
	return verdict_row(v)->http / 100 == 4;
}

static bool header_add(struct MHD_Response *response, const char *name, const char *value)
{
	return MHD_add_response_header(response, name, value) == MHD_YES;
}

static struct MHD_Response *answer_new(enum verdict v, bool last, const char *word)
{
	CLEANUP(MHD_destroy_responsep) struct MHD_Response *response = NULL;
	CLEANUP(freep) char *line = NULL;
	const struct verdict_row *row = verdict_row(v);
	int len = asprintf(&line, "%s%s%s\n", row->answer, word[0] ? ": " : "", word);

	if (len < 0)
		return NULL;
	response = MHD_create_response_from_buffer((size_t)len, line, MHD_RESPMEM_MUST_COPY);
	if (!response ||
	    !header_add(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=UTF-8") ||
	    !header_add(response, "X-Content-Type-Options", "nosniff"))
		return NULL;
	if (row->http == MHD_HTTP_METHOD_NOT_ALLOWED &&
	    !header_add(response, MHD_HTTP_HEADER_ALLOW, MHD_HTTP_METHOD_POST))
		return NULL;
	if (row->http == MHD_HTTP_SERVICE_UNAVAILABLE &&
	    !header_add(response, MHD_HTTP_HEADER_RETRY_AFTER, RETRY_AFTER_S))
		return NULL;
	if (last && !header_add(response, MHD_HTTP_HEADER_CONNECTION, "close"))
		return NULL;
	return TAKE(response);
}

int answers_new(struct http_server *s)
{
	for (enum verdict v = VERDICT_PASS + 1; v < VERDICT_N; v++) {
		s->answers[v] = answer_new(v, false, "");
		s->last_answers[v] = answer_new(v, true, "");
		if (!s->answers[v] || !s->last_answers[v])
			return -ENOMEM;
	}
	return 0;
}

void answers_done(struct http_server *s)
{
	for (enum verdict v = VERDICT_PASS + 1; v < VERDICT_N; v++) {
		MHD_destroy_responsep(&s->answers[v]);
		MHD_destroy_responsep(&s->last_answers[v]);
	}
}

/* What comes behind a refused request on the same connection is not trusted to be a request. */
enum MHD_Result answer_queue(struct http_server *s, struct MHD_Connection *mhd, enum verdict v,
			     const char *word)
{
	CLEANUP(MHD_destroy_responsep) struct MHD_Response *own = NULL;
	bool last = s->stopping || is_refusal(v);

	if (word[0])
		own = answer_new(v, last, word);
	if (own)
		return MHD_queue_response(mhd, (unsigned)verdict_row(v)->http, own);
	return MHD_queue_response(mhd, (unsigned)verdict_row(v)->http,
				  last ? s->last_answers[v] : s->answers[v]);
}
