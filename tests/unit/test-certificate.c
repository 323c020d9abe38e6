#include "sns/certificate.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "authority.h"
#include "base/utc.h"
#include "unit.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

DEFINE_CLEANUP(struct sns_certificate *, sns_certificate_free)
DEFINE_CLEANUP(X509_STORE *, X509_STORE_free)
DEFINE_CLEANUP(STACK_OF(X509) *, sk_X509_free)
DEFINE_CLEANUP(BIGNUM *, BN_free)

#define MIDDLE "2020-06-15T12:00:00.000Z"

static int64_t ms_of(const char *time)
{
	int64_t ms;

	ck_assert(utc_parse(text_of(time), &ms) == 0);
	return ms;
}

/* Keys are made once, before the tests fork. */
static void make_keys(void)
{
	for (unsigned n = 0; n < 4; n++)
		authority_shared(n);
}

static struct sns_certificate *parse_x509(const X509 *x509)
{
	CLEANUP(freep) char *pem = authority_pem(x509);
	struct sns_certificate *c;
	struct why why;

	ck_assert(sns_certificate_parse(text_of(pem), &c, &why) == VERDICT_PASS);
	return c;
}

static struct sns_certificate *parse_recipe(const struct recipe *r)
{
	CLEANUP(X509_freep) X509 *x509 = authority_issue(r);

	return parse_x509(x509);
}

static enum verdict parse_verdict(struct text pem)
{
	struct sns_certificate *c = NULL;
	struct why why = {""};
	enum verdict v = sns_certificate_parse(pem, &c, &why);

	ck_assert((v == VERDICT_PASS) == (c != NULL));
	ck_assert((v == VERDICT_PASS) == (why.text[0] == 0));
	ck_assert(ERR_peek_error() == 0);
	sns_certificate_free(c);
	return v;
}

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END   "-----END CERTIFICATE-----"

/* `%s` is the block of a good certificate, `%.0s` leaves it out. threats.md section 5, cases 123 to 125. */
static const struct {
	const char *format;
	enum verdict verdict;
} frames[] = {
	{"%s", VERDICT_PASS},
	{"\n\t %s\r\n \n", VERDICT_PASS},
	{"%.0s", VERDICT_CERTIFICATE},
	{"%.0s\n", VERDICT_CERTIFICATE},
	{"%.0sx", VERDICT_CERTIFICATE},
	{"%.0s" BEGIN, VERDICT_CERTIFICATE},
	{"%.0s" BEGIN END, VERDICT_CERTIFICATE},
	{"%.0s" BEGIN "\n" END, VERDICT_CERTIFICATE},
	{"%.0s" BEGIN "\n\n" END, VERDICT_CERTIFICATE},
	{"%.0s" BEGIN "\nAAAA\n" END, VERDICT_CERTIFICATE},
	{"%.0s" BEGIN "\nA\n" END, VERDICT_CERTIFICATE},
	{"%.0s-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", VERDICT_CERTIFICATE},
	{"%.0s-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", VERDICT_CERTIFICATE},
	{"x%s", VERDICT_CERTIFICATE},
	{"%sx", VERDICT_CERTIFICATE},
	{"Subject: sns.amazonaws.com\n%s", VERDICT_CERTIFICATE},
	{"<xml><value>\n%s</value></xml>", VERDICT_CERTIFICATE},
	{"%s-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", VERDICT_CERTIFICATE},
	{"\xEF\xBB\xBF%s", VERDICT_CERTIFICATE},
};

START_TEST(test_frames)
{
	struct recipe r = authority_leaf();
	CLEANUP(X509_freep) X509 *x509 = authority_issue(&r);
	CLEANUP(freep) char *pem = authority_pem(x509), *framed = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	framed = unit_format(frames[_i].format, pem);
#pragma GCC diagnostic pop
	ck_assert_msg(parse_verdict(text_of(framed)) == frames[_i].verdict, "row %d", _i);
}
END_TEST

