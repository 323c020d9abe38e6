#include "receive/message.h"

#include <errno.h>

#include "base/memory.h"
#include "ledger/apply.h"
#include "machine/machine.h"

void message_init(void)
{
	json_set_alloc_funcs(memory_malloc, free);
	ipn_document_init();
}

/* What was found out with too little memory is not so: neither a refusal, which would be final, nor anything else. */
static enum verdict unless_short(struct message *m, enum verdict v)
{
	if (!memory_was_short())
		return v;
	why_set(&m->why, "out of memory");
	return VERDICT_OVERLOAD;
}

static enum verdict parse_envelope(struct message *m)
{
	enum verdict v = sns_envelope_parse(m->body, &m->envelope, &m->why);

	m->has_envelope = v == VERDICT_PASS;
	return v;
}

static enum verdict read_envelope(struct message *m, const struct message_headers *headers)
{
	enum verdict v;

	if (headers && text_is_nocase(headers->raw_delivery, "true")) {
		why_set(&m->why, "raw message delivery has no envelope and no signature");
		return VERDICT_RAW_DELIVERY;
	}
	v = parse_envelope(m);
	if (v != VERDICT_PASS || !headers)
		return v;
	return sns_envelope_check_headers(&m->envelope, headers->type, headers->message_id,
					  headers->topic_arn, &m->why);
}

/* A signature proves only that some topic of SNS sent it; the configured topic proves which. */
static enum verdict pin_topic(struct message *m, const struct config *c)
{
	bool well_formed = sns_topic_parse(m->envelope.topic_arn, &m->topic);
	char arn[160];

	m->account = config_account_of_topic(c, m->envelope.topic_arn);
	if (well_formed && m->account)
		return VERDICT_PASS;
	text_escape(m->envelope.topic_arn, arn, sizeof(arn));
	if (well_formed && sns_topic_is_amazon_pay(&m->topic)) {
		why_set(&m->why, "no account has topic_arn = \"%s\"", arn);
		return VERDICT_TOPIC_UNNAMED;
	}
	why_set(&m->why, "topic %s is no account's", arn);
	return VERDICT_TOPIC;
}

static enum verdict check_subscribe_url(struct message *m)
{
	const struct sns_envelope *e = &m->envelope;

	if (e->type == SNS_NOTIFICATION ||
	    sns_subscribe_url_is(e->subscribe_url, m->topic.region, e->topic_arn, e->token))
		return VERDICT_PASS;
	why_set(&m->why, "SubscribeURL is not the one of this topic and token");
	return VERDICT_SUBSCRIBE_URL;
}

static enum verdict read_certificate_url(struct message *m)
{
	if (sns_certificate_url_parse(m->envelope.signing_cert_url, m->topic.region, m->hex))
		return VERDICT_PASS;
	why_set(&m->why, "SigningCertURL is not one of SNS in %.*s", (int)m->topic.region.len,
		m->topic.region.at);
	return VERDICT_CERTIFICATE_URL;
}

enum verdict message_read(struct message *m, const struct message_headers *headers,
			  const struct config *c, int64_t now_ms)
{
	enum verdict v;

	m->received_ms = now_ms;
	memory_watch();
	v = read_envelope(m, headers);
	if (v == VERDICT_PASS)
		v = pin_topic(m, c);
	if (v == VERDICT_PASS)
		v = check_subscribe_url(m);
	if (v == VERDICT_PASS)
		v = read_certificate_url(m);
	return unless_short(m, v);
}

enum verdict message_read_stored(struct message *m, const struct config *c, int64_t now_ms)
{
	enum verdict v;

	m->received_ms = now_ms;
	memory_watch();
	v = parse_envelope(m);
	return unless_short(m, v == VERDICT_PASS ? pin_topic(m, c) : v);
}

enum verdict message_check(struct message *m, const struct config *c,
			   const struct sns_certificate *certificate, const struct sns_trust *trust)
{
	char md5[SNS_HEX_SIZE];
	enum verdict v;

	v = sns_certificate_check(certificate, trust, m->envelope.sent_at_ms, &m->issuer_unknown,
				  &m->why);
	if (v == VERDICT_PASS)
		v = sns_signature_check(&m->envelope, certificate, &m->why);
	if (v == VERDICT_PASS)
		v = sns_envelope_check_age(&m->envelope, m->received_ms, c->sns.max_age_ms,
					   &m->why);
	sns_certificate_md5(certificate, md5);
	m->certificate_misnamed = md5[0] && strcmp(md5, m->hex) != 0;
	return v;
}

