/*
 * Whether memory ran short on the way. Not every library tells: jansson may then lose a byte of a string and libxml2 an element, and
 * what they return looks as if the sender had written it so. He would be refused for ever, for a fault of ours.
 */
#ifndef IPND_BASE_MEMORY_H
#define IPND_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* memory_was_short() is about what happens from now on, in this thread. */
void memory_watch(void);

/* Whether one of the functions below has failed, or memory_note_short() was called. */
bool memory_was_short(void);
void memory_note_short(void);

/* Those of the C library, which the libraries are given. */
void *memory_malloc(size_t size);
void *memory_realloc(void *p, size_t size);
char *memory_strdup(const char *s);

#endif
