/*
 * Checks of the two ways: from the outside to us, and from us to SNS.
 *
 * To us: a message is posted to the URL, which names one of our topics, a MessageId that was made up a moment ago, and a
 * SigningCertURL that is none of SNS's. Of all that could be forged it touches least: the refusal (403) comes before anything is
 * fetched, stored or, as for a strange topic, remembered. It is ipnd's if the MessageId comes back with it (net/http.h), which
 * nothing in between would do that answers 403 by itself. It is this ipnd's, not that of the old server to which the name still
 * leads, if our own count of such refusals goes up.
 */
#include <errno.h>
#include <string.h>
#include <systemd/sd-id128.h>
#include <time.h>

#include "base/utc.h"
#include "ipnctl/doctor.h"
#include "ipnctl/rows.h"
#include "sns/topic.h"
#include "verdict/verdict.h"

#define WAY_CONNECT_MS 5000L
#define WAY_TOTAL_MS   15000L /* SNS waits no longer for an answer */
#define SNS_MS         3000L
#define COUNTED_MS     7000 /* ipnd writes its counts every 5 seconds */
#define LOOK_AGAIN_MS  100
#define ANSWER_KEPT    200

#define ID_SIZE SD_ID128_UUID_STRING_MAX

struct answer {
	long status;
	char text[ANSWER_KEPT + 1]; /* its first line, as it came */
	size_t len;
	char address[64]; /* of who answered */
};

static size_t keep_answer(char *data, size_t one, size_t len, void *userdata)
{
	struct answer *a = userdata;
	size_t room = ANSWER_KEPT - a->len, take = len < room ? len : room;

	memcpy(a->text + a->len, data, take);
	a->len += take;
	a->text[a->len] = 0;
	return len * one;
}

static char *forge(const struct account *account, const char *id)
{
	char now[UTC_TEXT_SIZE];
	json_t *body;
	char *text;

	utc_format(utc_now_ms(), now);
	body = json_pack("{ss ss ss ss ss ss ss ss}", "Type", "Notification", "MessageId", id,
			 "TopicArn", account->topic_arn, "Message", "a try of ipnctl doctor",
			 "Timestamp", now, "SignatureVersion", "1", "Signature", "Zm9yZ2Vk",
			 "SigningCertURL", "https://doctor.invalid/forged.pem");
	text = output_need(json_dumps(output_need(body), 0));
	json_decref(body);
	return text;
}

static CURLcode send_forged(struct doctor_call *call, const char *body, struct answer *ret)
{
	struct curl_slist *headers =
		curl_slist_append(NULL, "Content-Type: text/plain; charset=UTF-8");
	char *address = NULL;
	CURLcode r;

	output_need(headers);
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, keep_answer);
	curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, ret);
	r = curl_easy_perform(call->easy);
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &ret->status);
	curl_easy_getinfo(call->easy, CURLINFO_PRIMARY_IP, &address);
	snprintf(ret->address, sizeof(ret->address), "%s", address ? address : "");
	curl_slist_free_all(headers);
	ret->text[strcspn(ret->text, "\r\n")] = 0;
	return r;
}

static void say_unreachable(struct doctor *d, const struct doctor_call *call, CURLcode code)
{
	struct why why;

	doctor_web_why(call, code, &why);
	doctor_find(d, FINDING_FAILED, "%s cannot be reached from here: %s", d->url, why.text);
	switch ((unsigned)code) { /* some of the many */
	case CURLE_COULDNT_RESOLVE_HOST:
		doctor_mend(
			d,
			"give the name an address in the DNS, or correct the URL here and in Seller Central");
		break;
	case CURLE_SSL_CACERT_BADFILE:
		doctor_mend(
			d,
			"name a file with certificates in PEM (--ca), or apt install ca-certificates");
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
		doctor_mend(
			d,
			"show the whole chain of a public authority's certificate for that name, there and in front of it; "
			"in a rehearsal: --ca FILE");
		break;
	default:
		doctor_mend(
			d,
			"let firewall, router or web server hand that port on to where ipnd listens "
			"(ipnctl status shows it)");
		break;
	}
}

