#include "simulate/document.h"

#include <jansson.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "ipn/field.h"

#define NAMESPACE "https://mws.amazonservices.com/ipn/OffAmazonPayments/2013-01-01"
#define DEPTH_MAX 3 /* names in a path */

static const struct {
	const char *type, *root, *child;
} documents[OBJECT_N] = {
#define DOCUMENT(object, type, root, child) [OBJECT_##object] = {type, root, child},
#include "ipn/documents.def"
};

const char *document_type(enum object_type o)
{
	return o == OBJECT_CHARGEBACK ? "Chargeback Detailed Notification" : documents[o].type;
}

/* XML with Amazon's indentation: four blanks, and no line end behind the root. */
struct xml {
	FILE *f;
	const struct ipn_document *d;
	const char *soft_descriptor;
	struct text open[DEPTH_MAX]; /* below the child of the root */
	size_t depth;
};

static void indent(const struct xml *x)
{
	fprintf(x->f, "\n%*s", (int)(4 * (2 + x->depth)), "");
}

static void escaped(FILE *f, const char *value)
{
	for (; *value; value++) {
		size_t plain = strcspn(value, "&<>");

		fwrite(value, 1, plain, f);
		value += plain;
		if (!*value)
			break;
		fputs(*value == '&' ? "&amp;" : *value == '<' ? "&lt;" : "&gt;", f);
	}
}

static void write_leaf(const struct xml *x, struct text name, const char *value)
{
	indent(x);
	fprintf(x->f, "<%.*s", (int)name.len, name.at);
	if (!*value) {
		fputs("/>", x->f);
		return;
	}
	fputc('>', x->f);
	escaped(x->f, value);
	fprintf(x->f, "</%.*s>", (int)name.len, name.at);
}

static void open_element(struct xml *x, struct text name)
{
	indent(x);
	fprintf(x->f, "<%.*s>", (int)name.len, name.at);
	x->open[x->depth++] = name;
}

static void close_element(struct xml *x)
{
	struct text name = x->open[--x->depth];

	indent(x);
	fprintf(x->f, "</%.*s>", (int)name.len, name.at);
}

/* The names of a path, each in its first spelling. Returns how many. */
static size_t split(const char *path, struct text ret[static DEPTH_MAX])
{
	size_t n = 0;

	while (*path && n < DEPTH_MAX) {
		size_t len = strcspn(path, "/");

		ret[n++] = (struct text){path, strcspn(path, "/|")};
		path += len;
		path += *path == '/';
	}
	return n;
}

