#include "sns/topic.h"

#include "unit.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

#define REGION "us-east-1"
#define OWNER  "291180941288"
#define ARN    "arn:aws:sns:" REGION ":" OWNER ":A3BXB0YN3XH17HA1EXAMPLE"
#define HEX    "0123456789abcdef0123456789abcdef"
#define HOST   "https://sns." REGION ".amazonaws.com"
#define FILE_  "/SimpleNotificationService-" HEX ".pem"

#define NAME_64  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NAME_256 NAME_64 NAME_64 NAME_64 NAME_64

START_TEST(test_parse)
{
	struct sns_topic t;

	ck_assert(sns_topic_parse(TEXT(ARN), &t));
	ck_assert(text_is(t.region, REGION));
	ck_assert(text_is(t.owner, OWNER));
	ck_assert(text_is(t.name, "A3BXB0YN3XH17HA1EXAMPLE"));
	ck_assert(sns_topic_is_amazon_pay(&t));
}
END_TEST

static const struct {
	struct text arn;
	bool good;
} arns[] = {
	{TEXT("arn:aws:sns:eu-west-1:598607868003:x"), true},
	{TEXT("arn:aws:sns:ap-northeast-1:000000000000:a_b-C9"), true},
	{TEXT("arn:aws:sns:us-gov-west-1:" OWNER ":x"), true},
	{TEXT("arn:aws:sns:us-east-1:" OWNER ":" NAME_256), true},
	{{NULL, 0}, false},
	{TEXT(""), false},
	{TEXT("arn:aws:sns:"), false},
	{TEXT("arn:aws:sns:us-east-1"), false},
	{TEXT("arn:aws:sns:us-east-1:" OWNER), false},
	{TEXT("arn:aws:sns:us-east-1:" OWNER ":"), false},
	{TEXT("arn:aws:sns:us-east-1:" OWNER ":x:subscription"), false},
	{TEXT("arn:aws:sns:us-east-1:" OWNER ":x.fifo"), false},
	{TEXT("arn:aws:sns:us-east-1:" OWNER ":x "), false},
	{TEXT(" arn:aws:sns:us-east-1:" OWNER ":x"), false},
	{TEXT("arn:aws:sns:us-east-1:" OWNER ":x\n"), false},
	{TEXT("arn:aws:sns:us-east-1:" OWNER ":x\0"), false},
	{TEXT("arn:aws:sns:us-east-1:" OWNER ":x\nType\nNotification"), false},
	{TEXT("arn:aws:sns:us-east-1:" OWNER ":" NAME_256 "a"), false},
	{TEXT("ARN:aws:sns:us-east-1:" OWNER ":x"), false},
	{TEXT("arn:aws-cn:sns:cn-north-1:" OWNER ":x"), false},
	{TEXT("arn:aws:sqs:us-east-1:" OWNER ":x"), false},
	{TEXT("arn:aws:sns::" OWNER ":x"), false},
	{TEXT("arn:aws:sns:us-east-1:29118094128:x"), false},
	{TEXT("arn:aws:sns:us-east-1:2911809412880:x"), false},
	{TEXT("arn:aws:sns:us-east-1:29118094128a:x"), false},
	/* Each would name another host, or another folder of the cache. */
	{TEXT("arn:aws:sns:s3-us-west-2:" OWNER ":x"), false},
	{TEXT("arn:aws:sns:s3:" OWNER ":x"), false},
	{TEXT("arn:aws:sns:us-east:" OWNER ":x"), false},
	{TEXT("arn:aws:sns:us-1:" OWNER ":x"), false},
	{TEXT("arn:aws:sns:US-EAST-1:" OWNER ":x"), false},
	{TEXT("arn:aws:sns:us-east-1.evil.com/:" OWNER ":x"), false},
	{TEXT("arn:aws:sns:../us-east-1:" OWNER ":x"), false},
	{TEXT("arn:aws:sns:us--east-1:" OWNER ":x"), false},
	{TEXT("arn:aws:sns:us-east-:" OWNER ":x"), false},
	{TEXT("arn:aws:sns:-us-east-1:" OWNER ":x"), false},
	{TEXT("arn:aws:sns:us-abcdefghijklmnopqrstuvwxyz-1:" OWNER ":x"), true},
	{TEXT("arn:aws:sns:us-abcdefghijklmnopqrstuvwxyzabc-1:" OWNER ":x"), false},
};

