/* Checks of what has come: topics that were refused, notifications that are held, subscriptions that wait. */
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/utc.h"
#include "ipnctl/doctor.h"
#include "ipnctl/rows.h"
#include "ipnctl/subscriptions.h"
#include "sns/topic.h"

#define LATELY_MS (INT64_C(15) * 86400000) /* SNS tries again for 14 days */

/* With what the names of Amazon Pay's topics begin (protocol.md section 1.2); behind it stands the seller. */
static const struct {
	const char *prefix, *environment;
} marketplaces[] = {
	{"A3BXB0YN3XH17H", "sandbox"}, {"AGWSWK15IEJJ7", "live"},     {"A1G8446IYHA4MR", "sandbox"},
	{"A3M3RRFO9XDT2G", "sandbox"}, {"A31YDYE76E6TCP", "sandbox"},
};

/* The account to add, as far as the topic tells what it is. */
static void mend_topic(struct doctor *d, const char *arn, const struct sns_topic *topic)
{
	const char *seller = "YOUR-SELLER-ID", *environment = "live",
		   *remark = "    # or sandbox: see Seller Central";

	for (size_t i = 0; i < sizeof(marketplaces) / sizeof(marketplaces[0]); i++) {
		size_t len = strlen(marketplaces[i].prefix);

		if (topic->name.len > len &&
		    memcmp(topic->name.at, marketplaces[i].prefix, len) == 0) {
			seller = arn + strlen(arn) - (topic->name.len - len);
			environment = marketplaces[i].environment;
			remark = "";
		}
	}
	doctor_mend(d, "if it is yours (compare the seller in Seller Central), add this to %s:",
		    d->c->config->file);
	doctor_mend(d, "account \"shop-%zu\" {", d->c->config->n_accounts + 1);
	doctor_mend(d, "    topic_arn = \"%s\"", arn);
	doctor_mend(d, "    seller_id = {\"%s\"}", seller);
	doctor_mend(d, "    environment = %s%s", environment, remark);
	doctor_mend(d, "}");
	doctor_mend(d, "then: systemctl reload ipnd ipn-hookd; Amazon comes again by itself");
}

static int64_t configuration_ms(const struct config *c)
{
	struct stat st;

	return stat(c->file, &st) == 0 ? (int64_t)st.st_mtim.tv_sec * 1000 : 0;
}

/* It is an account's now. If it was refused after that was written down, ipnd does not know it. */
static void check_named_since(struct doctor *d, const json_t *row)
{
	const char *arn = row_word(row, "topic_arn");

	if (row_time(row, "last_at") < configuration_ms(d->c->config))
		return;
	doctor_find(d, FINDING_FAILED,
		    "account %s has the topic %s, and ipnd refused it: it has not read that yet",
		    config_account_of_topic(d->c->config, text_of(arn))->name, arn);
	doctor_mend(d, "systemctl reload ipnd ipn-hookd");
}

static void check_topic(struct doctor *d, const json_t *row)
{
	const char *arn = row_word(row, "topic_arn");
	struct sns_topic topic;
	char ago[DOCTOR_AGO_SIZE];

	if (!sns_topic_parse(text_of(arn), &topic) || !sns_topic_is_amazon_pay(&topic))
		return;
	if (d->c->now_ms - row_time(row, "last_at") > LATELY_MS)
		return;
	if (config_account_of_topic(d->c->config, text_of(arn))) {
		check_named_since(d, row);
		return;
	}
	doctor_ago(d, row_time(row, "last_at"), ago);
	doctor_find(d, FINDING_FAILED,
		    "Amazon Pay's topic %s is no account's: refused %" PRId64 " time%s, last %s",
		    arn, row_number(row, "count"), row_number(row, "count") == 1 ? "" : "s", ago);
	mend_topic(d, arn, &topic);
}

void doctor_check_topics(struct doctor *d)
{
	CLEANUP(json_decrefp) json_t *rows = doctor_ask(d, QUERY_ask_refused_topics);
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) check_topic(d, row);
	if (!doctor_has_found(d))
		doctor_find(d, FINDING_OK, "no topic of Amazon Pay was refused lately");
}

static const json_t *last_of(const json_t *rows, const char *account)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) if (row_is(row, "account", account)) return row;
	return NULL;
}

static void check_last(struct doctor *d)
{
	CLEANUP(json_decrefp) json_t *rows = doctor_ask(d, QUERY_ask_last_of_accounts);
	const struct config *c = d->c->config;
	char ago[DOCTOR_AGO_SIZE];

	for (size_t i = 0; rows && i < c->n_accounts; i++) {
		const json_t *row = last_of(rows, c->accounts[i].name);

		if (row) {
			doctor_ago(d, row_time(row, "received_at"), ago);
			doctor_find(d, FINDING_OK, "account %s: the last came %s",
				    c->accounts[i].name, ago);
			continue;
		}
		doctor_find(d, FINDING_WARNING, "account %s (%s): none has come",
			    c->accounts[i].name, environment_word(c->accounts[i].environment));
		doctor_mend(
			d,
			"in Seller Central, Settings > Integration Settings, set the URL for %s and send a test from there; "
			"it is kept as a sample",
			environment_word(c->accounts[i].environment));
		doctor_mend(d, "and see that its way is free: ipnctl doctor --url https://HOST%s",
			    c->listen.path);
	}
}

static void check_held(struct doctor *d)
{
	static const struct {
		const char *key, *words, *mend;
	} kinds[] = {
		{"conflicts", "cannot follow what is known: held, and not applied",
		 "ipnctl conflicts    # shows them; accept N or dismiss N decides"},
		{"unrecognized", "not understood by this version: kept whole",
		 "ipnctl list notifications --state unrecognized; after an upgrade: ipnctl reprocess"},
		{"foreign", "not of the account's seller or environment: held",
		 "ipnctl list notifications --state foreign    # if a seller is yours, add it to the account's seller_id"},
	};
	CLEANUP(json_decrefp) json_t *rows = doctor_ask(d, QUERY_ask_held);
	const json_t *held = json_array_get(rows, 0);

	for (size_t i = 0; held && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int64_t n = row_number(held, kinds[i].key);

		if (n == 0)
			continue;
		doctor_find(d, FINDING_WARNING, "%s: %" PRId64 " %s", kinds[i].key, n,
			    kinds[i].words);
		doctor_mend(d, "%s", kinds[i].mend);
	}
}

static void check_subscriptions(struct doctor *d)
{
	CLEANUP(json_decrefp) json_t *rows = NULL;
	const json_t *row;
	size_t i;

	if (subscriptions_ask(d->c, &rows) < 0)
		return; /* the queries before have said why */
	json_array_foreach(rows, i, row)
	{
		if (!json_is_true(json_object_get(row, "open")))
			continue;
		doctor_find(d, FINDING_FAILED, "the subscription of account %s: %s",
			    row_word(row, "account"), row_word(row, "advice"));
		doctor_mend(d, "ipnctl subscriptions confirm %" PRId64, row_number(row, "id"));
	}
}

void doctor_check_notifications(struct doctor *d)
{
	check_last(d);
	check_held(d);
	check_subscriptions(d);
}
