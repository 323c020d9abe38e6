#include "ipnctl/rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utc.h"
#include "ipn/document.h"
#include "ipn/notification.h"
#include "ipnctl/output.h"
#include "ipnctl/rows.h"
#include "ipnctl/when.h"
#include "machine/machine.h"
#include "sns/envelope.h"
#include "sns/topic.h"

static void put_text(json_t *facts, const char *key, struct text t)
{
	CLEANUP(freep) char *s = text_dup(t);

	json_put(facts, key, json_text(s));
}

static void add(struct rules *r, const char *rule, const char *result, const char *why)
{
	json_t *one = output_need(json_object());

	json_put(one, "rule", json_text(rule));
	json_put(one, "result", json_text(result));
	json_put(one, "why", json_text(why && why[0] ? why : NULL));
	json_add(r->list, one);
}

static void add_ok(struct rules *r, const char *rule, const char *why)
{
	add(r, rule, "ok", why);
}

static void add_note(struct rules *r, const char *rule, const char *why)
{
	add(r, rule, "note", why);
}

static void add_failed(struct rules *r, const char *rule, enum verdict v, const char *why)
{
	add(r, rule, "FAILED", why);
	if (r->verdict == VERDICT_PASS)
		r->verdict = v;
}

static bool read_envelope(struct rules *r, struct text body, struct sns_envelope *e)
{
	struct why why;
	enum verdict v = sns_envelope_parse(body, e, &why);

	if (v == VERDICT_NOT_JSON) {
		add_failed(r, "json", v, why.text);
		return false;
	}
	add_ok(r, "json", "one JSON object, no member twice");
	if (v != VERDICT_PASS) {
		add_failed(r, "fields", v, why.text);
		return false;
	}
	add_ok(r, "fields", "all there, each of its form");
	put_text(r->facts, "type", e->type_text);
	put_text(r->facts, "message_id", e->message_id);
	put_text(r->facts, "topic_arn", e->topic_arn);
	put_text(r->facts, "sent_at", e->timestamp);
	return true;
}

/* Which topic is only reported, but without a well-formed one there is no region, and the signed text is ambiguous. */
static bool check_topic(struct rules *r, const struct sns_envelope *e,
			const struct rules_given *given, struct sns_topic *ret)
{
	const struct account *account =
		given->config ? config_account_of_topic(given->config, e->topic_arn) : NULL;
	struct why why;

	if (!sns_topic_parse(e->topic_arn, ret)) {
		add_failed(r, "topic", VERDICT_TOPIC, "TopicArn is no ARN of an SNS topic");
		return false;
	}
	json_put(r->facts, "account", json_text(account ? account->name : NULL));
	if (account) {
		why_set(&why, "of account \"%s\"", account->name);
		add_ok(r, "topic", why.text);
	} else if (!sns_topic_is_amazon_pay(ret)) {
		add_note(r, "topic", "not one of Amazon Pay's: anybody may have sent this");
	} else if (given->config) {
		why_set(&why, "one of Amazon Pay's, but no account of %s names it",
			given->config->file);
		add_note(r, "topic", why.text);
	} else {
		add_ok(r, "topic",
		       "one of Amazon Pay's; whether it is yours, only a configuration tells");
	}
	return true;
}

static void check_subscribe_url(struct rules *r, const struct sns_envelope *e,
				const struct sns_topic *topic)
{
	if (e->type == SNS_NOTIFICATION)
		return;
	if (sns_subscribe_url_is(e->subscribe_url, topic->region, e->topic_arn, e->token))
		add_ok(r, "subscribe-url", "the one of this topic and token");
	else
		add_failed(r, "subscribe-url", VERDICT_SUBSCRIBE_URL,
			   "SubscribeURL is not the one of this topic and token");
}

static bool check_certificate_url(struct rules *r, const struct sns_envelope *e,
				  const struct sns_topic *topic, char ret_hex[static SNS_HEX_SIZE])
{
	struct why why;

	if (!sns_certificate_url_parse(e->signing_cert_url, topic->region, ret_hex)) {
		why_set(&why, "SigningCertURL is not one of SNS in %.*s, the topic's region",
			(int)topic->region.len, topic->region.at);
		add_failed(r, "certificate-url", VERDICT_CERTIFICATE_URL, why.text);
		return false;
	}
	add_ok(r, "certificate-url", "one of SNS in the topic's region");
	return true;
}

/* NULL when there is none; that has been added. `hex` may be NULL. */
static const struct sns_certificate *find_certificate(struct rules *r,
						      const struct rules_given *given,
						      const struct sns_topic *topic,
						      const char *hex)
{
	const struct sns_certificate *c = given->certificate;
	struct why why;
	enum verdict v;

	if (c || !hex)
		return c;
	v = certificates_get(given->certificates, topic->region, hex, &c, &why);
	if (v == VERDICT_PASS)
		return c;
	if (v == VERDICT_CERTIFICATE_MISSING) {
		char more[WHY_SIZE + 96];

		snprintf(
			more, sizeof(more),
			"%s; fetch what SigningCertURL names, and name that file with --certificate",
			why.text);
		add_failed(r, "certificate", v, more);
	} else {
		add_failed(r, "certificate", v, why.text);
	}
	return NULL;
}

/* By observation, not by any document: a difference is worth a look and no more. */
static void compare_name(struct rules *r, const struct sns_certificate *c, const char *hex)
{
	char md5[SNS_HEX_SIZE];

	sns_certificate_md5(c, md5);
	if (md5[0] && strcmp(md5, hex) != 0)
		add_note(r, "certificate-name",
			 "the name in the URL is not the certificate's MD5, as Amazon's are");
}

