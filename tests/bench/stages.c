/*
 * Where ipnd's processor time goes: `stages CONFIG N BATCH` makes N signed notifications for a rehearsal's configuration and takes them
 * through the steps of receive/, BATCH at a time, each step for the whole batch; prints the microseconds of each step for one
 * notification. HTTP and TLS are floor-answer's. It stores into the configuration's database, which nobody else may write.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/exit.h"
#include "base/log.h"
#include "base/utc.h"
#include "measure.h"
#include "receive/certificates.h"
#include "receive/message.h"
#include "receive/trust.h"
#include "simulate/batch.h"
#include "simulate/stage.h"

enum step {
	STEP_ENVELOPE,
	STEP_SIGNATURE,
	STEP_INNER,
	STEP_UNDERSTAND,
	STEP_STORE,
	STEP_LOG,
	STEPS
};

struct stages {
	struct stage stage;
	struct batch batch;
	struct ledger *ledger;
	struct sns_trust trust;
	struct certificates *certificates;
	struct message *messages; /* those of one batch */
	size_t n, at_once;
	double cpu_us[STEPS];
};

static int envelope(struct stages *s, struct message *m)
{
	return message_read(m, NULL, s->stage.config, utc_now_ms()) == VERDICT_PASS ? 0 : -EINVAL;
}

static int signature(struct stages *s, struct message *m)
{
	const struct sns_certificate *certificate;

	if (certificates_get(s->certificates, m->topic.region, m->hex, &certificate, &m->why) !=
	    VERDICT_PASS)
		return -EINVAL;
	return message_check(m, s->stage.config, certificate, &s->trust) == VERDICT_PASS ? 0
											 : -EINVAL;
}

/* A part of understand() once more, to be taken off that. */
static int inner(struct stages *s, struct message *m)
{
	struct ipn_notification n;

	(void)s;
	if (!ipn_notification_parse(m->envelope.message, &n, &m->why))
		return -EINVAL;
	ipn_notification_done(&n);
	return 0;
}

static int understand(struct stages *s, struct message *m)
{
	(void)s;
	message_understand(m);
	return m->understood == VERDICT_PASS ? 0 : -EINVAL;
}

static int store(struct stages *s, struct message *m)
{
	return message_store(m, s->ledger);
}

/* As receive.c says what became of it. */
static int say(struct stages *s, struct message *m)
{
	char id[64];

	(void)s;
	text_escape(m->envelope.message_id, id, sizeof(id));
	log_write(LOG_INFO, "%s: %s %s %s; account %s, message %s", verdict_row(m->verdict)->word,
		  object_word(m->document.object), m->document.object_id, m->document.state,
		  m->account->name, id);
	return 0;
}

static int (*const steps[STEPS])(struct stages *s, struct message *m) = {
	[STEP_ENVELOPE] = envelope,     [STEP_SIGNATURE] = signature, [STEP_INNER] = inner,
	[STEP_UNDERSTAND] = understand, [STEP_STORE] = store,         [STEP_LOG] = say,
};

static int run_step(struct stages *s, enum step step, size_t n)
{
	struct measured began = measure_begin();
	int r = step == STEP_STORE ? ledger_begin_together(s->ledger) : 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = steps[step](s, &s->messages[i]);
	if (r == 0 && step == STEP_STORE)
		r = ledger_commit(s->ledger);
	s->cpu_us[step] += measure_end(began).cpu_us;
	return r;
}

static int run_batch(struct stages *s, size_t first)
{
	size_t left = s->batch.n_posts - first, n = left < s->at_once ? left : s->at_once;
	int r = 0;

	for (size_t i = 0; i < n; i++)
		s->messages[i] = (struct message){.body = text_of(s->batch.posts[first + i].body)};
	for (enum step step = 0; r == 0 && step < STEPS; step++)
		r = run_step(s, step, n);
	for (size_t i = 0; i < n; i++) {
		if (r < 0 && s->messages[i].why.text[0])
			fprintf(stderr, "stages: %s\n", s->messages[i].why.text);
		message_done(&s->messages[i]);
	}
	return r;
}

static void stages_done(struct stages *s)
{
	free(s->messages);
	certificates_free(s->certificates);
	trust_done(&s->trust);
	ledger_close(s->ledger);
	batch_done(&s->batch);
	stage_done(&s->stage);
}

static int prepare(struct stages *s, struct why *why)
{
	const struct config *c = s->stage.config;
	int r = trust_load(&c->sns, &s->trust, why);

	if (r == 0)
		r = certificates_new(c->sns.certificate_cache, &s->certificates);
	if (r == 0)
		r = ledger_open(c->database.path, LEDGER_OWN, &s->ledger, why);
	if (r == 0)
		r = batch_make(s->stage.account, s->stage.signer, s->n, NULL, &s->batch);
	s->messages = calloc(s->at_once, sizeof(*s->messages));
	message_init();
	return s->messages ? r : -ENOMEM;
}

static void print(const struct stages *s)
{
	const double n = (double)s->n, *us = s->cpu_us;

	printf("{\"envelope\": %.2f, \"signature\": %.2f, \"inner\": %.2f, \"document\": %.2f, \"sqlite\": %.2f, "
	       "\"log\": %.2f}\n",
	       us[STEP_ENVELOPE] / n, us[STEP_SIGNATURE] / n, us[STEP_INNER] / n,
	       (us[STEP_UNDERSTAND] - us[STEP_INNER]) / n, us[STEP_STORE] / n, us[STEP_LOG] / n);
}

int main(int argc, char **argv)
{
	CLEANUP(stages_done) struct stages s = {.n = 0};
	struct why why = {""};
	int r;

	log_open("stages", LOG_INFO);
	if (argc == 4) {
		s.n = strtoul(argv[2], NULL, 10);
		s.at_once = strtoul(argv[3], NULL, 10);
	}
	if (!s.n || !s.at_once) {
		fprintf(stderr, "Usage: stages CONFIG N BATCH\n");
		return EXIT_USAGE;
	}
	r = stage_open(argv[1], "https://localhost/", &s.stage);
	if (r != EXIT_DONE)
		return r;
	r = prepare(&s, &why);
	for (size_t i = 0; r == 0 && i < s.n; i += s.at_once)
		r = run_batch(&s, i);
	if (r < 0) {
		fprintf(stderr, "stages: %s %s\n", strerror(-r), why.text);
		return exit_code_of(r);
	}
	print(&s);
	return EXIT_DONE;
}
