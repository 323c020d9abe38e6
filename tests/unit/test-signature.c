#include "sns/certificate.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "authority.h"
#include "unit.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

DEFINE_CLEANUP(struct sns_certificate *, sns_certificate_free)
DEFINE_CLEANUP(BIGNUM *, BN_free)
DEFINE_CLEANUP(BN_CTX *, BN_CTX_free)

#define KEY_BYTES 256

static struct sns_certificate *certificate; /* of shared key 0 */

static struct sns_certificate *certificate_of(EVP_PKEY *key)
{
	struct recipe r = authority_leaf();
	CLEANUP(X509_freep) X509 *x509 = NULL;
	CLEANUP(freep) char *pem = NULL;
	struct sns_certificate *c;
	struct why why;

	r.key = key;
	x509 = authority_issue(&r);
	pem = authority_pem(x509);
	ck_assert(sns_certificate_parse(text_of(pem), &c, &why) == VERDICT_PASS);
	return c;
}

static void make_certificate(void)
{
	authority_shared(1);
	certificate = certificate_of(authority_shared(0));
}

static void free_certificate(void)
{
	sns_certificate_free(certificate);
}

/* What parsing or else the signature's check says. */
static enum verdict verdict_by(const struct sns_certificate *c, const char *body)
{
	struct sns_envelope e;
	struct why why = {""};
	enum verdict v = sns_envelope_parse(text_of(body), &e, &why);

	if (v != VERDICT_PASS)
		return v;
	v = sns_signature_check(&e, c, &why);
	ck_assert((v == VERDICT_PASS) == (why.text[0] == 0));
	ck_assert(ERR_peek_error() == 0);
	sns_envelope_done(&e);
	return v;
}

static enum verdict verdict_of(const char *body)
{
	return verdict_by(certificate, body);
}

static enum verdict verdict_of_draft(const struct draft *d)
{
	CLEANUP(freep) char *body = authority_signed_body(d, authority_shared(0));

	return verdict_of(body);
}

START_TEST(test_good)
{
	struct draft d;

	for (int version = 1; version <= 2; version++) {
		d = authority_notification();
		d.version = version == 1 ? "1" : "2";
		ck_assert(verdict_of_draft(&d) == VERDICT_PASS);
		d.subject = "A subject";
		ck_assert(verdict_of_draft(&d) == VERDICT_PASS);
		d.message = "\xF0\x9F\x8D\x8C \\u00b5 <\\/Amount>\r\n";
		ck_assert(verdict_of_draft(&d) == VERDICT_PASS);
		d.message = "";
		ck_assert(verdict_of_draft(&d) == VERDICT_PASS);
		d = authority_confirmation();
		d.version = version == 1 ? "1" : "2";
		ck_assert(verdict_of_draft(&d) == VERDICT_PASS);
		d.type = "UnsubscribeConfirmation";
		ck_assert(verdict_of_draft(&d) == VERDICT_PASS);
	}
}
END_TEST

/* threats.md section 5, cases 64 to 68 and 78. */
START_TEST(test_changed_fields)
{
	const struct draft good = authority_notification();
	struct draft changed[] = {good, good, good, good, good, good};
	CLEANUP(freep) char *text = authority_signed_text(&good), *signature = NULL;

	signature = authority_sign(authority_shared(0), "SHA1", RSA_PKCS1_PADDING, text_of(text));
	changed[0].message = "{}";
	changed[1].message_id = "fb446ef1-c2bd-5bb9-a998-22f365e7e95c";
	changed[2].timestamp = "2020-06-15T12:00:00.001Z";
	changed[3].topic_arn = DRAFT_TOPIC "X";
	changed[4].subject = "";
	changed[5].version = "2";
	for (int i = 0; i < ROWS(changed); i++) {
		CLEANUP(freep) char *body = authority_body(&changed[i], signature);
		CLEANUP(freep) char *unchanged = authority_body(&good, signature);

		ck_assert(verdict_of(body) == VERDICT_SIGNATURE);
		ck_assert(verdict_of(unchanged) ==
			  VERDICT_PASS); /* a failure leaves nothing behind */
	}
}
END_TEST