/* Closes what the path is not in, opens what it is in; its last name is left to the caller. */
static void go_to(struct xml *x, const struct text *names, size_t n)
{
	size_t common = 0;

	while (common < x->depth && common + 1 < n && text_equal(x->open[common], names[common]))
		common++;
	while (x->depth > common)
		close_element(x);
	while (x->depth + 1 < n)
		open_element(x, names[x->depth]);
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

static void write_price(struct xml *x, struct text name, int64_t minor, const char *currency)
{
	char amount[MONEY_TEXT_SIZE];

	/* OrderTotal is a string in the schema, and has its currency's decimals. */
	if (x->d->object == OBJECT_ORDER_REFERENCE)
		money_format(minor, currency, amount);
	else
		java_double(minor, currency, amount);
	open_element(x, name);
	write_leaf(x, TEXT("Amount"), amount);
	write_leaf(x, TEXT("CurrencyCode"), currency);
	close_element(x);
}

/* Provider credits stand in a list of a capture's own, their reversals in one of a refund's. */
static bool is_summarized(enum object_type object, const char *id)
{
	size_t len = strlen(id);
	char letter = len > 7 ? id[len - 7] : 0;

	return (object == OBJECT_CAPTURE && letter == object_letter(OBJECT_PROVIDER_CREDIT)) ||
	       (object == OBJECT_REFUND &&
		letter == object_letter(OBJECT_PROVIDER_CREDIT_REVERSAL));
}

/* <IdList><Id>..., empty as well; or the summaries, which are left out when there are none. */
static void write_ids(struct xml *x, const struct text *names, size_t n)
{
	const struct ipn_document *d = x->d;
	bool summaries = n == DEPTH_MAX, any = false;

	for (size_t i = 0; i < d->ids.n; i++) {
		if (is_summarized(d->object, d->ids.at[i]) != summaries)
			continue;
		any = true;
		go_to(x, names, n);
		if (summaries)
			write_leaf(x, TEXT("ProviderSellerId"),
				   d->provider_seller_id ? d->provider_seller_id : "");
		write_leaf(x, names[n - 1], d->ids.at[i]);
		if (summaries)
			close_element(x);
	}
	if (!any && !summaries) {
		go_to(x, names, 1);
		write_leaf(x, names[0], "");
	}
}

static void write_options(struct xml *x, const struct text *names, size_t n)
{
	json_t *options = json_loads(x->d->options, 0, NULL);
	const char *key;
	json_t *value;

	go_to(x, names, n);
	json_object_foreach(options, key, value)
	{
		open_element(x, names[n - 1]);
		write_leaf(x, TEXT("name"), key);
		if (!json_is_null(value))
			write_leaf(x, TEXT("value"), json_string_value(value));
		close_element(x);
	}
	json_decref(options);
}

/* NULL: left out. `buffer` is for what is no string. */
static const char *value_of(const struct xml *x, const struct field *row, struct text name,
			    char buffer[static UTC_TEXT_SIZE])
{
	const void *member = (const char *)x->d + row->offset;
	enum ipn_flag flag;

	switch (row->kind) {
	case KIND_ID:
	case KIND_WORD:
	case KIND_TEXT:
	case KIND_NOTE:
	case KIND_NUMBER:
		return *(const char *const *)member;
	case KIND_TIME:
		utc_format(*(const int64_t *)member, buffer);
		return buffer[0] ? buffer : NULL;
	case KIND_FLAG:
		flag = *(const enum ipn_flag *)member;
		return flag == IPN_UNKNOWN ? NULL : flag == IPN_TRUE ? "true" : "false";
	case KIND_NONE:
		return text_is(name, "SellerId")              ? x->d->seller_id
		       : text_is(name, "OrderItemCategories") ? ""
		       : text_is(name, "SoftDescriptor")      ? x->soft_descriptor
							      : NULL;
	case KIND_AMOUNT:
	case KIND_FOREIGN:
	case KIND_IDS:
	case KIND_OPTIONS:
		break;
	}
	return NULL;
}

static void write_amount(struct xml *x, const struct field *row, const struct text *names, size_t n)
{
	const void *member = (const char *)x->d + row->offset;
	const struct ipn_amount *amount = member;
	const struct ipn_foreign *foreign = member;

	if (row->kind == KIND_AMOUNT && amount->known) {
		go_to(x, names, n);
		write_price(x, names[n - 1], amount->minor, x->d->currency);
	} else if (row->kind == KIND_FOREIGN && foreign->known) {
		go_to(x, names, n);
		write_price(x, names[n - 1], foreign->minor, foreign->currency);
	}
}

static void write_row(struct xml *x, const struct field *row)
{
	struct text names[DEPTH_MAX];
	size_t n = split(row->path, names);
	char buffer[UTC_TEXT_SIZE];
	const char *value;

	if (row->kind == KIND_IDS) {
		write_ids(x, names, n);
	} else if (row->kind == KIND_OPTIONS) {
		if (x->d->options)
			write_options(x, names, n);
	} else if (row->kind == KIND_AMOUNT || row->kind == KIND_FOREIGN) {
		write_amount(x, row, names, n);
	} else if (n < DEPTH_MAX && (value = value_of(x, row, names[n - 1], buffer))) {
		go_to(x, names, n);
		write_leaf(x, names[n - 1], value);
	}
}

char *document_write(const struct ipn_document *d, const char *soft_descriptor)
{
	const char *root = documents[d->object].root, *child = documents[d->object].child;
	char *text = NULL;
	size_t size;
	struct xml x = {
		.f = open_memstream(&text, &size), .d = d, .soft_descriptor = soft_descriptor};

	if (!x.f)
		return NULL;
	fprintf(x.f,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?><%s xmlns=\"" NAMESPACE "\">\n    <%s>",
		root, child);
	for (size_t i = 0; i < n_fields; i++)
		if (fields[i].object == d->object)
			write_row(&x, &fields[i]);
	while (x.depth > 0)
		close_element(&x);
	fprintf(x.f, "\n    </%s>\n</%s>", child, root);
	if (fclose(x.f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
