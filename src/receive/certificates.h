/*
 * Signing certificates by (region, 32 hex digits): the cache folder, where each is kept as it was fetched, and the few that are
 * in use in memory, parsed once. Files stay when their certificate has ended: kept messages can still be checked.
 */
#ifndef IPND_RECEIVE_CERTIFICATES_H
#define IPND_RECEIVE_CERTIFICATES_H

#include "base/cleanup.h"
#include "base/text.h"
#include "sns/certificate.h"

struct certificates;

/* -ENAMETOOLONG, -ENOMEM. The folder need not exist. */
int certificates_new(const char *cache_folder, struct certificates **ret);
void certificates_free(struct certificates *c);
DEFINE_CLEANUP(struct certificates *, certificates_free)

/*
 * VERDICT_PASS and a borrowed certificate, valid until the next call; VERDICT_CERTIFICATE_MISSING: cannot be
 * read from the cache (the reason names the file looked for); VERDICT_CERTIFICATE: the file is not a usable certificate.
 * A file that was replaced is read again.
 */
enum verdict certificates_get(struct certificates *c, struct text region, const char *hex,
			      const struct sns_certificate **ret, struct why *why);

/*
 * Takes `certificate`, and keeps its `pem` in the folder <region>, which is made when it is not there: 0640, whole or not at all
 * (written aside, synced, renamed). 0; negative errno with the reason: it is in memory only.
 */
int certificates_put(struct certificates *c, struct text region, const char *hex, struct text pem,
		     struct sns_certificate *certificate, struct why *why);

#endif
