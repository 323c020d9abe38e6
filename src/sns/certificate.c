#include "sns/certificate.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/utc.h"
#include "sns/chain.h"

#define KEY_BITS_MIN  2048
#define DIGEST_MAX    32   /* SHA-256 */
#define SIGNATURE_MAX 1024 /* bytes: a key of 8192 bits, as sns_envelope_parse() allows */

DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(BIGNUM *, BN_free)
DEFINE_CLEANUP(struct sns_certificate *, sns_certificate_free)

/*
 * What checks signatures of one version. Made once: to fetch the digest and set up the contexts for each message
 * would cost a third of a check. Not for two threads at a time.
 */
struct verifier {
	EVP_MD *digest;
	EVP_MD_CTX *hash;
	EVP_PKEY_CTX *verify;
};

struct sns_certificate {
	X509 *x509;
	struct chain_proof *proof;
	EVP_PKEY *key;                /* the certificate's */
	struct verifier sha1, sha256; /* empty unless the key is RSA */
	int64_t not_before_ms;
	int64_t not_after_ms;
	char md5[SNS_HEX_SIZE];
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct text trim(struct text t)
{
	while (t.len > 0 && is_space(t.at[0])) {
		t.at++;
		t.len--;
	}
	while (t.len > 0 && is_space(t.at[t.len - 1]))
		t.len--;
	return t;
}

static bool starts_with(struct text t, struct text prefix)
{
	return t.len >= prefix.len && memcmp(t.at, prefix.at, prefix.len) == 0;
}

static bool ends_with(struct text t, struct text suffix)
{
	return t.len >= suffix.len && memcmp(t.at + t.len - suffix.len, suffix.at, suffix.len) == 0;
}

/*
 * OpenSSL's reader looks for the block in whatever text there is. An answer of the SNS API in which somebody has
 * placed a certificate must not pass as one (threats.md section 2.2), so the frame is matched here. Returns the
 * number of bytes of DER, or -1.
 */
static int decode_pem(struct text pem, unsigned char der[static SNS_CERTIFICATE_MAX])
{
	static const struct text begin = TEXT("-----BEGIN CERTIFICATE-----");
	static const struct text end = TEXT("-----END CERTIFICATE-----");
	char digits[SNS_CERTIFICATE_MAX];
	struct text base64 = {digits, 0};

	pem = trim(pem);
	if (pem.len > SNS_CERTIFICATE_MAX || pem.len < begin.len + end.len ||
	    !starts_with(pem, begin) || !ends_with(pem, end))
		return -1;
	pem.at += begin.len;
	pem.len -= begin.len + end.len;
	if (pem.len == 0 || !is_space(pem.at[0]) || pem.at[pem.len - 1] != '\n')
		return -1;
	for (size_t i = 0; i < pem.len; i++)
		if (pem.at[i] != '\n' && pem.at[i] != '\r')
			digits[base64.len++] = pem.at[i];
	return text_base64_decode(base64, der, SNS_CERTIFICATE_MAX);
}

static X509 *decode_x509(const unsigned char *der, size_t len)
{
	const unsigned char *end = der;
	CLEANUP(X509_freep) X509 *x509 = d2i_X509(NULL, &end, (long)len);

	if (!x509 || end != der + len) {
		ERR_clear_error();
		return NULL;
	}
	return TAKE(x509);
}

static void write_hex(const unsigned char *bytes, size_t len, char *ret)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*ret++ = hex[bytes[i] >> 4];
		*ret++ = hex[bytes[i] & 15];
	}
	*ret = 0;
}

