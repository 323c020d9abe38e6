/* A file that claims to be a signing certificate. */
#include <assert.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "fuzz.h"
#include "sns/certificate.h"

#define AT_MS INT64_C(1700000000000)

DEFINE_CLEANUP(X509_STORE *, X509_STORE_free)

static enum verdict verdict_of(const char *before, struct text pem, const char *behind,
			       char ret_md5[static SNS_HEX_SIZE])
{
	CLEANUP(freep) char *all = NULL;
	struct sns_certificate *c = NULL;
	struct why why = {""};
	enum verdict v;
	int len;

	len = asprintf(&all, "%s%.*s%s", before, (int)pem.len, pem.at, behind);
	assert(len >= 0);
	v = sns_certificate_parse((struct text){all, (size_t)len}, &c, &why);
	assert((v == VERDICT_PASS) == (c != NULL) && (v == VERDICT_PASS) == !why.text[0]);
	if (c)
		sns_certificate_md5(c, ret_md5);
	sns_certificate_free(c);
	return v;
}

/* White space around it changes nothing; anything else, and a second block, is refused. */
static void check_frame(struct text pem, const char md5[static SNS_HEX_SIZE])
{
	CLEANUP(freep) char *self = text_dup(pem);
	char other[SNS_HEX_SIZE] = "";

	assert(self);
	if (pem.len + 4 <= SNS_CERTIFICATE_MAX) {
		assert(verdict_of(" \n", pem, "\r\n", other) == VERDICT_PASS);
		assert(strcmp(other, md5) == 0);
	}
	assert(verdict_of("x", pem, "", other) == VERDICT_CERTIFICATE);
	assert(verdict_of("", pem, "x", other) == VERDICT_CERTIFICATE);
	assert(verdict_of("<a>", pem, "</a>", other) == VERDICT_CERTIFICATE);
	assert(verdict_of(self, (struct text){"\n", 1}, self, other) == VERDICT_CERTIFICATE);
}

static enum verdict check_at(const struct sns_certificate *c, const struct sns_trust *trust,
			     int64_t at_ms, bool *ret_unknown)
{
	struct why why = {""};
	enum verdict v = sns_certificate_check(c, trust, at_ms, ret_unknown, &why);

	assert(v == VERDICT_PASS || v == VERDICT_CERTIFICATE);
	assert((v == VERDICT_PASS) == !why.text[0]);
	return v;
}

/* Nobody is trusted here: a chain that is asked for leads nowhere, or to an issuer that is unknown. */
static void check_trust(const struct sns_certificate *c, int64_t at_ms)
{
	CLEANUP(X509_STORE_freep) X509_STORE *nobody = X509_STORE_new();
	struct sns_trust trust = {.roots = nobody, .chain = SNS_CHAIN_NAME_ONLY};
	enum verdict by_name;
	bool unknown = true;

	assert(nobody);
	by_name = check_at(c, &trust, at_ms, &unknown);
	assert(!unknown);
	trust.chain = SNS_CHAIN_REQUIRE;
	assert(check_at(c, &trust, at_ms, &unknown) == VERDICT_CERTIFICATE && !unknown);
	trust.chain = SNS_CHAIN_PREFER;
	if (check_at(c, &trust, at_ms, &unknown) == VERDICT_PASS)
		assert(unknown && by_name == VERDICT_PASS);
}

/* A signature that nobody made. */
static void check_signature(const struct sns_certificate *c)
{
	static const char *const bodies[] = {
#define BODY(version)                                                                              \
	"{\"Type\":\"Notification\",\"MessageId\":\"00000000-0000-0000-0000-000000000000\","       \
	"\"TopicArn\":\"t\",\"Message\":\"m\",\"Timestamp\":\"2023-11-14T22:13:20.000Z\","         \
	"\"SignatureVersion\":\"" version "\",\"Signature\":\"AAAA\",\"SigningCertURL\":\"u\"}"
		BODY("1"),
		BODY("2"),
#undef BODY
	};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct sns_envelope e;
		struct why why;

		assert(sns_envelope_parse(text_of(bodies[i]), &e, &why) == VERDICT_PASS);
		assert(sns_signature_check(&e, c, &why) == VERDICT_SIGNATURE);
		sns_envelope_done(&e);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text pem = {(const char *)data, size};
	struct sns_trust by_name = {.chain = SNS_CHAIN_NAME_ONLY};
	struct sns_certificate *c = NULL;
	struct why why = {""};
	char md5[SNS_HEX_SIZE];
	int64_t end_ms;
	bool unknown;

	if (sns_certificate_parse(pem, &c, &why) != VERDICT_PASS) {
		assert(!c && why.text[0]);
		return 0;
	}
	assert(c && size >= sizeof("-----BEGIN CERTIFICATE-----"));
	sns_certificate_md5(c, md5);
	assert(strlen(md5) == SNS_HEX_SIZE - 1);
	check_frame(pem, md5);
	check_trust(c, AT_MS);
	end_ms = sns_certificate_not_after_ms(c);
	check_trust(c, end_ms - 1000);
	assert(check_at(c, &by_name, end_ms, &unknown) == VERDICT_CERTIFICATE);
	if (check_at(c, &by_name, end_ms - 1, &unknown) == VERDICT_PASS)
		check_signature(c);
	sns_certificate_free(c);
	return 0;
}
