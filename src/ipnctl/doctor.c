/* doctor: looks at the whole installation, and says of everything that is wrong how to mend it. */
#include "ipnctl/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/log.h"
#include "ipnctl/rows.h"
#include "ipnctl/when.h"

static const char *arg_url, *arg_ca, *arg_full, *arg_offline;

static const struct option_row options[] = {
	{0, "url", "URL",
	 "try the way from outside: post a forged message there, which ipnd must refuse", &arg_url},
	{0, "ca", "FILE",
	 "of CA certificates to believe instead of the system's, for --url and our certificate",
	 &arg_ca},
	{0, "full", NULL, "read the database whole, indexes and references too; takes long",
	 &arg_full},
	{0, "offline", NULL, "do not try to reach SNS", &arg_offline},
	{0},
};

/* In this order: what looks at files that only root may see comes before the database, at which root becomes its owner. */
static const struct {
	const char *name;
	void (*check)(struct doctor *d);
	bool needs_database;
} checks[] = {
	{"configuration", doctor_check_configuration, false},
	{"files", doctor_check_files, false},
	{"disk", doctor_check_disk, false},
	{"tls", doctor_check_tls, false},
	{"database", doctor_check_database, false},
	{"daemons", doctor_check_daemons, false},
	{"clock", doctor_check_clock, false},
	{"certificates", doctor_check_certificates, false},
	{"sns", doctor_check_sns, false},
	{"way", doctor_check_way, false},
	{"hooks", doctor_check_hooks, false},
	{"topics", doctor_check_topics, true},
	{"notifications", doctor_check_notifications, true},
};

#define N_CHECKS (sizeof(checks) / sizeof(checks[0]))

static const struct {
	const char *shown, *json;
	enum colour colour;
} levels[] = {
	[FINDING_OK] = {"ok", "ok", COLOUR_GOOD},
	[FINDING_SKIPPED] = {"skipped", "skipped", COLOUR_DIM},
	[FINDING_WARNING] = {"warning", "warning", COLOUR_WAIT},
	[FINDING_FAILED] = {"FAILED", "failed", COLOUR_BAD},
};

static char *format_text(const char *format, va_list ap) __attribute__((format(printf, 1, 0)));
static char *format_text(const char *format, va_list ap)
{
	char *text = NULL;

	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	return output_need(text);
}

static json_t *last_finding(const struct doctor *d)
{
	return json_array_get(d->findings, json_array_size(d->findings) - 1);
}

void doctor_find(struct doctor *d, enum finding level, const char *format, ...)
{
	json_t *finding = output_need(json_object());
	CLEANUP(freep) char *text = NULL;
	va_list ap;

	va_start(ap, format);
	text = format_text(format, ap);
	va_end(ap);
	d->counts[level]++;
	json_put(finding, "check", json_text(d->check));
	json_put(finding, "level", json_text(levels[level].json));
	json_put(finding, "found", json_text(text));
	json_put(finding, "mend", json_array());
	json_add(d->findings, finding);
	if (d->c->json)
		return;
	output_text(&d->c->out, levels[level].colour, "%-8s", levels[level].shown);
	output_text(&d->c->out, COLOUR_BOLD, " %-14s", d->check);
	output_line(&d->c->out, COLOUR_PLAIN, " %s", text);
}

void doctor_mend(struct doctor *d, const char *format, ...)
{
	json_t *mend = json_object_get(last_finding(d), "mend");
	CLEANUP(freep) char *text = NULL;
	va_list ap;

	va_start(ap, format);
	text = format_text(format, ap);
	va_end(ap);
	if (!d->c->json)
		output_line(&d->c->out, COLOUR_PLAIN, "%*s%s%s", 9, "",
			    json_array_size(mend) == 0 ? "mend: " : "      ", text);
	json_add(mend, json_text(text));
}

bool doctor_has_found(const struct doctor *d)
{
	return row_is(last_finding(d), "check", d->check);
}

json_t *doctor_ask(struct doctor *d, enum query q)
{
	json_t *rows = NULL;
	int r = rows_ask(d->c->ledger, q, NULL, &rows);

	if (r == 0)
		return rows;
	doctor_find(d, FINDING_FAILED, "the database does not answer: %s",
		    ledger_error(d->c->ledger));
	doctor_mend(d, "%s",
		    r == -EBUSY ? "try again" : "ipnctl doctor --full says what is damaged");
	return NULL;
}