START_TEST(test_arns)
{
	struct sns_topic t = {.name = TEXT("untouched")};

	ck_assert(sns_topic_parse(arns[_i].arn, &t) == arns[_i].good);
	ck_assert(text_is(t.name, "untouched") == !arns[_i].good);
}
END_TEST

START_TEST(test_amazon_pay)
{
	struct sns_topic t;

	ck_assert(sns_topic_parse(TEXT("arn:aws:sns:us-east-1:598607868003:x"), &t));
	ck_assert(sns_topic_is_amazon_pay(&t));
	ck_assert(sns_topic_parse(TEXT("arn:aws:sns:us-east-1:092297851374:x"), &t));
	ck_assert(!sns_topic_is_amazon_pay(&t));
}
END_TEST

/* threats.md section 5, cases 100 to 119. */
static const struct text bad_urls[] = {
	{NULL, 0},
	TEXT(""),
	TEXT("http://sns." REGION ".amazonaws.com" FILE_),
	TEXT("HTTPS://sns." REGION ".amazonaws.com" FILE_),
	TEXT("ftp://sns." REGION ".amazonaws.com" FILE_),
	TEXT("file:///etc/passwd"),
	TEXT("file:///SimpleNotificationService-" HEX ".pem"),
	TEXT("https://evil.com" FILE_),
	TEXT("https://sns." REGION ".amazonaws.com.evil.com" FILE_),
	TEXT("https://sns." REGION ".amazonaws.comevil.com" FILE_),
	TEXT("https://sns.s3-us-west-2.amazonaws.com" FILE_),
	TEXT("https://s3.amazonaws.com/b" FILE_),
	TEXT("https://sns.s3.amazonaws.com" FILE_),
	TEXT("https://xsns." REGION ".amazonaws.com" FILE_),
	TEXT("https://evil@sns." REGION ".amazonaws.com" FILE_),
	TEXT("https://evil:x@sns." REGION ".amazonaws.com" FILE_),
	TEXT("https://sns." REGION ".amazonaws.com@evil.com" FILE_),
	TEXT(HOST ":8443" FILE_),
	TEXT(HOST ":443" FILE_),
	TEXT(HOST "/?Action=GetTopicAttributes&x=.pem"),
	TEXT(HOST FILE_ "?Action=x"),
	TEXT(HOST FILE_ "?"),
	TEXT(HOST FILE_ "#.pem"),
	TEXT(HOST "/?x=#.pem"),
	TEXT(HOST "/a/.." FILE_),
	TEXT(HOST "/%2e%2e" FILE_),
	TEXT(HOST "/." FILE_),
	TEXT(HOST "/" FILE_),
	TEXT(HOST "\\SimpleNotificationService-" HEX ".pem"),
	TEXT("https://SNS.US-EAST-1.amazonaws.com" FILE_),
	TEXT("https://sns.US-EAST-1.amazonaws.com" FILE_),
	TEXT("https://sns." REGION ".AmazonAWS.com" FILE_),
	TEXT("https://sns." REGION ".amazonaws.com." FILE_),
	TEXT(HOST FILE_ "\n"),
	TEXT(HOST FILE_ "\0"),
	TEXT(HOST FILE_ "\0.evil.com"),
	TEXT(HOST "\n" FILE_),
	TEXT("\n" HOST FILE_),
	TEXT(" " HOST FILE_),
	TEXT(HOST FILE_ " "),
	TEXT("https://sns." REGION ".\xD0\xB0mazonaws.com" FILE_),
	TEXT("https://sns." REGION ".xn--mazonaws-43a.com" FILE_),
	TEXT("https://127.0.0.1" FILE_),
	TEXT("https://169.254.169.254" FILE_),
	TEXT("https://[::1]" FILE_),
	TEXT("https://sns.eu-west-1.amazonaws.com" FILE_),
	TEXT("https://sns.us-east-10.amazonaws.com" FILE_),
	TEXT("https://sns.us-east-.amazonaws.com" FILE_),
	TEXT("https://sns..amazonaws.com" FILE_),
	TEXT("https://sns." REGION ".amazonaws.com.cn" FILE_),
	TEXT(HOST "/SimpleNotificationService-" HEX "0.pem"),
	TEXT(HOST "/SimpleNotificationService-0123456789abcdef0123456789abcde.pem"),
	TEXT(HOST "/SimpleNotificationService-0123456789ABCDEF0123456789ABCDEF.pem"),
	TEXT(HOST "/SimpleNotificationService-0123456789abcdef0123456789abcdeg.pem"),
	TEXT(HOST "/SimpleNotificationService-../../../../../../etc/shadow....pem"),
	TEXT(HOST "/SimpleNotificationService-.pem"),
	TEXT(HOST "/simplenotificationservice-" HEX ".pem"),
	TEXT(HOST "/SimpleNotificationService-" HEX ".PEM"),
	TEXT(HOST "/SimpleNotificationService-" HEX ".pem.pem"),
	TEXT(HOST "/SimpleNotificationService-" HEX),
	TEXT(HOST "/SimpleNotificationService-" HEX "."),
};

