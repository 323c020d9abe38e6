#include "simulate/message.h"

#include <assert.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/money.h"
#include "base/utc.h"

#define NAMESPACE   "https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01"
#define API_VERSION "2013-01-01"

/* Names of protocol.md section 3.1 and 3.4, by object. */
struct names {
	const char *type;
	const char *root;
	const char *child;
	const char *id;
	const char *reference;
	const char *amount;
	const char *done;
	const char *fee;
	const char *status;
};

static const struct names names[OBJECT_N] = {
	[OBJECT_ORDER_REFERENCE] =
		{
			.type = "OrderReferenceNotification",
			.root = "OrderReferenceNotification",
			.child = "OrderReference",
			.id = "AmazonOrderReferenceId",
			.status = "OrderReferenceStatus",
		},
	[OBJECT_AUTHORIZATION] =
		{
			.type = "PaymentAuthorize",
			.root = "AuthorizationNotification",
			.child = "AuthorizationDetails",
			.id = "AmazonAuthorizationId",
			.reference = "AuthorizationReferenceId",
			.amount = "AuthorizationAmount",
			.done = "CapturedAmount",
			.fee = "AuthorizationFee",
			.status = "AuthorizationStatus",
		},
	[OBJECT_CAPTURE] =
		{
			.type = "PaymentCapture",
			.root = "CaptureNotification",
			.child = "CaptureDetails",
			.id = "AmazonCaptureId",
			.reference = "CaptureReferenceId",
			.amount = "CaptureAmount",
			.done = "RefundedAmount",
			.fee = "CaptureFee",
			.status = "CaptureStatus",
		},
	[OBJECT_REFUND] =
		{
			.type = "PaymentRefund",
			.root = "RefundNotification",
			.child = "RefundDetails",
			.id = "AmazonRefundId",
			.reference = "RefundReferenceId",
			.amount = "RefundAmount",
			.fee = "FeeRefunded",
			.status = "RefundStatus",
		},
};

/* XML with Amazon's indentation: four blanks, and no line end behind the root. */
struct xml {
	FILE *f;
	int depth;
};

static void xml_indent(const struct xml *x)
{
	fprintf(x->f, "\n%*s", 4 * x->depth, "");
}

static void xml_open(struct xml *x, const char *name)
{
	xml_indent(x);
	fprintf(x->f, "<%s>", name);
	x->depth++;
}

static void xml_close(struct xml *x, const char *name)
{
	x->depth--;
	xml_indent(x);
	fprintf(x->f, "</%s>", name);
}

static void xml_text(const struct xml *x, const char *name, const char *value)
{
	xml_indent(x);
	if (!*value) {
		fprintf(x->f, "<%s/>", name);
		return;
	}
	fprintf(x->f, "<%s>", name);
	for (const char *p = value; *p; p++) {
		if (*p == '&')
			fputs("&amp;", x->f);
		else if (*p == '<')
			fputs("&lt;", x->f);
		else if (*p == '>')
			fputs("&gt;", x->f);
		else
			fputc(*p, x->f);
	}
	fprintf(x->f, "</%s>", name);
}

static void xml_time(const struct xml *x, const char *name, int64_t ms)
{
	char text[UTC_TEXT_SIZE];

	utc_format(ms, text);
	xml_text(x, name, text);
}

/*
 * As Java's Double.toString() prints an amount, for Amazon's documents are made with it: "133.6", "0.0", "1.0E7".
 * Its form below 10^-3 is not needed for money.
 */
static void java_double(int64_t minor, const char *currency, char ret[static MONEY_TEXT_SIZE])
{
	char text[MONEY_TEXT_SIZE], digits[MONEY_TEXT_SIZE];
	size_t n = 0, point, whole;

	money_format(minor, currency, text);
	whole = strcspn(text, ".");
	for (const char *p = text; *p; p++)
		if (*p != '.')
			digits[n++] = *p;
	point = whole >= 8 ? 1 : whole;
	while (n > point + 1 && digits[n - 1] == '0')
		n--;
	if (n == point)
		digits[n++] = '0';
	snprintf(ret, MONEY_TEXT_SIZE, "%.*s.%.*s", (int)point, digits, (int)(n - point),
		 digits + point);
	if (whole != point)
		snprintf(ret + n + 1, MONEY_TEXT_SIZE - n - 1, "E%zu", whole - 1);
}

static void xml_price(struct xml *x, const char *name, const char *amount, const char *currency)
{
	xml_open(x, name);
	xml_text(x, "Amount", amount);
	xml_text(x, "CurrencyCode", currency);
	xml_close(x, name);
}

static void xml_money(struct xml *x, const char *name, int64_t minor, const char *currency)
{
	char amount[MONEY_TEXT_SIZE];

	java_double(minor, currency, amount);
	xml_price(x, name, amount, currency);
}

static void write_status(struct xml *x, const struct snapshot *s)
{
	const char *name = names[s->object].status;

	xml_open(x, name);
	xml_text(x, "State", s->state);
	xml_time(x, "LastUpdateTimestamp", s->updated_ms);
	if (s->reason_code)
		xml_text(x, "ReasonCode", s->reason_code);
	xml_close(x, name);
}

static void write_id_list(struct xml *x, const struct snapshot *s)
{
	if (!s->child_id) {
		xml_text(x, "IdList", "");
		return;
	}
	xml_open(x, "IdList");
	xml_text(x, "Id", s->child_id);
	xml_close(x, "IdList");
}

