#include "memory.h"

#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/unit.h"

const char *const memory_user_words[MEMORY_USERS] = {
	[MEMORY_OURS] = "ours, jansson's or libxml2's",
	[MEMORY_SQLITE] = "SQLite's",
	[MEMORY_OPENSSL] = "OpenSSL's",
};

static struct {
	bool armed, and_all_after, failed;
	unsigned long at, count;
	enum memory_user whose;
} memory;

static bool fails(enum memory_user whose)
{
	bool now;

	if (!memory.armed)
		return false;
	memory.count++;
	now = memory.count == memory.at || (memory.and_all_after && memory.count > memory.at);
	if (now && !memory.failed) {
		memory.failed = true;
		memory.whose = whose;
	}
	return now;
}

void memory_fail_at(unsigned long at, bool and_all_after)
{
	memory.at = at;
	memory.and_all_after = and_all_after;
	memory.count = 0;
	memory.failed = false;
	memory.armed = true;
}

bool memory_heal(enum memory_user *ret_whose)
{
	memory.armed = false;
	*ret_whose = memory.whose;
	return memory.failed;
}

/* ---- ours: `-Wl,--wrap=malloc` makes malloc() of every object that is linked in __wrap_malloc(), and __real_malloc() the true one ---- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);

void *__wrap_malloc(size_t size)
{
	return fails(MEMORY_OURS) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails(MEMORY_OURS) ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails(MEMORY_OURS) ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails(MEMORY_OURS) ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s)
{
	return fails(MEMORY_OURS) ? NULL : __real_strdup(s);
}

/* ---- the libraries' ---- */

static sqlite3_mem_methods sqlite_default;

static void *sqlite_malloc(int size)
{
	return fails(MEMORY_SQLITE) ? NULL : sqlite_default.xMalloc(size);
}

static void *sqlite_realloc(void *p, int size)
{
	return fails(MEMORY_SQLITE) ? NULL : sqlite_default.xRealloc(p, size);
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails(MEMORY_OPENSSL) ? NULL : __real_malloc(size);
}

static void *openssl_realloc(void *p, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails(MEMORY_OPENSSL) ? NULL : __real_realloc(p, size);
}

static void openssl_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

void memory_init(void)
{
	sqlite3_mem_methods methods;

	ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_default), SQLITE_OK);
	methods = sqlite_default;
	methods.xMalloc = sqlite_malloc;
	methods.xRealloc = sqlite_realloc;
	ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods), SQLITE_OK);
	/* Its pool of small pieces would hide most of what it takes. */
	ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0), SQLITE_OK);
	ck_assert_int_eq(CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free),
			 1);
}