START_TEST(test_changed_subject)
{
	struct draft d = authority_notification();
	CLEANUP(freep) char *text = NULL, *signature = NULL, *removed = NULL, *changed = NULL;

	d.subject = "A subject";
	text = authority_signed_text(&d);
	signature = authority_sign(authority_shared(0), "SHA1", RSA_PKCS1_PADDING, text_of(text));
	d.subject = NULL;
	removed = authority_body(&d, signature);
	ck_assert(verdict_of(removed) == VERDICT_SIGNATURE);
	d.subject = "a subject";
	changed = authority_body(&d, signature);
	ck_assert(verdict_of(changed) == VERDICT_SIGNATURE);
}
END_TEST

START_TEST(test_changed_confirmation)
{
	const struct draft good = authority_confirmation();
	struct draft changed[] = {good, good, good, good};
	CLEANUP(freep) char *text = authority_signed_text(&good), *signature = NULL;

	signature = authority_sign(authority_shared(0), "SHA1", RSA_PKCS1_PADDING, text_of(text));
	changed[0].token = "00";
	changed[1].subscribe_url = "https://169.254.169.254/";
	changed[2].type = "UnsubscribeConfirmation";
	changed[3].type = "Notification";
	for (int i = 0; i < ROWS(changed); i++) {
		CLEANUP(freep) char *body = authority_body(&changed[i], signature);

		ck_assert(verdict_of(body) == VERDICT_SIGNATURE);
	}
}
END_TEST

/* threats.md section 5, cases 78, 79 and 81: signatures that fit the text, but not in the one way that counts. */
START_TEST(test_other_schemes)
{
	static const struct {
		const char *version, *digest;
		int padding;
		unsigned key;
		enum verdict verdict;
	} schemes[] = {
		{"1", "SHA1", RSA_PKCS1_PADDING, 0, VERDICT_PASS},
		{"2", "SHA256", RSA_PKCS1_PADDING, 0, VERDICT_PASS},
		{"2", "SHA1", RSA_PKCS1_PADDING, 0, VERDICT_SIGNATURE},
		{"1", "SHA256", RSA_PKCS1_PADDING, 0, VERDICT_SIGNATURE},
		{"1", "MD5", RSA_PKCS1_PADDING, 0, VERDICT_SIGNATURE},
		{"2", "SHA512", RSA_PKCS1_PADDING, 0, VERDICT_SIGNATURE},
		{"2", "SHA3-256", RSA_PKCS1_PADDING, 0, VERDICT_SIGNATURE},
		{"1", "SHA1", RSA_PKCS1_PSS_PADDING, 0, VERDICT_SIGNATURE},
		{"2", "SHA256", RSA_PKCS1_PSS_PADDING, 0, VERDICT_SIGNATURE},
		{"1", "SHA1", RSA_PKCS1_PADDING, 1, VERDICT_SIGNATURE},
		{"2", "SHA256", RSA_PKCS1_PADDING, 1, VERDICT_SIGNATURE},
	};
	struct draft d = authority_notification();
	CLEANUP(freep) char *text = authority_signed_text(&d);

	for (int i = 0; i < ROWS(schemes); i++) {
		CLEANUP(freep) char *signature = NULL, *body = NULL;

		d.version = schemes[i].version;
		signature = authority_sign(authority_shared(schemes[i].key), schemes[i].digest,
					   schemes[i].padding, text_of(text));
		body = authority_body(&d, signature);
		ck_assert_msg(verdict_of(body) == schemes[i].verdict, "row %d", i);
	}
}
END_TEST

/* threats.md section 5, cases 74 to 76. */
START_TEST(test_lengths)
{
	static const size_t lengths[] = {1, 20, 255, 256, 257, 512, 1024};
	static const int fills[] = {0x00, 0x01, 0xFF};
	struct draft d = authority_notification();
	unsigned char bytes[1024];

	for (int i = 0; i < ROWS(lengths); i++)
		for (int k = 0; k < ROWS(fills); k++) {
			CLEANUP(freep) char *signature = NULL, *body = NULL;

			memset(bytes, fills[k], sizeof(bytes));
			signature = authority_base64(bytes, lengths[i]);
			body = authority_body(&d, signature);
			ck_assert(verdict_of(body) == VERDICT_SIGNATURE);
		}
}
END_TEST

