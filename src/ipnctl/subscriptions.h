/* Messages about the subscription, as `subscriptions` lists and `status` warns of them. */
#ifndef IPND_IPNCTL_SUBSCRIPTIONS_H
#define IPND_IPNCTL_SUBSCRIPTIONS_H

#include "ipnctl/ipnctl.h"

/* All, newest first, each with `open` (a person has to do something) and `advice`. 0 or negative errno. */
int subscriptions_ask(struct ctl *c, json_t **ret);

#endif
