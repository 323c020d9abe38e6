/* Whether an event is for a hook: a pure decision. */
#ifndef IPND_HOOKS_MATCH_H
#define IPND_HOOKS_MATCH_H

#include "base/text.h"
#include "config/config.h"
#include "ledger/queue.h"

enum match {
	MATCH_NOT, /* the hook did not ask for events of this name */
	MATCH_SKIP, /* it did, but environment, account or lateness excludes this one; the reason is in `ret_why` */
	MATCH_RUN,
};

enum match match_event(const struct hook_config *hook, const struct queue_event *e,
		       struct why *ret_why);

#endif
