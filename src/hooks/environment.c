#include "hooks/environment.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/money.h"
#include "base/utc.h"

/* Debian's default for services (systemd-path search-binaries-default), in the same order. */
#define SEARCH_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/*
 * Encoded. Half a value would be a wrong one, so a longer one is left out of the environment: execve() takes 128 KiB of a string,
 * orphans.c reads all of it, and the JSON has every value whole.
 */
#define VARIABLE_MAX 4096

struct fact {
	const char *key;      /* in the JSON */
	const char *variable; /* NULL: in the JSON only */
	enum { FACT_TEXT, FACT_NUMBER, FACT_FLAG } kind;
	bool unknown;
	struct text text;
	int64_t number;
};

#define FACTS 22

/* The texts that are made here live as long as the facts. */
struct facts {
	struct fact at[FACTS];
	size_t n;
	char amount[MONEY_TEXT_SIZE];
	char updated[UTC_TEXT_SIZE];
	char created[UTC_TEXT_SIZE];
};

static void add_text(struct facts *f, const char *key, const char *variable, const char *value)
{
	f->at[f->n++] =
		(struct fact){key, variable, FACT_TEXT, !value || !*value, text_of(value), 0};
}

static void add_number(struct facts *f, const char *key, const char *variable, bool known,
		       int64_t value)
{
	assert(f->n < FACTS);
	f->at[f->n++] = (struct fact){key, variable, FACT_NUMBER, !known, {NULL, 0}, value};
}

static void facts_of(const struct queue_event *e, int64_t attempt, struct facts *ret)
{
	*ret = (struct facts){0};
	if (e->has_amount && e->currency)
		money_format(e->amount_minor, e->currency, ret->amount);
	utc_format(e->updated_ms, ret->updated);
	utc_format(e->created_ms, ret->created);
	add_number(ret, "event_id", "IPN_EVENT_ID", true, e->id);
	add_text(ret, "event", "IPN_EVENT", e->name);
	add_text(ret, "object_type", "IPN_OBJECT_TYPE", e->object_type);
	add_text(ret, "object_id", "IPN_OBJECT_ID", e->object_id);
	add_text(ret, "order_reference_id", "IPN_ORDER_REFERENCE_ID", e->order_reference_id);
	add_text(ret, "seller_order_id", "IPN_SELLER_ORDER_ID", e->seller_order_id);
	add_text(ret, "billing_agreement_id", "IPN_BILLING_AGREEMENT_ID", e->billing_agreement_id);
	add_text(ret, "previous_state", "IPN_PREVIOUS_STATE", e->previous_state);
	add_text(ret, "state", "IPN_STATE", e->state);
	add_text(ret, "reason_code", "IPN_REASON_CODE", e->reason_code);
	add_text(ret, "amount", "IPN_AMOUNT", ret->amount);
	add_number(ret, "amount_minor", NULL, e->has_amount, e->amount_minor);
	add_text(ret, "currency", "IPN_CURRENCY", e->currency);
	add_text(ret, "account", "IPN_ACCOUNT", e->account);
	add_text(ret, "seller_id", "IPN_SELLER_ID", e->seller_id);
	add_text(ret, "environment", "IPN_ENVIRONMENT", e->environment);
	add_text(ret, "updated_at", "IPN_UPDATED_AT", ret->updated);
	add_number(ret, "attempt", "IPN_ATTEMPT", true, attempt);
	add_number(ret, "late", "IPN_LATE", true, e->late);
	ret->at[ret->n - 1].kind = FACT_FLAG;
	add_text(ret, "created_at", NULL, ret->created);
	add_number(ret, "transition_id", NULL, e->has_transition, e->transition_id);
	add_text(ret, "failed_hook", NULL, e->hook); /* of hook.dead */
}

/* NAME=value; NULL: out of memory. */
static char *variable_of(const struct fact *f)
{
	CLEANUP(freep) char *value = NULL;
	char *s;
	int n;

	if (f->kind == FACT_TEXT) {
		value = text_percent(f->text);
		n = value ? asprintf(&s, "%s=%s", f->variable,
				     strlen(value) <= VARIABLE_MAX ? value : "")
			  : -1;
	} else if (f->unknown) {
		n = asprintf(&s, "%s=", f->variable);
	} else {
		n = asprintf(&s, "%s=%lld", f->variable, (long long)f->number);
	}
	return n < 0 ? NULL : s;
}

void environment_free(char **environment)
{
	for (char **v = environment; v && *v; v++)
		free(*v);
	free(environment);
}

char **environment_make(const struct queue_event *e, int64_t attempt, const char *home)
{
	CLEANUP(environment_freep) char **environment = calloc(3 + FACTS + 1, sizeof(char *));
	struct facts facts;
	size_t n = 0;

	if (!environment)
		return NULL;
	environment[n] = strdup("PATH=" SEARCH_PATH);
	if (!environment[n++])
		return NULL;
	environment[n] = strdup("LANG=C.UTF-8");
	if (!environment[n++])
		return NULL;
	if (asprintf(&environment[n], "HOME=%s", home) < 0) {
		environment[n] = NULL;
		return NULL;
	}
	n++;
	facts_of(e, attempt, &facts);
	for (size_t i = 0; i < facts.n; i++) {
		if (!facts.at[i].variable)
			continue;
		environment[n] = variable_of(&facts.at[i]);
		if (!environment[n++])
			return NULL;
	}
	return TAKE(environment);
}

/* NULL: out of memory. What is not UTF-8 is made so, rather than refused: a hook must not wait for ever. */
static json_t *json_of_text(struct text t)
{
	CLEANUP(freep) char *s = text_utf8(t);

	return s ? json_string(s) : NULL;
}

static json_t *json_of_fact(const struct fact *f)
{
	if (f->unknown)
		return json_null();
	switch (f->kind) {
	case FACT_TEXT:
		return json_of_text(f->text);
	case FACT_NUMBER:
		return json_integer(f->number);
	case FACT_FLAG:
		return json_boolean(f->number != 0);
	}
	return NULL;
}

int environment_add_column(const struct queue_column *c, void *userdata)
{
	json_t *value = c->is_null   ? json_null()
			: c->is_text ? json_of_text(c->text)
				     : json_integer(c->number);

	return json_object_set_new(userdata, c->name, value) < 0 ? -ENOMEM : 0;
}

char *environment_json(const struct queue_event *e, int64_t attempt, json_t *object)
{
	CLEANUP(json_decrefp) json_t *root = json_object();
	CLEANUP(freep) char *text = NULL;
	struct facts facts;
	char *line;

	facts_of(e, attempt, &facts);
	for (size_t i = 0; i < facts.n; i++)
		if (json_object_set_new(root, facts.at[i].key, json_of_fact(&facts.at[i])) < 0)
			return NULL;
	if (json_object_set_new(root, "object", object ? json_incref(object) : json_null()) < 0)
		return NULL;
	text = json_dumps(root, JSON_COMPACT);
	if (!text || asprintf(&line, "%s\n", text) < 0)
		return NULL;
	return line;
}