static bool seller_is_ours(const struct message *m)
{
	const struct strings *sellers = &m->account->seller_id;

	for (size_t i = 0; i < sellers->n; i++)
		if (text_is(m->notification.seller_id, sellers->at[i]))
			return true;
	return false;
}

static bool is_foreign(struct message *m)
{
	const struct ipn_notification *n = &m->notification;
	char word[64];

	if (n->seller_id.at && !seller_is_ours(m)) {
		text_escape(n->seller_id, word, sizeof(word));
		why_set(&m->why, "SellerId %s is not among the account's seller_id", word);
		return true;
	}
	if (n->environment.at &&
	    !text_is_nocase(n->environment, environment_word(m->account->environment))) {
		text_escape(n->environment, word, sizeof(word));
		why_set(&m->why, "ReleaseEnvironment %s is not the account's environment", word);
		return true;
	}
	return false;
}

static bool can_be_applied(struct message *m)
{
	const struct ipn_notification *n = &m->notification;
	char word[64];

	if (!m->has_document)
		return false;
	if (!n->seller_id.at || !n->environment.at) {
		why_set(&m->why, "%s is missing",
			n->seller_id.at ? "ReleaseEnvironment" : "SellerId");
		return false;
	}
	if (machine_state(m->document.object, m->document.state) == STATE_NOTHING) {
		text_escape(text_of(m->document.state), word, sizeof(word));
		why_set(&m->why, "%s is no state of %s", word, object_word(m->document.object));
		return false;
	}
	return true;
}

static void understand(struct message *m)
{
	struct why document_why = {""};

	m->understood = VERDICT_UNRECOGNIZED;
	m->has_notification =
		ipn_notification_parse(m->envelope.message, &m->notification, &m->why);
	if (!m->has_notification)
		return;
	m->has_document = ipn_document_parse(m->notification.type, m->notification.data,
					     &m->document, &document_why);
	if (m->notification.is_sample) {
		m->understood = VERDICT_SAMPLE;
		return;
	}
	if (is_foreign(m)) {
		m->understood = VERDICT_FOREIGN;
		return;
	}
	if (!m->has_document)
		m->why = document_why;
	if (can_be_applied(m))
		m->understood = VERDICT_PASS;
}

enum verdict message_understand(struct message *m)
{
	memory_watch();
	understand(m);
	return unless_short(m, VERDICT_PASS);
}

static struct ledger_message for_ledger(const struct message *m)
{
	return (struct ledger_message){
		.account = m->account,
		.message_id = m->envelope.message_id,
		.sent_at_ms = m->envelope.sent_at_ms,
		.received_at_ms = m->received_ms,
		.raw = m->body,
		.notification = m->has_notification ? &m->notification : NULL,
		.document = m->has_document ? &m->document : NULL,
		.verdict = m->understood,
		.why = m->why.text[0] ? m->why.text : NULL,
	};
}

int message_store(struct message *m, struct ledger *l)
{
	struct ledger_message lm = for_ledger(m);
	int error = ledger_apply(l, &lm, &m->verdict);

	if (error != -EINVAL)
		return error;
	/* The schema refuses what we made of it. It is authentic all the same: kept, and a person is told. */
	why_set(&m->why, "could not be applied: %s", ledger_error(l));
	lm.verdict = VERDICT_UNRECOGNIZED;
	lm.why = m->why.text;
	lm.notification = NULL;
	lm.document = NULL;
	return ledger_apply(l, &lm, &m->verdict);
}

int message_store_again(struct message *m, struct ledger *l, int64_t notification_id)
{
	struct ledger_message lm = for_ledger(m);

	return ledger_reapply(l, notification_id, &lm, &m->verdict);
}

void message_done(struct message *m)
{
	if (m->has_document)
		ipn_document_done(&m->document);
	if (m->has_notification)
		ipn_notification_done(&m->notification);
	if (m->has_envelope)
		sns_envelope_done(&m->envelope);
}
