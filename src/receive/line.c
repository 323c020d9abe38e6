#include "receive/line.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/log.h"
#include "base/utc.h"
#include "journal/journal.h"
#include "ledger/subscription.h"
#include "receive/timer.h"

#define RETRY_USEC 2000 /* another writer's transaction takes about this long */
#define POSTS_MAX  1024 /* as many as the default of max_connections */

/*
 * Parts of a request's deadline. When the first in line has waited for `EARLY`, the database is locked or the disk hangs, and who
 * comes now will most likely wait in vain. When a turn, with its COMMIT, takes longer than `SLOW`, a post that comes during one and is
 * written in the next is answered too late.
 */
#define EARLY(deadline) ((deadline) / 5)
#define SLOW(deadline)  ((deadline) / 2)

struct line {
	struct ledger *ledger;
	const struct config *config;
	sd_event_source *retry, *committed; /* committed: of an eventfd that it owns */
	struct post *written;               /* those whose COMMIT is under way */
	struct post *first, **end; /* those that wait for the next turn, in the order of arrival */
	unsigned n;                /* of both */
	uint64_t began_usec;       /* the last turn */
	uint64_t deadline_usec;
	bool slow,
		failed; /* what the last turn was; a failure is said once per trouble, not once per turn */
	line_done *done;
	void *userdata;
};

bool line_admits(const struct line *l)
{
	const struct post *oldest = l->written ? l->written : l->first;

	if (!oldest)
		return true;
	return !l->slow && !l->failed && l->n < POSTS_MAX &&
	       monotonic_usec() - oldest->accepted_usec < EARLY(l->deadline_usec);
}

void line_add(struct line *l, struct post *p)
{
	p->accepted_usec = monotonic_usec();
	p->next = NULL;
	*l->end = p;
	l->end = &p->next;
	l->n++;
}

static struct post *take_all(struct line *l)
{
	struct post *p = l->first;

	l->first = NULL;
	l->end = &l->first;
	return p;
}

static void arm(struct line *l, uint64_t usec)
{
	timer_arm(l->retry, usec);
}

/* SNS asks, or has ended it: kept for a person, or to be confirmed when it is on disk. */
static int keep_subscription(struct line *l, struct post *p)
{
	struct message *m = &p->message;
	bool asks = m->envelope.type == SNS_SUBSCRIPTION_CONFIRMATION;
	bool confirm = asks && l->config->sns.subscription == SUBSCRIPTION_CONFIRM;
	struct ledger_subscription s = {
		.account = m->account->name,
		.topic_arn = m->envelope.topic_arn,
		.type = m->envelope.type_text,
		.message_id = m->envelope.message_id,
		.token = m->envelope.token,
		.sent_at_ms = m->envelope.sent_at_ms,
		.received_at_ms = m->received_ms,
		.state = confirm ? SUBSCRIPTION_CONFIRMING
			 : asks  ? SUBSCRIPTION_PENDING
				 : SUBSCRIPTION_ENDED,
		.by = confirm ? log_program() : NULL,
	};
	int64_t id = 0;
	int kept = ledger_keep_subscription(l->ledger, &s, &id);

	p->subscription_id = 0;
	if (kept < 0)
		return kept;
	m->verdict = kept ? VERDICT_SUBSCRIPTION : VERDICT_DUPLICATE;
	p->subscription_id = confirm ? id : 0;
	if (kept)
		why_set(&m->why, "account %s: %s; ipnctl subscriptions shows it as number %" PRId64,
			m->account->name,
			confirm ? "SNS asks to confirm the subscription, which is done now"
			: asks  ? "SNS asks to confirm a subscription, and nothing was confirmed"
				: "SNS has ended the subscription: no more notifications will come",
			id);
	return 0;
}

static int store(struct line *l, struct post *p)
{
	if (p->message.envelope.type != SNS_NOTIFICATION)
		return keep_subscription(l, p);
	return message_store(&p->message, l->ledger);
}

/*
 * A thread costs one that is alone a part of its time, and nobody gains who is not there. With a slow disk others come meanwhile, and are
 * told at once to come again.
 */
static int commit(struct line *l, bool *ret_aside)
{
	*ret_aside = l->n > 1 || l->slow;
	return *ret_aside ? ledger_commit_aside(l->ledger, sd_event_source_get_io_fd(l->committed))
			  : ledger_commit(l->ledger);
}

static int write_all(struct line *l, int (*begin)(struct ledger *l), bool *ret_aside)
{
	int error = begin(l->ledger);

	*ret_aside = false;
	for (struct post *p = l->first; p && error == 0; p = p->next) {
		error = store(l, p);
		if (error == -EINVAL) { /* this one only */
			journal_say(KIND_DATABASE, LOG_ERR, "a message could not be stored: %s",
				    ledger_error(l->ledger));
			p->message.verdict = VERDICT_DATABASE;
			error = 0;
		}
	}
	if (error == 0)
		error = commit(l, ret_aside);
	if (error < 0)
		ledger_rollback(l->ledger);
	return error;
}

