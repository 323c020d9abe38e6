/* Is the file sound? SQLite's own checks, as long as somebody has patience. */
#include <errno.h>

#include "ledger/private.h"

#define CHECK_STEPS 10000 /* of SQLite's machine, between two looks at the clock */

struct patience {
	ledger_go_on go_on;
	void *userdata;
};

/* Not zero: SQLite stops with SQLITE_INTERRUPT. */
static int is_over(void *userdata)
{
	const struct patience *p = userdata;

	return !p->go_on(0, 0, p->userdata);
}

/* The first row says what is damaged; `sound` is the word for nothing, NULL: no row is. */
static int check_with(struct ledger *l, const char *pragma, const char *sound, struct why *why)
{
	sqlite3_stmt *s = NULL;
	int r = sqlite3_prepare_v2(l->db, pragma, -1, &s, NULL), result = 0;

	if (r == SQLITE_OK)
		r = sqlite3_step(s);
	if ((r & 0xff) == SQLITE_INTERRUPT) {
		result = -EINTR;
	} else if (r == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(s, 0);

		if (!sound || !text || strcmp(text, sound) != 0) {
			char words[WHY_SIZE];

			text_escape_line(text_of(text ? text : ""), words, sizeof(words));
			why_set(why, "is damaged: %s%s",
				sound ? "" : "it refers to rows that are not there: ", words);
			result = -EUCLEAN;
		}
	} else {
		result = ledger_errno(l, r);
		if (result < 0)
			why_set(why, "%s", ledger_error(l));
	}
	sqlite3_finalize(s);
	return result;
}

int ledger_check(struct ledger *l, bool full, ledger_go_on go_on, void *userdata, struct why *why)
{
	struct patience patience = {go_on, userdata};
	int r;

	sqlite3_progress_handler(l->db, CHECK_STEPS, is_over, &patience);
	r = check_with(l, full ? "PRAGMA integrity_check(1)" : "PRAGMA quick_check(1)", "ok", why);
	if (r == 0 && full)
		r = check_with(l, "PRAGMA foreign_key_check", NULL, why);
	sqlite3_progress_handler(l->db, 0, NULL, NULL);
	return r;
}
