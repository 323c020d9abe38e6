/* states.def, the schema's CHECK and the man page say the same of every object: its states, moves and events. */
#include <sqlite3.h>

#include "ipn/document.h"
#include "ledger/ledger.h"
#include "machine/machine.h"
#include "unit.h"

#define ROWS(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* What the page says, in the machine's terms. */
static bool page_moves[OBJECT_N][STATE_N][STATE_N];
static bool page_has[OBJECT_N][STATE_N];
static bool page_object[OBJECT_N];

/* `s` is of the page: "new", or a state that the object can have. */
static enum state page_state(enum object_type o, const char *s)
{
	enum state found = machine_state(o, s);

	if (strcmp(s, "new") == 0)
		return STATE_NOTHING;
	ck_assert_msg(found != STATE_NOTHING, "%s has no state %s", object_word(o), s);
	ck_assert_str_eq(s, state_word(found));
	return found;
}

/* ".It Open Ta order_reference.open Ta Suspended, Closed", behind the ".It ". */
static void read_row(enum object_type o, char *row)
{
	char *event = strstr(row, " Ta "), *moves = event ? strstr(event + 4, " Ta ") : NULL;
	CLEANUP(freep) char *name = NULL;
	enum state from;

	ck_assert_msg(moves != NULL, "%s: %s", object_word(o), row);
	*moves = *event = 0;
	moves += 4;
	from = page_state(o, row);
	name = from == STATE_NOTHING ? unit_format("-")
				     : unit_format("%s.%s", object_word(o), state_event(from));
	ck_assert_str_eq(event + 4, name);
	page_has[o][from] = true;
	while (strcmp(row, "new") == 0 || strcmp(moves, "final") != 0) {
		char *next = strstr(moves, ", ");

		if (next)
			*next = 0;
		page_moves[o][from][page_state(o, moves)] = true;
		if (!next)
			break;
		moves = next + 2;
	}
}

static char *page_text(void)
{
	const char *build = getenv("top_builddir");
	CLEANUP(freep) char *path = unit_format("%s/man/ipnd-schema.7", build ? build : ".");

	return unit_read(path, NULL);
}

static void read_page(void)
{
	CLEANUP(freep) char *page = page_text();
	enum object_type o = OBJECT_N;
	char *rest = strstr(page, "\n.Sh STATES\n"), *line;

	ck_assert_ptr_nonnull(rest);
	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, ".S", 2) == 0)
			o = strncmp(line, ".Ss ", 4) == 0 ? object_of_word(line + 4) : OBJECT_N;
		if (o == OBJECT_N)
			continue;
		page_object[o] = true;
		if (strncmp(line, ".It ", 4) == 0 && strncmp(line, ".It Em ", 7) != 0)
			read_row(o, line + 4);
	}
}

START_TEST(the_page_says_what_the_machine_does)
{
	read_page();
	for (enum object_type o = 0; o < OBJECT_N; o++) {
		ck_assert_msg(page_object[o], "%s is not there", object_word(o));
		for (enum state from = STATE_NOTHING; from < STATE_N; from++) {
			ck_assert_msg(page_has[o][from] ==
					      (from == STATE_NOTHING ||
					       machine_reaches(o, STATE_NOTHING, from)),
				      "%s: %s", object_word(o), state_word(from));
			for (enum state to = STATE_NOTHING; to < STATE_N; to++)
				ck_assert_msg(page_moves[o][from][to] ==
						      machine_allows(o, from, to),
					      "%s: %s -> %s", object_word(o), state_word(from),
					      state_word(to));
		}
	}
}
END_TEST

/* A database made by the real migrations, for plain SQL; the caller closes it. */
static sqlite3 *open_schema(void)
{
	CLEANUP(freep) char *folder = unit_folder(), *path = unit_format("%s/ipnd.db", folder);
	struct ledger *l = NULL;
	sqlite3 *db = NULL;
	struct why why;

	ck_assert_msg(ledger_open(path, LEDGER_OWN, &l, &why) == 0, "%s", why.text);
	ledger_close(l);
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

START_TEST(the_page_names_the_schema)
{
	CLEANUP(freep) char *page = page_text(), *said = NULL;
	sqlite3_stmt *s = NULL;
	sqlite3 *db = open_schema();

	ck_assert_int_eq(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL), SQLITE_OK);
	ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
	said = unit_format("the number of the schema: %d.\n", sqlite3_column_int(s, 0));
	ck_assert_msg(strstr(page, said) != NULL, "not there: %s", said);
	sqlite3_finalize(s);
	sqlite3_close(db);
}
END_TEST

/* Whether the schema takes a fact of this object in this state. Each has a time of its own. */
static bool takes(sqlite3 *db, const char *object, const char *state)
{
	static int minute;
	CLEANUP(freep) char *at = unit_format("%d", minute++);
	sqlite3_stmt *s = NULL;
	int r;

	r = sqlite3_prepare_v2(
		db,
		"INSERT INTO fact (object_type, object_id, state, at, notification_id, account, environment, seller_id) "
		"VALUES (?, 'S01', ?, ?, 1, 'a', 'live', 's')",
		-1, &s, NULL);
	ck_assert_int_eq(r, SQLITE_OK);
	sqlite3_bind_text(s, 1, object, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, state, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 3, at, -1, SQLITE_STATIC);
	r = sqlite3_step(s);
	sqlite3_finalize(s);
	ck_assert_msg(r == SQLITE_DONE || r == SQLITE_CONSTRAINT, "%s", sqlite3_errmsg(db));
	return r == SQLITE_DONE;
}

static void check_schema(sqlite3 *db)
{
	static const char *const no_states[] = {"",      "Draft",     "open",     "OPEN",
						"Open ", "Cancelled", "Received", "Registered"};
	static const char *const no_objects[] = {"", "order", "Capture", "captures",
						 "notification"};

	for (enum state s = STATE_NOTHING + 1; s < STATE_N; s++) {
		for (enum object_type o = 0; o < OBJECT_N; o++)
			ck_assert_msg(takes(db, object_word(o), state_word(s)) ==
					      machine_reaches(o, STATE_NOTHING, s),
				      "%s: %s", object_word(o), state_word(s));
		for (int i = 0; i < ROWS(no_objects); i++)
			ck_assert_msg(!takes(db, no_objects[i], state_word(s)), "%s",
				      no_objects[i]);
	}
	for (enum object_type o = 0; o < OBJECT_N; o++)
		for (int i = 0; i < ROWS(no_states); i++)
			ck_assert_msg(!takes(db, object_word(o), no_states[i]), "%s: %s",
				      object_word(o), no_states[i]);
}

START_TEST(the_schema_takes_what_the_machine_knows)
{
	sqlite3 *db = open_schema();

	/* the notification of these facts is not there, and does not matter */
	ck_assert_int_eq(sqlite3_exec(db, "PRAGMA foreign_keys = OFF; BEGIN", NULL, NULL, NULL),
			 SQLITE_OK);
	check_schema(db);
	sqlite3_close(db);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("states");
	TCase *c = unit_case(suite, "states");

	tcase_add_test(c, the_page_says_what_the_machine_does);
	tcase_add_test(c, the_page_names_the_schema);
	tcase_add_test(c, the_schema_takes_what_the_machine_knows);
	return unit_main(suite);
}
