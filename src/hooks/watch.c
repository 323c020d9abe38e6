#include "hooks/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>

#define FOLDER_MASK                                                                                \
	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF |     \
	 IN_ONLYDIR)

/* Many at a time; one event with the longest name must fit (inotify(7)). */
#define BUFFER_SIZE 4096

struct watch {
	sd_event_source *source;
	watch_fn changed;
	void *userdata;
	char *path;     /* of the database */
	char *log_path; /* of its write-ahead log */
	int fd;
	int folder; /* watch descriptors; -1: none */
	int log;
};

/* The folder of a path: "/a/b" gives "/a", "/a" gives "/", "a" gives ".". False when there is none above. */
static bool go_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (strcmp(path, "/") == 0 || strcmp(path, ".") == 0)
		return false;
	if (!slash)
		path[0] = '.';
	path[!slash || slash == path ? 1 : slash - path] = 0;
	return true;
}

static void replace(struct watch *w, int *descriptor, int now)
{
	/* The kernel has forgotten the watch of a file that is gone: an error here means nothing. */
	if (*descriptor >= 0 && *descriptor != now)
		inotify_rm_watch(w->fd, *descriptor);
	*descriptor = now;
}

void watch_renew(struct watch *w)
{
	CLEANUP(freep) char *folder = w ? strdup(w->path) : NULL;
	int now = -1;

	if (!folder)
		return;
	while (now < 0 && go_up(folder))
		now = inotify_add_watch(w->fd, folder, FOLDER_MASK);
	replace(w, &w->folder, now);
	replace(w, &w->log, inotify_add_watch(w->fd, w->log_path, IN_MODIFY));
}

static int on_inotify(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	_Alignas(struct inotify_event) char buffer[BUFFER_SIZE];
	struct watch *w = userdata;
	bool names = false;
	ssize_t n;

	(void)source;
	(void)events;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		const struct inotify_event *e;

		for (char *at = buffer; at < buffer + n; at += sizeof(*e) + e->len) {
			e = (const struct inotify_event *)(const void *)at;
			names = names || e->wd != w->log || (e->mask & IN_IGNORED);
		}
	}
	if (names)
		watch_renew(w);
	w->changed(names, w->userdata);
	return 0;
}

int watch_new(sd_event *event, const char *database_path, watch_fn changed, void *userdata,
	      struct watch **ret)
{
	CLEANUP(watch_freep) struct watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->fd = w->folder = w->log = -1;
	w->changed = changed;
	w->userdata = userdata;
	w->path = strdup(database_path);
	if (!w->path || asprintf(&w->log_path, "%s-wal", database_path) < 0)
		return -ENOMEM;
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0)
		return -errno;
	r = sd_event_add_io(event, &w->source, w->fd, EPOLLIN, on_inotify, w);
	if (r < 0)
		return r;
	watch_renew(w);
	*ret = TAKE(w);
	return 0;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	sd_event_source_disable_unref(w->source);
	closep(&w->fd);
	free(w->path);
	free(w->log_path);
	free(w);
}
