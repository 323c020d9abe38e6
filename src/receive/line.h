/*
 * The line: authentic posts that wait for the disk. Its turn writes all of them in one transaction and answers them only after
 * the COMMIT. The disk has it meanwhile, and the loop reads and checks those that come: they are the next turn's, so that under load
 * the transactions grow by themselves.
 */
#ifndef IPND_RECEIVE_LINE_H
#define IPND_RECEIVE_LINE_H

#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "ledger/ledger.h"
#include "net/http.h"
#include "receive/message.h"
#include "receive/supply.h"

/* One POST, from its arrival to its answer. */
struct post {
	struct supply_wait wait; /* for its certificate; first, so that it leads back here */
	struct post *next;
	struct config *config; /* that it came under: the message points into it */
	struct http_request *request;
	uint64_t arrived_usec,
		accepted_usec; /* monotonic; accepted: since when it waits for the database */
	int64_t subscription_id; /* after the turn: the subscription that is to be confirmed; 0: none */
	struct message message;
};

/* What became of a post: called once for each that was added, with the verdict to answer; `stored`: it is on disk. */
typedef void line_done(struct post *p, enum verdict v, bool stored, void *userdata);

struct line;

/* `ledger` is borrowed. `deadline_ms`: of a request. 0 or negative errno. */
int line_new(sd_event *event, struct ledger *ledger, int64_t deadline_ms, line_done *done,
	     void *userdata, struct line **ret);
/* Waits for a COMMIT that is under way, and answers by what came of it; those that wait for the next turn are answered 503. */
void line_free(struct line *l);
DEFINE_CLEANUP(struct line *, line_free)

/*
 * Whether one more may wait, or had better be told at once to come again: no, when the first in line has waited for long, when the
 * last turn took very long, and when the last one failed. In the two last cases one is let in to try.
 */
bool line_admits(const struct line *l);

/* Takes the post until line_done. */
void line_add(struct line *l, struct post *p);

/* Whether SNS's questions are answered; borrowed until the next one. */
void line_configure(struct line *l, const struct config *c);

/* Tells systemd what is going on, in STATUS=; by itself when that changes. */
void line_say_status(const struct line *l);

/*
 * Writes those that wait, and answers them after the COMMIT, which may be later. What cannot be written yet is tried again by itself;
 * while a COMMIT is under way nothing is done, and the next turn follows its end.
 */
void line_turn(struct line *l);
/* The same when no turn of the server's ends. */
void line_turn_soon(struct line *l);

#endif
