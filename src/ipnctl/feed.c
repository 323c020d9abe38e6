#include "ipnctl/feed.h"

#include <inttypes.h>

#include "base/utc.h"
#include "ipnctl/rows.h"
#include "ipnctl/words.h"

#define PROGRESS_USEC 100000

static bool shown;

json_t *feed_counts_json(const struct feed_counts *counts, const char *pass)
{
	json_t *all = output_need(json_object());

	for (int v = 0; v < VERDICT_N; v++)
		if (counts->n[v])
			json_put(all, v == VERDICT_PASS ? pass : verdict_row((enum verdict)v)->word,
				 json_integer(counts->n[v]));
	return all;
}

static void print_row(struct table *t, enum colour colour, const char *word, int64_t n,
		      const char *meaning)
{
	char number[24];

	snprintf(number, sizeof(number), "%" PRId64, n);
	table_cell(t, colour, word);
	table_cell(t, COLOUR_PLAIN, number);
	table_cell(t, COLOUR_DIM, meaning);
}

void feed_counts_print(const struct output *o, const struct feed_counts *counts, const char *pass,
		       const char *pass_meaning)
{
	CLEANUP(table_freep) struct table *t = table_new();
	bool any = false;

	table_heading(t, "VERDICT", false);
	table_heading(t, "MESSAGES", true);
	table_heading(t, "MEANING", false);
	for (int v = 0; v < VERDICT_N; v++) {
		const struct verdict_row *row;

		if (!counts->n[v])
			continue;
		any = true;
		if (v == VERDICT_PASS) {
			print_row(t, COLOUR_GOOD, pass, counts->n[v], pass_meaning);
			continue;
		}
		row = verdict_row((enum verdict)v);
		print_row(t, row->http == 200 ? words_colour(row->word) : COLOUR_BAD, row->word,
			  counts->n[v], row->meaning);
	}
	if (any)
		table_print(t, 0, o);
}

void feed_progress(int64_t done, int64_t total)
{
	static uint64_t last_usec;
	uint64_t now = monotonic_usec();

	if (!last_usec) /* what is done at once needs none */
		last_usec = now;
	if (now - last_usec < PROGRESS_USEC || !isatty(STDERR_FILENO))
		return;
	last_usec = now;
	shown = true;
	if (total)
		fprintf(stderr, "\r%" PRId64 " of %" PRId64, done, total);
	else
		fprintf(stderr, "\r%" PRId64, done);
	fflush(stderr);
}

void feed_progress_clear(void)
{
	if (shown)
		fputs("\r\033[K", stderr);
	shown = false;
}

void feed_say_hooks(const struct ctl *c)
{
	if (c->config->n_hooks && ctl_running(c, "ipn-hookd", NULL) == 0)
		output_line(&c->out, COLOUR_WAIT,
			    "ipn-hookd is not running: hooks run when it is started");
}