static bool verifier_init(struct verifier *v, EVP_PKEY *key, const char *digest)
{
	v->digest = EVP_MD_fetch(NULL, digest, NULL);
	v->hash = EVP_MD_CTX_new();
	v->verify = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	return v->digest && v->hash && v->verify && EVP_PKEY_verify_init(v->verify) == 1 &&
	       EVP_PKEY_CTX_set_rsa_padding(v->verify, RSA_PKCS1_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_signature_md(v->verify, v->digest) == 1;
}

static void verifier_done(struct verifier *v)
{
	EVP_PKEY_CTX_free(v->verify);
	EVP_MD_CTX_free(v->hash);
	EVP_MD_free(v->digest);
}

/* A key that is no RSA key is for sns_certificate_check() to refuse. RSA-PSS keys are another type. */
static bool is_rsa(const struct sns_certificate *c)
{
	return EVP_PKEY_is_a(c->key, "RSA");
}

static enum verdict fill(struct sns_certificate *c, struct why *why)
{
	c->key = X509_get0_pubkey(c->x509);
	if (!c->key || !chain_time_ms(X509_get0_notBefore(c->x509), &c->not_before_ms) ||
	    !chain_time_ms(X509_get0_notAfter(c->x509), &c->not_after_ms)) {
		why_set(why, "the certificate's key or dates cannot be read");
		return VERDICT_CERTIFICATE;
	}
	if (is_rsa(c) && (!verifier_init(&c->sha1, c->key, "SHA1") ||
			  !verifier_init(&c->sha256, c->key, "SHA256"))) {
		why_set(why, "OpenSSL cannot check signatures with the certificate's key");
		return VERDICT_CERTIFICATE;
	}
	return VERDICT_PASS;
}

enum verdict sns_certificate_parse(struct text pem, struct sns_certificate **ret, struct why *why)
{
	CLEANUP(sns_certificate_freep) struct sns_certificate *c = calloc(1, sizeof(*c));
	unsigned char der[SNS_CERTIFICATE_MAX], md5[16];
	int len = decode_pem(pem, der);
	enum verdict v;

	if (!c || !(c->proof = calloc(1, sizeof(*c->proof)))) {
		why_set(why, "out of memory");
		return VERDICT_CERTIFICATE;
	}
	if (len < 0) {
		why_set(why, "not one PEM block of type CERTIFICATE and nothing else");
		return VERDICT_CERTIFICATE;
	}
	c->x509 = decode_x509(der, (size_t)len);
	if (!c->x509) {
		why_set(why, "the PEM block holds no certificate, or more than one");
		return VERDICT_CERTIFICATE;
	}
	/* Where OpenSSL is allowed no MD5 there is no name to compare. */
	if (EVP_Q_digest(NULL, "MD5", NULL, der, (size_t)len, md5, NULL) == 1)
		write_hex(md5, sizeof(md5), c->md5);
	v = fill(c, why);
	ERR_clear_error();
	if (v == VERDICT_PASS)
		*ret = TAKE(c);
	return v;
}

void sns_certificate_free(struct sns_certificate *c)
{
	if (!c)
		return;
	if (c->proof)
		X509_STORE_free(c->proof->roots);
	free(c->proof);
	verifier_done(&c->sha1);
	verifier_done(&c->sha256);
	X509_free(c->x509);
	free(c);
}

void sns_certificate_md5(const struct sns_certificate *c, char ret_hex[static SNS_HEX_SIZE])
{
	memcpy(ret_hex, c->md5, sizeof(c->md5));
}

int64_t sns_certificate_not_after_ms(const struct sns_certificate *c)
{
	return c->not_after_ms;
}

static bool check_dates(const struct sns_certificate *c, int64_t at_ms, struct why *why)
{
	char from[UTC_TEXT_SIZE], to[UTC_TEXT_SIZE], at[UTC_TEXT_SIZE];

	/* The last second is not valid any more, as X509_verify_cert() sees it. */
	if (at_ms >= c->not_before_ms && at_ms < c->not_after_ms)
		return true;
	utc_format(c->not_before_ms, from);
	utc_format(c->not_after_ms, to);
	utc_format(at_ms, at);
	why_set(why, "the certificate is valid from %s to %s, and not at %s", from, to, at);
	return false;
}

/*
 * An even exponent is no RSA key, and with 1 or 2 anybody can sign. An exponent of 3 is sound as long as the
 * padding is compared whole, which OpenSSL does.
 */
static bool check_key(const struct sns_certificate *c, struct why *why)
{
	CLEANUP(BN_freep) BIGNUM *exponent = NULL;

	if (!is_rsa(c) || EVP_PKEY_get_bits(c->key) < KEY_BITS_MIN) {
		why_set(why, "the certificate's key is not RSA of at least %d bits", KEY_BITS_MIN);
		return false;
	}
	if (EVP_PKEY_get_bn_param(c->key, OSSL_PKEY_PARAM_RSA_E, &exponent) != 1 ||
	    !BN_is_odd(exponent) || BN_is_one(exponent) || BN_is_negative(exponent)) {
		why_set(why, "the exponent of the certificate's key is even or too small");
		return false;
	}
	return true;
}

/* By alternative name only: the common name is free text to some issuers. */
static bool check_name(const struct sns_certificate *c, struct why *why)
{
	const unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS;

	if (X509_check_host(c->x509, SNS_CERTIFICATE_NAME, 0, flags, NULL) == 1)
		return true;
	why_set(why, "the certificate is not for " SNS_CERTIFICATE_NAME);
	return false;
}

static bool check_purpose(const struct sns_certificate *c, struct why *why)
{
	if (X509_check_purpose(c->x509, X509_PURPOSE_SSL_SERVER, 0) == 1)
		return true;
	why_set(why, "the certificate is not one of a TLS server");
	return false;
}

static bool check_signer(const struct sns_certificate *c, struct why *why)
{
	return check_name(c, why) && check_key(c, why) && check_purpose(c, why);
}

enum verdict sns_certificate_check_signer(const struct sns_certificate *c, struct why *why)
{
	bool good = check_signer(c, why);

	ERR_clear_error();
	return good ? VERDICT_PASS : VERDICT_CERTIFICATE;
}

enum verdict sns_certificate_check(const struct sns_certificate *c, const struct sns_trust *trust,
				   int64_t at_ms, bool *ret_issuer_unknown, struct why *why)
{
	struct chain_proof found = {trust->roots, trust->chain, false, c->not_before_ms,
				    c->not_after_ms};
	bool good;

	*ret_issuer_unknown = false;
	if (chain_is_proved(c->proof, trust, at_ms)) {
		*ret_issuer_unknown = c->proof->issuer_unknown;
		return VERDICT_PASS;
	}
	good = check_signer(c, why) && check_dates(c, at_ms, why);
	if (good && trust->chain != SNS_CHAIN_NAME_ONLY)
		good = chain_check(c->x509, trust, at_ms, &found, why);
	ERR_clear_error();
	if (!good)
		return VERDICT_CERTIFICATE;
	if (trust->roots)
		chain_remember(c->proof, &found);
	*ret_issuer_unknown = found.issuer_unknown;
	return VERDICT_PASS;
}

struct hashing {
	EVP_MD_CTX *ctx;
	bool good;
};

static void hash_piece(const void *data, size_t len, void *userdata)
{
	struct hashing *h = userdata;

	h->good = h->good && EVP_DigestUpdate(h->ctx, data, len) == 1;
}

static bool hash_envelope(const struct verifier *v, const struct sns_envelope *e,
			  unsigned char digest[static DIGEST_MAX], unsigned *ret_len)
{
	struct hashing h = {v->hash, EVP_DigestInit_ex2(v->hash, v->digest, NULL) == 1};

	sns_envelope_signed_text(e, hash_piece, &h);
	return h.good && EVP_DigestFinal_ex(v->hash, digest, ret_len) == 1;
}

/*
 * The rules of these two need the pinned topic and are the caller's; whatever the caller does, a line end in them
 * would let another message's signature fit (threats.md section 1.1).
 */
static bool is_ambiguous(const struct sns_envelope *e)
{
	const struct text *topic = &e->topic_arn, *url = &e->subscribe_url;

	return memchr(topic->at, '\n', topic->len) || (url->at && memchr(url->at, '\n', url->len));
}

/* Empties OpenSSL's queue of errors. */
static bool lacked_memory(void)
{
	bool lacked = false;
	unsigned long error;

	while ((error = ERR_get_error()))
		lacked |= ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE;
	return lacked;
}

enum verdict sns_signature_check(const struct sns_envelope *e, const struct sns_certificate *c,
				 struct why *why)
{
	const struct verifier *v = e->signature_version == 2 ? &c->sha256 : &c->sha1;
	unsigned char signature[SIGNATURE_MAX], digest[DIGEST_MAX];
	int len = text_base64_decode(e->signature, signature, sizeof(signature));
	unsigned digest_len;
	bool hashed, good, lacked;

	if (is_ambiguous(e)) {
		why_set(why,
			"a line end in the topic or the URL: the signed text could be another message's");
		return VERDICT_SIGNATURE;
	}
	if (!v->verify || len != EVP_PKEY_get_size(c->key)) {
		why_set(why, "a signature of %d bytes does not fit the certificate's key", len);
		return VERDICT_SIGNATURE;
	}
	hashed = hash_envelope(v, e, digest, &digest_len);
	good = hashed &&
	       EVP_PKEY_verify(v->verify, signature, (size_t)len, digest, digest_len) == 1;
	lacked = lacked_memory();
	if (good)
		return VERDICT_PASS;
	if (lacked || !hashed) {
		why_set(why, "OpenSSL could not check the signature: out of memory");
		return VERDICT_OVERLOAD;
	}
	why_set(why, "the signature does not fit the text (version %d)", e->signature_version);
	return VERDICT_SIGNATURE;
}
