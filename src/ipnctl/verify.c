/* verify: which rule an SNS message meets and which it fails. Offline; needs neither configuration nor database. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/utc.h"
#include "ipn/document.h"
#include "ipnctl/input.h"
#include "ipnctl/ipnctl.h"
#include "ipnctl/rows.h"
#include "ipnctl/rules.h"

/* Without a configuration: its defaults. */
#define DEFAULT_CACHE         "/var/lib/ipnd/certificates"
#define DEFAULT_INTERMEDIATES "/usr/share/ipnd/intermediates"
#define DEFAULT_MAX_AGE_MS    (15 * 24 * 3600 * INT64_C(1000))

static const char *arg_certificate, *arg_at;

static const struct option_row options[] = {
	{0, "certificate", "PEM", "the signing certificate (default: the cache of certificates)",
	 &arg_certificate},
	{0, "at", "WHEN",
	 "the certificate has to be valid: now, or when the message was sent (default)", &arg_at},
	{0},
};

/* What rules_given borrows from. */
struct means {
	struct sns_certificate *certificate;
	struct certificates *certificates;
	struct sns_trust trust;
	struct why untrusted;
};

static void means_done(struct means *m)
{
	sns_certificate_free(m->certificate);
	certificates_free(m->certificates);
	trust_done(&m->trust);
}

/* The file with a byte more than `max`, where it has so many. */
static enum exit_code read_file(const char *path, size_t max, char **ret, size_t *ret_len)
{
	CLEANUP(freep) char *bytes = output_need(malloc(max + 1));
	CLEANUP(fclosep) FILE *opened = NULL;
	FILE *f = stdin;

	if (strcmp(path, "-") != 0)
		f = opened = fopen(path, "re");
	if (!f)
		return input_failed(path, errno);
	errno = 0;
	*ret_len = fread(bytes, 1, max + 1, f);
	if (ferror(f))
		return input_failed(path, errno);
	*ret = TAKE(bytes);
	return EXIT_DONE;
}

static enum exit_code load_certificate(struct means *m)
{
	CLEANUP(freep) char *pem = NULL;
	size_t len = 0;
	struct why why;
	enum exit_code code = read_file(arg_certificate, SNS_CERTIFICATE_MAX, &pem, &len);

	if (code != EXIT_DONE)
		return code;
	if (sns_certificate_parse((struct text){pem, len}, &m->certificate, &why) != VERDICT_PASS) {
		log_error("%s: %s; name the signing certificate alone", arg_certificate, why.text);
		return EXIT_BAD_DATA;
	}
	return EXIT_DONE;
}

/* One named with -c has to be right. Else it is used where it is, and its faults are another verb's business. */
static enum exit_code load_config(struct ctl *c)
{
	CLEANUP(fclosep) FILE *nowhere = NULL;

	if (c->config_option)
		return ctl_load_config(c);
	nowhere = fopen("/dev/null", "we");
	if (nowhere)
		config_load(config_path(NULL), IPNCTL_PROGRAM, nowhere, &c->config);
	return EXIT_DONE;
}

/* An unknown issuer is noted, and so is a store that cannot be read. */
static void load_trust(const struct config *config, struct means *m)
{
	char system[] = "system", intermediates[] = DEFAULT_INTERMEDIATES;
	struct sns_config sns = {.trust = system, .intermediates = intermediates};
	struct why why;

	if (config)
		sns = config->sns;
	sns.chain = CHAIN_PREFER;
	if (trust_load(&sns, &m->trust, &why) == 0)
		return;
	why_set(&m->untrusted, "not looked at: %s", why.text);
	m->trust.chain = SNS_CHAIN_NAME_ONLY;
}

static enum exit_code gather(struct ctl *c, struct means *m)
{
	enum exit_code code = load_config(c);

