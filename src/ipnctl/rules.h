/* The rules of an authentic notification, one after another, each with its result (threats.md section 2.6). */
#ifndef IPND_IPNCTL_RULES_H
#define IPND_IPNCTL_RULES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "config/config.h"
#include "receive/certificates.h"
#include "receive/trust.h"
#include "verdict/verdict.h"

/* What the rules are applied with. */
struct rules_given {
	const struct config *config; /* NULL: there is none, and no account to name */
	const struct sns_certificate
		*certificate; /* given by hand; NULL: `certificates` are asked */
	struct certificates *certificates;
	const struct sns_trust *trust;
	const char *untrusted; /* why the issuer cannot be looked at; NULL: it can */
	int64_t max_age_ms;    /* only reported */
	int64_t now_ms;
	bool at_now; /* the certificate has to be valid now, not when the message was sent */
};

/* What came out. */
struct rules {
	json_t *list;         /* {rule, result, why}; the result is "ok", "FAILED" or "note" */
	json_t *facts;        /* what the message says of itself, as far as it could be read */
	enum verdict verdict; /* of the first rule that failed; VERDICT_PASS: none has */
};

/* Applies every rule that can be applied. The caller calls rules_done(). */
void rules_apply(struct text body, const struct rules_given *given, struct rules *ret);

void rules_done(struct rules *r);

#endif
