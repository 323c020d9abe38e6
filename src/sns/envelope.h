/* The SNS envelope: strict JSON, field grammar, and the text that Amazon signed. */
#ifndef IPND_SNS_ENVELOPE_H
#define IPND_SNS_ENVELOPE_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "base/text.h"
#include "verdict/verdict.h"

enum sns_type { SNS_NOTIFICATION, SNS_SUBSCRIPTION_CONFIRMATION, SNS_UNSUBSCRIBE_CONFIRMATION };

/* The decoded values, borrowed from `root`. `subject`, `token` and `subscribe_url` may be absent. */
struct sns_envelope {
	json_t *root;
	enum sns_type type;
	struct text type_text;
	struct text message_id;
	struct text topic_arn;
	struct text subject;
	struct text message;
	struct text timestamp;
	struct text token;
	struct text subscribe_url;
	struct text signature; /* Base64 as received */
	struct text signing_cert_url;
	struct text version_text;
	int signature_version; /* 1 or 2 */
	int64_t sent_at_ms;
};

/*
 * Parses `body` and applies the grammar of threats.md section 2.4, which makes the signed text unambiguous.
 * The topic and the two URLs are only checked to be strings here: their rules need the pinned topic.
 * VERDICT_PASS, VERDICT_NOT_JSON or VERDICT_BAD_FIELD with the reason, VERDICT_OVERLOAD when out of memory. On
 * success the caller owns *ret and calls sns_envelope_done(); otherwise *ret is not written.
 */
enum verdict sns_envelope_parse(struct text body, struct sns_envelope *ret, struct why *why);
void sns_envelope_done(struct sns_envelope *e);

/* Receives the signed text piece by piece. */
typedef void sns_sink(const void *data, size_t len, void *userdata);

/* The signed text (AWS: "Verifying the signatures of Amazon SNS messages"; threats.md section 1). */
void sns_envelope_signed_text(const struct sns_envelope *e, sns_sink *sink, void *userdata);

/*
 * The request's x-amz-sns-* headers are not signed: they prove nothing, but a present one that disagrees with
 * the body is refused. An absent header is text with at == NULL. VERDICT_PASS or VERDICT_HEADER.
 */
enum verdict sns_envelope_check_headers(const struct sns_envelope *e, struct text type,
					struct text message_id, struct text topic_arn,
					struct why *why);

#define SNS_CLOCK_AHEAD_MS (15 * 60 * 1000)

/*
 * VERDICT_PASS; VERDICT_TOO_OLD when sent more than `max_age_ms` (or DURATION_NONE) before `now_ms`;
 * VERDICT_CLOCK when more than 15 minutes after it: the time is signed, so our clock is behind.
 */
enum verdict sns_envelope_check_age(const struct sns_envelope *e, int64_t now_ms,
				    int64_t max_age_ms, struct why *why);

#endif
