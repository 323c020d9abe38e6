/* The signing certificate: what it must be, and the signature made with its key (threats.md section 2.5). */
#ifndef IPND_SNS_CERTIFICATE_H
#define IPND_SNS_CERTIFICATE_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "sns/envelope.h"
#include "sns/topic.h"

#define SNS_CERTIFICATE_NAME "sns.amazonaws.com"
#define SNS_CERTIFICATE_MAX  16384 /* bytes of PEM; real ones have about 2 KB */

/* One parsed certificate. Immutable, but for one thread at a time: what checks signatures is set up once. */
struct sns_certificate;

/*
 * Whom to believe about the signing certificate's issuer. Borrowed; built from files by the caller. Neither changes
 * while it is in use: what was proved is remembered by the address of `roots`.
 */
struct sns_trust {
	X509_STORE *roots;
	STACK_OF(X509) * intermediates; /* untrusted, to complete the chain; may be NULL */
	enum sns_chain { SNS_CHAIN_REQUIRE, SNS_CHAIN_PREFER, SNS_CHAIN_NAME_ONLY } chain;
};

/*
 * Exactly one PEM block of type CERTIFICATE, nothing but white space around it, no trailing DER.
 * VERDICT_PASS or VERDICT_CERTIFICATE with the reason.
 */
enum verdict sns_certificate_parse(struct text pem, struct sns_certificate **ret, struct why *why);
void sns_certificate_free(struct sns_certificate *c);

/*
 * Lower-case hex MD5 of the DER: by observation the name of the certificate's file (threats.md section
 * 2.3). Empty where OpenSSL is allowed no MD5.
 */
void sns_certificate_md5(const struct sns_certificate *c, char ret_hex[static SNS_HEX_SIZE]);

/* End of validity. */
int64_t sns_certificate_not_after_ms(const struct sns_certificate *c);

/* Name, key and purpose: what no date and no authority changes. VERDICT_PASS or VERDICT_CERTIFICATE with the reason. */
enum verdict sns_certificate_check_signer(const struct sns_certificate *c, struct why *why);

/*
 * Name by SAN, RSA of at least 2048 bits, purpose, validity at `at_ms`, and the chain as `trust` says. With
 * SNS_CHAIN_PREFER an unknown issuer passes and *ret_issuer_unknown is set; a broken chain never passes.
 * VERDICT_PASS or VERDICT_CERTIFICATE with the reason. *ret_issuer_unknown is always written.
 * What passed is remembered in the certificate, for as long as all of its chain is valid: each message would else cost the
 * check of every signature above it. Not for two threads at a time.
 */
enum verdict sns_certificate_check(const struct sns_certificate *c, const struct sns_trust *trust,
				   int64_t at_ms, bool *ret_issuer_unknown, struct why *why);

/*
 * RSASSA-PKCS1-v1_5 with SHA-1 (version 1) or SHA-256 (version 2). VERDICT_PASS or VERDICT_SIGNATURE;
 * VERDICT_OVERLOAD when out of memory, which says nothing about the signature.
 */
enum verdict sns_signature_check(const struct sns_envelope *e, const struct sns_certificate *c,
				 struct why *why);

#endif
