/*
 * What Amazon Pay's API allows now, object by object: one table of (object, state, operation), with a condition where the state
 * alone does not tell. Sources: protocol.md section 4; the guide's pages "...-states-and-reason-codes" and
 * "createorderreferenceforid".
 */
#ifndef IPND_IPNCTL_OPERATIONS_H
#define IPND_IPNCTL_OPERATIONS_H

#include <jansson.h>
#include <stdint.h>

/* Adds to a story of story_tell(): `now`, as advice.h says. */
void operations_add(json_t *story, int64_t now_ms);

#endif
