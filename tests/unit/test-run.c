/* One child: what it gets, what is kept of its output, and that nothing of it outlives its end. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include "base/utc.h"
#include "hooks/run.h"
#include "unit.h"

static sd_event *event;
static char *folder;
static char *no_environment[] = {NULL};

static void setup(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	ck_assert_int_ge(sd_event_new(&event), 0);
	folder = unit_folder();
}

static void teardown(void)
{
	sd_event_unref(event);
	free(folder);
}

static void on_ended(struct run *r, void *userdata)
{
	(void)r;
	*(bool *)userdata = true;
}

static int64_t monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct result {
	struct run_end end;
	char *output;
	int64_t took_ms;
};

static void result_done(struct result *r)
{
	free(r->output);
}

static struct run *start(const char *script, const char *input, int64_t timeout_ms, bool *ended)
{
	char shell[] = "/bin/sh", option[] = "-c";
	CLEANUP(freep) char *text = strdup(script);
	char *argv[] = {shell, option, text, NULL};
	const struct run_order order = {
		.argv = argv,
		.environment = no_environment,
		.input = input,
		.timeout_ms = timeout_ms,
		.ended = on_ended,
		.userdata = ended,
	};
	struct run *r = NULL;

	*ended = false;
	ck_assert_int_eq(run_start(event, &order, &r), 0);
	return r;
}

static struct result wait_for(struct run *r, const bool *ended)
{
	struct result result;
	int64_t began = monotonic_ms();

	while (!*ended)
		ck_assert_int_ge(sd_event_run(event, 20 * 1000000), 0);
	result.took_ms = monotonic_ms() - began;
	result.end = *run_end(r);
	result.output = run_output(r);
	ck_assert_ptr_nonnull(result.output);
	run_free(r);
	return result;
}

static struct result run(const char *script, const char *input, int64_t timeout_ms)
{
	bool ended;
	struct run *r = start(script, input, timeout_ms, &ended);

	return wait_for(r, &ended);
}

/* Within 2 s: the process is gone, or a zombie that init has not reaped yet. */
static void check_gone(const char *pid_file)
{
	CLEANUP(freep) char *text = unit_read(pid_file, NULL);
	pid_t pid = (pid_t)strtol(text, NULL, 10);
	CLEANUP(freep) char *path = unit_format("/proc/%d/stat", (int)pid);

	ck_assert_int_gt(pid, 1);
	for (int i = 0; i < 200; i++) {
		char stat[512] = "";
		const char *state;
		CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || read(fd, stat, sizeof(stat) - 1) <= 0)
			return;
		state = strrchr(stat, ')');
		if (state && state[1] == ' ' && state[2] == 'Z')
			return;
		usleep(10000);
	}
	ck_abort_msg("process %d still lives", (int)pid);
}

START_TEST(input_and_output)
{
	CLEANUP(result_done)
	struct result r = run("cat; echo to stderr >&2; exit 3", "{\"a\":1}\n", 10000);

	ck_assert(!r.end.killed && !r.end.timed_out && !r.end.stopped);
	ck_assert_int_eq(r.end.status, 3);
	ck_assert_str_eq(r.output, "{\"a\":1}\nto stderr\n");
}
END_TEST

/* `/`, three open files, no signal blocked or ignored (but 32 and 33, glibc's own), a group and no environment of ours. */
START_TEST(clean_surroundings)
{
	CLEANUP(closep) int leak = open("/dev/null", O_RDONLY);
	CLEANUP(result_done)
	struct result r = run(
		"pwd; for f in /proc/$$/fd/*; do [ -e \"$f\" ] && printf '%s ' \"${f##*/}\"; done; grep -E '^Sig(Blk|Ign)' /proc/self/status | sed s/180000000/000000000/; "
		"cut -d' ' -f5 /proc/$$/stat | sed \"s/^$$\\$/leader/\"; tr '\\0' '\\n' </proc/$$/environ",
		"", 10000);

	ck_assert_int_gt(leak, 2);
	ck_assert_str_eq(r.output,
			 "/\n0 1 2 SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nleader\n");
}
END_TEST

START_TEST(input_that_is_not_read)
{
	CLEANUP(freep) char *big = malloc(1 << 20);
	CLEANUP(result_done) struct result r = {0};

	memset(big, 'x', (1 << 20) - 1);
	big[(1 << 20) - 1] = 0;
	r = run("exit 0", big, 10000);
	ck_assert_int_eq(r.end.status, 0);
	ck_assert(!r.end.killed);
}
END_TEST

START_TEST(large_input_is_read_whole)
{
	CLEANUP(freep) char *big = malloc(1 << 20);
	CLEANUP(result_done) struct result r = {0};

	memset(big, 'x', (1 << 20) - 1);
	big[(1 << 20) - 1] = 0;
	r = run("wc -c", big, 10000);
	ck_assert_str_eq(r.output, "1048575\n");
}
END_TEST