START_TEST(test_bad_urls)
{
	char hex[SNS_HEX_SIZE] = "untouched";

	ck_assert_msg(!sns_certificate_url_parse(bad_urls[_i], TEXT(REGION), hex), "row %d", _i);
	ck_assert_str_eq(hex, "untouched");
}
END_TEST

START_TEST(test_good_url)
{
	char hex[SNS_HEX_SIZE];

	ck_assert(sns_certificate_url_parse(TEXT(HOST FILE_), TEXT(REGION), hex));
	ck_assert_str_eq(hex, HEX);
}
END_TEST

/* A region that is none makes no URL of SNS's, even if the URL agrees with it. */
START_TEST(test_url_of_bad_region)
{
	char hex[SNS_HEX_SIZE];
	struct text none = {NULL, 0};

	ck_assert(!sns_certificate_url_parse(TEXT("https://sns.s3-us-west-2.amazonaws.com" FILE_),
					     TEXT("s3-us-west-2"), hex));
	ck_assert(!sns_certificate_url_parse(TEXT("https://sns..amazonaws.com" FILE_), TEXT(""),
					     hex));
	ck_assert(!sns_certificate_url_parse(TEXT(HOST FILE_), none, hex));
}
END_TEST

#define CONFIRM HOST "/?Action=ConfirmSubscription&TopicArn=" ARN "&Token=abc"

/* threats.md section 5, case 142. */
static const struct text bad_subscribe_urls[] = {
	{NULL, 0},
	TEXT(""),
	TEXT("http://sns." REGION ".amazonaws.com/?Action=ConfirmSubscription&TopicArn=" ARN
	     "&Token=abc"),
	TEXT("https://169.254.169.254/?Action=ConfirmSubscription&TopicArn=" ARN "&Token=abc"),
	TEXT("https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" ARN
	     "&Token=abc"),
	TEXT(HOST "/?Action=Subscribe&TopicArn=" ARN "&Token=abc"),
	TEXT(HOST "/?Action=ConfirmSubscription&TopicArn=" ARN "x&Token=abc"),
	TEXT(HOST "/?Action=ConfirmSubscription&Token=abc&TopicArn=" ARN),
	TEXT(CONFIRM "d"),
	TEXT(CONFIRM "&AuthenticateOnUnsubscribe=true"),
	TEXT(CONFIRM "\n"),
	TEXT(CONFIRM "\0"),
	TEXT(HOST "/?Action=ConfirmSubscription&TopicArn=" ARN "&Token=ab"),
};

START_TEST(test_bad_subscribe_urls)
{
	ck_assert(!sns_subscribe_url_is(bad_subscribe_urls[_i], TEXT(REGION), TEXT(ARN),
					TEXT("abc")));
}
END_TEST

START_TEST(test_subscribe_url)
{
	struct text none = {NULL, 0};

	ck_assert(sns_subscribe_url_is(TEXT(CONFIRM), TEXT(REGION), TEXT(ARN), TEXT("abc")));
	ck_assert(!sns_subscribe_url_is(TEXT(CONFIRM), TEXT(REGION), TEXT(ARN), none));
	ck_assert(!sns_subscribe_url_is(TEXT(CONFIRM), none, TEXT(ARN), TEXT("abc")));
	ck_assert(!sns_subscribe_url_is(TEXT(CONFIRM), TEXT(REGION), none, TEXT("abc")));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("topic");
	TCase *c = unit_case(suite, "topic");

	tcase_add_test(c, test_parse);
	tcase_add_loop_test(c, test_arns, 0, ROWS(arns));
	tcase_add_test(c, test_amazon_pay);
	tcase_add_loop_test(c, test_bad_urls, 0, ROWS(bad_urls));
	tcase_add_test(c, test_good_url);
	tcase_add_test(c, test_url_of_bad_region);
	tcase_add_loop_test(c, test_bad_subscribe_urls, 0, ROWS(bad_subscribe_urls));
	tcase_add_test(c, test_subscribe_url);
	return unit_main(suite);
}
