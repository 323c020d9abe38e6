/* Cells of a table from a row of the database. */
#ifndef IPND_IPNCTL_CELLS_H
#define IPND_IPNCTL_CELLS_H

#include <jansson.h>

#include "ipnctl/output.h"

/* A number; `colour` unless it is 0. */
void cell_number(struct table *t, const json_t *row, const char *key, enum colour colour);

/* A time to the minute, in UTC; empty when it is NULL. */
void cell_time(struct table *t, const json_t *row, const char *key);

#endif
