/* What every unit test shares: TAP on stdout, temporary folders, the recorded messages if they are there. */
#ifndef IPND_TESTS_UNIT_H
#define IPND_TESTS_UNIT_H

#include <check.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/text.h"

/* Runs the suite, forked per test, and returns the exit status. Frees it. */
int unit_main(Suite *suite);

/* A case of `suite` with a longer time limit than Check's 4 s. */
TCase *unit_case(Suite *suite, const char *name);

/*
 * The folder of recorded messages: $IPND_RECORDED, else ../shared/recorded beside the source tree. NULL when
 * there is none: then say so with unit_skip() and return.
 */
const char *unit_recorded(void);
void unit_skip(const char *why);

/* The file's bytes with a NUL behind them; the test fails when it cannot be read. The caller frees. */
char *unit_read(const char *path, size_t *ret_len);

/* A printf'd string; the caller frees. */
char *unit_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A fresh folder below $TMPDIR that unit_main() removes at the end. The caller frees the string. */
char *unit_folder(void);

/* The folder above all of them; only its owner may enter. */
const char *unit_root(void);

#endif
