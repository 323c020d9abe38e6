#include "sns/topic.h"

#include "base/cleanup.h"

#define OWNER_LEN    12  /* an AWS account number */
#define NAME_MAX_LEN 256 /* AWS, CreateTopic: "up to 256 characters long" */

/* Takes `prefix` off the front. */
static bool take(struct text *t, struct text prefix)
{
	if (!t->at || !prefix.at || t->len < prefix.len ||
	    memcmp(t->at, prefix.at, prefix.len) != 0)
		return false;
	t->at += prefix.len;
	t->len -= prefix.len;
	return true;
}

/* Takes what stands before the next `end`, and `end` itself. */
static bool take_until(struct text *t, char end, struct text *ret)
{
	const char *found = t->at ? memchr(t->at, end, t->len) : NULL;

	if (!found)
		return false;
	*ret = (struct text){t->at, (size_t)(found - t->at)};
	t->len -= ret->len + 1;
	t->at = found + 1;
	return true;
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
	return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

static bool all(struct text t, bool (*is)(char))
{
	for (size_t i = 0; i < t.len; i++)
		if (!is(t.at[i]))
			return false;
	return t.len > 0;
}

/*
 * Words of letters and, last, a number: "us-east-1". It becomes a part of host names and paths, and hosts that
 * are no region's, such as sns.s3-us-west-2.amazonaws.com, hold what anybody puts there (threats.md section 2.1).
 */
static bool is_region(struct text t)
{
	struct text word;
	int words = 0;

	if (t.len > SNS_REGION_MAX)
		return false;
	for (; take_until(&t, '-', &word); words++)
		if (!all(word, is_lower))
			return false;
	return words >= 2 && all(t, is_digit);
}

/* FIFO topics, whose names end in ".fifo", cannot deliver over HTTPS. */
static bool is_topic_name(struct text t)
{
	return t.len <= NAME_MAX_LEN && all(t, is_name);
}

bool sns_topic_parse(struct text arn, struct sns_topic *ret)
{
	struct sns_topic t;

	if (arn.len > SNS_ARN_MAX || !take(&arn, TEXT("arn:aws:sns:")) ||
	    !take_until(&arn, ':', &t.region) || !take_until(&arn, ':', &t.owner))
		return false;
	t.name = arn;
	if (!is_region(t.region) || t.owner.len != OWNER_LEN || !all(t.owner, is_digit) ||
	    !is_topic_name(t.name))
		return false;
	*ret = t;
	return true;
}

bool sns_topic_is_amazon_pay(const struct sns_topic *t)
{
	return text_is(t->owner, "291180941288") || text_is(t->owner, "598607868003");
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

bool sns_certificate_url_parse(struct text url, struct text region,
			       char ret_hex[static SNS_HEX_SIZE])
{
	struct text hex;

	if (!take(&url, TEXT("https://sns.")) || !is_region(region) || !take(&url, region) ||
	    !take(&url, TEXT(".amazonaws.com/SimpleNotificationService-")) ||
	    !take_until(&url, '.', &hex) || !text_is(url, "pem"))
		return false;
	if (hex.len != SNS_HEX_SIZE - 1 || !all(hex, is_hex))
		return false;
	memcpy(ret_hex, hex.at, hex.len);
	ret_hex[hex.len] = 0;
	return true;
}

void sns_certificate_url_write(struct text region, const char *hex,
			       char ret[static SNS_CERTIFICATE_URL_SIZE])
{
	snprintf(ret, SNS_CERTIFICATE_URL_SIZE,
		 "https://sns.%.*s.amazonaws.com/SimpleNotificationService-%s.pem", (int)region.len,
		 region.at, hex);
}

bool sns_subscribe_url_is(struct text url, struct text region, struct text topic_arn,
			  struct text token)
{
	return take(&url, TEXT("https://sns.")) && is_region(region) && take(&url, region) &&
	       take(&url, TEXT(".amazonaws.com/?Action=ConfirmSubscription&TopicArn=")) &&
	       take(&url, topic_arn) && take(&url, TEXT("&Token=")) && text_equal(url, token);
}

char *sns_subscribe_url_new(struct text topic_arn, struct text token)
{
	struct sns_topic topic;
	char *url;

	if (!sns_topic_parse(topic_arn, &topic) || !all(token, is_hex) ||
	    asprintf(
		    &url,
		    "https://sns.%.*s.amazonaws.com/?Action=ConfirmSubscription&TopicArn=%.*s&Token=%.*s",
		    (int)topic.region.len, topic.region.at, (int)topic_arn.len, topic_arn.at,
		    (int)token.len, token.at) < 0)
		return NULL;
	return url;
}
