/*
 * The real ipn-hookd against a database that is filled as ipnd would: order and parallelism, retries, ends, waits,
 * reload and stop. The program is $IPN_HOOKD, else ipn-hookd of the build.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "ledger/ledger.h"
#include "unit.h"

#define WAIT_MS 50000 /* long enough for a machine that is busy with eight of these */

static char *folder, *state, *path, *conf, *journal, *errors;
static pid_t daemon_pid;

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void setup(void)
{
	folder = unit_folder();
	state = unit_format("%s/state", folder);
	path = unit_format("%s/ipnd.db", state);
	conf = unit_format("%s/ipnd.conf", folder);
	journal = unit_format("%s/journal", folder);
	errors = unit_format("%s/errors", folder);
	daemon_pid = 0;
}

static void teardown(void)
{
	free(folder);
	free(state);
	free(path);
	free(conf);
	free(journal);
	free(errors);
}

static void write_file(const char *file, const char *text, mode_t mode)
{
	CLEANUP(closep) int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* A hook's program in the folder; `>>$J` in it appends to the journal. */
static void write_script(const char *name, const char *body)
{
	CLEANUP(freep) char *file = unit_format("%s/%s", folder, name);
	CLEANUP(freep) char *text = unit_format("#!/bin/sh\nJ=%s\n%s\n", journal, body);

	write_file(file, text, 0755);
}

/* `@` in `hooks` is the folder. */
static void write_conf(const char *hooks)
{
	CLEANUP(freep)
	char *text = unit_format(
		"account \"shop\" { topic_arn = \"arn:aws:sns:us-east-1:291180941288:A3EXAMPLE\" "
		"seller_id = {\"A1EXAMPLE\"} environment = sandbox }\n"
		"database { path = \"%s\" }\n",
		path);

	for (const char *at = hooks; *at; at++) {
		bool place = *at == '@';
		char *longer =
			place ? unit_format("%s%s", text, folder) : unit_format("%s%c", text, *at);

		free(text);
		text = longer;
	}
	write_file(conf, text, 0644);
}

static void make_database(const char *file)
{
	struct ledger *l = NULL;
	struct why why;

	if (mkdir(state, 0750) < 0)
		ck_assert_int_eq(errno, EEXIST);
	ck_assert_msg(ledger_open(file, LEDGER_OWN, &l, &why) == 0, "%s", why.text);
	ledger_close(l);
}

static void exec_in(sqlite3 *db, const char *sql)
{
	char *error = NULL;

	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &error) == SQLITE_OK, "%s: %s", sql, error);
}

static void sql_in(const char *file, const char *sql)
{
	sqlite3 *db = NULL;
	int persist = 1;

	ck_assert_int_eq(sqlite3_open(file, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	sqlite3_file_control(db, NULL, SQLITE_FCNTL_PERSIST_WAL, &persist);
	exec_in(db, sql);
	sqlite3_close(db);
}

static void register_hook(const char *name)
{
	CLEANUP(freep)
	char *sql = unit_format(
		"INSERT INTO hook (name, registered_at, since_event, seen_event, active) SELECT '%s', 't', coalesce(max(id), 0), coalesce(max(id), 0), 1"
		" FROM event",
		name);

	sql_in(path, sql);
}

static void put_event_in(const char *file, const char *name, const char *lane, const char *more,
			 const char *values)
{
	CLEANUP(freep)
	char *sql = unit_format(
		"INSERT INTO event (name, object_type, object_id, account, environment, late, created_at, lane%s)"
		" SELECT '%s', 'capture', 'C-%s', account, environment, late,"
		" strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', 'now'), '%s'%s"
		" FROM (SELECT 'shop' AS account, 'live' AS environment, 0 AS late)",
		more, name, lane, lane, values);

	sql_in(file, sql);
}

static void put_event(const char *name, const char *lane)
{
	put_event_in(path, name, lane, "", "");
}

/* Rows as text: columns with a blank between, rows with a semicolon. NULL when the database cannot be read now. */
static char *sql_text(const char *sql)
{
	char *text = unit_format("%s", "");
	sqlite3_stmt *s = NULL;
	sqlite3 *db = NULL;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK, "%s",
		      sqlite3_errmsg(db));
	while (sqlite3_step(s) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(s); i++) {
			const char *value = (const char *)sqlite3_column_text(s, i);
			char *longer = unit_format("%s%s%s", text,
						   i       ? " "
						   : *text ? ";"
							   : "",
						   value ? value : "-");

			free(text);
			text = longer;
		}
	}
	sqlite3_finalize(s);
	sqlite3_close(db);
	return text;
}