	if (code == EXIT_DONE && arg_certificate)
		code = load_certificate(m);
	if (code != EXIT_DONE)
		return code;
	if (certificates_new(c->config ? c->config->sns.certificate_cache : DEFAULT_CACHE,
			     &m->certificates) < 0)
		return EXIT_BAD_CONFIG;
	load_trust(c->config, m);
	return EXIT_DONE;
}

static const char *verdict_of(const struct rules *r)
{
	return r->verdict == VERDICT_PASS ? "ok" : verdict_row(r->verdict)->word;
}

static void print_json(const struct ctl *c, const char *file, const struct rules *r)
{
	CLEANUP(json_decrefp) json_t *whole = output_need(json_object());

	json_put(whole, "file", json_text(file));
	json_put(whole, "verdict", json_text(verdict_of(r)));
	json_put(whole, "rules", json_incref(r->list));
	output_need(json_object_update(whole, r->facts) == 0 ? whole : NULL);
	output_json(&c->out, whole);
}

static void print_rules(const struct ctl *c, const char *file, const struct rules *r)
{
	const json_t *rule;
	size_t i;

	json_array_foreach(r->list, i, rule)
	{
		enum colour colour = row_is(rule, "result", "ok")       ? COLOUR_GOOD
				     : row_is(rule, "result", "FAILED") ? COLOUR_BAD
									: COLOUR_WAIT;

		output_text(&c->out, colour, "%-6s", row_word(rule, "result"));
		output_line(&c->out, COLOUR_PLAIN, "  %-16s  %s", row_word(rule, "rule"),
			    row_word(rule, "why"));
	}
	output_line(&c->out, r->verdict == VERDICT_PASS ? COLOUR_GOOD : COLOUR_BAD, "%s: %s", file,
		    verdict_of(r));
}

static enum exit_code verify(struct ctl *c, const char *file, const struct means *m,
			     struct text body)
{
	const struct rules_given given = {
		.config = c->config,
		.certificate = m->certificate,
		.certificates = m->certificates,
		.trust = &m->trust,
		.untrusted = m->untrusted.text[0] ? m->untrusted.text : NULL,
		.max_age_ms = c->config ? c->config->sns.max_age_ms : DEFAULT_MAX_AGE_MS,
		.now_ms = c->now_ms,
		.at_now = arg_at && strcmp(arg_at, "now") == 0,
	};
	CLEANUP(rules_done) struct rules r = {0};

	rules_apply(body, &given, &r);
	if (c->json)
		print_json(c, file, &r);
	else
		print_rules(c, file, &r);
	return r.verdict == VERDICT_PASS ? EXIT_DONE : EXIT_BAD_DATA;
}

static enum exit_code run(struct ctl *c, char **operands, int n)
{
	CLEANUP(means_done) struct means m = {0};
	CLEANUP(freep) char *body = NULL;
	enum exit_code code;
	size_t len = 0;

	(void)n;
	if (arg_at && strcmp(arg_at, "now") != 0 && strcmp(arg_at, "sent") != 0) {
		log_error("--at=%s: is neither now nor sent", arg_at);
		return EXIT_USAGE;
	}
	ipn_document_init();
	code = gather(c, &m);
	if (code == EXIT_DONE)
		code = read_file(operands[0], INPUT_MESSAGE_MAX, &body, &len);
	if (code != EXIT_DONE)
		return code;
	if (len > INPUT_MESSAGE_MAX) {
		log_error("%s: is larger than 1 MiB, and so no SNS message", operands[0]);
		return EXIT_BAD_DATA;
	}
	return verify(c, operands[0], &m, (struct text){body, len});
}

const struct verb verb_verify = {
	.name = "verify",
	.operands = "FILE",
	.min = 1,
	.max = 1,
	.help = "is the message in this file (-: stdin) genuine, and which rule says so",
	.more = "FILE is the body of a post by SNS, as received. Nothing is fetched and nothing is written. Of "
		"topic,\nage and an unknown issuer it only reports; a rule that fails ends in exit status 65, "
		"and so\ndoes a certificate that is not to be had.\n",
	.options = options,
	.run = run,
};
