/*
 * Allocations that fail on purpose: of our own code and of jansson and libxml2, which we give ours (by the linker's --wrap), and of
 * SQLite and OpenSSL (by the functions that each lets a program set). For a program that links with memory.c.
 */
#ifndef IPND_TESTS_MEMORY_H
#define IPND_TESTS_MEMORY_H

#include <stdbool.h>

enum memory_user { MEMORY_OURS, MEMORY_SQLITE, MEMORY_OPENSSL, MEMORY_USERS };

extern const char *const memory_user_words[MEMORY_USERS];

/* Before anything else is called of those libraries. */
void memory_init(void);

/* From now on the `at`-th allocation fails (from 1), and with `and_all_after` every later one too. */
void memory_fail_at(unsigned long at, bool and_all_after);

/* No more. Whether one has failed, and whose was the first. */
bool memory_heal(enum memory_user *ret_whose);

#endif
