#include "receive/deadlines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utc.h"
#include "journal/journal.h"
#include "ledger/deadline.h"
#include "receive/timer.h"

#define LOOK_USEC  30000000 /* how late a deadline may be told; they are hours and days ahead */
#define AGAIN_USEC 100000   /* more are due, or the database was busy: messages come first */
#define AT_ONCE    100      /* in one transaction */

struct deadlines {
	struct ledger *ledger;
	struct deadline_ahead ahead;
	sd_event_source *timer;
	bool failed; /* said once per trouble */
};

static void arm(struct deadlines *d, uint64_t usec)
{
	timer_arm(d->timer, usec);
}

/* 0 or more: how many were made; negative errno. */
static int make(struct deadlines *d)
{
	int made, error = ledger_begin(d->ledger);

	if (error < 0)
		return error;
	made = ledger_make_deadlines(d->ledger, &d->ahead, utc_now_ms(), AT_ONCE);
	if (made > 0)
		error = ledger_commit(d->ledger);
	if (made <= 0 || error < 0)
		ledger_rollback(d->ledger);
	return error < 0 ? error : made;
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct deadlines *d = userdata;
	int made = make(d);
	bool failed = made < 0 && made != -EBUSY;

	(void)source;
	(void)usec;
	if (failed && !d->failed)
		journal_say(KIND_DATABASE, LOG_ERR,
			    "deadlines cannot be told: %s (%s); tried again", strerror(-made),
			    ledger_error(d->ledger));
	d->failed = failed;
	if (made > 0)
		journal_say(KIND_DEADLINES, LOG_INFO, "%d deadline%s told", made,
			    made == 1 ? "" : "s");
	arm(d, made == -EBUSY || made == AT_ONCE ? AGAIN_USEC : LOOK_USEC);
	return 0;
}

int deadlines_new(sd_event *event, struct ledger *ledger, struct deadlines **ret)
{
	CLEANUP(deadlines_freep) struct deadlines *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return -ENOMEM;
	d->ledger = ledger;
	r = timer_new(event, on_time, "deadlines", d, &d->timer);
	if (r < 0)
		return r;
	*ret = TAKE(d);
	return 0;
}

void deadlines_free(struct deadlines *d)
{
	if (!d)
		return;
	sd_event_source_disable_unref(d->timer);
	free(d);
}

void deadlines_configure(struct deadlines *d, const struct deadline_config *c)
{
	d->ahead = (struct deadline_ahead){c->authorization_ms, c->order_reference_ms};
	arm(d, AGAIN_USEC);
}
