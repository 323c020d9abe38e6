/* The keys and certificates of a rehearsal, and signatures made with them. */
#ifndef IPND_SIMULATE_AUTHORITY_H
#define IPND_SIMULATE_AUTHORITY_H

#include "base/cleanup.h"
#include "base/text.h"

#define AUTHORITY_CA          "ca.pem"
#define AUTHORITY_CA_KEY      "ca.key"
#define AUTHORITY_SIGNING_KEY "signing.key"
#define AUTHORITY_TLS         "tls.pem"
#define AUTHORITY_TLS_KEY     "tls.key"

/*
 * Makes below `folder`: a CA; a certificate that may sign in SNS's name, by that CA, stored as
 * `cache`/SimpleNotificationService-<md5 of its DER>.pem; a TLS certificate for localhost, by the same CA; and
 * their keys (0600). Existing files are never replaced. 0 or negative errno with the reason.
 */
int authority_create(const char *folder, const char *cache, struct why *why);

struct signer;

/*
 * The key at `folder`/signing.key and that certificate below `cache` which belongs to it. 0; -ENOENT: there is no such
 * key or certificate; other negative errno. The reason names the file.
 */
int signer_open(const char *folder, const char *cache, struct signer **ret, struct why *why);
void signer_free(struct signer *s);
DEFINE_CLEANUP(struct signer *, signer_free)

/* The hex digits of the certificate's file name. */
const char *signer_hex(const struct signer *s);

#define SIGNATURE_TEXT_SIZE 1025 /* Base64 of a key of up to 6144 bits and the NUL */

/* RSASSA-PKCS1-v1_5 with SHA-1 (version 1) or SHA-256 (2), in Base64. 0 or -EIO. */
int signer_sign(const struct signer *s, int version, struct text text,
		char ret[static SIGNATURE_TEXT_SIZE]);

#endif
