/* Files of trust: the roots and the intermediates. */
#ifndef IPND_RECEIVE_TRUST_H
#define IPND_RECEIVE_TRUST_H

#include "base/cleanup.h"
#include "base/text.h"
#include "config/config.h"
#include "sns/certificate.h"

/* Roots and intermediates as configured. 0 or negative errno with the reason, which names the setting and the file. */
int trust_load(const struct sns_config *c, struct sns_trust *ret, struct why *why);
void trust_done(struct sns_trust *t);

#endif