static void write_order_reference(struct xml *x, const struct snapshot *s)
{
	char total[MONEY_TEXT_SIZE];

	/* The one amount that is a string in the schema, and has its currency's decimals. */
	money_format(s->amount_minor, s->currency, total);
	xml_price(x, "OrderTotal", total, s->currency);
	xml_open(x, "SellerOrderAttributes");
	xml_text(x, "SellerId", s->seller_id);
	if (s->seller_order_id)
		xml_text(x, "SellerOrderId", s->seller_order_id);
	xml_text(x, "OrderItemCategories", "");
	xml_close(x, "SellerOrderAttributes");
	write_status(x, s);
	xml_time(x, "CreationTimestamp", s->created_ms);
	xml_time(x, "ExpirationTimestamp", s->expires_ms);
}

static void write_authorization(struct xml *x, const struct snapshot *s)
{
	write_id_list(x, s);
	xml_time(x, "CreationTimestamp", s->created_ms);
	xml_time(x, "ExpirationTimestamp", s->expires_ms);
	write_status(x, s);
	xml_text(x, "SoftDecline", s->soft_decline ? "true" : "false");
	xml_text(x, "OrderItemCategories", "");
	xml_text(x, "CaptureNow", s->capture_now ? "true" : "false");
}

static void write_capture(struct xml *x, const struct snapshot *s)
{
	write_id_list(x, s);
	xml_time(x, "CreationTimestamp", s->created_ms);
	write_status(x, s);
}

static void write_refund(struct xml *x, const struct snapshot *s)
{
	xml_time(x, "CreationTimestamp", s->created_ms);
	write_status(x, s);
}

/* What authorization, capture and refund have in common, and the rest of each. */
static void write_payment(struct xml *x, const struct snapshot *s)
{
	const struct names *n = &names[s->object];

	xml_text(x, n->reference, s->reference_id);
	if (s->object == OBJECT_REFUND)
		xml_text(x, "RefundType", "SellerInitiated");
	xml_money(x, n->amount, s->amount_minor, s->currency);
	if (n->done)
		xml_money(x, n->done, s->done_minor, s->currency);
	xml_money(x, n->fee, 0, s->currency);
	if (s->object == OBJECT_AUTHORIZATION)
		write_authorization(x, s);
	else if (s->object == OBJECT_CAPTURE)
		write_capture(x, s);
	else
		write_refund(x, s);
	xml_text(x, "SoftDescriptor", s->soft_descriptor);
}

char *message_document(const struct snapshot *s)
{
	const struct names *n = &names[s->object];
	char *text = NULL;
	size_t size;
	struct xml x = {.f = open_memstream(&text, &size), .depth = 1};

	assert(n->root);
	if (!x.f)
		return NULL;
	fprintf(x.f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><%s xmlns=\"" NAMESPACE "\">",
		n->root);
	xml_open(&x, n->child);
	xml_text(&x, n->id, s->id);
	if (s->object == OBJECT_ORDER_REFERENCE)
		write_order_reference(&x, s);
	else
		write_payment(&x, s);
	xml_close(&x, n->child);
	fprintf(x.f, "\n</%s>", n->root);
	if (fclose(x.f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

/*
 * A JSON string. Amazon's inner JSON has "<\/" for "</" and leaves every other slash alone; SNS escapes no slash.
 */
static void json_string(FILE *f, const char *value, bool escape_end_tags)
{
	fputc('"', f);
	for (const char *p = value; *p; p++) {
		if (*p == '"' || *p == '\\')
			fprintf(f, "\\%c", *p);
		else if (*p == '\n')
			fputs("\\n", f);
		else if ((unsigned char)*p < 0x20)
			fprintf(f, "\\u%04x", (unsigned)*p);
		else if (*p == '/' && escape_end_tags && p > value && p[-1] == '<')
			fputs("\\/", f);
		else
			fputc(*p, f);
	}
	fputc('"', f);
}

struct member {
	const char *name;
	const char *value;
};

/* Members, each with its prefix; the separator stands between. */
static char *json_object(const char *open, const char *colon, const char *comma, const char *close,
			 bool escape_end_tags, const struct member *members, size_t n)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fputs(open, f);
	for (size_t i = 0; i < n; i++) {
		fprintf(f, "%s\"%s\"%s", i ? comma : "", members[i].name, colon);
		json_string(f, members[i].value, escape_end_tags);
	}
	fputs(close, f);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

#define N(array) (sizeof(array) / sizeof((array)[0]))

char *message_inner(const struct message_inner *m)
{
	char at[UTC_TEXT_SIZE];
	const struct member members[] = {
		{"ReleaseEnvironment", m->environment},
		{"MarketplaceID", m->marketplace_id},
		{"Version", API_VERSION},
		{"NotificationType", names[m->object].type},
		{"SellerId", m->seller_id},
		{"NotificationReferenceId", m->reference_id},
		{"Timestamp", at},
		{"NotificationData", m->document},
	};

	utc_format(m->at_ms, at);
	return json_object("{", ":", ",", "}", true, members, N(members));
}

char *message_signed_text(const struct message_envelope *e)
{
	char *text = NULL;

	if (asprintf(
		    &text,
		    "Message\n%s\nMessageId\n%s\nTimestamp\n%s\nTopicArn\n%s\nType\nNotification\n",
		    e->message, e->message_id, e->timestamp, e->topic_arn) < 0)
		return NULL;
	return text;
}

char *message_envelope(const struct message_envelope *e)
{
	const struct member members[] = {
		{"Type", "Notification"},
		{"MessageId", e->message_id},
		{"TopicArn", e->topic_arn},
		{"Message", e->message},
		{"Timestamp", e->timestamp},
		{"SignatureVersion", e->signature_version},
		{"Signature", e->signature},
		{"SigningCertURL", e->certificate_url},
		{"UnsubscribeURL", e->unsubscribe_url},
	};

	return json_object("{\n  ", " : ", ",\n  ", "\n}", false, members, N(members));
}
