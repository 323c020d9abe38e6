/* Checks of the database, and of the clock by what it holds. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>

#include "base/utc.h"
#include "ipnctl/doctor.h"
#include "ipnctl/rows.h"
#include "ipnctl/when.h"
#include "sns/envelope.h"

#define QUICK_CHECK_MS 10000
#define DAY_MS         INT64_C(86400000)
#define BEHIND_MS      60000

static void mend_open(struct doctor *d, int error)
{
	switch (error) { /* an errno, not an enum */
	case -ENOENT:
		doctor_mend(d, "systemctl start ipnd    # makes it");
		break;
	case -EACCES:
	case -EROFS:
		doctor_mend(
			d,
			"run this as root or as a member of the database's group; or: systemctl restart ipnd");
		break;
	case -ENOTSUP:
		doctor_mend(
			d, "systemctl restart ipnd    # after an upgrade of all programs together");
		break;
	case -EBUSY:
		doctor_mend(d, "try again");
		break;
	default:
		doctor_mend(
			d,
			"stop both daemons, keep a copy of the folder, then: ipnctl restore FILE, from your last backup");
		break;
	}
}

/* SQLite gives what stands beside a database to the owner of that, if it can: a mistake would spread. */
static int become_owner(const struct doctor *d)
{
	int r = ctl_become_owner_of(d->c->config->database.path);

	return r < 0 || geteuid() != 0 ? r : ctl_become_owner_of(d->c->state_folder);
}

static bool open_database(struct doctor *d)
{
	const char *path = d->c->config->database.path;
	struct ledger *ledger = NULL;
	struct why why;
	int r = become_owner(d);

	if (r < 0) {
		doctor_find(d, FINDING_WARNING, "%s: cannot become its owner: %s", path,
			    strerror(-r));
		doctor_mend(d, "run this as the database's owner: sudo -u %s ipnctl doctor",
			    d->owner.name);
		return false;
	}
	r = ledger_open(path, LEDGER_READ, &ledger, &why);
	if (r < 0) {
		doctor_find(d, FINDING_FAILED, "%s: %s", path, why.text);
		mend_open(d, r);
		return false;
	}
	r = ledger_begin(ledger);
	if (r < 0) {
		doctor_find(d, FINDING_FAILED, "%s: %s", path, ledger_error(ledger));
		mend_open(d, r);
		ledger_close(ledger);
		return false;
	}
	d->c->ledger = ledger;
	return true;
}

static void check_log_size(struct doctor *d)
{
	const char *path = d->c->config->database.path;
	CLEANUP(freep) char *log = NULL, *quoted = doctor_quote(path);
	struct stat st;

	if (asprintf(&log, "%s-wal", path) < 0)
		log = NULL;
	if (stat(output_need(log), &st) < 0 || st.st_size <= LEDGER_LOG_MOST)
		return;
	doctor_find(
		d, FINDING_WARNING,
		"the write-ahead log has %lld MiB: somebody reads for so long that it cannot be written back",
		(long long)st.st_size / 1048576);
	doctor_mend(d, "fuser -v %s    # end whoever is not ipnd or ipn-hookd and has it open",
		    quoted);
}

static bool is_in_time(int64_t done, int64_t all, void *userdata)
{
	const uint64_t *end_usec = userdata;

	(void)done;
	(void)all;
	return monotonic_usec() < *end_usec;
}

/* What is damaged may still be read in part, so the other checks go on. */
static void check_soundness(struct doctor *d)
{
	struct why why = {""};
	uint64_t end_usec = d->full ? UINT64_MAX : monotonic_usec() + QUICK_CHECK_MS * 1000;
	int r = ledger_check(d->c->ledger, d->full, is_in_time, &end_usec, &why);

	if (r == -EINTR) {
		doctor_find(
			d, FINDING_OK,
			"it opens; no damage in what could be read in %d s; ipnctl doctor --full reads all of it",
			QUICK_CHECK_MS / 1000);
		return;
	}
	if (r == 0) {
		doctor_find(d, FINDING_OK, "it opens, is of this version, and %s finds no damage",
			    d->full ? "integrity_check with all references" : "quick_check");
		return;
	}
	doctor_find(d, FINDING_FAILED, "%s%s",
		    r == -EUCLEAN ? "the file " : "cannot be checked: ", why.text);
	mend_open(d, r == -EBUSY ? r : -EUCLEAN);
}

