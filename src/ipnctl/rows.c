#include "ipnctl/rows.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "ipnctl/output.h"

json_t *json_text(const char *s)
{
	CLEANUP(freep) char *valid = NULL;

	if (!s)
		return json_null();
	valid = output_need(text_utf8(text_of(s)));
	return output_need(json_string(valid));
}

void json_put(json_t *object, const char *key, json_t *value)
{
	output_need(value);
	output_need(json_object_set_new(object, key, value) == 0 ? object : NULL);
}

void json_add(json_t *array, json_t *value)
{
	output_need(value);
	output_need(json_array_append_new(array, value) == 0 ? array : NULL);
}

static json_t *column_value(sqlite3_stmt *s, int i)
{
	if (sqlite3_column_type(s, i) == SQLITE_INTEGER)
		return json_integer(sqlite3_column_int64(s, i));
	if (sqlite3_column_type(s, i) == SQLITE_NULL)
		return json_null();
	return json_text((const char *)sqlite3_column_text(s, i));
}

static json_t *row_of(sqlite3_stmt *s)
{
	json_t *row = output_need(json_object());

	for (int i = 0; i < sqlite3_column_count(s); i++)
		json_put(row, sqlite3_column_name(s, i), column_value(s, i));
	return row;
}

int rows_ask(struct ledger *l, enum query q, const struct bind *binds, json_t **ret)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	CLEANUP(json_decrefp) json_t *rows = output_need(json_array());
	int r = query_start(l, q, &s);

	if (r < 0)
		return r;
	for (; binds && binds->name; binds++)
		if (binds->is_number)
			query_bind_int(s, binds->name, binds->number);
		else
			query_bind_string(s, binds->name, binds->text);
	while ((r = query_step(l, s)) > 0)
		json_add(rows, row_of(s));
	if (r < 0)
		return r;
	*ret = TAKE(rows);
	return 0;
}

const char *row_text(const json_t *row, const char *key)
{
	return json_string_value(json_object_get(row, key));
}

const char *row_word(const json_t *row, const char *key)
{
	const char *text = row_text(row, key);

	return text ? text : "";
}

bool row_is(const json_t *row, const char *key, const char *word)
{
	return strcmp(row_word(row, key), word) == 0;
}

bool row_int(const json_t *row, const char *key, int64_t *ret)
{
	const json_t *value = json_object_get(row, key);

	if (!json_is_integer(value))
		return false;
	*ret = json_integer_value(value);
	return true;
}

int64_t row_number(const json_t *row, const char *key)
{
	int64_t n = 0;

	row_int(row, key, &n);
	return n;
}

int64_t row_time(const json_t *row, const char *key)
{
	int64_t ms;

	return utc_parse(text_of(row_text(row, key)), &ms) == 0 ? ms : UTC_UNKNOWN;
}

void row_money(const json_t *row, const char *key, char ret[static ROW_MONEY_SIZE])
{
	const char *currency = row_word(row, "currency");
	char amount[MONEY_TEXT_SIZE];
	int64_t minor;

	ret[0] = 0;
	if (!row_int(row, key, &minor))
		return;
	money_format(minor, currency, amount);
	if (amount[0])
		snprintf(ret, ROW_MONEY_SIZE, "%s %.8s", amount, currency);
	else /* of a currency that we do not know */
		snprintf(ret, ROW_MONEY_SIZE, "%lld minor %.8s", (long long)minor, currency);
}