static void check_sql(const char *sql, const char *expected)
{
	CLEANUP(freep) char *text = sql_text(sql);

	ck_assert_str_eq(text, expected);
}

/* Waits until the query gives this; returns how long that took. */
static int64_t await_sql(const char *sql, const char *expected)
{
	int64_t began = monotonic_ms();

	while (monotonic_ms() - began < WAIT_MS) {
		CLEANUP(freep) char *text = sql_text(sql);

		if (strcmp(text, expected) == 0)
			return monotonic_ms() - began;
		usleep(5000);
	}
	check_sql(sql, expected);
	return WAIT_MS;
}

static int64_t await_text(const char *file, const char *part)
{
	int64_t began = monotonic_ms();

	while (monotonic_ms() - began < WAIT_MS) {
		CLEANUP(freep)
		char *text = access(file, R_OK) == 0 ? unit_read(file, NULL) : strdup("");

		if (strstr(text, part))
			return monotonic_ms() - began;
		usleep(5000);
	}
	ck_abort_msg("%s does not come to say: %s", file, part);
	return 0;
}

static void check_journal(const char *expected)
{
	CLEANUP(freep)
	char *text = access(journal, R_OK) == 0 ? unit_read(journal, NULL) : strdup("");

	ck_assert_str_eq(text, expected);
}

static pid_t launch(char *const *argv)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		int fd = open(errors, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

		/* A test that fails leaves nothing running. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* Check's handler would end the test. */
		signal(SIGTERM, SIG_DFL);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		execv(argv[0], argv);
		_exit(127);
	}
	return pid;
}

static char *program(void)
{
	const char *set = getenv("IPN_HOOKD"), *top = getenv("top_builddir");

	return set ? strdup(set) : unit_format("%s/ipn-hookd", top ? top : ".");
}

static pid_t launch_with(const char *option, const char *value)
{
	CLEANUP(freep)
	char *file = program(), *first = strdup(option), *second = value ? strdup(value) : NULL;
	char *argv[] = {file, first, second, NULL};

	return launch(argv);
}

static void start(void)
{
	daemon_pid = launch_with("-c", conf);
}

