/* Answers of the database as JSON: an object per row, its columns under their names. */
#ifndef IPND_IPNCTL_ROWS_H
#define IPND_IPNCTL_ROWS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/money.h"
#include "ledger/query.h"

/* A value for a parameter of a query: text (NULL: NULL), or a number. A list ends with one without a name. */
struct bind {
	const char *name;
	const char *text;
	int64_t number;
	bool is_number;
};

/* All rows as an array the caller owns. 0 or negative errno. */
int rows_ask(struct ledger *l, enum query q, const struct bind *binds, json_t **ret);

/* NULL when the column is NULL or not there. Borrowed. */
const char *row_text(const json_t *row, const char *key);

/* row_text(), or "" */
const char *row_word(const json_t *row, const char *key);

bool row_is(const json_t *row, const char *key, const char *word);

/* False when the column is NULL or not there; then *ret is not written. */
bool row_int(const json_t *row, const char *key, int64_t *ret);

/* row_int(), or 0. */
int64_t row_number(const json_t *row, const char *key);

/* UTC_UNKNOWN when it is no time. */
int64_t row_time(const json_t *row, const char *key);

#define ROW_MONEY_SIZE (MONEY_TEXT_SIZE + 16)

/* "19.95 USD", with the currency of the same row; "" when NULL. */
void row_money(const json_t *row, const char *key, char ret[static ROW_MONEY_SIZE]);

/* Adds to an object or an array. Takes the value. */
void json_put(json_t *object, const char *key, json_t *value);
void json_add(json_t *array, json_t *value);

/* The text as JSON, valid UTF-8 whatever it holds; null for NULL. */
json_t *json_text(const char *s);

#endif
