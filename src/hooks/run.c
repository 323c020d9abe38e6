#include "hooks/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "base/utc.h"

/*
 * After the end at most this much is still read: a pipe that the child made as large as it may (fs.pipe-max-size,
 * 1 MiB), not what a process that left the group goes on writing.
 */
#define DRAIN_READS (1048576 / RUN_OUTPUT_MAX + 1)

#define USEC_PER_MSEC       1000
#define TIMEOUT_MAX_MS      (INT64_MAX / USEC_PER_MSEC / 2)
#define REAP_TRIES          100
#define REAP_PAUSE_USEC     10000
#define TIMER_ACCURACY_USEC 10000

struct run {
	sd_event_source *child;
	sd_event_source *timer;
	sd_event_source *input_source;
	sd_event_source *output_source;
	run_fn ended;
	void *userdata;
	pid_t pid; /* 0: not started, or reaped */
	bool termed;
	struct run_end end;
	int input; /* our ends of the pipes; -1: closed */
	int output;
	char *text; /* for stdin */
	size_t text_len;
	size_t written;
	uint64_t printed;          /* bytes read so far */
	char tail[RUN_OUTPUT_MAX]; /* a ring: the next byte goes to printed % RUN_OUTPUT_MAX */
};

static void close_fd(int *fd)
{
	closep(fd);
	*fd = -1;
}

static void close_input(struct run *r)
{
	r->input_source = sd_event_source_disable_unref(r->input_source);
	close_fd(&r->input);
}

static void close_output(struct run *r)
{
	r->output_source = sd_event_source_disable_unref(r->output_source);
	close_fd(&r->output);
}

/* The leader is not reaped before its handler has returned, so neither number can mean anybody else. */
static void signal_group(const struct run *r, int number)
{
	kill(-r->pid, number);
	if (getpgid(r->pid) != r->pid)
		kill(r->pid, number);
}

/* True while there may be more at once. */
static bool read_some(struct run *r)
{
	size_t at = r->printed % RUN_OUTPUT_MAX;
	ssize_t n = read(r->output, r->tail + at, RUN_OUTPUT_MAX - at);

	if (n > 0) {
		r->printed += (uint64_t)n;
		return true;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_output(r);
	return false;
}

static int on_output(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	(void)source;
	(void)fd;
	(void)events;
	read_some(userdata);
	return 0;
}

static int on_input(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct run *r = userdata;
	ssize_t n = write(fd, r->text + r->written, r->text_len - r->written);

	(void)source;
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n >= 0)
		r->written += (size_t)n;
	/* A child that does not read its stdin is no error. */
	if (n < 0 || r->written == r->text_len)
		close_input(r);
	return 0;
}

static int arm(struct run *r, int64_t ms)
{
	int result = sd_event_source_set_time_relative(r->timer, (uint64_t)ms * USEC_PER_MSEC);

	return result < 0 ? result : sd_event_source_set_enabled(r->timer, SD_EVENT_ONESHOT);
}

static void terminate(struct run *r)
{
	if (r->termed)
		return;
	r->termed = true;
	signal_group(r, SIGTERM);
	if (arm(r, RUN_TERM_MS) < 0)
		signal_group(r, SIGKILL);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct run *r = userdata;

	(void)source;
	(void)usec;
	if (r->termed) {
		signal_group(r, SIGKILL);
		return 0;
	}
	r->end.timed_out = true;
	terminate(r);
	return 0;
}

static int on_child(sd_event_source *source, const siginfo_t *info, void *userdata)
{
	struct run *r = userdata;

	(void)source;
	/* What the leader left behind goes with it: a run that is over must not go on working. */
	signal_group(r, SIGKILL);
	r->pid = 0;
	r->end.killed = info->si_code != CLD_EXITED;
	r->end.status = info->si_status;
	for (int i = 0; i < DRAIN_READS && r->output >= 0 && read_some(r); i++)
		;
	close_input(r);
	if (r->output >= 0)
		close_output(r);
	sd_event_source_set_enabled(r->timer, SD_EVENT_OFF);
	r->ended(r, r->userdata);
	return 0;
}

/* The child starts with no signal blocked or ignored, whatever we, or who started us, did to them. */
static int prepare_signals(posix_spawnattr_t *attributes)
{
	sigset_t none, all;
	int e;

	sigemptyset(&none);
	sigfillset(&all);
	e = posix_spawnattr_setsigmask(attributes, &none);
	if (e == 0)
		e = posix_spawnattr_setsigdefault(attributes, &all);
	if (e == 0)
		e = posix_spawnattr_setpgroup(attributes, 0);
	if (e == 0)
		e = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK |
								 POSIX_SPAWN_SETSIGDEF |
								 POSIX_SPAWN_SETPGROUP);
	return -e;
}

static int prepare_files(posix_spawn_file_actions_t *actions, int input, int output)
{
	int e = posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO);

	if (e == 0)
		e = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
	if (e == 0)
		e = posix_spawn_file_actions_adddup2(actions, output, STDERR_FILENO);
	if (e == 0)
		e = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
	if (e == 0)
		e = posix_spawn_file_actions_addchdir_np(actions, "/");
	return -e;
}

