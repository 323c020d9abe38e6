/* What the verbs of ipnctl share. A verb is one file with one struct verb, and one row in verbs.def. */
#ifndef IPND_IPNCTL_IPNCTL_H
#define IPND_IPNCTL_IPNCTL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/complete.h"
#include "base/exit.h"
#include "base/options.h"
#include "config/config.h"
#include "ipnctl/output.h"
#include "ledger/ledger.h"

#define IPNCTL_PROGRAM "ipnctl"

DEFINE_CLEANUP(struct config *, config_free)

struct ctl {
	const char *config_option; /* -c; NULL: not given */
	bool json;
	struct output out;
	int64_t now_ms;
	struct config *config; /* after ctl_load_config() */
	char *state_folder;    /* likewise */
	struct ledger *ledger; /* after ctl_open_ledger() */
	dev_t device;          /* of its file */
	ino_t inode;
	char *person; /* after ctl_open_ledger_to_write(): the login of who runs this */
};

struct verb {
	const char *name;
	const char *operands; /* as the usage line shows them; "": none */
	int min, max;         /* how many */
	const char *help;     /* one line */
	const char *more;     /* further lines of its --help, each with its line end; "": none */
	const struct option_row *options; /* its own; NULL: none */
	enum exit_code (*run)(struct ctl *c, char **operands, int n);
	/* For shells: prints what the argument of that name may be ("WHAT"), if it is one of the verb's own. NULL: it has none. */
	bool (*complete)(const struct completion *typed, const char *argument);
};

#define VERB(name) extern const struct verb verb_##name;
#include "ipnctl/verbs.def"
#undef VERB

/* Reports what is wrong. EXIT_DONE, or the code to end with. */
enum exit_code ctl_load_config(struct ctl *c);

/*
 * Loads the configuration, opens the database for reading and begins a transaction, so that all answers are of
 * one moment. As root it first becomes the owner of the database file: a file that SQLite makes beside it must
 * not be root's.
 */
enum exit_code ctl_open_ledger(struct ctl *c);

/*
 * The same for writing: the transaction is the only one that writes, and is undone unless the verb calls ledger_commit().
 * Who may only read is told who may write (77).
 */
enum exit_code ctl_open_ledger_to_write(struct ctl *c);

/* As root: becomes the owner of that file, if it is there and not root's: of the database or its folder. 0 or negative errno. */
int ctl_become_owner_of(const char *path);

/*
 * Ends the read transaction: who prints at length, or waits, must not hold up the write-ahead log meanwhile, which would grow.
 * ctl_look_again() begins the next, of the file that has the database's name by now.
 */
void ctl_let_go(const struct ctl *c);
enum exit_code ctl_look_again(struct ctl *c, bool *ret_replaced);

/*
 * ctl_open_ledger() for a verb that writes a file of its own: as root the owner of the database opens it, and root goes
 * on, who may write where the owner may not.
 */
enum exit_code ctl_open_ledger_to_copy(struct ctl *c);

/*
 * After ctl_load_config(): as root becomes the owner of the database, or of the state folder where it is absent. Who may
 * not write the state folder is told who may (77).
 */
enum exit_code ctl_become_owner(struct ctl *c);

/* Reports a failed query: the code to end with. */
enum exit_code ctl_failed(const struct ctl *c, int error);

/* 1 when the daemon runs, 0 when not, negative errno when that cannot be seen. `ret_text`: its lock file; may be NULL. */
int ctl_running(const struct ctl *c, const char *program, char **ret_text);

/* A row's number as a person types it: digits and nothing else. */
bool ctl_parse_number(const char *given, int64_t *ret);

/*
 * A list: a line of JSON for each row, or all of them as `print` shows them. When there is none, the words of `none` say so on
 * stderr, and the code is EXIT_NOTHING.
 */
enum exit_code ctl_show(const struct ctl *c, const json_t *rows,
			void (*print)(const struct ctl *c, const json_t *rows), const char *none,
			...) __attribute__((format(printf, 4, 5)));

/* What --limit says, `by_itself` when it is not given; 0 becomes -1, which is all. False: reported. */
bool ctl_parse_limit(const char *given, int64_t by_itself, int64_t *ret);

void ctl_done(struct ctl *c);

#endif
