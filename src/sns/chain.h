/* Inside src/sns/: the certificates above the one that signs, and the memory of what was proved about them. */
#ifndef IPND_SNS_CHAIN_H
#define IPND_SNS_CHAIN_H

#include <openssl/x509_vfy.h>

#include "sns/certificate.h"

/*
 * What sns_certificate_check() last found good. All of it but the time is the same for each message, and to prove it anew
 * costs more than the check of a signature.
 */
struct chain_proof {
	X509_STORE *roots; /* held, so that no other can have its address; NULL: none */
	enum sns_chain chain;
	bool issuer_unknown;
	int64_t from_ms, until_ms; /* every certificate of the chain that was found is valid then */
};

/* False: there is none, or it cannot be read. */
bool chain_time_ms(const ASN1_TIME *t, int64_t *ret_ms);

/*
 * Whether `trust` leads to it at that time; false with the reason. `ret` comes with the time in which the certificate itself is
 * valid, which becomes that of all of them.
 */
bool chain_check(X509 *x509, const struct sns_trust *trust, int64_t at_ms, struct chain_proof *ret,
		 struct why *why);

bool chain_is_proved(const struct chain_proof *p, const struct sns_trust *trust, int64_t at_ms);
/* Takes a reference to the roots. */
void chain_remember(struct chain_proof *p, const struct chain_proof *found);

#endif