static int spawn(const struct run_order *order, int input, int output, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int result = -posix_spawnattr_init(&attributes);

	if (result < 0)
		return result;
	result = -posix_spawn_file_actions_init(&actions);
	if (result == 0) {
		result = prepare_signals(&attributes);
		if (result == 0)
			result = prepare_files(&actions, input, output);
		if (result == 0)
			result = -posix_spawn(ret_pid, order->argv[0], &actions, &attributes,
					      order->argv, order->environment);
		posix_spawn_file_actions_destroy(&actions);
	}
	posix_spawnattr_destroy(&attributes);
	return result;
}

/* Only our end may not block: the child's is an open file of its own and stays as programs expect it. */
static int make_pipe(int *ret_read, int *ret_write, bool we_read)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	if (fcntl(we_read ? fds[0] : fds[1], F_SETFL, O_NONBLOCK) < 0) {
		int result = -errno;

		close(fds[0]);
		close(fds[1]);
		return result;
	}
	*ret_read = fds[0];
	*ret_write = fds[1];
	return 0;
}

/* What can fail is done before the child is there. */
static int prepare_sources(struct run *r, sd_event *event)
{
	int result;

	result = sd_event_add_time_relative(event, &r->timer, CLOCK_MONOTONIC, 0,
					    TIMER_ACCURACY_USEC, on_time, r);
	if (result >= 0)
		result = sd_event_source_set_enabled(r->timer, SD_EVENT_OFF);
	if (result >= 0)
		result =
			sd_event_add_io(event, &r->output_source, r->output, EPOLLIN, on_output, r);
	if (result >= 0)
		result = sd_event_source_set_priority(r->output_source, RUN_OUTPUT_PRIORITY);
	if (result >= 0)
		result = sd_event_add_io(event, &r->input_source, r->input, EPOLLOUT, on_input, r);
	return result < 0 ? result : 0;
}

static int watch_child(struct run *r, sd_event *event, int64_t timeout_ms)
{
	int result = sd_event_add_child(event, &r->child, r->pid, WEXITED, on_child, r);

	if (result >= 0)
		result = sd_event_source_set_priority(r->child, RUN_CHILD_PRIORITY);
	if (result >= 0 && timeout_ms < TIMEOUT_MAX_MS)
		result = arm(r, timeout_ms);
	return result < 0 ? result : 0;
}

int run_start(sd_event *event, const struct run_order *order, struct run **ret)
{
	CLEANUP(run_freep) struct run *r = calloc(1, sizeof(*r));
	CLEANUP(closep) int input = -1, output = -1;
	int result;

	if (!r)
		return -ENOMEM;
	r->input = r->output = -1;
	r->ended = order->ended;
	r->userdata = order->userdata;
	r->text = strdup(order->input);
	if (!r->text)
		return -ENOMEM;
	r->text_len = strlen(r->text);
	result = make_pipe(&input, &r->input, false);
	if (result == 0)
		result = make_pipe(&r->output, &output, true);
	if (result == 0)
		result = prepare_sources(r, event);
	if (result == 0)
		result = spawn(order, input, output, &r->pid);
	if (result == 0)
		result = watch_child(r, event, order->timeout_ms);
	if (result == 0)
		*ret = TAKE(r);
	return result;
}

void run_stop(struct run *r)
{
	if (r->pid == 0 || r->termed)
		return;
	r->end.stopped = true;
	terminate(r);
}

const struct run_end *run_end(const struct run *r)
{
	return &r->end;
}

/* After a cut: continuation bytes of UTF-8 at the beginning belong to a character that is gone. */
static struct text whole_characters(struct text t)
{
	for (int i = 0; i < 3 && t.len > 0 && ((unsigned char)t.at[0] & 0xC0) == 0x80; i++) {
		t.at++;
		t.len--;
	}
	return t;
}

char *run_output(const struct run *r)
{
	size_t len = r->printed < RUN_OUTPUT_MAX ? (size_t)r->printed : RUN_OUTPUT_MAX;
	size_t at = r->printed % RUN_OUTPUT_MAX;
	CLEANUP(freep) char *bytes = malloc(RUN_OUTPUT_MAX), *clean = NULL;
	struct text t = {bytes, len};

	if (!bytes)
		return NULL;
	if (len < RUN_OUTPUT_MAX) {
		memcpy(bytes, r->tail, len);
	} else {
		memcpy(bytes, r->tail + at, RUN_OUTPUT_MAX - at);
		memcpy(bytes + RUN_OUTPUT_MAX - at, r->tail, at);
	}
	clean = text_utf8(r->printed > RUN_OUTPUT_MAX ? whole_characters(t) : t);
	if (!clean)
		return NULL;
	t = text_of(clean);
	if (t.len <= RUN_OUTPUT_MAX)
		return TAKE(clean);
	/* Bytes that were no text have grown. */
	t.at += t.len - RUN_OUTPUT_MAX;
	t.len = RUN_OUTPUT_MAX;
	return text_dup(whole_characters(t));
}

void run_free(struct run *r)
{
	if (!r)
		return;
	if (r->pid > 0) {
		signal_group(r, SIGKILL);
		r->child = sd_event_source_disable_unref(r->child);
		/* One that hangs in the kernel is left to it. */
		for (int i = 0; i < REAP_TRIES && waitpid(r->pid, NULL, WNOHANG) == 0; i++)
			usleep(REAP_PAUSE_USEC);
	}
	sd_event_source_disable_unref(r->child);
	sd_event_source_disable_unref(r->timer);
	close_input(r);
	close_output(r);
	free(r->text);
	free(r);
}
