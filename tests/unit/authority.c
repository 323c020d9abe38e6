#include "authority.h"

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/utc.h"
#include "unit.h"

DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)
DEFINE_CLEANUP(BIGNUM *, BN_free)
DEFINE_CLEANUP(BIO *, BIO_free_all)

EVP_PKEY *authority_rsa(unsigned bits, unsigned long exponent)
{
	CLEANUP(EVP_PKEY_CTX_freep)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	CLEANUP(BN_freep) BIGNUM *e = BN_new();
	EVP_PKEY *key = NULL;

	ck_assert(e && BN_set_word(e, exponent));
	ck_assert(ctx && EVP_PKEY_keygen_init(ctx) == 1);
	ck_assert(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits) == 1);
	ck_assert(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e) == 1);
	ck_assert(EVP_PKEY_generate(ctx, &key) == 1);
	return key;
}

static EVP_PKEY *dsa_key(void)
{
	CLEANUP(EVP_PKEY_CTX_freep)
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *generate = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *parameters = NULL;
	EVP_PKEY *key = NULL;

	ck_assert(ctx && EVP_PKEY_paramgen_init(ctx) == 1);
	ck_assert(EVP_PKEY_paramgen(ctx, &parameters) == 1);
	generate = EVP_PKEY_CTX_new_from_pkey(NULL, parameters, NULL);
	ck_assert(generate && EVP_PKEY_keygen_init(generate) == 1);
	ck_assert(EVP_PKEY_generate(generate, &key) == 1);
	return key;
}

EVP_PKEY *authority_key(const char *type)
{
	CLEANUP(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *key = NULL;

	if (strcmp(type, "DSA") == 0)
		return dsa_key();
	if (strcmp(type, "EC") == 0) {
		key = EVP_EC_gen("P-256");
	} else {
		ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
		ck_assert(ctx && EVP_PKEY_keygen_init(ctx) == 1);
		EVP_PKEY_generate(ctx, &key);
	}
	ck_assert_msg(key != NULL, "no key of type %s", type);
	return key;
}

EVP_PKEY *authority_shared(unsigned n)
{
	static EVP_PKEY *keys[4];

	ck_assert(n < 4);
	if (!keys[n])
		keys[n] = authority_rsa(2048, 65537);
	return keys[n];
}

struct recipe authority_leaf(void)
{
	return (struct recipe){
		.common_name = TEXT("sns.amazonaws.com"),
		.dns = TEXT("sns.amazonaws.com"),
		.key = authority_shared(0),
		.usage = "serverAuth",
		.from = "2020-01-01T00:00:00.000Z",
		.to = "2020-12-31T23:59:59.000Z",
	};
}

struct recipe authority_ca(const char *name, EVP_PKEY *key)
{
	return (struct recipe){
		.common_name = text_of(name),
		.key = key,
		.is_ca = true,
		.from = "2000-01-01T00:00:00.000Z",
		.to = "2040-01-01T00:00:00.000Z",
	};
}

static void add_extension(X509 *x509, const X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, (X509 *)(uintptr_t)issuer, x509, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ck_assert(extension && X509_add_ext(x509, extension, -1) == 1);
	X509_EXTENSION_free(extension);
}

/* By hand, because the configuration's way takes no NUL byte. */
static void add_name(GENERAL_NAMES *names, int type, struct text value)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *string = ASN1_IA5STRING_new();

	if (!value.at) {
		GENERAL_NAME_free(name);
		ASN1_IA5STRING_free(string);
		return;
	}
	ck_assert(name && string && ASN1_STRING_set(string, value.at, (int)value.len) == 1);
	GENERAL_NAME_set0_value(name, type, string);
	ck_assert(sk_GENERAL_NAME_push(names, name) > 0);
}

static void add_names(X509 *x509, const struct recipe *r)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();

	add_name(names, GEN_DNS, r->dns);
	add_name(names, GEN_EMAIL, r->email);
	if (sk_GENERAL_NAME_num(names) > 0)
		ck_assert(X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, 0) == 1);
	GENERAL_NAMES_free(names);
}

static void set_dates(X509 *x509, const struct recipe *r)
{
	int64_t from_ms, to_ms;

	ck_assert(utc_parse(text_of(r->from), &from_ms) == 0 &&
		  utc_parse(text_of(r->to), &to_ms) == 0);
	ck_assert(ASN1_TIME_set(X509_getm_notBefore(x509), from_ms / 1000) != NULL);
	ck_assert(ASN1_TIME_set(X509_getm_notAfter(x509), to_ms / 1000) != NULL);
}