/* Not our refusal: then whose, and why? */
static void say_other_answer(struct doctor *d, const struct answer *a)
{
	const char *path = d->c->config->listen.path;

	if (a->status == verdict_row(VERDICT_TOPIC_UNNAMED)->http &&
	    strcmp(a->text, verdict_row(VERDICT_TOPIC_UNNAMED)->answer) == 0) {
		doctor_find(d, FINDING_FAILED,
			    "the ipnd at %s has no account for the topic of account %s", a->address,
			    d->c->config->accounts[0].name);
		doctor_mend(d, "systemctl reload ipnd; or let the name lead to this machine");
		return;
	}
	doctor_find(
		d, FINDING_FAILED,
		"%s answered %ld to the forged message (\"%s\"), and it is not what this ipnd answers",
		a->address, a->status, a->text);
	if (a->status == verdict_row(VERDICT_PATH)->http ||
	    a->status == verdict_row(VERDICT_METHOD)->http)
		doctor_mend(d, "the URL has to end in %s (listen.path), here and in Seller Central",
			    path);
	else
		doctor_mend(
			d,
			"let whatever stands in front (web server, firewall, CDN) hand every POST for %s on to ipnd unchanged",
			path);
	doctor_mend(d, "after an upgrade: systemctl restart ipnd");
}

static int64_t count_refusals(struct doctor *d)
{
	CLEANUP(json_decrefp) json_t *rows = NULL;
	const json_t *row;
	size_t i;

	if (rows_ask(d->c->ledger, QUERY_ask_verdicts, NULL, &rows) < 0)
		return -1;
	json_array_foreach(rows, i, row) if (row_is(row, "verdict",
						    verdict_row(VERDICT_CERTIFICATE_URL)
							    ->word)) return row_number(row,
										       "count");
	return 0;
}

