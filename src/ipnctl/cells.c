#include "ipnctl/cells.h"

#include <inttypes.h>
#include <stdio.h>

#include "ipnctl/rows.h"
#include "ipnctl/when.h"

void cell_number(struct table *t, const json_t *row, const char *key, enum colour colour)
{
	int64_t n = row_number(row, key);
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, n);
	table_cell(t, n ? colour : COLOUR_PLAIN, text);
}

void cell_time(struct table *t, const json_t *row, const char *key)
{
	char when[WHEN_SIZE];

	when_format(row_time(row, key), false, when);
	table_cell(t, COLOUR_PLAIN, row_text(row, key) ? when : NULL);
}