/* Replaces every `from` in the PEM by `to` and parses that. */
static enum verdict parse_replaced(const char *pem, const char *from, const char *to)
{
	CLEANUP(freep) char *s = malloc(strlen(pem) * 2 + 1000);
	char *end = s;
	const char *next;

	for (; (next = strstr(pem, from)); pem = next + strlen(from)) {
		end = mempcpy(end, pem, (size_t)(next - pem));
		end = stpcpy(end, to);
	}
	stpcpy(end, pem);
	return parse_verdict(text_of(s));
}

START_TEST(test_changed_frames)
{
	struct recipe r = authority_leaf();
	CLEANUP(X509_freep) X509 *x509 = authority_issue(&r);
	CLEANUP(freep) char *pem = authority_pem(x509);
	CLEANUP(freep) char *two = unit_format("%s%s", pem, pem), *large = NULL;
	CLEANUP(freep) char *nul = unit_format("%sx", pem);

	ck_assert(parse_replaced(pem, "\n", "\r\n") == VERDICT_PASS);
	ck_assert(parse_replaced(pem, "\n", " \n") == VERDICT_CERTIFICATE);
	ck_assert(parse_replaced(pem, " CERT", " TRUSTED CERT") == VERDICT_CERTIFICATE);
	ck_assert(parse_replaced(pem, " CERT", " X509 CERT") == VERDICT_CERTIFICATE);
	ck_assert(parse_replaced(pem, "CERTIFICATE", "certificate") == VERDICT_CERTIFICATE);
	ck_assert(parse_replaced(pem, BEGIN "\n", BEGIN "\nProc-Type: 4,ENCRYPTED\n\n") ==
		  VERDICT_CERTIFICATE);
	ck_assert(parse_replaced(pem, BEGIN "\n", BEGIN) == VERDICT_CERTIFICATE);
	ck_assert(parse_replaced(pem, "\n" END, END) == VERDICT_CERTIFICATE);
	ck_assert(parse_replaced(pem, END, "") == VERDICT_CERTIFICATE);
	ck_assert(parse_verdict(text_of(two)) == VERDICT_CERTIFICATE);
	ck_assert(parse_verdict((struct text){pem, strlen(pem) - 2}) == VERDICT_CERTIFICATE);
	nul[strlen(nul) - 1] = 0;
	ck_assert(parse_verdict((struct text){nul, strlen(pem) + 1}) == VERDICT_CERTIFICATE);
	large = unit_format(BEGIN "\n%*s\n" END, SNS_CERTIFICATE_MAX, "A");
	memset(large + sizeof(BEGIN), 'A', SNS_CERTIFICATE_MAX);
	ck_assert(parse_verdict(text_of(large)) == VERDICT_CERTIFICATE);
}
END_TEST

/* DER of a certificate, `extra` bytes longer or shorter. */
START_TEST(test_der_length)
{
	static const int extras[] = {0, 1, -1, 16, -16};
	struct recipe r = authority_leaf();
	CLEANUP(X509_freep) X509 *x509 = authority_issue(&r);
	unsigned char der[4096] = {0}, *end = der;
	int len = i2d_X509(x509, &end);

	for (int i = 0; i < ROWS(extras); i++) {
		CLEANUP(freep) char *base64 = authority_base64(der, (size_t)(len + extras[i]));
		CLEANUP(freep) char *pem = unit_format(BEGIN "\n%s\n" END "\n", base64);

		ck_assert(parse_verdict(text_of(pem)) ==
			  (extras[i] ? VERDICT_CERTIFICATE : VERDICT_PASS));
	}
}
END_TEST