static int code_of(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void stop(void)
{
	ck_assert_int_eq(kill(daemon_pid, SIGTERM), 0);
	ck_assert_int_eq(code_of(daemon_pid), 0);
}

/* A database, and one hook `h` for all events that runs the script. */
static void prepare(const char *script, const char *settings)
{
	CLEANUP(freep)
	char *hooks = unit_format(
		"hooks { concurrency = 4 }\nhook \"h\" { on = {\"*\"} run = {\"@/h\"} environment = any %s }\n",
		settings);

	write_script("h", script);
	write_conf(hooks);
	make_database(path);
	register_hook("h");
}

static void start_with(const char *script, const char *settings)
{
	prepare(script, settings);
	start();
}

START_TEST(runs_and_keeps_output)
{
	start_with("echo out $IPN_EVENT; cat; echo err >&2", "");
	put_event("capture.completed", "a");
	await_sql("SELECT state, attempts, exit_status, detail, next_attempt_at FROM hook_run",
		  "done 1 0 exit 0 -");
	check_sql("SELECT substr(output, 1, 39) FROM hook_run",
		  "out capture.completed\n{\"event_id\":1,\"ev");
	check_sql("SELECT substr(output, -19) FROM hook_run", "\"object\":null}\nerr\n");
	check_sql("SELECT seen_event FROM hook", "1");
	stop();
}
END_TEST

/* Woken by inotify: far faster than the timers below it. */
START_TEST(wakes_at_once)
{
	int64_t took = 0;

	start_with("exit 0", "");
	put_event("capture.completed", "a");
	await_sql("SELECT count(*) FROM hook_run WHERE state = 'done'", "1");
	for (int i = 2; i <= 20; i++) {
		CLEANUP(freep) char *n = unit_format("%d", i);

		usleep(100000);
		put_event("capture.completed", "a");
		took += await_sql("SELECT count(*) FROM hook_run WHERE state = 'done'", n);
	}
	ck_assert_int_lt(took, 19 * 500);
	stop();
}
END_TEST

START_TEST(lanes)
{
	start_with("echo begin $IPN_EVENT_ID >>$J; sleep 0.5; echo end $IPN_EVENT_ID >>$J", "");
	sql_in(path,
	       "BEGIN IMMEDIATE; INSERT INTO event (name, object_type, object_id, account, environment, late, created_at, lane)"
	       " VALUES ('x.y', 'capture', 'C', 'shop', 'live', 0, 't', 'a'), ('x.y', 'capture', 'C', 'shop', 'live', 0, 't',"
	       " 'a'), ('x.y', 'capture', 'C', 'shop', 'live', 0, 't', 'b'); COMMIT");
	await_sql("SELECT count(*) FROM hook_run WHERE state = 'done'", "3");
	stop();
	CLEANUP(freep) char *text = unit_read(journal, NULL);
	/* b runs beside the first of a, the second of a after it. */
	ck_assert_msg(strncmp(text, "begin 1\nbegin 3\nend ", 20) == 0 ||
			      strncmp(text, "begin 3\nbegin 1\nend ", 20) == 0,
		      "%s", text);
	ck_assert_ptr_nonnull(strstr(text, "end 1\n"));
	ck_assert(strstr(text, "end 1\n") < strstr(text, "begin 2\n"));
}
END_TEST

START_TEST(different_hooks_run_in_parallel)
{
	write_script("h", "echo begin $IPN_EVENT_ID >>$J; sleep 0.5; echo end $IPN_EVENT_ID >>$J");
	write_conf("hook \"one\" { on = {\"*\"} run = {\"@/h\"} environment = any }\n"
		   "hook \"two\" { on = {\"*\"} run = {\"@/h\"} environment = any }\n");
	make_database(path);
	register_hook("one");
	register_hook("two");
	start();
	put_event("x.y", "a");
	await_sql("SELECT count(*) FROM hook_run WHERE state = 'done'", "2");
	stop();
	check_journal("begin 1\nbegin 1\nend 1\nend 1\n");
}
END_TEST

START_TEST(concurrency)
{
	write_script("h", "echo begin >>$J; sleep 0.2; echo end >>$J");
	write_conf(
		"hooks { concurrency = 2 }\nhook \"h\" { on = {\"*\"} run = {\"@/h\"} environment = any }\n");
	make_database(path);
	register_hook("h");
	for (int i = 0; i < 8; i++) {
		CLEANUP(freep) char *lane = unit_format("%d", i);

		put_event("x.y", lane);
	}
	start();
	await_sql("SELECT count(*) FROM hook_run WHERE state = 'done'", "8");
	stop();
	CLEANUP(freep) char *text = unit_read(journal, NULL);
	int running = 0, most = 0;
	for (const char *at = text; *at; at = strchr(at, '\n') + 1) {
		running += *at == 'b' ? 1 : -1;
		most = running > most ? running : most;
	}
	ck_assert_int_eq(most, 2);
}
END_TEST

START_TEST(retries_until_done)
{
	start_with("echo attempt $IPN_ATTEMPT >>$J; test $IPN_ATTEMPT = 3", "backoff = \"1s\"");
	put_event("x.y", "a");
	put_event("x.y", "a");
	await_sql(
		"SELECT state, attempts, exit_status, detail, next_attempt_at > updated_at FROM hook_run WHERE event_id = 1",
		"pending 1 1 exit 1 1");
	/* The second of the lane waits for the first. */
	check_sql("SELECT state, attempts FROM hook_run WHERE event_id = 2", "pending 0");
	await_sql("SELECT state, attempts FROM hook_run", "done 3;done 3");
	stop();
	check_journal("attempt 1\nattempt 2\nattempt 3\nattempt 1\nattempt 2\nattempt 3\n");
}
END_TEST

START_TEST(dead_after_the_last_attempt)
{
	start_with("exit 7", "backoff = \"1s\" attempts = 2");
	put_event("x.y", "a");
	await_sql(
		"SELECT state, attempts, exit_status, detail, next_attempt_at FROM hook_run WHERE event_id = 1",
		"dead 2 7 exit 7; attempt 2 of 2 -");
	/* Told to the same hook, which fails again: and that is the end of it. */
	await_sql("SELECT state FROM hook_run WHERE event_id = 2", "dead");
	usleep(300000);
	check_sql("SELECT id, name, object_id, lane FROM event", "1 x.y C-a a;2 hook.dead C-a a");
	stop();
}
END_TEST

START_TEST(exit_100_is_dead_at_once)
{
	write_script("h", "exit 100");
	write_script("d", "echo $IPN_EVENT $IPN_OBJECT_ID >>$J");
	write_conf("hook \"h\" { on = {\"x.*\"} run = {\"@/h\"} environment = any }\n"
		   "hook \"d\" { on = {\"hook.dead\"} run = {\"@/d\"} environment = any }\n");
	make_database(path);
	register_hook("h");
	register_hook("d");
	start();
	put_event("x.y", "a");
	await_sql("SELECT event_id, hook, state, attempts, detail FROM hook_run",
		  "1 h dead 1 exit 100;2 d done 1 exit 0");
	stop();
	check_journal("hook.dead C-a\n");
}
END_TEST

START_TEST(too_old_to_try_again)
{
	start_with("exit 1", "give_up = \"5s\" backoff = \"10s\"");
	put_event("x.y", "a");
	await_sql("SELECT state, attempts, detail FROM hook_run WHERE event_id = 1",
		  "dead 1 exit 1; the event is too old to try again");
	stop();
}
END_TEST

static void check_gone(pid_t pid)
{
	CLEANUP(freep) char *stat_file = unit_format("/proc/%d/stat", (int)pid);

	for (int i = 0; i < 200; i++) {
		char text[512] = "";
		CLEANUP(closep) int fd = open(stat_file, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 || strstr(text, ") Z "))
			return;
		usleep(10000);
	}
	ck_abort_msg("process %d still lives", (int)pid);
}

static pid_t journal_pid(void)
{
	CLEANUP(freep) char *text = unit_read(journal, NULL);

	return (pid_t)strtol(text, NULL, 10);
}

START_TEST(timeout_ends_the_group)
{
	start_with("sleep 60 & echo $! >>$J; echo begun; wait", "timeout = \"1s\" attempts = 1");
	put_event("x.y", "a");
	await_sql("SELECT state, exit_status, detail, output FROM hook_run WHERE event_id = 1",
		  "dead 143 killed by signal 15 after its timeout of 1 s; attempt 1 of 1 begun\n");
	check_gone(journal_pid());
	stop();
}
END_TEST

START_TEST(cannot_start)
{
	write_conf(
		"hook \"h\" { on = {\"*\"} run = {\"/nonexistent/hook\"} environment = any attempts = 1 }\n");
	make_database(path);
	register_hook("h");
	start();
	put_event("x.y", "a");
	await_sql(
		"SELECT state, attempts, exit_status, detail, output FROM hook_run WHERE event_id = 1",
		"dead 1 - cannot start /nonexistent/hook: No such file or directory; attempt 1 of 1 -");
	/* And the hook rests, so that no other event's attempts are worn out. */
	await_sql("SELECT paused_at IS NOT NULL, deaths FROM hook", "1 1");
	stop();
}
END_TEST

START_TEST(skipped_with_the_reason)
{
	write_script("h", "exit 0");
	write_conf(
		"hook \"h\" { on = {\"capture.*\"} run = {\"@/h\"} accounts = {\"shop\"} environment = live late = no }\n");
	make_database(path);
	register_hook("h");
	start();
	sql_in(path,
	       "INSERT INTO event (name, object_type, object_id, account, environment, late, created_at, lane) VALUES"
	       " ('capture.completed', 'capture', 'C', 'shop', 'sandbox', 0, 't', 'a'),"
	       " ('capture.completed', 'capture', 'C', 'other', 'live', 0, 't', 'a'),"
	       " ('capture.completed', 'capture', 'C', 'shop', 'live', 1, 't', 'a'),"
	       " ('refund.completed', 'refund', 'R', 'shop', 'live', 0, 't', 'a'),"
	       " ('capture.completed', 'capture', 'C', 'shop', 'live', 0, 't', 'a')");
	await_sql("SELECT event_id, state, attempts, detail, next_attempt_at FROM hook_run",
		  "1 skipped 0 environment: the event is of sandbox, the hook is for live -;"
		  "2 skipped 0 accounts: other is not one of the hook's -;"
		  "3 skipped 0 late: the state was no longer current when it was learnt -;"
		  "5 done 1 exit 0 -");
	check_sql("SELECT seen_event FROM hook", "5");
	stop();
}
END_TEST

START_TEST(hostile_values_stay_data)
{
	start_with(
		"printf '%s|%s' \"$IPN_SELLER_ORDER_ID\" \"$IPN_STATE\"; eval \"true $IPN_SELLER_ORDER_ID\"",
		"");
	put_event_in(path, "x.y", "a", ", seller_order_id, state",
		     ", '() { :;}; touch ' || char(10) || '$(kill $PPID)`id`', 'Open'");
	await_sql("SELECT state, output FROM hook_run",
		  "done %28%29 %7B :%3B%7D%3B touch %0A%24%28kill %24PPID%29%60id%60|Open");
	stop();
}
END_TEST

/* What a killed ipn-hookd was running runs again; what waited still waits; what was done is not done twice. */
START_TEST(killed_in_the_middle)
{
	start_with(
		"echo $IPN_EVENT_ID $IPN_ATTEMPT >>$J; test $IPN_EVENT_ID.$IPN_ATTEMPT != 2.1 || sleep 10",
		"");
	put_event("x.y", "a");
	await_sql("SELECT state FROM hook_run ORDER BY event_id, hook", "done");
	put_event("x.y", "a");
	put_event("x.y", "a");
	await_sql("SELECT state FROM hook_run ORDER BY event_id, hook", "done;running;pending");
	await_text(journal, "2 1");
	ck_assert_int_eq(kill(daemon_pid, SIGKILL), 0);
	ck_assert_int_eq(code_of(daemon_pid), 128 + SIGKILL);
	put_event("x.y", "a");
	check_sql("SELECT state FROM hook_run ORDER BY event_id, hook", "done;running;pending");
	start();
	await_sql("SELECT state, attempts FROM hook_run", "done 1;done 2;done 1;done 1");
	stop();
	check_journal("1 1\n2 1\n2 2\n3 1\n4 1\n");
	await_text(errors, "1 run was cut short");
}
END_TEST

START_TEST(waits_for_the_database)
{
	write_script("h", "exit 0");
	write_conf("hook \"h\" { on = {\"*\"} run = {\"@/h\"} environment = any }\n");
	start();
	await_text(errors, "waiting for it");
	usleep(100000);
	ck_assert_int_eq(mkdir(state, 0750), 0);
	usleep(100000);
	/* One of another schema is waited for as well. */
	sql_in(path,
	       "PRAGMA application_id = 0x49504E44; PRAGMA user_version = 0; CREATE TABLE old (x)");
	await_text(errors, "has schema 0");
	CLEANUP(freep) char *new = unit_format("%s/new.db", folder);
	make_database(new);
	sql_in(new,
	       "INSERT INTO hook (name, registered_at, since_event, seen_event, active) VALUES ('h', 't', 0, 0, 1)");
	put_event_in(new, "x.y", "a", "", "");
	ck_assert_int_eq(rename(new, path), 0);
	ck_assert_int_lt(await_sql("SELECT state FROM hook_run ORDER BY event_id, hook", "done"),
			 4000);
	stop();
}
END_TEST

START_TEST(database_is_replaced)
{
	CLEANUP(freep)
	char *new = unit_format("%s/new.db", folder), *wal = unit_format("%s-wal", path),
	     *shm = unit_format("%s-shm", path);

	start_with("echo $IPN_OBJECT_ID >>$J", "");
	put_event("x.y", "a");
	await_sql("SELECT state FROM hook_run ORDER BY event_id, hook", "done");
	make_database(new);
	sql_in(new,
	       "INSERT INTO hook (name, registered_at, since_event, seen_event, active) VALUES ('h', 't', 0, 0, 1); PRAGMA wal_checkpoint(TRUNCATE)");
	unlink(wal);
	unlink(shm);
	ck_assert_int_eq(rename(new, path), 0);
	await_text(errors, "the file was replaced");
	put_event("x.y", "b");
	await_sql("SELECT state FROM hook_run ORDER BY event_id, hook", "done");
	stop();
	check_journal("C-a\nC-b\n");
}
END_TEST

/* The database as it is now, whole, in another file. */
static char *copy_database(void)
{
	char *copy = unit_format("%s/copy.db", folder);
	CLEANUP(freep) char *sql = unit_format("VACUUM INTO '%s'", copy);

	sql_in(path, sql);
	return copy;
}

static void replace_database(const char *file)
{
	CLEANUP(freep) char *wal = unit_format("%s-wal", path), *shm = unit_format("%s-shm", path);

	unlink(wal);
	unlink(shm);
	ck_assert_int_eq(rename(file, path), 0);
	await_text(errors, "the file was replaced");
}

/* The new file says `running` of a run that is in hand: that is true, and its end is written there. */
START_TEST(database_is_replaced_during_a_run)
{
	CLEANUP(freep) char *copy = NULL;

	start_with("echo $IPN_EVENT_ID $IPN_ATTEMPT >>$J; sleep 1", "");
	put_event("x.y", "a");
	await_text(journal, "1 1");
	copy = copy_database();
	replace_database(copy);
	await_sql("SELECT state, attempts FROM hook_run", "done 1");
	usleep(200000);
	stop();
	check_journal("1 1\n");
}
END_TEST

/* The new file is older than the run: it runs again there, but never beside the one in hand. */
START_TEST(database_is_replaced_by_an_older_one)
{
	CLEANUP(freep) char *copy = NULL;

	prepare("echo begin $IPN_ATTEMPT >>$J; sleep 2; echo end $IPN_ATTEMPT >>$J", "");
	put_event("x.y", "a");
	copy = copy_database();
	start();
	await_text(journal, "begin 1");
	replace_database(copy);
	await_sql("SELECT state, attempts FROM hook_run", "done 1");
	await_text(errors, "knows nothing of this attempt");
	stop();
	check_journal("begin 1\nend 1\nbegin 1\nend 1\n");
}
END_TEST

START_TEST(one_per_folder)
{
	start_with("exit 0", "");
	put_event("x.y", "a");
	await_sql("SELECT state FROM hook_run ORDER BY event_id, hook", "done");
	ck_assert_int_eq(code_of(launch_with("-c", conf)), 75);
	await_text(errors, "another ipn-hookd uses this folder; stop it first");
	stop();
}
END_TEST

START_TEST(reload)
{
	start_with("echo old $IPN_EVENT >>$J", "");
	put_event("x.y", "a");
	await_sql("SELECT state FROM hook_run ORDER BY event_id, hook", "done");
	/* A bad one is refused; the old stays. */
	write_file(conf, "hook \"h\" { nonsense = 1 }\n", 0644);
	kill(daemon_pid, SIGHUP);
	await_text(errors, "was not reloaded");
	put_event("x.y", "a");
	await_sql("SELECT state FROM hook_run ORDER BY event_id, hook", "done;done");
	write_script("n", "echo new $IPN_EVENT >>$J");
	write_conf("hook \"h\" { on = {\"*\"} run = {\"@/n\"} environment = any }\n"
		   "hook \"later\" { on = {\"z.*\"} run = {\"@/n\"} environment = any }\n");
	kill(daemon_pid, SIGHUP);
	await_text(errors, "the configuration was reloaded");
	put_event("x.y", "a");
	await_sql("SELECT state FROM hook_run ORDER BY event_id, hook", "done;done;done");
	await_text(errors, "hook later is not registered yet");
	put_event("z.z", "a");
	register_hook("later");
	put_event("z.z", "b");
	await_sql("SELECT event_id FROM hook_run WHERE hook = 'later' AND state = 'done'", "5");
	await_sql("SELECT event_id FROM hook_run WHERE hook = 'h' AND state = 'done'", "1;2;3;4;5");
	stop();
}
END_TEST

START_TEST(removed_hook_does_not_run)
{
	write_script("h", "exit 0");
	write_conf("hook \"other\" { on = {\"none\"} run = {\"@/h\"} environment = any }\n");
	make_database(path);
	register_hook("h");
	put_event("x.y", "a");
	sql_in(path,
	       "INSERT INTO hook_run (event_id, hook, account, environment, lane, state, attempts, next_attempt_at, exit_status, detail, output, updated_at) VALUES (1, 'h', 'shop', 'live', 'a', 'pending', 0, '2020-01-01T00:00:00.000Z', NULL,"
	       " NULL, NULL, 't')");
	start();
	usleep(500000);
	stop();
	check_sql("SELECT state FROM hook_run ORDER BY event_id, hook", "pending");
	check_sql("SELECT seen_event FROM hook", "0");
}
END_TEST

START_TEST(stop_lets_hooks_finish)
{
	int64_t began;

	start_with("echo begin >>$J; sleep 1; echo end >>$J", "");
	put_event("x.y", "a");
	put_event("x.y", "a");
	await_text(journal, "begin");
	await_sql("SELECT state, attempts FROM hook_run ORDER BY event_id", "running 1;pending 0");
	began = monotonic_ms();
	stop();
	ck_assert_int_lt(monotonic_ms() - began, 5000);
	check_sql("SELECT state, attempts FROM hook_run ORDER BY event_id", "done 1;pending 0");
	check_journal("begin\nend\n");
}
END_TEST

START_TEST(stop_cuts_short_what_does_not_finish)
{
	int64_t began;

	start_with("echo $$ >>$J; sleep 60", "timeout = \"1h\"");
	put_event("x.y", "a");
	await_text(journal, "\n");
	began = monotonic_ms();
	stop();
	ck_assert_int_ge(monotonic_ms() - began, 9900);
	ck_assert_int_lt(monotonic_ms() - began, 14000);
	check_sql("SELECT state, attempts, detail FROM hook_run",
		  "pending 1 killed by signal 15 when ipn-hookd stopped");
	check_gone(journal_pid());
}
END_TEST

/* More than a turn decides at once. */
START_TEST(backlog)
{
	prepare("exit 0", "");
	sql_in(path,
	       "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)"
	       " INSERT INTO event (name, object_type, object_id, account, environment, late, created_at, lane)"
	       " SELECT 'x.y', 'capture', 'C', 'shop', 'live', 0, 't', 'lane' || (i % 100) FROM n");
	start();
	await_sql("SELECT state, count(*), sum(attempts) FROM hook_run", "done 600 600");
	check_sql("SELECT seen_event FROM hook", "600");
	stop();
}
END_TEST

/* Also where no end of a run leads to the next turn. */
START_TEST(backlog_of_skipped_ones)
{
	prepare("exit 0", "late = no");
	sql_in(path,
	       "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
	       " INSERT INTO event (name, object_type, object_id, account, environment, late, created_at, lane)"
	       " SELECT 'x.y', 'capture', 'C', 'shop', 'live', 1, 't', 'lane' FROM n");
	start();
	ck_assert_int_lt(await_sql("SELECT state, count(*) FROM hook_run", "skipped 2000"), 4000);
	stop();
}
END_TEST

/*
 * Somebody holds the write lock for a while, and there is a new event. Between the event's COMMIT and the test's next
 * lock ipn-hookd stands still, else it might take the lock first; it is stopped while the test has it, so it holds none.
 */
START_TEST(busy_database)
{
	sqlite3 *db = NULL;
	int status;

	start_with("exit 0", "");
	put_event("x.y", "a");
	await_sql("SELECT state FROM hook_run ORDER BY event_id, hook", "done");
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, WAIT_MS);
	exec_in(db, "BEGIN IMMEDIATE");
	exec_in(db,
		"INSERT INTO event (name, object_type, object_id, account, environment, late, created_at, lane)"
		" VALUES ('x.y', 'capture', 'C', 'shop', 'live', 0, 't', 'a')");
	ck_assert_int_eq(kill(daemon_pid, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(daemon_pid, &status, WUNTRACED), daemon_pid);
	ck_assert(WIFSTOPPED(status));
	exec_in(db, "COMMIT");
	exec_in(db, "BEGIN IMMEDIATE");
	ck_assert_int_eq(kill(daemon_pid, SIGCONT), 0);
	usleep(3000000);
	check_sql("SELECT state FROM hook_run ORDER BY event_id, hook", "done");
	exec_in(db, "COMMIT");
	ck_assert_int_lt(
		await_sql("SELECT state FROM hook_run ORDER BY event_id, hook", "done;done"), 2000);
	sqlite3_close(db);
	stop();
}
END_TEST

START_TEST(options)
{
	write_conf("");
	ck_assert_int_eq(code_of(launch_with("--help", NULL)), 0);
	ck_assert_int_eq(code_of(launch_with("--version", NULL)), 0);
	ck_assert_int_eq(code_of(launch_with("--nonsense", NULL)), 64);
	ck_assert_int_eq(code_of(launch_with("operand", NULL)), 64);
	ck_assert_int_eq(code_of(launch_with("-c", "/nonexistent/ipnd.conf")), 78);
	CLEANUP(freep) char *option = unit_format("--config=%s", conf);
	ck_assert_int_eq(code_of(launch_with(option, "--check-config")), 0);
	write_file(conf, "nonsense = 1\n", 0644);
	ck_assert_int_eq(code_of(launch_with(option, "--check-config")), 78);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("dispatch");
	TCase *c = unit_case(suite, "dispatch");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, runs_and_keeps_output);
	tcase_add_test(c, wakes_at_once);
	tcase_add_test(c, lanes);
	tcase_add_test(c, different_hooks_run_in_parallel);
	tcase_add_test(c, concurrency);
	tcase_add_test(c, retries_until_done);
	tcase_add_test(c, dead_after_the_last_attempt);
	tcase_add_test(c, exit_100_is_dead_at_once);
	tcase_add_test(c, too_old_to_try_again);
	tcase_add_test(c, timeout_ends_the_group);
	tcase_add_test(c, cannot_start);
	tcase_add_test(c, skipped_with_the_reason);
	tcase_add_test(c, hostile_values_stay_data);
	tcase_add_test(c, killed_in_the_middle);
	tcase_add_test(c, waits_for_the_database);
	tcase_add_test(c, database_is_replaced);
	tcase_add_test(c, database_is_replaced_during_a_run);
	tcase_add_test(c, database_is_replaced_by_an_older_one);
	tcase_add_test(c, one_per_folder);
	tcase_add_test(c, reload);
	tcase_add_test(c, removed_hook_does_not_run);
	tcase_add_test(c, stop_lets_hooks_finish);
	tcase_add_test(c, stop_cuts_short_what_does_not_finish);
	tcase_add_test(c, backlog);
	tcase_add_test(c, backlog_of_skipped_ones);
	tcase_add_test(c, busy_database);
	tcase_add_test(c, options);
	return unit_main(suite);
}
