/*
 * What the fault tests deliver: signed notifications of a few stories, read once by the real readers, and turns of several of them
 * into a ledger as line_turn() makes them.
 */
#ifndef IPND_TESTS_SCRIPT_H
#define IPND_TESTS_SCRIPT_H

#include <sqlite3.h>

#include "../unit/unit.h"
#include "config/config.h"
#include "ledger/ledger.h"
#include "receive/message.h"

#define SCRIPT_MAX    32
#define SCRIPT_NOW_MS INT64_C(1800000000000) /* when all of them are sent and received */

/* The messages in the order in which they happened; each with its body, read and understood. */
extern struct message script[SCRIPT_MAX];
extern size_t script_n;

extern struct config script_config;
extern struct sns_certificate *script_certificate; /* that signed them */
extern struct sns_trust script_trust;

/* unit_main(), with the folders in memory: what a disk does is not left to the one that is there. */
int script_main(Suite *suite);

/* Makes them, `most` at most; before the tests fork. Failures end the test. */
void script_make(size_t most);
void script_done(void);

/* Which of the script were answered 200. */
struct answered {
	bool at[SCRIPT_MAX];
};

/* ledger_commit(), but in the thread that line_turn() uses for many. */
int script_commit_aside(struct ledger *l);

/*
 * `n` messages from number `first` on in one turn. 0: all are answered by their verdict, a 200, and `to` knows; negative
 * errno: all are answered 503.
 */
int script_turn(struct ledger *l, size_t first, size_t n, struct answered *to);

/* All that were not answered yet, in turns of `n`. 0: all are; else the error of the first turn that failed. */
int script_rest(struct ledger *l, size_t n, struct answered *to);

/*
 * Opens the file as ipnd does, on a healthy disk: it is sound, whatever was answered is in it, what is in it was sent, and each
 * transition is told by one event. `how` says what had happened, when it is not so. The caller closes.
 */
struct ledger *script_reopen(const char *path, const struct answered *answered, const char *how);

/* Everything that must not depend on what failed meanwhile, as text; the caller frees. */
char *script_dump(sqlite3 *db);

/* The dump of all messages after a run without faults; the caller frees. */
char *script_dump_healthy(void);

/* Copies a file; one that is not there stays away. */
void script_copy(const char *from, const char *to);

#endif