START_TEST(test_facts)
{
	struct recipe r = authority_leaf();
	CLEANUP(X509_freep) X509 *x509 = authority_issue(&r);
	CLEANUP(sns_certificate_freep) struct sns_certificate *c = parse_x509(x509);
	char hex[SNS_HEX_SIZE], expected[SNS_HEX_SIZE];
	unsigned char md5[16];

	ck_assert(X509_digest(x509, EVP_md5(), md5, NULL) == 1);
	for (int i = 0; i < 16; i++)
		snprintf(expected + 2 * i, 3, "%02x", md5[i]);
	sns_certificate_md5(c, hex);
	ck_assert_str_eq(hex, expected);
	ck_assert_int_eq(sns_certificate_not_after_ms(c), ms_of(r.to));
}
END_TEST

static enum verdict check_at(const struct sns_certificate *c, const struct sns_trust *trust,
			     const char *at, bool *ret_unknown)
{
	struct why why = {""};
	enum verdict v = sns_certificate_check(c, trust, ms_of(at), ret_unknown, &why);

	ck_assert(v == VERDICT_PASS || v == VERDICT_CERTIFICATE);
	ck_assert((v == VERDICT_PASS) == (why.text[0] == 0));
	ck_assert(ERR_peek_error() == 0);
	return v;
}

static enum verdict check_alone(const struct recipe *r, const char *at)
{
	const struct sns_trust trust = {.chain = SNS_CHAIN_NAME_ONLY};
	CLEANUP(sns_certificate_freep) struct sns_certificate *c = parse_recipe(r);
	bool unknown = true;
	enum verdict v = check_at(c, &trust, at, &unknown);

	ck_assert(!unknown);
	return v;
}

/* threats.md section 5, cases 126 to 130. */
static const struct {
	struct text common_name, dns, email;
	enum verdict verdict;
} names[] = {
	{TEXT("sns.amazonaws.com"), TEXT("sns.amazonaws.com"), {NULL, 0}, VERDICT_PASS},
	{TEXT("other"), TEXT("sns.amazonaws.com"), TEXT("a@b"), VERDICT_PASS},
	{TEXT("sns.amazonaws.com"), {NULL, 0}, {NULL, 0}, VERDICT_CERTIFICATE},
	{TEXT("sns.amazonaws.com"), {NULL, 0}, TEXT("sns.amazonaws.com"), VERDICT_CERTIFICATE},
	{TEXT("sns.amazonaws.com"), TEXT("sns.evil.com"), {NULL, 0}, VERDICT_CERTIFICATE},
	{TEXT("x"), TEXT("*.amazonaws.com"), {NULL, 0}, VERDICT_CERTIFICATE},
	{TEXT("x"), TEXT("s*.amazonaws.com"), {NULL, 0}, VERDICT_CERTIFICATE},
	{TEXT("x"), TEXT(".amazonaws.com"), {NULL, 0}, VERDICT_CERTIFICATE},
	{TEXT("x"), TEXT("amazonaws.com"), {NULL, 0}, VERDICT_CERTIFICATE},
	{TEXT("x"), TEXT("sns.us-east-1.amazonaws.com"), {NULL, 0}, VERDICT_CERTIFICATE},
	{TEXT("x"), TEXT("sns.amazonaws.com.evil.com"), {NULL, 0}, VERDICT_CERTIFICATE},
	{TEXT("x"), TEXT("sns.amazonaws.com\0.evil.com"), {NULL, 0}, VERDICT_CERTIFICATE},
	{TEXT("x"), TEXT("sns.amazonaws.com\0"), {NULL, 0}, VERDICT_CERTIFICATE},
	{TEXT("x"), TEXT("sns.amazonaws.com."), {NULL, 0}, VERDICT_CERTIFICATE},
	{TEXT("x"), TEXT(""), {NULL, 0}, VERDICT_CERTIFICATE},
	{TEXT("sns.amazonaws.com\0.evil.com"), {NULL, 0}, {NULL, 0}, VERDICT_CERTIFICATE},
};

