#include "ipnctl/progress.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

static volatile sig_atomic_t asked;

static void on_signal(int number)
{
	(void)number;
	asked = 1;
}

void progress_watch(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
}

bool progress_goes_on(void)
{
	return !asked;
}

bool progress_step(int64_t done, int64_t all, void *progress)
{
	struct progress *p = progress;
	int percent = all > 0 ? (int)(100 * done / all) : -1;

	if ((!p->shown || percent != p->percent) && isatty(STDERR_FILENO)) {
		if (percent < 0)
			fprintf(stderr, "\r\033[K%s ...", p->what);
		else
			fprintf(stderr, "\r\033[K%s: %d %%", p->what, percent);
		fflush(stderr);
		p->shown = true;
		p->percent = percent;
	}
	return !asked;
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}

enum exit_code progress_ended_early(const char *how_to_go_on)
{
	log_error("interrupted; what was done stays done; %s", how_to_go_on);
	return EXIT_TRY_AGAIN;
}

enum exit_code progress_failed(const char *path, const char *why, int error)
{
	int code = exit_code_of(error);

	if (error == -EINTR) {
		log_error("interrupted; nothing was changed. Run this again");
		return EXIT_TRY_AGAIN;
	}
	log_error("%s: %s%s", path, why ? why : strerror(-error),
		  error == -EBUSY || error == -EAGAIN ? "; try again" : "");
	return code == EXIT_OUR_BUG ? EXIT_IO : (enum exit_code)code;
}
