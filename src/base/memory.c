#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static _Thread_local bool was_short;

void memory_watch(void)
{
	was_short = false;
}

bool memory_was_short(void)
{
	return was_short;
}

void memory_note_short(void)
{
	was_short = true;
}

static void *noted(void *p)
{
	if (!p)
		memory_note_short();
	return p;
}

void *memory_malloc(size_t size)
{
	/* Of no bytes NULL would be right too, and no failure. */
	return noted(malloc(size ? size : 1));
}

void *memory_realloc(void *p, size_t size)
{
	return noted(realloc(p, size ? size : 1));
}

char *memory_strdup(const char *s)
{
	return noted(strdup(s));
}
