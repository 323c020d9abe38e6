#include "runs.h"

#include <stdio.h>

#include "base/utc.h"
#include "hooks/match.h"
#include "ledger/queue.h"

#define EVENTS_AT_ONCE 256
#define HOOK_TOOK_MS   30
#define DEAD_EVERY     1000
#define PENDING        50
#define GIVE_UP        100 /* exit status */

static int end_run(struct runs *runs, const struct queue_event *e, int64_t now_ms)
{
	bool dies = e->id % DEAD_EVERY == 0;
	struct queue_attempt attempt;
	char output[256];
	int n, r = queue_start(runs->ledger, e->id, runs->hook.name, true, now_ms, &attempt);

	if (r < 0)
		return r;
	n = snprintf(output, sizeof(output), "%s %s: %s -> %s\n", e->name, e->object_id,
		     e->previous_state ? e->previous_state : "new", e->state ? e->state : "");
	r = queue_end(runs->ledger, &(struct queue_end){
					    .event_id = e->id,
					    .hook = runs->hook.name,
					    .attempt = attempt.number,
					    .state = dies ? QUEUE_DEAD : QUEUE_DONE,
					    .next_attempt_ms = UTC_UNKNOWN,
					    .counted = attempt.counted,
					    .has_status = true,
					    .exit_status = dies ? GIVE_UP : 0,
					    .detail = dies ? "exit 100: given up" : "exit 0",
					    .output = {output, (size_t)n},
					    .now_ms = now_ms + HOOK_TOOK_MS,
				    });
	if (r == 0 && dies)
		r = queue_dead_event(runs->ledger, e->id, runs->hook.name, now_ms + HOOK_TOOK_MS);
	return r < 0 ? r : 0;
}

static int decide(const struct queue_event *e, void *userdata)
{
	struct runs *runs = userdata;
	int64_t now_ms = e->created_ms + HOOK_TOOK_MS;
	struct why why;
	int r = 0;

	runs->decided = e->id;
	switch (match_event(&runs->hook, e, &why)) {
	case MATCH_NOT:
		return 0;
	case MATCH_SKIP:
		return queue_put(runs->ledger, e->id, runs->hook.name, why.text, now_ms);
	case MATCH_RUN:
		r = queue_put(runs->ledger, e->id, runs->hook.name, NULL, now_ms);
		break;
	}
	if (r < 0 || e->id >= runs->pending_from)
		return r;
	return end_run(runs, e, now_ms);
}

int runs_write(struct runs *runs, bool last)
{
	int64_t before, newest;
	int r = queue_newest(runs->ledger, &newest);

	runs->pending_from = last ? newest - PENDING + 1 : INT64_MAX;
	while (r == 0) {
		before = runs->decided;
		r = queue_events(runs->ledger, before, EVENTS_AT_ONCE, decide, runs);
		if (runs->decided == before)
			break;
	}
	return r < 0 ? r : queue_seen(runs->ledger, runs->hook.name, runs->decided);
}