static void check_certificate(struct rules *r, const struct sns_envelope *e,
			      const struct rules_given *given, const struct sns_certificate *c)
{
	bool issuer_unknown;
	struct why why;
	enum verdict v;

	v = sns_certificate_check(c, given->trust, given->at_now ? given->now_ms : e->sent_at_ms,
				  &issuer_unknown, &why);
	if (v != VERDICT_PASS) {
		add_failed(r, "certificate", v, why.text);
		return;
	}
	add_ok(r, "certificate",
	       given->at_now ? "name, key and dates: valid now"
			     : "name, key and dates: valid when the message was sent");
	if (given->untrusted)
		add_note(r, "issuer", given->untrusted);
	else if (issuer_unknown)
		add_note(r, "issuer", "the chain ends at an issuer that is not known here");
	else
		add_ok(r, "issuer", "the chain leads to a root that is trusted here");
}

static void check_signature(struct rules *r, const struct sns_envelope *e,
			    const struct rules_given *given, const struct sns_topic *topic)
{
	const struct sns_certificate *c;
	char hex[SNS_HEX_SIZE];
	bool named = check_certificate_url(r, e, topic, hex);
	struct why why;
	enum verdict v;

	c = find_certificate(r, given, topic, named ? hex : NULL);
	if (!c)
		return;
	if (named)
		compare_name(r, c, hex);
	check_certificate(r, e, given, c);
	v = sns_signature_check(e, c, &why);
	if (v == VERDICT_PASS)
		add_ok(r, "signature",
		       e->signature_version == 2 ? "version 2: RSA with SHA-256"
						 : "version 1: RSA with SHA-1");
	else
		add_failed(r, "signature", v, why.text);
}

static void check_age(struct rules *r, const struct sns_envelope *e,
		      const struct rules_given *given)
{
	int64_t age_ms = given->now_ms - e->sent_at_ms;
	char age[WHEN_SIZE], most[WHEN_SIZE];
	struct why why;
	enum verdict v = sns_envelope_check_age(e, given->now_ms, given->max_age_ms, &why);

	when_length(age_ms < 0 ? -age_ms : age_ms, age);
	when_length(given->max_age_ms, most);
	if (v == VERDICT_PASS && age_ms >= 0)
		why_set(&why, "sent %s ago", age);
	else if (v == VERDICT_TOO_OLD)
		why_set(&why, "sent %s ago: the receiver accepts %s", age, most);
	else
		why_set(&why, "sent %s ahead of this clock", age);
	add(r, "age", v == VERDICT_PASS ? "ok" : "note", why.text);
}

static void read_document(struct rules *r, const struct ipn_notification *n)
{
	CLEANUP(ipn_document_done) struct ipn_document d = {0};
	struct why why;

	if (!ipn_document_parse(n->type, n->data, &d, &why)) {
		add_failed(r, "document", VERDICT_UNRECOGNIZED, why.text);
		return;
	}
	json_put(r->facts, "object_type", json_text(object_word(d.object)));
	json_put(r->facts, "object_id", json_text(d.object_id));
	json_put(r->facts, "state", json_text(d.state));
	if (machine_state(d.object, d.state) == STATE_NOTHING) {
		add_failed(r, "document", VERDICT_UNRECOGNIZED,
			   "a state that this object cannot have");
		return;
	}
	why_set(&why, "%s %s: %s", object_word(d.object), d.object_id, d.state);
	add_ok(r, "document", why.text);
}

/*
 * What a stranger's topic carries is no rule of ours, and a type that a later version may know is authentic all the
 * same: both are noted. What claims to be of a known type has to be right.
 */
static void check_message(struct rules *r, const struct sns_envelope *e, bool amazon_pay)
{
	CLEANUP(ipn_notification_done) struct ipn_notification n = {0};
	struct why why;

	if (e->type != SNS_NOTIFICATION)
		return;
	if (!ipn_notification_parse(e->message, &n, &why)) {
		if (amazon_pay)
			add_failed(r, "message", VERDICT_UNRECOGNIZED, why.text);
		else
			add_note(r, "message", why.text);
		return;
	}
	put_text(r->facts, "notification_type", n.type);
	put_text(r->facts, "seller_id", n.seller_id);
	put_text(r->facts, "environment", n.environment);
	add_ok(r, "message",
	       n.is_sample ? "one JSON object; a sample of Seller Central's tester"
			   : "one JSON object, no member twice");
	if (ipn_document_object(n.type) == OBJECT_N)
		add_note(r, "document",
			 "of a type that this version does not know: kept, not applied");
	else
		read_document(r, &n);
}

void rules_apply(struct text body, const struct rules_given *given, struct rules *ret)
{
	CLEANUP(sns_envelope_done) struct sns_envelope e = {0};
	struct rules r = {
		.list = output_need(json_array()),
		.facts = output_need(json_object()),
		.verdict = VERDICT_PASS,
	};
	struct sns_topic topic;

	if (read_envelope(&r, body, &e)) {
		bool known = check_topic(&r, &e, given, &topic);

		if (known) {
			check_subscribe_url(&r, &e, &topic);
			check_signature(&r, &e, given, &topic);
		}
		check_age(&r, &e, given);
		check_message(&r, &e,
			      known && (sns_topic_is_amazon_pay(&topic) ||
					json_is_string(json_object_get(r.facts, "account"))));
	}
	*ret = r;
}

void rules_done(struct rules *r)
{
	json_decref(r->list);
	json_decref(r->facts);
}
