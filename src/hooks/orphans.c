#include "hooks/orphans.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define FILE_MAX  131072 /* of an environment; environment.c keeps ours below */
#define DEPTH_MAX 64     /* of ancestors; below any real depth of hooks */

DEFINE_CLEANUP(DIR *, closedir)

/* Up to `size` - 1 bytes of /proc/PID/NAME and a NUL behind them; 0 when it cannot be read. */
static size_t read_proc(pid_t pid, const char *name, char *ret, size_t size)
{
	CLEANUP(closep) int fd = -1;
	char path[64];
	size_t len = 0;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && len < size - 1 && (n = read(fd, ret + len, size - 1 - len)) > 0)
		len += (size_t)n;
	ret[len] = 0;
	return len;
}

static bool has_entry(const char *environment, size_t len, const char *entry)
{
	for (const char *at = environment; at < environment + len; at += strlen(at) + 1)
		if (strcmp(at, entry) == 0)
			return true;
	return false;
}

/*
 * Event, attempt, object, account and all else that this run was told. Small numbers alone would also fit the run of an ipn-hookd
 * with another database.
 */
static bool is_told_of(const struct job *j, const char *environment, size_t len)
{
	for (char **entry = j->environment; entry && *entry; entry++)
		if (strncmp(*entry, "IPN_", strlen("IPN_")) == 0 &&
		    !has_entry(environment, len, *entry))
			return false;
	return j->environment;
}

static bool is_of(const struct jobs *runs, const char *environment, size_t len)
{
	for (const struct job *j = runs->first; j; j = j->next)
		if (is_told_of(j, environment, len))
			return true;
	return false;
}

/* The parent; 0: none, or unknown. `comm` gets the program's name. */
static pid_t parent_of(pid_t pid, char comm[static 32])
{
	char stat[512], *open, *close;

	comm[0] = 0;
	if (read_proc(pid, "stat", stat, sizeof(stat)) == 0)
		return 0;
	open = strchr(stat, '(');
	close = strrchr(stat, ')');
	if (!open || !close || close < open || close - open >= 32 || strlen(close) < 5)
		return 0;
	*close = 0;
	memcpy(comm, open + 1, (size_t)(close - open));
	/* The name ends at the parenthesis; then " S PPID". */
	return (pid_t)strtol(close + 4, NULL, 10);
}

/* Whether an ipn-hookd that lives looks after it. We have no runs yet. */
static bool is_looked_after(pid_t pid)
{
	char comm[32];

	for (int depth = 0; pid > 1 && depth < DEPTH_MAX; depth++) {
		pid = parent_of(pid, comm);
		if (pid == getpid() || strcmp(comm, "ipn-hookd") == 0)
			return true;
	}
	return false;
}

/* The process group of the run that this process belongs to; 0: of none. */
static pid_t group_of(pid_t pid, const struct jobs *runs, char *buffer)
{
	pid_t group = getpgid(pid);
	size_t len;

	/* A run has a group of its own in our session; who has left for another session has left the run. */
	if (pid == getpid() || group <= 1 || group == getpgid(0) || getsid(pid) == group)
		return 0;
	len = read_proc(pid, "environ", buffer, FILE_MAX);
	return len > 0 && is_of(runs, buffer, len) && !is_looked_after(pid) ? group : 0;
}

int orphans_signal(const struct jobs *runs, int signal, size_t *ret_n)
{
	CLEANUP(closedirp) DIR *proc = opendir("/proc");
	CLEANUP(freep) char *buffer = malloc(FILE_MAX);
	pid_t last = 0;
	const struct dirent *d;
	size_t n = 0;

	if (!proc)
		return -errno;
	if (!buffer)
		return -ENOMEM;
	while ((d = readdir(proc))) {
		pid_t pid = (pid_t)strtol(d->d_name, NULL, 10);
		pid_t group = pid > 1 ? group_of(pid, runs, buffer) : 0;

		if (group == 0 || group == last)
			continue;
		last = group;
		n++;
		if (signal != 0)
			kill(-group, signal);
	}
	*ret_n = n;
	return 0;
}
