/* Topic ARNs, and the URLs that are rebuilt from them (threats.md sections 2.3 and 2.4). */
#ifndef IPND_SNS_TOPIC_H
#define IPND_SNS_TOPIC_H

#include <stdbool.h>

#include "base/text.h"

#define SNS_HEX_SIZE   33 /* 32 lower-case hex digits and the NUL */
#define SNS_REGION_MAX 32
#define SNS_ARN_MAX    512

/* arn:aws:sns:<region>:<12 digits>:<name>; borrowed from the ARN. */
struct sns_topic {
	struct text region;
	struct text owner;
	struct text name;
};

/* False unless `arn` is, whole, a well-formed topic ARN of the aws partition. */
bool sns_topic_parse(struct text arn, struct sns_topic *ret);

/* One of Amazon Pay's own AWS accounts (protocol.md section 1.2). */
bool sns_topic_is_amazon_pay(const struct sns_topic *t);

/*
 * True when `url` is, byte for byte, https://sns.<region>.amazonaws.com/SimpleNotificationService-<32 hex>.pem
 * with this region. Writes the hex digits.
 */
bool sns_certificate_url_parse(struct text url, struct text region,
			       char ret_hex[static SNS_HEX_SIZE]);

/* The same URL, made anew. `region` is a parsed topic's. */
#define SNS_CERTIFICATE_URL_SIZE 128
void sns_certificate_url_write(struct text region, const char *hex,
			       char ret[static SNS_CERTIFICATE_URL_SIZE]);

/* True when `url` is exactly the ConfirmSubscription URL of this topic and token. */
bool sns_subscribe_url_is(struct text url, struct text region, struct text topic_arn,
			  struct text token);

/* That URL, made anew, which the caller frees; NULL: `topic_arn` or `token` is not of that shape, or out of memory. */
char *sns_subscribe_url_new(struct text topic_arn, struct text token);

#endif