char *doctor_quote(const char *path)
{
	static const char plain[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz/._-+:@,=%";
	char *quoted = NULL;

	if (path[0] && strspn(path, plain) == strlen(path))
		return output_need(strdup(path));
	if (asprintf(&quoted, "'%s'", path) < 0)
		quoted = NULL;
	return output_need(quoted);
}

void doctor_ago(const struct doctor *d, int64_t ms, char ret[static DOCTOR_AGO_SIZE])
{
	char length[WHEN_SIZE];

	if (ms == UTC_UNKNOWN) {
		snprintf(ret, DOCTOR_AGO_SIZE, "never");
		return;
	}
	when_length(d->c->now_ms - ms, length);
	snprintf(ret, DOCTOR_AGO_SIZE, "%s ago", length);
}

static void run_checks(struct doctor *d)
{
	for (size_t i = 0; i < N_CHECKS; i++) {
		d->check = checks[i].name;
		if (i > 0 && !d->c->config) /* without it there is nothing to look at */
			return;
		if (checks[i].needs_database && !d->c->ledger)
			doctor_find(d, FINDING_SKIPPED, "the database cannot be asked");
		else
			checks[i].check(d);
		fflush(d->c->out.f);
	}
}

static void print_json(const struct doctor *d)
{
	CLEANUP(json_decrefp) json_t *all = output_need(json_object());

	json_put(all, "ok", json_boolean(d->counts[FINDING_FAILED] == 0));
	json_put(all, "failed", json_integer((json_int_t)d->counts[FINDING_FAILED]));
	json_put(all, "warnings", json_integer((json_int_t)d->counts[FINDING_WARNING]));
	json_put(all, "findings", json_incref(d->findings));
	output_json(&d->c->out, all);
}

static void print_sum(const struct doctor *d)
{
	size_t failed = d->counts[FINDING_FAILED], warnings = d->counts[FINDING_WARNING];

	if (failed == 0 && warnings == 0)
		output_line(&d->c->out, COLOUR_GOOD, "nothing is wrong");
	else
		output_line(&d->c->out, failed ? COLOUR_BAD : COLOUR_WAIT,
			    "%zu failed, %zu warning%s", failed, warnings,
			    warnings == 1 ? "" : "s");
}

static enum exit_code check_options(void)
{
	if (!arg_url || strncmp(arg_url, "https://", 8) == 0)
		return EXIT_DONE;
	log_error("--url=%s: Amazon posts by https only; write https://HOST/PATH", arg_url);
	return EXIT_USAGE;
}

static enum exit_code run(struct ctl *c, char **operands, int n)
{
	CLEANUP(json_decrefp) json_t *findings = output_need(json_array());
	struct doctor d = {
		.c = c,
		.url = arg_url,
		.ca = arg_ca,
		.full = arg_full != NULL,
		.offline = arg_offline != NULL,
		.findings = findings,
	};
	enum exit_code code = check_options();

	(void)operands;
	(void)n;
	if (code != EXIT_DONE)
		return code;
	run_checks(&d);
	if (c->json)
		print_json(&d);
	else
		print_sum(&d);
	doctor_owner_done(&d.owner);
	if (!c->config)
		return EXIT_BAD_CONFIG;
	return d.counts[FINDING_FAILED] ? EXIT_NOT_AVAILABLE : EXIT_DONE;
}

const struct verb verb_doctor = {
	.name = "doctor",
	.operands = "",
	.help = "check the whole installation, and say how to mend what is wrong",
	.more = "Run it as root, which may look at everything. It changes nothing. A line is ok, skipped, warning or FAILED; "
		"beneath stands\nhow to mend it. Exits with 0 when nothing failed, warnings or not; with 69 when something did; "
		"with 78 when the\nconfiguration cannot be read, without which nothing else can be looked at.\n"
		"--url posts a message with a forged signature to ipnd, as Amazon would post: it is counted and logged there as "
		"refused, and\nchanges nothing. Amazon comes from outside; so where this machine reaches its own name by a shorter way "
		"than others,\nit says nothing of the rest of theirs.\n",
	.options = options,
	.run = run,
};
