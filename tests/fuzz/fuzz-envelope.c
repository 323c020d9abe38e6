/*
 * The SNS envelope. The signed text of what passes is written here a second time, and nothing in it
 * may be read as a field that was not there; the same JSON in another spelling has the same.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/utc.h"
#include "fuzz.h"
#include "sns/envelope.h"
#include "sns/topic.h"

#define BYTES_MAX 1024

struct lines {
	FILE *f;
	char *at;
	size_t len;
};

static void lines_begin(struct lines *l)
{
	l->f = open_memstream(&l->at, &l->len);
	assert(l->f);
}

static struct text lines_end(struct lines *l)
{
	assert(fclose(l->f) == 0);
	return (struct text){l->at, l->len};
}

static void to_lines(const void *data, size_t len, void *userdata)
{
	struct lines *l = userdata;

	assert(fwrite(data, 1, len, l->f) == len);
}

static void line(struct lines *l, const char *key, struct text value)
{
	if (!value.at)
		return;
	fprintf(l->f, "%s\n", key);
	fwrite(value.at, 1, value.len, l->f);
	fputc('\n', l->f);
}

/*
 * Fields that a line end in another could feign. (The topic and the URL are compared whole later, with what
 * has none.)
 */
static void check_one_line(struct text value)
{
	assert(!value.at || !memchr(value.at, '\n', value.len));
}

/* AWS, "Verifying the signatures of Amazon SNS messages". */
static void check_signed_text(const struct sns_envelope *e, struct text is)
{
	struct lines want;

	lines_begin(&want);
	line(&want, "Message", e->message);
	line(&want, "MessageId", e->message_id);
	if (e->type == SNS_NOTIFICATION)
		line(&want, "Subject", e->subject);
	else
		line(&want, "SubscribeURL", e->subscribe_url);
	line(&want, "Timestamp", e->timestamp);
	if (e->type != SNS_NOTIFICATION)
		line(&want, "Token", e->token);
	line(&want, "TopicArn", e->topic_arn);
	line(&want, "Type", e->type_text);
	assert(text_equal(is, lines_end(&want)));
	free(want.at);
}

static void check_fields(const struct sns_envelope *e)
{
	unsigned char bytes[BYTES_MAX];
	char sent_at[UTC_TEXT_SIZE];

	assert(e->message.at && e->message_id.len == 36 && e->topic_arn.at);
	assert(e->signing_cert_url.at);
	assert(text_base64_decode(e->signature, bytes, sizeof(bytes)) > 0);
	assert(text_is(e->version_text, e->signature_version == 2 ? "2" : "1"));
	assert((e->type == SNS_NOTIFICATION) == (e->token.at == NULL));
	assert((e->type == SNS_NOTIFICATION) == (e->subscribe_url.at == NULL));
	utc_format(e->sent_at_ms, sent_at);
	assert(text_is(e->timestamp, sent_at));
	check_one_line(e->message_id);
	check_one_line(e->subject);
	check_one_line(e->timestamp);
	check_one_line(e->token);
	check_one_line(e->type_text);
}

static void check_headers(const struct sns_envelope *e)
{
	const struct text none = {NULL, 0}, other = TEXT("other");
	struct why why;

	assert(sns_envelope_check_headers(e, none, none, none, &why) == VERDICT_PASS);
	assert(sns_envelope_check_headers(e, e->type_text, e->message_id, e->topic_arn, &why) ==
	       VERDICT_PASS);
	assert(sns_envelope_check_headers(e, e->type_text, other, none, &why) == VERDICT_HEADER);
}

static void check_age(const struct sns_envelope *e)
{
	int64_t at = e->sent_at_ms, ahead = SNS_CLOCK_AHEAD_MS, max = 1000;
	struct why why;

	assert(sns_envelope_check_age(e, at + max, max, &why) == VERDICT_PASS);
	assert(sns_envelope_check_age(e, at + max + 1, max, &why) == VERDICT_TOO_OLD);
	assert(sns_envelope_check_age(e, at + max + 1, DURATION_NONE, &why) == VERDICT_PASS);
	assert(sns_envelope_check_age(e, at - ahead, max, &why) == VERDICT_PASS);
	assert(sns_envelope_check_age(e, at - ahead - 1, max, &why) == VERDICT_CLOCK);
}

/* What is taken for a topic or for the URL of a certificate is, put together again, the same. */
static void check_topic(const struct sns_envelope *e)
{
	CLEANUP(freep) char *arn = NULL, *url = NULL;
	char hex[SNS_HEX_SIZE];
	struct sns_topic t;

	if (!sns_topic_parse(e->topic_arn, &t))
		return;
	assert(asprintf(&arn, "arn:aws:sns:%.*s:%.*s:%.*s", (int)t.region.len, t.region.at,
			(int)t.owner.len, t.owner.at, (int)t.name.len, t.name.at) > 0);
	assert(text_is(e->topic_arn, arn));
	if (!sns_certificate_url_parse(e->signing_cert_url, t.region, hex))
		return;
	assert(asprintf(&url, "https://sns.%.*s.amazonaws.com/SimpleNotificationService-%s.pem",
			(int)t.region.len, t.region.at, hex) > 0);
	assert(text_is(e->signing_cert_url, url));
	if (e->type != SNS_NOTIFICATION &&
	    sns_subscribe_url_is(e->subscribe_url, t.region, e->topic_arn, e->token))
		assert(memmem(e->subscribe_url.at, e->subscribe_url.len, e->token.at,
			      e->token.len));
}

static void check_other_spelling(const struct sns_envelope *e, struct text is)
{
	CLEANUP(freep) char *body = json_dumps(e->root, JSON_INDENT(1) | JSON_ENSURE_ASCII);
	struct sns_envelope again;
	struct lines lines;
	struct why why;

	assert(body);
	assert(sns_envelope_parse(text_of(body), &again, &why) == VERDICT_PASS);
	lines_begin(&lines);
	sns_envelope_signed_text(&again, to_lines, &lines);
	assert(text_equal(is, lines_end(&lines)));
	assert(text_equal(e->signature, again.signature));
	free(lines.at);
	sns_envelope_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sns_envelope e = {0};
	struct why why = {""};
	struct lines lines;
	enum verdict v = sns_envelope_parse((struct text){(const char *)data, size}, &e, &why);

	assert((v == VERDICT_PASS) == (e.root != NULL) && (v == VERDICT_PASS) == !why.text[0]);
	if (v != VERDICT_PASS) {
		assert(v == VERDICT_NOT_JSON || v == VERDICT_BAD_FIELD);
		return 0;
	}
	check_fields(&e);
	check_headers(&e);
	check_age(&e);
	check_topic(&e);
	lines_begin(&lines);
	sns_envelope_signed_text(&e, to_lines, &lines);
	check_signed_text(&e, lines_end(&lines));
	check_other_spelling(&e, (struct text){lines.at, lines.len});
	free(lines.at);
	sns_envelope_done(&e);
	return 0;
}