X509 *authority_issue(const struct recipe *r)
{
	static long serial = 1;
	const X509 *issuer = r->issuer;
	EVP_PKEY *key = r->issuer_key ? r->issuer_key : r->key;
	const char *id = EVP_PKEY_get0_type_name(key);
	X509 *x509 = X509_new();
	X509_NAME *name;

	ck_assert(x509 && X509_set_version(x509, X509_VERSION_3) == 1);
	ck_assert(ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++) == 1);
	name = X509_get_subject_name(x509);
	ck_assert(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
					     (const unsigned char *)r->common_name.at,
					     (int)r->common_name.len, -1, 0) == 1);
	ck_assert(X509_set_issuer_name(x509, X509_get_subject_name(issuer ? issuer : x509)) == 1);
	ck_assert(X509_set_pubkey(x509, r->key) == 1);
	set_dates(x509, r);
	add_names(x509, r);
	add_extension(x509, issuer ? issuer : x509, NID_basic_constraints,
		      r->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_extension(x509, issuer ? issuer : x509, NID_key_usage,
		      r->is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
	add_extension(x509, issuer ? issuer : x509, NID_subject_key_identifier, "hash");
	if (issuer)
		add_extension(x509, issuer, NID_authority_key_identifier, "keyid");
	if (r->usage)
		add_extension(x509, issuer ? issuer : x509, NID_ext_key_usage, r->usage);
	ck_assert(X509_sign(x509, key, strcmp(id, "ED25519") == 0 ? NULL : EVP_sha256()) > 0);
	return x509;
}

char *authority_pem(const X509 *x509)
{
	CLEANUP(BIO_free_allp) BIO *bio = BIO_new(BIO_s_mem());
	char *pem;
	long len;

	ck_assert(bio && PEM_write_bio_X509(bio, x509) == 1);
	len = BIO_get_mem_data(bio, &pem);
	return text_dup((struct text){pem, (size_t)len});
}

void authority_write(const char *path, const char *content)
{
	CLEANUP(fclosep) FILE *f = fopen(path, "we");

	ck_assert_msg(f != NULL, "cannot write %s", path);
	ck_assert(fputs(content, f) >= 0 && fflush(f) == 0);
}

struct draft authority_notification(void)
{
	return (struct draft){
		.type = "Notification",
		.message_id = "fb446ef1-c2bd-5bb9-a998-22f365e7e95b",
		.topic_arn = DRAFT_TOPIC,
		.message = "{\"a\":\"b\\n\"}\nsecond line",
		.timestamp = "2020-06-15T12:00:00.000Z",
		.version = "1",
		.signing_cert_url = "https://sns." DRAFT_REGION
				    ".amazonaws.com/SimpleNotificationService-" DRAFT_HEX ".pem",
		.unsubscribe_url = "https://sns." DRAFT_REGION ".amazonaws.com/?Action=Unsubscribe",
	};
}

struct draft authority_confirmation(void)
{
	struct draft d = authority_notification();

	d.type = "SubscriptionConfirmation";
	d.token = DRAFT_TOKEN;
	d.subscribe_url = "https://sns." DRAFT_REGION
			  ".amazonaws.com/?Action=ConfirmSubscription&TopicArn=" DRAFT_TOPIC
			  "&Token=" DRAFT_TOKEN;
	d.unsubscribe_url = NULL;
	return d;
}

char *authority_signed_text(const struct draft *d)
{
	if (strncmp(d->type, "Notification", strlen("Notification")) != 0)
		return unit_format(
			"Message\n%s\nMessageId\n%s\nSubscribeURL\n%s\nTimestamp\n%s\nToken\n%s\n"
			"TopicArn\n%s\nType\n%s\n",
			d->message, d->message_id, d->subscribe_url, d->timestamp, d->token,
			d->topic_arn, d->type);
	return unit_format(
		"Message\n%s\nMessageId\n%s\n%s%s%sTimestamp\n%s\nTopicArn\n%s\nType\n%s\n",
		d->message, d->message_id, d->subject ? "Subject\n" : "",
		d->subject ? d->subject : "", d->subject ? "\n" : "", d->timestamp, d->topic_arn,
		d->type);
}

char *authority_base64(const unsigned char *bytes, size_t len)
{
	unsigned char *s = malloc((len + 2) / 3 * 4 + 1);

	ck_assert(s != NULL);
	EVP_EncodeBlock(s, bytes, (int)len);
	return (char *)s;
}

char *authority_sign(EVP_PKEY *key, const char *digest, int padding, struct text text)
{
	CLEANUP(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char signature[1024];
	size_t len = sizeof(signature);
	EVP_PKEY_CTX *of_key;

	ck_assert(ctx && EVP_DigestSignInit_ex(ctx, &of_key, digest, NULL, NULL, key, NULL) == 1);
	ck_assert(EVP_PKEY_CTX_set_rsa_padding(of_key, padding) == 1);
	ck_assert(EVP_DigestSign(ctx, signature, &len, (const unsigned char *)text.at, text.len) ==
		  1);
	return authority_base64(signature, len);
}

static void add_member(json_t *body, const char *key, const char *value)
{
	if (value)
		ck_assert(json_object_set_new(body, key, json_string(value)) == 0);
}

char *authority_body(const struct draft *d, const char *signature)
{
	json_t *body = json_object();
	char *s;

	add_member(body, "Type", d->type);
	add_member(body, "MessageId", d->message_id);
	add_member(body, "Token", d->token);
	add_member(body, "TopicArn", d->topic_arn);
	add_member(body, "Subject", d->subject);
	add_member(body, "Message", d->message);
	add_member(body, "SubscribeURL", d->subscribe_url);
	add_member(body, "Timestamp", d->timestamp);
	add_member(body, "SignatureVersion", d->version);
	add_member(body, "Signature", signature);
	add_member(body, "SigningCertURL", d->signing_cert_url);
	add_member(body, "UnsubscribeURL", d->unsubscribe_url);
	s = json_dumps(body, JSON_INDENT(2));
	json_decref(body);
	ck_assert(s != NULL);
	return s;
}

char *authority_signed_body(const struct draft *d, EVP_PKEY *key)
{
	CLEANUP(freep) char *text = authority_signed_text(d);
	CLEANUP(freep) char *signature = NULL;

	signature = authority_sign(key, strcmp(d->version, "2") == 0 ? "SHA256" : "SHA1",
				   RSA_PKCS1_PADDING, text_of(text));
	return authority_body(d, signature);
}