/* The good signature with a byte added or taken away, in front and behind. */
START_TEST(test_padded_signature)
{
	struct draft d = authority_notification();
	CLEANUP(freep) char *text = authority_signed_text(&d), *good = NULL;
	unsigned char bytes[KEY_BYTES + 2] = {0};

	good = authority_sign(authority_shared(0), "SHA1", RSA_PKCS1_PADDING, text_of(text));
	ck_assert_int_eq(text_base64_decode(text_of(good), bytes + 1, KEY_BYTES), KEY_BYTES);
	for (size_t from = 0; from <= 2; from++)
		for (size_t to = KEY_BYTES; to <= KEY_BYTES + 2; to++) {
			CLEANUP(freep) char *signature = authority_base64(bytes + from, to - from);
			CLEANUP(freep) char *body = authority_body(&d, signature);

			ck_assert(verdict_of(body) == (from == 1 && to == KEY_BYTES + 1
							       ? VERDICT_PASS
							       : VERDICT_SIGNATURE));
		}
}
END_TEST

/* The least number whose cube is not below `n`, by bisection. */
static BIGNUM *cube_root(const BIGNUM *n, BN_CTX *ctx)
{
	CLEANUP(BN_freep) BIGNUM *low = BN_new(), *middle = BN_new(), *cube = BN_new();
	BIGNUM *high = BN_new();

	BN_zero(low);
	BN_one(high);
	BN_lshift(high, high, BN_num_bits(n) / 3 + 1);
	while (BN_cmp(low, high) < 0) {
		BN_add(middle, low, high);
		BN_rshift1(middle, middle);
		BN_sqr(cube, middle, ctx);
		BN_mul(cube, cube, middle, ctx);
		if (BN_cmp(cube, n) < 0) {
			BN_copy(low, middle);
			BN_add_word(low, 1);
		} else {
			BN_copy(high, middle);
		}
	}
	return high;
}

/*
 * Bleichenbacher's forgery of 2006 (threats.md section 5, case 80): with an exponent of 3 a cube root is a
 * signature for whoever does not look behind the hash. It needs no private key.
 */
START_TEST(test_cube_root_forgery)
{
	static const unsigned char info[] = {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2B, 0x0E,
					     0x03, 0x02, 0x1A, 0x05, 0x00, 0x04, 0x14};
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = authority_rsa(KEY_BYTES * 8, 3);
	CLEANUP(sns_certificate_freep) struct sns_certificate *c = certificate_of(key);
	CLEANUP(BN_CTX_freep) BN_CTX *ctx = BN_CTX_new();
	CLEANUP(BN_freep) BIGNUM *n = NULL, *root = NULL, *cube = BN_new();
	struct draft d = authority_notification();
	CLEANUP(freep)
	char *text = authority_signed_text(&d), *signature = NULL, *body = NULL, *good = NULL;
	unsigned char block[KEY_BYTES] = {0, 1}, opened[KEY_BYTES], forged[KEY_BYTES];
	size_t len = 2;

	memset(block + len, 0xFF, 8);
	len += 8;
	block[len++] = 0;
	memcpy(block + len, info, sizeof(info));
	len += sizeof(info);
	ck_assert(EVP_Q_digest(NULL, "SHA1", NULL, text, strlen(text), block + len, NULL) == 1);
	len += 20;
	n = BN_bin2bn(block, sizeof(block), NULL);
	root = cube_root(n, ctx);
	BN_sqr(cube, root, ctx);
	BN_mul(cube, cube, root, ctx);
	ck_assert_int_eq(BN_bn2binpad(cube, opened, sizeof(opened)), sizeof(opened));
	ck_assert_mem_eq(opened, block, len); /* the forgery is one */
	ck_assert_int_eq(BN_bn2binpad(root, forged, sizeof(forged)), sizeof(forged));
	signature = authority_base64(forged, sizeof(forged));
	body = authority_body(&d, signature);
	ck_assert(verdict_by(c, body) == VERDICT_SIGNATURE);
	good = authority_signed_body(&d, key);
	ck_assert(verdict_by(c, good) == VERDICT_PASS);
}
END_TEST

/*
 * The re-split forgery (threats.md section 1.1). Anybody may have SNS sign a Message with line ends for a topic of
 * his own. Read with the borders elsewhere, the same bytes are another message, for the topic that is pinned.
 */
#define EVIL         "{\"evil\":true}"
#define EVIL_ID      "00000000-0000-4000-8000-000000000000"
#define EVIL_TIME    "2020-06-15T13:00:00.000Z"
#define HIS_TOPIC    "arn:aws:sns:" DRAFT_REGION ":666666666666:his"
#define HIS_ID       "11111111-1111-4111-8111-111111111111"
#define HIS_TIME     "2020-06-15T14:00:00.000Z"
#define LINE_ID      "\nMessageId\n" EVIL_ID
#define LINE_SUBJECT "\nSubject\nA subject"
#define LINE_TIME    "\nTimestamp\n" EVIL_TIME
#define LINE_TOPIC   "\nTopicArn\n" DRAFT_TOPIC
#define HIS_ID_ON    "\nMessageId\n" HIS_ID
#define HIS_TIME_ON  "\nTimestamp\n" HIS_TIME
#define HIS_TOPIC_ON "\nTopicArn\n" HIS_TOPIC