static int write_waiting(struct line *l, bool *ret_aside)
{
	int error = write_all(l, ledger_begin_together, ret_aside);

	/* One of them is at fault: each by itself then, so that the others are kept. */
	return error == -ECANCELED ? write_all(l, ledger_begin, ret_aside) : error;
}

void line_say_status(const struct line *l)
{
	if (l->failed)
		sd_notify(0, "STATUS=Answering 503: the database cannot be written");
	else if (l->slow)
		sd_notify(0, "STATUS=Answering 503 to most: the disk is slow");
	else
		sd_notifyf(0, "STATUS=Receiving for %zu account%s", l->config->n_accounts,
			   l->config->n_accounts == 1 ? "" : "s");
}

static void note_failure(struct line *l, int error)
{
	bool failed = error < 0;

	if (failed == l->failed)
		return;
	l->failed = failed;
	if (failed)
		journal_say(KIND_DATABASE, LOG_ERR,
			    "the database cannot be written: %s (%s); answering 503 until it can",
			    strerror(-error), ledger_error(l->ledger));
	else
		journal_say(KIND_DATABASE_BACK, LOG_NOTICE, "the database can be written again");
	line_say_status(l);
}

/* Tells each of the chain `posts` what came of their transaction. */
static void answer(struct line *l, struct post *posts, int error)
{
	note_failure(l, error);
	while (posts) {
		struct post *p = posts;

		posts = p->next;
		l->n--;
		l->done(p, error < 0 ? VERDICT_DATABASE : p->message.verdict, error == 0,
			l->userdata);
	}
}

/* Whether the oldest has waited so long that its sender had better come again: half of its time for the database, and nearly all. */
static bool waited_enough(const struct line *l)
{
	uint64_t now = monotonic_usec();

	return now - l->first->accepted_usec > l->deadline_usec / 2 ||
	       now - l->first->arrived_usec > l->deadline_usec * 9 / 10;
}

/* How long the disk took is known only afterwards. */
static void note_pace(struct line *l)
{
	uint64_t took_usec = monotonic_usec() - l->began_usec;
	bool slow = took_usec > SLOW(l->deadline_usec);

	if (slow == l->slow)
		return;
	l->slow = slow;
	if (slow)
		journal_say(
			KIND_DATABASE_SLOW, LOG_WARNING,
			"the disk took %" PRIu64
			" s for one transaction; answering 503 but to one at a time until it is faster",
			took_usec / 1000000);
	else
		journal_say(KIND_DATABASE_BACK, LOG_NOTICE, "the disk is fast enough again");
	line_say_status(l);
}

void line_turn(struct line *l)
{
	bool aside;
	int error;

	if (!l->first || l->written)
		return;
	l->began_usec = monotonic_usec();
	error = write_waiting(l, &aside);
	if (error == -EBUSY && !waited_enough(l)) {
		arm(l, RETRY_USEC);
		return;
	}
	if (error == 0 && aside) {
		l->written = take_all(l);
		return;
	}
	note_pace(l);
	answer(l, take_all(l), error);
}

static void end_commit(struct line *l)
{
	int error = ledger_commit_end(l->ledger);
	struct post *written = TAKE(l->written);

	note_pace(l);
	answer(l, written, error);
}

static int on_committed(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	eventfd_t unused;

	(void)source;
	(void)events;
	eventfd_read(fd, &unused);
	end_commit(userdata);
	/* Who came meanwhile. */
	line_turn(userdata);
	return 0;
}

void line_turn_soon(struct line *l)
{
	arm(l, 0);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata)
{
	(void)source;
	(void)usec;
	line_turn(userdata);
	return 0;
}

void line_configure(struct line *l, const struct config *c)
{
	l->config = c;
}

static int watch_commits(struct line *l, sd_event *event)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), r;

	if (fd < 0)
		return -errno;
	r = sd_event_add_io(event, &l->committed, fd, EPOLLIN, on_committed, l);
	if (r < 0) {
		close(fd);
		return r;
	}
	return sd_event_source_set_io_fd_own(l->committed, 1);
}

int line_new(sd_event *event, struct ledger *ledger, int64_t deadline_ms, line_done *done,
	     void *userdata, struct line **ret)
{
	CLEANUP(line_freep) struct line *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	l->ledger = ledger;
	l->deadline_usec = (uint64_t)deadline_ms * 1000;
	l->end = &l->first;
	l->done = done;
	l->userdata = userdata;
	r = watch_commits(l, event);
	if (r == 0)
		r = timer_new(event, on_retry, "database-retry", l, &l->retry);
	if (r < 0)
		return r;
	*ret = TAKE(l);
	return 0;
}

void line_free(struct line *l)
{
	if (!l)
		return;
	if (l->written)
		end_commit(l);
	if (l->first)
		answer(l, take_all(l), -ECANCELED);
	sd_event_source_disable_unref(l->committed);
	sd_event_source_disable_unref(l->retry);
	free(l);
}
