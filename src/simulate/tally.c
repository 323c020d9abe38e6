#include "simulate/tally.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/cleanup.h"

#define USEC_PER_SEC  1e6
#define USEC_PER_MSEC 1e3

size_t tally_undelivered(const struct tally *t)
{
	return t->n_begun - t->n_delivered - t->n_refused;
}

static double per_second(const struct tally *t)
{
	return t->took_usec ? (double)t->n_delivered * USEC_PER_SEC / (double)t->took_usec : 0;
}

static double quantile_ms(const struct tally *t, unsigned per_mille)
{
	return (double)latency_quantile(&t->latency, per_mille) / USEC_PER_MSEC;
}

void tally_print_progress(const struct tally *t, uint64_t passed_usec, size_t before,
			  const char *trouble)
{
	fprintf(stderr, "%4.0f s  %6zu/s  p99 %.2f ms  delivered %zu of %zu%s%s\n",
		(double)passed_usec / USEC_PER_SEC, t->n_delivered - before, quantile_ms(t, 990),
		t->n_delivered, t->n_all, trouble ? "  " : "", trouble ? trouble : "");
}

void tally_print(const struct tally *t)
{
	printf("notifications  %zu delivered in %.2f s, %.0f per second\n", t->n_delivered,
	       (double)t->took_usec / USEC_PER_SEC, per_second(t));
	if (t->n_refused)
		printf("refused        %zu for good\n", t->n_refused);
	if (tally_undelivered(t))
		printf("undelivered    %zu were sent and got no 200\n", tally_undelivered(t));
	if (t->n_begun < t->n_all)
		printf("not sent       %zu\n", t->n_all - t->n_begun);
	printf("latency        p50 %.2f  p99 %.2f  p99.9 %.2f  max %.2f ms\n", quantile_ms(t, 500),
	       quantile_ms(t, 990), quantile_ms(t, 999),
	       (double)t->latency.max_usec / USEC_PER_MSEC);
	printf("connections    %" PRIu64 "\n", t->n_connections);
	printf("processor      %.2f s of our own\n", (double)t->cpu_usec / USEC_PER_SEC);
	if (t->n_retries)
		printf("sent again     %" PRIu64 "\n", t->n_retries);
	for (size_t i = 0; i <= TALLY_STATUS_MAX; i++)
		if (t->answers[i])
			printf("answer %zu     %" PRIu64 "\n", i, t->answers[i]);
	for (int i = 0; i < CONNECTION_ERRORS; i++)
		if (t->errors[i])
			printf("no answer      %" PRIu64 ": %s\n", t->errors[i],
			       connection_error_words((enum connection_error)i));
}

static json_t *answers(const struct tally *t)
{
	json_t *o = json_object();
	char name[16];

	for (size_t i = 0; i <= TALLY_STATUS_MAX; i++) {
		if (!t->answers[i])
			continue;
		snprintf(name, sizeof(name), "%zu", i);
		json_object_set_new(o, name, json_integer((json_int_t)t->answers[i]));
	}
	return o;
}

static json_t *errors(const struct tally *t)
{
	json_t *o = json_object();

	for (int i = 0; i < CONNECTION_ERRORS; i++)
		if (t->errors[i])
			json_object_set_new(o, connection_error_words((enum connection_error)i),
					    json_integer((json_int_t)t->errors[i]));
	return o;
}

int tally_print_json(const struct tally *t)
{
	CLEANUP(json_decrefp)
	json_t *o = json_pack(
		"{s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:{s:f, s:f, s:f, s:f}, s:I, s:I, s:o, s:o}",
		"delivered", (json_int_t)t->n_delivered, "refused", (json_int_t)t->n_refused,
		"undelivered", (json_int_t)tally_undelivered(t), "not_sent",
		(json_int_t)(t->n_all - t->n_begun), "seconds", (double)t->took_usec / USEC_PER_SEC,
		"per_second", per_second(t), "cpu_seconds", (double)t->cpu_usec / USEC_PER_SEC,
		"latency_ms", "p50", quantile_ms(t, 500), "p99", quantile_ms(t, 990), "p99.9",
		quantile_ms(t, 999), "max", (double)t->latency.max_usec / USEC_PER_MSEC,
		"connections", (json_int_t)t->n_connections, "sent_again", (json_int_t)t->n_retries,
		"answers", answers(t), "errors", errors(t));

	if (!o)
		return -ENOMEM;
	json_dumpf(o, stdout, JSON_REAL_PRECISION(6));
	putchar('\n');
	return 0;
}