static const struct {
	const char *signed_message; /* what he publishes to his topic */
	struct draft forged;
	enum verdict verdict;
} resplits[] = {
	{EVIL LINE_ID LINE_TIME LINE_TOPIC "\nType\nNotification",
	 {.message_id = EVIL_ID,
	  .timestamp = EVIL_TIME,
	  .topic_arn = DRAFT_TOPIC,
	  .type = "Notification" HIS_ID_ON HIS_TIME_ON HIS_TOPIC_ON "\nType\nNotification"},
	 VERDICT_BAD_FIELD},
	{EVIL LINE_ID LINE_TIME LINE_TOPIC,
	 {.message_id = EVIL_ID,
	  .timestamp = EVIL_TIME,
	  .topic_arn = DRAFT_TOPIC HIS_ID_ON HIS_TIME_ON HIS_TOPIC_ON,
	  .type = "Notification"},
	 VERDICT_SIGNATURE},
	{EVIL LINE_ID LINE_TIME,
	 {.message_id = EVIL_ID,
	  .timestamp = EVIL_TIME HIS_ID_ON HIS_TIME_ON,
	  .topic_arn = HIS_TOPIC,
	  .type = "Notification"},
	 VERDICT_BAD_FIELD},
	{EVIL LINE_ID LINE_SUBJECT,
	 {.message_id = EVIL_ID,
	  .subject = "A subject" HIS_ID_ON,
	  .timestamp = HIS_TIME,
	  .topic_arn = HIS_TOPIC,
	  .type = "Notification"},
	 VERDICT_BAD_FIELD},
	{EVIL LINE_ID,
	 {.message_id = EVIL_ID HIS_ID_ON,
	  .timestamp = HIS_TIME,
	  .topic_arn = HIS_TOPIC,
	  .type = "Notification"},
	 VERDICT_BAD_FIELD},
};

START_TEST(test_resplit_forgery)
{
	struct draft his = authority_notification(), forged = resplits[_i].forged;
	CLEANUP(freep)
	char *his_text = NULL, *forged_text = NULL, *signature = NULL, *his_body = NULL,
	     *forged_body = NULL;
	struct sns_topic topic;

	his.message = resplits[_i].signed_message;
	his.message_id = HIS_ID;
	his.timestamp = HIS_TIME;
	his.topic_arn = HIS_TOPIC;
	his_text = authority_signed_text(&his);
	signature =
		authority_sign(authority_shared(0), "SHA1", RSA_PKCS1_PADDING, text_of(his_text));
	his_body = authority_body(&his, signature);
	ck_assert(verdict_of(his_body) == VERDICT_PASS);

	forged.message = EVIL;
	forged.version = his.version;
	forged.signing_cert_url = his.signing_cert_url;
	forged_text = authority_signed_text(&forged);
	ck_assert_str_eq(forged_text, his_text); /* so the signature is right for it */
	forged_body = authority_body(&forged, signature);
	ck_assert(verdict_of(forged_body) == resplits[_i].verdict);
	if (resplits[_i].verdict == VERDICT_SIGNATURE)
		ck_assert(!sns_topic_parse(text_of(forged.topic_arn), &topic));
}
END_TEST

/* The same by the other field whose rule is not the envelope's. */
START_TEST(test_line_end_in_subscribe_url)
{
	struct draft d = authority_confirmation();

	d.subscribe_url = "https://x/\nTimestamp\nx";
	ck_assert(verdict_of_draft(&d) == VERDICT_SIGNATURE);
}
END_TEST

static void append(const void *data, size_t len, void *userdata)
{
	fwrite(data, 1, len, userdata);
}

