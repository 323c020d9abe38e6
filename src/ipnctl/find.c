#include "ipnctl/find.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/log.h"
#include "ipnctl/ipnctl.h"
#include "ipnctl/rows.h"

static const struct {
	const char *kind;
	enum query query;
} places[] = {
	{"order_reference", QUERY_ask_order},
	{"billing_agreement", QUERY_ask_agreement},
	{"authorization", QUERY_ask_authorization},
	{"capture", QUERY_ask_capture},
	{"refund", QUERY_ask_refund},
	{"chargeback", QUERY_ask_chargeback},
	{"provider_credit", QUERY_ask_credit},
	{"provider_credit_reversal", QUERY_ask_reversal},
	{"notification", QUERY_ask_notification},
};

#define PLACES_N (sizeof(places) / sizeof(places[0]))

static void add_found(json_t *found, const char *kind, json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		json_t *one = output_need(json_object());

		json_put(one, "kind", json_text(kind));
		json_put(one, "row", json_incref(row));
		json_add(found, one);
	}
}

static int find_event(struct ledger *l, const char *id, json_t *found)
{
	CLEANUP(json_decrefp) json_t *rows = NULL;
	struct bind binds[] = {{.name = ":number", .is_number = true}, {0}};
	int r;

	if (!ctl_parse_number(id, &binds[0].number))
		return 0;
	r = rows_ask(l, QUERY_ask_event, binds, &rows);
	if (r == 0)
		add_found(found, "event", rows);
	return r;
}

static int find_in(struct ledger *l, const char *kind, enum query query, const char *id,
		   json_t *found)
{
	CLEANUP(json_decrefp) json_t *rows = NULL;
	const struct bind binds[] = {{.name = ":id", .text = id}, {0}};
	int r = rows_ask(l, query, binds, &rows);

	if (r == 0)
		add_found(found, kind, rows);
	return r;
}

/* By the merchant's own reference of a part: no index has it, so that only what nothing else knows is looked for. */
static int find_reference(struct ledger *l, const char *id, json_t *found)
{
	CLEANUP(json_decrefp) json_t *parts = NULL;
	const struct bind binds[] = {{.name = ":id", .text = id}, {0}};
	const json_t *part;
	size_t i;
	int r = rows_ask(l, QUERY_ask_reference, binds, &parts);

	json_array_foreach(parts, i, part)
	{
		for (size_t p = 0; r == 0 && p < PLACES_N; p++)
			if (row_is(part, "object_type", places[p].kind))
				r = find_in(l, places[p].kind, places[p].query,
					    row_word(part, "object_id"), found);
	}
	return r;
}

int find_all(struct ledger *l, const char *id, json_t **ret)
{
	CLEANUP(json_decrefp) json_t *found = output_need(json_array());
	int r = 0;

	for (size_t i = 0; r == 0 && i < PLACES_N; i++)
		r = find_in(l, places[i].kind, places[i].query, id, found);
	if (r == 0)
		r = find_event(l, id, found);
	if (r == 0 && json_array_size(found) == 0)
		r = find_reference(l, id, found);
	if (r == 0)
		*ret = TAKE(found);
	return r;
}

void find_failed(const char *verb, const char *id)
{
	log_error(
		"%s %s: nothing is known by this name; ipnctl list notifications shows what came, ipnctl status what was refused",
		verb, id);
}