START_TEST(tail_of_the_output)
{
	CLEANUP(result_done)
	struct result r = run("head -c 1000000 /dev/zero | tr '\\0' a; echo end", "", 20000);
	size_t len = strlen(r.output);

	ck_assert_uint_eq(len, RUN_OUTPUT_MAX);
	ck_assert_str_eq(r.output + len - 5, "aend\n");
	ck_assert_int_eq(r.output[0], 'a');
}
END_TEST

static const struct {
	const char *script;
	const char *output;
} outputs[] = {
	{"exit 0", ""},
	{"printf 'a\\000b'", "a\xEF\xBF\xBD"
			     "b"},
	{"printf 'a\\377b'", "a\xEF\xBF\xBD"
			     "b"},
	{"printf '\\303\\251'", "\xC3\xA9"},
	{"printf '\\303'", "\xEF\xBF\xBD"},
};

START_TEST(output_is_text)
{
	CLEANUP(result_done) struct result r = run(outputs[_i].script, "", 10000);

	ck_assert_str_eq(r.output, outputs[_i].output);
}
END_TEST

/* The cut goes through a character of three bytes; what is left of it is dropped. Bytes that are no text grow. */
START_TEST(cut_output_is_text)
{
	CLEANUP(result_done)
	struct result euro =
		run("yes \"$(printf '\\342\\202\\254')\" | tr -d '\\n' | head -c 90000", "", 20000);
	CLEANUP(result_done)
	struct result bad = run("head -c 65000 /dev/zero; echo end", "", 20000);
	CLEANUP(json_decrefp) json_t *text = json_string(euro.output);

	ck_assert_ptr_nonnull(text);
	ck_assert_uint_eq(strlen(euro.output), RUN_OUTPUT_MAX - RUN_OUTPUT_MAX % 3);
	ck_assert_mem_eq(euro.output, "\xE2\x82\xAC", 3);
	ck_assert_uint_le(strlen(bad.output), RUN_OUTPUT_MAX);
	ck_assert_uint_gt(strlen(bad.output), RUN_OUTPUT_MAX - 3);
	ck_assert_mem_eq(bad.output, "\xEF\xBF\xBD", 3);
	ck_assert_str_eq(bad.output + strlen(bad.output) - 4, "end\n");
}
END_TEST

/* Prints without end and still gets its TERM in time. */
START_TEST(flood_is_timed_out)
{
	CLEANUP(result_done) struct result r = run("exec yes", "", 500);

	ck_assert(r.end.timed_out && r.end.killed);
	ck_assert_int_eq(r.end.status, SIGTERM);
	ck_assert_int_lt(r.took_ms, 3000);
}
END_TEST

START_TEST(timeout_ends_the_group)
{
	CLEANUP(freep) char *pid_file = unit_format("%s/pid", folder);
	CLEANUP(freep)
	char *script = unit_format("sleep 60 & echo $! >%s; echo begun; wait", pid_file);
	CLEANUP(result_done) struct result r = run(script, "", 300);

	ck_assert(r.end.timed_out && r.end.killed);
	ck_assert_int_eq(r.end.status, SIGTERM);
	ck_assert_int_ge(r.took_ms, 290);
	ck_assert_int_lt(r.took_ms, 3000);
	ck_assert_str_eq(r.output, "begun\n");
	check_gone(pid_file);
}
END_TEST

/* TERM is ignored by all of them: KILL comes 5 s later, and reaches the group. */
START_TEST(kill_after_term)
{
	CLEANUP(freep) char *pid_file = unit_format("%s/pid", folder);
	CLEANUP(freep)
	char *script = unit_format(
		"trap '' TERM; (trap '' TERM; sleep 60; sleep 60) & echo $! >%s; sleep 60; sleep 60",
		pid_file);
	CLEANUP(result_done) struct result r = run(script, "", 200);

	ck_assert(r.end.timed_out && r.end.killed);
	ck_assert_int_eq(r.end.status, SIGKILL);
	ck_assert_int_ge(r.took_ms, RUN_TERM_MS + 190);
	ck_assert_int_lt(r.took_ms, RUN_TERM_MS + 3000);
	check_gone(pid_file);
}
END_TEST

/* A process left in the background holds the pipe: it is not waited for, and killed. */
START_TEST(nothing_is_left_behind)
{
	CLEANUP(freep) char *pid_file = unit_format("%s/pid", folder);
	CLEANUP(freep)
	char *script =
		unit_format("(trap '' TERM HUP; exec sleep 60) & echo $! >%s; echo done", pid_file);
	CLEANUP(result_done) struct result r = run(script, "", 30000);

	ck_assert(!r.end.killed);
	ck_assert_int_eq(r.end.status, 0);
	ck_assert_str_eq(r.output, "done\n");
	ck_assert_int_lt(r.took_ms, 3000);
	check_gone(pid_file);
}
END_TEST