/* All that an accepted envelope says, as one text. NULL: it is not accepted. */
static char *accepted_text(struct text body)
{
	struct sns_envelope e;
	struct sns_topic topic;
	char hex[SNS_HEX_SIZE], *s = NULL;
	struct why why;
	size_t size;
	FILE *f;

	if (sns_envelope_parse(body, &e, &why) != VERDICT_PASS)
		return NULL;
	if (text_is(e.topic_arn, DRAFT_TOPIC) && sns_topic_parse(e.topic_arn, &topic) &&
	    sns_certificate_url_parse(e.signing_cert_url, topic.region, hex) &&
	    strcmp(hex, DRAFT_HEX) == 0 &&
	    sns_signature_check(&e, certificate, &why) == VERDICT_PASS) {
		f = open_memstream(&s, &size);
		sns_envelope_signed_text(&e, append, f);
		fprintf(f, "%d %lld %.*s", e.signature_version, (long long)e.sent_at_ms,
			(int)e.signature.len, e.signature.at);
		ck_assert(fclose(f) == 0);
	}
	sns_envelope_done(&e);
	return s;
}

/* Every bit of the body in turn: whatever is still accepted says the same. */
START_TEST(test_every_bit)
{
	struct draft d = authority_notification();
	CLEANUP(freep) char *body = NULL, *expected = NULL;
	int accepted = 0;
	size_t len;

	d.subject = "A subject";
	body = authority_signed_body(&d, authority_shared(0));
	len = strlen(body);
	expected = accepted_text((struct text){body, len});
	ck_assert(expected != NULL);
	for (size_t bit = 0; bit < len * 8; bit++) {
		CLEANUP(freep) char *got = NULL;

		body[bit / 8] = (char)(body[bit / 8] ^ 1 << bit % 8);
		got = accepted_text((struct text){body, len});
		body[bit / 8] = (char)(body[bit / 8] ^ 1 << bit % 8);
		if (got) {
			ck_assert_str_eq(got, expected);
			accepted++;
		}
	}
	/* The unsigned member has some 60 letters in which most bits may change. */
	ck_assert_int_gt(accepted, 300);
	ck_assert_int_lt(accepted, 600);
}
END_TEST

/* OpenSSL's next allocations that succeed; then one fails. Negative: all succeed. */
static int allocations_left = -1;

static bool allocation_fails(void)
{
	return allocations_left >= 0 && allocations_left-- == 0;
}

static void *allocate(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return allocation_fails() ? NULL : malloc(size);
}

static void *reallocate(void *p, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return allocation_fails() ? NULL : realloc(p, size);
}

static void release(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* A refusal of a signature is final: want of memory must not look like one. */
START_TEST(test_out_of_memory)
{
	struct draft d = authority_notification();
	CLEANUP(freep) char *body = authority_signed_body(&d, authority_shared(0));
	struct sns_envelope e;
	struct why why;
	int overloads = 0;

	ck_assert(sns_envelope_parse(text_of(body), &e, &why) == VERDICT_PASS);
	for (int n = 0; n < 1000; n++) {
		enum verdict v;

		allocations_left = n;
		v = sns_signature_check(&e, certificate, &why);
		if (allocations_left >= 0)
			break;
		ck_assert_msg(v == VERDICT_PASS || v == VERDICT_OVERLOAD, "allocation %d: %s", n,
			      why.text);
		overloads += v == VERDICT_OVERLOAD;
	}
	ck_assert_int_ge(allocations_left, 0);
	allocations_left = -1;
	ck_assert_int_gt(overloads, 0);
	ck_assert(sns_signature_check(&e, certificate, &why) == VERDICT_PASS);
	sns_envelope_done(&e);
}
END_TEST

int main(void)
{
	/* Before OpenSSL's first allocation. */
	bool ours = CRYPTO_set_mem_functions(allocate, reallocate, release) == 1;
	Suite *suite = suite_create("signature");
	TCase *c = unit_case(suite, "signature");

	tcase_add_unchecked_fixture(c, make_certificate, free_certificate);
	tcase_add_test(c, test_good);
	tcase_add_test(c, test_changed_fields);
	tcase_add_test(c, test_changed_subject);
	tcase_add_test(c, test_changed_confirmation);
	tcase_add_test(c, test_other_schemes);
	tcase_add_test(c, test_lengths);
	tcase_add_test(c, test_padded_signature);
	tcase_add_test(c, test_cube_root_forgery);
	tcase_add_loop_test(c, test_resplit_forgery, 0, ROWS(resplits));
	tcase_add_test(c, test_line_end_in_subscribe_url);
	tcase_add_test(c, test_every_bit);
	if (ours)
		tcase_add_test(c, test_out_of_memory);
	return unit_main(suite);
}
