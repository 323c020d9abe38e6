/* Files of trust: the roots, the intermediates and the cache of signing certificates. */
#ifndef IPND_RECEIVE_TRUST_H
#define IPND_RECEIVE_TRUST_H

#include "base/cleanup.h"
#include "base/text.h"
#include "config/config.h"
#include "sns/certificate.h"

/* Roots and intermediates as configured. 0 or negative errno with the reason, which names the file. */
int trust_load(const struct sns_config *c, struct sns_trust *ret, struct why *why);
void trust_done(struct sns_trust *t);

/*
 * Signing certificates by (region, 32 hex digits), parsed once and kept in memory as long as the file in the cache
 * folder stays the same.
 */
struct certificates;

int certificates_new(const char *cache_folder, struct certificates **ret);
void certificates_free(struct certificates *c);
DEFINE_CLEANUP(struct certificates *, certificates_free)

/*
 * VERDICT_PASS and a borrowed certificate, valid until the next call; VERDICT_CERTIFICATE_MISSING: cannot be
 * read from the cache (the reason names the file looked for); VERDICT_CERTIFICATE: the file is not a usable certificate.
 */
enum verdict certificates_get(struct certificates *c, struct text region, const char *hex,
			      const struct sns_certificate **ret, struct why *why);

#endif