/* Each look is of another moment. False also when the database does not answer. */
static bool was_counted(struct doctor *d, int64_t before)
{
	const struct timespec pause = {.tv_nsec = LOOK_AGAIN_MS * 1000000L};
	uint64_t end_usec = monotonic_usec() + COUNTED_MS * 1000;

	while (monotonic_usec() < end_usec) {
		ledger_rollback(d->c->ledger);
		if (ledger_begin(d->c->ledger) == 0 && count_refusals(d) > before)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static void say_arrived(struct doctor *d, const struct answer *a, int64_t before)
{
	int running = ctl_running(d->c, "ipnd", NULL);

	if (running != 0 && before < 0) {
		doctor_find(
			d, FINDING_OK,
			"%s leads to an ipnd at %s, which refused the forged message; whether it is this one "
			"cannot be seen without the database",
			d->url, a->address);
		return;
	}
	if (running != 0 && was_counted(d, before)) {
		doctor_find(d, FINDING_OK,
			    "%s leads here (%s): this ipnd refused the forged message", d->url,
			    a->address);
		return;
	}
	doctor_find(d, FINDING_FAILED,
		    "%s leads to another ipnd, at %s: this one has seen nothing of it", d->url,
		    a->address);
	doctor_mend(
		d,
		"let the name lead to this machine (DNS, proxy), or run ipnctl doctor on that one");
	doctor_mend(d, "unless this ipnd cannot write its database: see above");
}

static void try_way(struct doctor *d, struct doctor_call *call)
{
	CLEANUP(freep) char *body = NULL;
	char id[ID_SIZE], expected[ANSWER_KEPT];
	struct answer a = {0};
	sd_id128_t random;
	int64_t before;
	CURLcode r;

	output_need(sd_id128_randomize(&random) == 0 ? d : NULL);
	sd_id128_to_uuid_string(random, id);
	body = forge(&d->c->config->accounts[0], id);
	before = d->c->ledger ? count_refusals(d) : -1;
	r = send_forged(call, body, &a);
	if (r != CURLE_OK) {
		say_unreachable(d, call, r);
		return;
	}
	snprintf(expected, sizeof(expected), "%s: %s", verdict_row(VERDICT_CERTIFICATE_URL)->answer,
		 id);
	if (a.status == verdict_row(VERDICT_CERTIFICATE_URL)->http && strcmp(a.text, expected) == 0)
		say_arrived(d, &a, before);
	else
		say_other_answer(d, &a);
}

void doctor_check_way(struct doctor *d)
{
	const struct doctor_web web = {
		.url = d->url,
		.trust = d->ca ? d->ca : "system",
		.connect_to = "",
		.connect_ms = WAY_CONNECT_MS,
		.total_ms = WAY_TOTAL_MS,
	};
	struct doctor_call call;

	if (!d->url) {
		doctor_find(
			d, FINDING_SKIPPED,
			"not tried; with the URL of Seller Central: ipnctl doctor --url https://HOST%s",
			d->c->config->listen.path);
		return;
	}
	if (d->c->config->n_accounts == 0) {
		doctor_find(d, FINDING_SKIPPED, "not tried: there is no account to try it for");
		return;
	}
	output_need(doctor_web_open(&web, &call) ? d : NULL);
	try_way(d, &call);
	doctor_web_done(&call);
}

/* TCP and TLS, and no request. */
static void try_region(struct doctor *d, struct text region)
{
	const struct sns_config *sns = &d->c->config->sns;
	char url[128];
	struct doctor_web web = {
		.url = url,
		.trust = sns->tls_trust,
		.connect_to = sns->connect_to,
		.connect_ms = SNS_MS,
		.total_ms = SNS_MS,
	};
	struct doctor_call call;
	struct why why;
	CURLcode r;

	snprintf(url, sizeof(url), "https://sns.%.*s.amazonaws.com/", (int)region.len, region.at);
	output_need(doctor_web_open(&web, &call) ? d : NULL);
	r = curl_easy_setopt(call.easy, CURLOPT_CONNECT_ONLY, 1L);
	if (r == CURLE_OK)
		r = curl_easy_perform(call.easy);
	if (r == CURLE_OK) {
		doctor_find(d, FINDING_OK, "sns.%.*s.amazonaws.com can be reached by HTTPS",
			    (int)region.len, region.at);
	} else {
		doctor_web_why(&call, r, &why);
		doctor_find(
			d, FINDING_FAILED,
			"sns.%.*s.amazonaws.com cannot be reached, so no certificate be fetched: %s",
			(int)region.len, region.at, why.text);
		doctor_mend(d,
			    "let this host reach sns.%.*s.amazonaws.com, port 443 (firewall, DNS)",
			    (int)region.len, region.at);
		doctor_mend(
			d,
			"or set fetch = no in sns { } of %s, and put the certificates into the cache by hand",
			d->c->config->file);
	}
	doctor_web_done(&call);
}

/* Whether an account before this one is of the same region. */
static bool is_repeated(const struct config *c, size_t i, struct text region)
{
	struct sns_topic topic;

	for (size_t k = 0; k < i; k++)
		if (sns_topic_parse(text_of(c->accounts[k].topic_arn), &topic) &&
		    text_equal(topic.region, region))
			return true;
	return false;
}

void doctor_check_sns(struct doctor *d)
{
	const struct config *c = d->c->config;
	struct sns_topic topic;

	if (!c->sns.fetch || d->offline) {
		doctor_find(d, FINDING_SKIPPED, "%s",
			    d->offline ? "not tried: --offline"
				       : "sns.fetch = no: ipnd asks SNS for nothing");
		return;
	}
	for (size_t i = 0; i < c->n_accounts; i++)
		if (sns_topic_parse(text_of(c->accounts[i].topic_arn), &topic) &&
		    !is_repeated(c, i, topic.region))
			try_region(d, topic.region);
}