START_TEST(test_names)
{
	struct recipe r = authority_leaf();

	r.common_name = names[_i].common_name;
	r.dns = names[_i].dns;
	r.email = names[_i].email;
	ck_assert_msg(check_alone(&r, MIDDLE) == names[_i].verdict, "row %d", _i);
}
END_TEST

START_TEST(test_dates)
{
	struct recipe r = authority_leaf();

	ck_assert(check_alone(&r, "2019-12-31T23:59:59.999Z") == VERDICT_CERTIFICATE);
	ck_assert(check_alone(&r, "2020-01-01T00:00:00.000Z") == VERDICT_PASS);
	ck_assert(check_alone(&r, "2020-12-31T23:59:58.999Z") == VERDICT_PASS);
	ck_assert(check_alone(&r, "2020-12-31T23:59:59.000Z") == VERDICT_CERTIFICATE);
	ck_assert(check_alone(&r, "2026-01-01T00:00:00.000Z") == VERDICT_CERTIFICATE);
	/* Beyond 2050 dates are written in another form (RFC 5280 section 4.1.2.5). */
	r.to = "2099-12-31T23:59:59.000Z";
	ck_assert(check_alone(&r, "2098-01-01T00:00:00.000Z") == VERDICT_PASS);
}
END_TEST

START_TEST(test_purpose)
{
	struct recipe r = authority_leaf();

	r.usage = NULL;
	ck_assert(check_alone(&r, MIDDLE) == VERDICT_PASS);
	r.usage = "serverAuth,clientAuth";
	ck_assert(check_alone(&r, MIDDLE) == VERDICT_PASS);
	r.usage = "clientAuth";
	ck_assert(check_alone(&r, MIDDLE) == VERDICT_CERTIFICATE);
	r.usage = "codeSigning";
	ck_assert(check_alone(&r, MIDDLE) == VERDICT_CERTIFICATE);
}
END_TEST

static enum verdict check_key(EVP_PKEY *key)
{
	struct recipe ca = authority_ca("CA", authority_shared(1)), r = authority_leaf();
	CLEANUP(X509_freep) X509 *issuer = authority_issue(&ca);

	r.key = key;
	r.issuer = issuer;
	r.issuer_key = authority_shared(1);
	return check_alone(&r, MIDDLE);
}

/* threats.md section 5, case 135; and none of them may crash the check of a signature. */
START_TEST(test_other_keys)
{
	static const char *const types[] = {"EC", "ED25519", "DSA", "RSA-PSS"};
	struct draft d = authority_notification();
	CLEANUP(freep) char *body = authority_signed_body(&d, authority_shared(0));
	struct sns_envelope e;
	struct why why;

	ck_assert(sns_envelope_parse(text_of(body), &e, &why) == VERDICT_PASS);
	for (int i = 0; i < ROWS(types); i++) {
		CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = authority_key(types[i]);
		CLEANUP(sns_certificate_freep) struct sns_certificate *c = NULL;
		struct recipe r = authority_leaf();

		ck_assert(check_key(key) == VERDICT_CERTIFICATE);
		r.key = key;
		r.issuer_key = authority_shared(1);
		c = parse_recipe(&r);
		ck_assert(sns_signature_check(&e, c, &why) == VERDICT_SIGNATURE);
	}
	sns_envelope_done(&e);
}
END_TEST

START_TEST(test_rsa_sizes)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *small = authority_rsa(1024, 65537);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *almost = authority_rsa(2040, 65537);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *larger = authority_rsa(3072, 65537);

	ck_assert(check_key(small) == VERDICT_CERTIFICATE);
	ck_assert(check_key(almost) == VERDICT_CERTIFICATE);
	ck_assert(check_key(larger) == VERDICT_PASS);
}
END_TEST