/* One that left the group escapes, but its hold on the pipe delays nobody. */
START_TEST(daemon_does_not_hold_us_up)
{
	CLEANUP(result_done)
	struct result r = run(
		"setsid sh -c 'echo $$; for i in 1 2 3 4 5 6 7 8; do echo x; sleep 0.5; done' & sleep 0.2; exit 0",
		"", 30000);

	ck_assert_int_eq(r.end.status, 0);
	ck_assert_int_lt(r.took_ms, 2500);
}
END_TEST

/* A leader that has left the group it was given is reached all the same. */
START_TEST(leader_outside_its_group)
{
	CLEANUP(result_done)
	struct result r = run(
		"exec perl -e '$| = 1; setpgrp(0, getpgrp(getppid())); print getpgrp() == $$ ? 1 : 0; sleep 60'",
		"", 300);

	ck_assert_str_eq(r.output, "0");
	ck_assert(r.end.timed_out && r.end.killed);
	ck_assert_int_lt(r.took_ms, 3000);
}
END_TEST

START_TEST(no_timeout)
{
	CLEANUP(result_done) struct result r = run("sleep 0.3", "", DURATION_NONE);

	ck_assert(!r.end.timed_out && !r.end.killed);
}
END_TEST

START_TEST(stopped_by_us)
{
	bool ended;
	struct run *one = start("sleep 60", "", 30000, &ended);
	CLEANUP(result_done) struct result r = {0};

	run_stop(one);
	run_stop(one);
	r = wait_for(one, &ended);
	ck_assert(r.end.stopped && r.end.killed && !r.end.timed_out);
	ck_assert_int_eq(r.end.status, SIGTERM);
}
END_TEST

START_TEST(freed_while_it_runs)
{
	CLEANUP(freep) char *pid_file = unit_format("%s/pid", folder);
	CLEANUP(freep)
	char *script = unit_format("sleep 60 & echo $! >%s; mv %s %s.done; wait", pid_file,
				   pid_file, pid_file);
	CLEANUP(freep) char *done = unit_format("%s.done", pid_file);
	struct stat st;
	bool ended;
	struct run *r = start(script, "", 30000, &ended);

	for (int i = 0; i < 500 && stat(done, &st) < 0; i++)
		usleep(10000);
	run_free(r);
	ck_assert(!ended);
	check_gone(done);
}
END_TEST

START_TEST(cannot_start)
{
	CLEANUP(freep) char *plain = unit_format("%s/plain", folder);
	char absent[] = "/nonexistent/hook", name[] = "true";
	char *cases[] = {absent, folder, plain, name};
	const int errors[] = {-ENOENT, -EACCES, -EACCES, -ENOENT};
	CLEANUP(closep) int fd = open(plain, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *argv[] = {cases[i], NULL};
		bool ended = false;
		const struct run_order order = {argv, no_environment, "", 1000, on_ended, &ended};
		struct run *r = NULL;

		ck_assert_int_eq(run_start(event, &order, &r), errors[i]);
		ck_assert_ptr_null(r);
		ck_assert(!ended);
	}
}
END_TEST

START_TEST(many_at_once)
{
	enum { N = 50 };
	struct run *runs[N];
	bool ended[N];

	for (int i = 0; i < N; i++) {
		CLEANUP(freep) char *script = unit_format("cat; exit %d", i);

		runs[i] = start(script, "x", 30000, &ended[i]);
	}
	for (int i = 0; i < N; i++) {
		CLEANUP(result_done) struct result r = wait_for(runs[i], &ended[i]);

		ck_assert_int_eq(r.end.status, i);
		ck_assert_str_eq(r.output, "x");
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("run");
	TCase *c = unit_case(suite, "run");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, input_and_output);
	tcase_add_test(c, clean_surroundings);
	tcase_add_test(c, input_that_is_not_read);
	tcase_add_test(c, large_input_is_read_whole);
	tcase_add_test(c, tail_of_the_output);
	tcase_add_loop_test(c, output_is_text, 0, sizeof(outputs) / sizeof(outputs[0]));
	tcase_add_test(c, cut_output_is_text);
	tcase_add_test(c, flood_is_timed_out);
	tcase_add_test(c, timeout_ends_the_group);
	tcase_add_test(c, kill_after_term);
	tcase_add_test(c, nothing_is_left_behind);
	tcase_add_test(c, daemon_does_not_hold_us_up);
	tcase_add_test(c, leader_outside_its_group);
	tcase_add_test(c, no_timeout);
	tcase_add_test(c, stopped_by_us);
	tcase_add_test(c, freed_while_it_runs);
	tcase_add_test(c, cannot_start);
	tcase_add_test(c, many_at_once);
	return unit_main(suite);
}
