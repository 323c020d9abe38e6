/*
 * Keys, certificates and signed envelopes for tests, good ones and every sort of bad one. The signed text is
 * written here a second time, apart from src/sns: what is tested must not judge itself. Failures end the test.
 */
#ifndef IPND_TESTS_AUTHORITY_H
#define IPND_TESTS_AUTHORITY_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "base/cleanup.h"
#include "base/text.h"

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(X509 *, X509_free)

/* A new key, which the caller frees. */
EVP_PKEY *authority_rsa(unsigned bits, unsigned long exponent);
EVP_PKEY *authority_key(const char *type); /* "EC", "ED25519", "DSA", "RSA-PSS" */

/* The same RSA key of 2048 bits for the life of the process; borrowed. `n` is below 4. */
EVP_PKEY *authority_shared(unsigned n);

struct recipe {
	struct text common_name;
	struct text dns;   /* the alternative name; absent: none */
	struct text email; /* the same, of type e-mail */
	EVP_PKEY *key;
	const X509 *issuer;   /* NULL: the certificate issues itself */
	EVP_PKEY *issuer_key; /* NULL: `key` */
	bool is_ca;
	const char *usage; /* extendedKeyUsage; NULL: none */
	const char *from;  /* as utc_parse() reads it */
	const char *to;
};

/* A leaf for SNS with shared key 0, valid through 2020, by itself: to be changed by the test. */
struct recipe authority_leaf(void);
/* A CA of that name with that key, valid from 2000 to 2040, by itself. */
struct recipe authority_ca(const char *name, EVP_PKEY *key);

X509 *authority_issue(const struct recipe *r);

/* PEM; the caller frees. */
char *authority_pem(const X509 *x509);
void authority_write(const char *path, const char *content);

/* The fields of an envelope; what is NULL is left out. */
struct draft {
	const char *type;
	const char *message_id;
	const char *token;
	const char *topic_arn;
	const char *subject;
	const char *message;
	const char *subscribe_url;
	const char *timestamp;
	const char *version;
	const char *signing_cert_url;
	const char *unsubscribe_url;
};

#define DRAFT_REGION "us-east-1"
#define DRAFT_TOPIC  "arn:aws:sns:" DRAFT_REGION ":291180941288:A3BXB0YN3XH17HA1EXAMPLE"
#define DRAFT_TOKEN  "2336412f37fb687f5d51e6e2425929f5"
#define DRAFT_HEX    "0123456789abcdef0123456789abcdef"

/* A Notification of the middle of 2020, version 1; and a SubscriptionConfirmation. */
struct draft authority_notification(void);
struct draft authority_confirmation(void);

/* What SNS signs of it, for a type that starts with "Notification" or another. The caller frees. */
char *authority_signed_text(const struct draft *d);

/* Base64 of a signature over `text`. `padding` is RSA_PKCS1_PADDING or RSA_PKCS1_PSS_PADDING. The caller frees. */
char *authority_sign(EVP_PKEY *key, const char *digest, int padding, struct text text);
char *authority_base64(const unsigned char *bytes, size_t len);

/* The body with that signature, or with the one that is right for the draft. The caller frees. */
char *authority_body(const struct draft *d, const char *signature);
char *authority_signed_body(const struct draft *d, EVP_PKEY *key);

#endif
