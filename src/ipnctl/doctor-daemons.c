/* Checks whether both daemons run. */
#include <string.h>

#include "ipnctl/doctor.h"

static const char *first_line_end(char *text)
{
	char *end = text + strcspn(text, "\n");

	if (*end)
		*end++ = 0;
	for (char *p = end; *p; p++)
		if (*p == '\n')
			*p = p[1] ? ' ' : 0;
	return end;
}

/* The lock file: the pid, then a URL a line. */
static bool check_daemon(struct doctor *d, const char *program, bool needed)
{
	CLEANUP(freep) char *text = NULL;
	int running = ctl_running(d->c, program, &text);
	const char *urls;

	if (running < 0) {
		doctor_find(d, FINDING_WARNING, "whether %s runs cannot be seen: %s", program,
			    strerror(-running));
		doctor_mend(d, "ask again as root: sudo ipnctl doctor");
		return false;
	}
	if (!running) {
		doctor_find(d, needed ? FINDING_FAILED : FINDING_OK, "%s does not run%s", program,
			    needed ? "" : ", and need not: no hook is configured");
		if (needed)
			doctor_mend(
				d,
				"systemctl start %s; journalctl -u %s -n 50    # says why it ended",
				program, program);
		return false;
	}
	urls = first_line_end(text);
	doctor_find(d, FINDING_OK, "%s runs, pid %s%s%s", program, text, *urls ? ", " : "", urls);
	return true;
}

void doctor_check_daemons(struct doctor *d)
{
	check_daemon(d, "ipnd", true);
	check_daemon(d, "ipn-hookd", d->c->config->n_hooks > 0);
}