void doctor_check_database(struct doctor *d)
{
	if (!open_database(d))
		return;
	check_log_size(d);
	check_soundness(d);
}

/* When this program came to this machine: no clock shows a time before that. */
static int64_t installed_ms(void)
{
	struct stat st;

	return stat("/proc/self/exe", &st) == 0 ? (int64_t)st.st_mtim.tv_sec * 1000 : UTC_UNKNOWN;
}

static void mend_clock(struct doctor *d)
{
	doctor_mend(
		d,
		"timedatectl set-ntp true    # needs systemd-timesyncd, chrony or another NTP client");
}

/* Whether there is one to compare with. */
static bool check_notification_time(struct doctor *d)
{
	CLEANUP(json_decrefp) json_t *rows = doctor_ask(d, QUERY_ask_last_notification);
	const json_t *last = json_array_get(rows, 0);
	int64_t sent_ms = row_time(last, "sent_at"), received_ms = row_time(last, "received_at");
	char length[WHEN_SIZE];

	if (!last || sent_ms == UTC_UNKNOWN)
		return false;
	when_length(sent_ms - d->c->now_ms, length);
	if (sent_ms - d->c->now_ms > BEHIND_MS) {
		doctor_find(d,
			    sent_ms - d->c->now_ms > SNS_CLOCK_AHEAD_MS ? FINDING_FAILED
									: FINDING_WARNING,
			    "the clock is behind: Amazon sent the last notification in %s from now",
			    length);
		mend_clock(d);
	} else if (sent_ms - received_ms > BEHIND_MS) {
		when_length(sent_ms - received_ms, length);
		doctor_find(d, FINDING_WARNING,
			    "the clock was behind by %s when the last notification came", length);
		mend_clock(d);
	}
	return true;
}

/* Messages of the last day that were answered 503 for the clock. */
static void check_clock_refusals(struct doctor *d)
{
	CLEANUP(json_decrefp) json_t *rows = doctor_ask(d, QUERY_ask_verdicts);
	char ago[DOCTOR_AGO_SIZE];
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (!row_is(row, "verdict", "clock") ||
		    d->c->now_ms - row_time(row, "last_at") > DAY_MS)
			continue;
		doctor_ago(d, row_time(row, "last_at"), ago);
		doctor_find(
			d, FINDING_WARNING,
			"genuine-looking messages were refused since they seemed sent in the future, last %s",
			ago);
		mend_clock(d);
	}
}

void doctor_check_clock(struct doctor *d)
{
	struct timex t = {.modes = 0}; /* only asks */
	int state = adjtimex(&t);
	char now[UTC_TEXT_SIZE];
	bool compared = false;

	utc_format(d->c->now_ms, now);
	if (d->c->now_ms < installed_ms()) {
		doctor_find(d, FINDING_FAILED,
			    "%s is before this program was installed: the clock is wrong", now);
		mend_clock(d);
	}
	if (state >= 0 && t.status & STA_UNSYNC) {
		doctor_find(d, FINDING_WARNING,
			    "%s, and nothing keeps the clock right (not synchronised by NTP)", now);
		mend_clock(d);
	}
	if (d->c->ledger) {
		compared = check_notification_time(d);
		check_clock_refusals(d);
	}
	if (!doctor_has_found(d))
		doctor_find(d, FINDING_OK, "%s, kept right by NTP%s", now,
			    compared ? ", and agrees with Amazon's" : "");
}