/* A public key with the modulus of a shared key. */
static EVP_PKEY *key_with_exponent(unsigned long exponent)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	CLEANUP(BN_freep) BIGNUM *n = NULL, *e = BN_new();
	OSSL_PARAM *params;
	EVP_PKEY *key = NULL;

	ck_assert(EVP_PKEY_get_bn_param(authority_shared(2), OSSL_PKEY_PARAM_RSA_N, &n) == 1);
	ck_assert(BN_set_word(e, exponent) == 1);
	ck_assert(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1);
	ck_assert(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1);
	params = OSSL_PARAM_BLD_to_param(build);
	ck_assert(EVP_PKEY_fromdata_init(ctx) == 1);
	ck_assert(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

START_TEST(test_exponents)
{
	static const struct {
		unsigned long exponent;
		enum verdict verdict;
	} exponents[] = {
		{1, VERDICT_CERTIFICATE}, {2, VERDICT_CERTIFICATE},     {3, VERDICT_PASS},
		{4, VERDICT_CERTIFICATE}, {65536, VERDICT_CERTIFICATE}, {65537, VERDICT_PASS},
	};

	for (int i = 0; i < ROWS(exponents); i++) {
		CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = key_with_exponent(exponents[i].exponent);

		ck_assert_msg(check_key(key) == exponents[i].verdict, "row %d", i);
	}
}
END_TEST

/*
 * A chain of root, intermediate and leaf with shared keys 1, 2 and 0, and what each test does to it.
 */
enum change {
	AS_IS,
	NO_INTERMEDIATE,
	NO_ROOT,
	NEITHER,
	OTHER_ROOT,
	ROOT_AS_INTERMEDIATE,
	SELF_SIGNED,
	SELF_SIGNED_NO_ROOT,
	FORGED_LEAF,
	FORGED_LEAF_NO_ROOT,
	FORGED_INTERMEDIATE,
	EXPIRED_INTERMEDIATE,
	EXPIRED_INTERMEDIATE_NO_ROOT,
	EXPIRED_ROOT,
	ALL_EXPIRED_BY_NOW,
	INTERMEDIATE_FOR_CLIENTS,
};

enum outcome { REFUSED, PASSED, UNKNOWN };

static const struct {
	enum change change;
	enum outcome require, prefer;
} chains[] = {
	{AS_IS, PASSED, PASSED},
	{NO_INTERMEDIATE, REFUSED, UNKNOWN},
	{NO_ROOT, REFUSED, UNKNOWN},
	{NEITHER, REFUSED, UNKNOWN},
	{OTHER_ROOT, REFUSED, UNKNOWN},
	{ROOT_AS_INTERMEDIATE, REFUSED, REFUSED},
	{SELF_SIGNED, REFUSED, REFUSED},
	{SELF_SIGNED_NO_ROOT, REFUSED, REFUSED},
	{FORGED_LEAF, REFUSED, REFUSED},
	{FORGED_LEAF_NO_ROOT, REFUSED, REFUSED},
	{FORGED_INTERMEDIATE, REFUSED, REFUSED},
	{EXPIRED_INTERMEDIATE, REFUSED, REFUSED},
	{EXPIRED_INTERMEDIATE_NO_ROOT, REFUSED, REFUSED},
	{EXPIRED_ROOT, REFUSED, REFUSED},
	{ALL_EXPIRED_BY_NOW, PASSED, PASSED},
	{INTERMEDIATE_FOR_CLIENTS, REFUSED, REFUSED},
};

static void change_chain(enum change change, struct recipe *root, struct recipe *intermediate,
			 struct recipe *leaf)
{
	const char *early = "2020-01-02T00:00:00.000Z", *late = "2021-01-01T00:00:00.000Z";

	if (change == SELF_SIGNED || change == SELF_SIGNED_NO_ROOT)
		*leaf = authority_leaf();
	if (change == FORGED_LEAF || change == FORGED_LEAF_NO_ROOT)
		leaf->issuer_key = authority_shared(3);
	if (change == FORGED_INTERMEDIATE)
		intermediate->issuer_key = authority_shared(3);
	if (change == EXPIRED_INTERMEDIATE || change == EXPIRED_INTERMEDIATE_NO_ROOT)
		intermediate->to = early;
	if (change == EXPIRED_ROOT)
		root->to = early;
	if (change == ALL_EXPIRED_BY_NOW)
		root->to = intermediate->to = leaf->to = late;
	if (change == INTERMEDIATE_FOR_CLIENTS)
		intermediate->usage = "clientAuth";
}

static enum outcome check_chain(enum change change, enum sns_chain policy)
{
	struct recipe root_recipe = authority_ca("Root", authority_shared(1));
	struct recipe recipe = authority_ca("Intermediate", authority_shared(2));
	struct recipe other_recipe = authority_ca("Other", authority_shared(3)),
		      leaf = authority_leaf();
	CLEANUP(X509_freep)
	X509 *root = NULL, *intermediate = NULL, *other = authority_issue(&other_recipe);
	CLEANUP(X509_STORE_freep) X509_STORE *roots = X509_STORE_new();
	CLEANUP(sk_X509_freep) STACK_OF(X509) *intermediates = sk_X509_new_null();
	CLEANUP(sns_certificate_freep) struct sns_certificate *c = NULL;
	struct sns_trust trust = {roots, intermediates, policy};
	bool unknown = true;

	recipe.issuer_key = authority_shared(1);
	leaf.issuer_key = authority_shared(2);
	change_chain(change, &root_recipe, &recipe, &leaf);
	root = authority_issue(&root_recipe);
	recipe.issuer = root;
	intermediate = authority_issue(&recipe);
	if (leaf.issuer_key)
		leaf.issuer = intermediate;
	c = parse_recipe(&leaf);
	if (change == OTHER_ROOT)
		X509_STORE_add_cert(roots, other);
	else if (change != NO_ROOT && change != NEITHER && change != FORGED_LEAF_NO_ROOT &&
		 change != SELF_SIGNED_NO_ROOT && change != ROOT_AS_INTERMEDIATE &&
		 change != EXPIRED_INTERMEDIATE_NO_ROOT)
		X509_STORE_add_cert(roots, root);
	if (change != NO_INTERMEDIATE && change != NEITHER)
		sk_X509_push(intermediates, intermediate);
	if (change == ROOT_AS_INTERMEDIATE)
		sk_X509_push(intermediates, root);
	if (check_at(c, &trust, MIDDLE, &unknown) != VERDICT_PASS)
		return REFUSED;
	return unknown ? UNKNOWN : PASSED;
}

START_TEST(test_chains)
{
	enum change change = chains[_i].change;

	ck_assert_msg(check_chain(change, SNS_CHAIN_REQUIRE) == chains[_i].require, "row %d", _i);
	ck_assert_msg(check_chain(change, SNS_CHAIN_PREFER) == chains[_i].prefer, "row %d", _i);
	ck_assert_msg(check_chain(change, SNS_CHAIN_NAME_ONLY) == PASSED, "row %d", _i);
}
END_TEST

/* No policy makes up for a certificate's own faults. */
START_TEST(test_leaf_faults_in_every_policy)
{
	static const enum sns_chain policies[] = {SNS_CHAIN_REQUIRE, SNS_CHAIN_PREFER,
						  SNS_CHAIN_NAME_ONLY};
	struct recipe ca = authority_ca("CA", authority_shared(1)), r = authority_leaf();
	CLEANUP(X509_freep) X509 *issuer = authority_issue(&ca);
	CLEANUP(X509_STORE_freep) X509_STORE *roots = X509_STORE_new();
	CLEANUP(sns_certificate_freep) struct sns_certificate *good = NULL, *named = NULL;
	bool unknown;

	X509_STORE_add_cert(roots, issuer);
	r.issuer = issuer;
	r.issuer_key = authority_shared(1);
	good = parse_recipe(&r);
	r.dns = TEXT("sns.evil.com");
	named = parse_recipe(&r);
	for (int i = 0; i < ROWS(policies); i++) {
		struct sns_trust trust = {roots, NULL, policies[i]};

		ck_assert(check_at(good, &trust, MIDDLE, &unknown) == VERDICT_PASS && !unknown);
		ck_assert(check_at(good, &trust, "2021-06-15T00:00:00.000Z", &unknown) ==
			  VERDICT_CERTIFICATE);
		ck_assert(check_at(named, &trust, MIDDLE, &unknown) == VERDICT_CERTIFICATE);
	}
}
END_TEST

/* What was found good once is found anew where anything that it stood on is another: the time, the roots, the policy. */
START_TEST(test_proof_is_not_carried_over)
{
	struct recipe ca = authority_ca("CA", authority_shared(1)),
		      other = authority_ca("Other", authority_shared(3)), leaf = authority_leaf();
	CLEANUP(X509_freep) X509 *root = NULL, *stranger = authority_issue(&other);
	CLEANUP(X509_STORE_freep)
	X509_STORE *roots = X509_STORE_new(), *strangers = X509_STORE_new();
	CLEANUP(sns_certificate_freep) struct sns_certificate *c = NULL;
	struct sns_trust trust = {roots, NULL, SNS_CHAIN_PREFER},
			 else_trust = {strangers, NULL, SNS_CHAIN_PREFER};
	bool unknown;

	ca.from = "2020-03-01T00:00:00.000Z";
	ca.to = "2020-09-01T00:00:00.000Z";
	root = authority_issue(&ca);
	leaf.issuer = root;
	leaf.issuer_key = authority_shared(1);
	c = parse_recipe(&leaf);
	X509_STORE_add_cert(roots, root);
	X509_STORE_add_cert(strangers, stranger);
	for (int i = 0; i < 2; i++) {
		ck_assert(check_at(c, &trust, MIDDLE, &unknown) == VERDICT_PASS && !unknown);
		ck_assert(check_at(c, &trust, "2020-08-31T23:59:59.999Z", &unknown) ==
			  VERDICT_PASS);
		/* The leaf is valid at these times, its issuer is not. */
		ck_assert(check_at(c, &trust, "2020-09-01T00:00:00.000Z", &unknown) ==
			  VERDICT_CERTIFICATE);
		ck_assert(check_at(c, &trust, "2020-02-29T23:59:59.999Z", &unknown) ==
			  VERDICT_CERTIFICATE);
		ck_assert(check_at(c, &else_trust, MIDDLE, &unknown) == VERDICT_PASS && unknown);
		/* From the memory of the one before. */
		ck_assert(check_at(c, &else_trust, MIDDLE, &unknown) == VERDICT_PASS && unknown);
		else_trust.chain = SNS_CHAIN_REQUIRE;
		ck_assert(check_at(c, &else_trust, MIDDLE, &unknown) == VERDICT_CERTIFICATE);
		else_trust.chain = SNS_CHAIN_PREFER;
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("certificate");
	TCase *c = unit_case(suite, "certificate");

	tcase_add_unchecked_fixture(c, make_keys, NULL);
	tcase_add_loop_test(c, test_frames, 0, ROWS(frames));
	tcase_add_test(c, test_changed_frames);
	tcase_add_test(c, test_der_length);
	tcase_add_test(c, test_facts);
	tcase_add_loop_test(c, test_names, 0, ROWS(names));
	tcase_add_test(c, test_dates);
	tcase_add_test(c, test_purpose);
	tcase_add_test(c, test_other_keys);
	tcase_add_test(c, test_rsa_sizes);
	tcase_add_test(c, test_exponents);
	tcase_add_loop_test(c, test_chains, 0, ROWS(chains));
	tcase_add_test(c, test_leaf_faults_in_every_policy);
	tcase_add_test(c, test_proof_is_not_carried_over);
	return unit_main(suite);
}
