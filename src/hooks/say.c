#include "hooks/say.h"

#include <inttypes.h>

#include "base/utc.h"
#include "journal/journal.h"

static struct facts facts_of(const struct job *j)
{
	struct facts facts = {
		.account = j->account,
		.object_type = j->object_type,
		.object_id = j->object_id,
		.hook = j->hook,
		.event_id = NUMBER(j->event_id),
		.event = j->event,
		.attempt = NUMBER(j->attempt.number),
		.duration_usec = NUMBER(j->duration_usec),
	};

	if (j->outcome.has_status)
		facts.exit_status = NUMBER(j->outcome.exit_status);
	return facts;
}

static void say_outcome(const struct job *j)
{
	const struct facts facts = facts_of(j);
	double seconds = (double)j->duration_usec / 1000000;
	char next[UTC_TEXT_SIZE];

	switch (j->outcome.state) {
	case QUEUE_PENDING:
		utc_format(j->outcome.next_attempt_ms, next);
		journal_facts(KIND_HOOK_AGAIN, LOG_WARNING, &facts,
			      "%s: %s: %s after %.3f s; attempt %" PRId64 " follows at %s", j->hook,
			      j->subject, j->outcome.detail.text, seconds, j->attempt.number + 1,
			      next);
		break;
	case QUEUE_DONE:
		journal_facts(KIND_HOOK_DONE, LOG_INFO, &facts,
			      "%s: %s: done in attempt %" PRId64 " after %.3f s", j->hook,
			      j->subject, j->attempt.number, seconds);
		break;
	case QUEUE_DEAD:
		journal_facts(KIND_HOOK_DEAD, LOG_ERR, &facts,
			      "%s: %s: %s after %.3f s, attempt %" PRId64
			      "; dead: `ipnctl show %" PRId64 "` shows its output",
			      j->hook, j->subject, j->outcome.detail.text, seconds,
			      j->attempt.number, j->event_id);
		break;
	case QUEUE_RUNNING:
	case QUEUE_SKIPPED:
		break;
	}
}

/* Said once, as loud as it is. */
static void say_pause(const struct job *j)
{
	const struct facts facts = {.hook = j->hook};

	if (j->pauses)
		journal_facts(
			KIND_HOOK_PAUSED, LOG_ERR, &facts,
			"hook %s is paused, since it fails for everyone: %s; one run is tried every %d s. Mend it, "
			"then: ipnctl hooks resume %s",
			j->hook, j->outcome.detail.text, OUTCOME_PROBE_MS / 1000, j->hook);
	if (j->resumes)
		journal_facts(KIND_HOOK_RESUMED, LOG_NOTICE, &facts,
			      "hook %s works again: no longer paused", j->hook);
}

void say_result(const struct job *j)
{
	const struct facts facts = facts_of(j);

	if (j->lost)
		journal_facts(
			KIND_HOOK_CUT_SHORT, LOG_WARNING, &facts,
			"%s: %s: %s, but the database knows nothing of this attempt any more: it was replaced",
			j->hook, j->subject, j->outcome.detail.text);
	else
		say_outcome(j);
	say_pause(j);
}

void say_lost(const struct job *j)
{
	const struct facts facts = {.hook = j->hook, .event_id = NUMBER(j->event_id)};

	journal_facts(KIND_HOOK_DEAD, LOG_ERR, &facts,
		      "%s: event %" PRId64 " is not in the database any more: given up", j->hook,
		      j->event_id);
}
