#include "unit.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

/* Made before the tests fork, so that the parent can remove what a failed one leaves. */
static char root[256];

TCase *unit_case(Suite *suite, const char *name)
{
	TCase *c = tcase_create(name);

	tcase_set_timeout(c, 60);
	suite_add_tcase(suite, c);
	return c;
}

const char *unit_recorded(void)
{
	static char found[512];
	const char *set = getenv("IPND_RECORDED"), *top = getenv("top_srcdir");
	struct stat st;

	if (set)
		snprintf(found, sizeof(found), "%s", set);
	else
		snprintf(found, sizeof(found), "%s/../shared/recorded", top ? top : ".");
	return stat(found, &st) == 0 ? found : NULL;
}

void unit_skip(const char *why)
{
	fprintf(stderr, "# skipped: %s\n", why);
}

char *unit_format(const char *format, ...)
{
	char *s = NULL;
	va_list ap;
	int r;

	va_start(ap, format);
	r = vasprintf(&s, format, ap);
	va_end(ap);
	ck_assert(r >= 0);
	return s;
}

char *unit_read(const char *path, size_t *ret_len)
{
	CLEANUP(fclosep) FILE *f = fopen(path, "re");
	struct stat st;
	char *s;

	ck_assert_msg(f != NULL, "cannot open %s", path);
	ck_assert(fstat(fileno(f), &st) == 0);
	s = malloc((size_t)st.st_size + 1);
	ck_assert(s != NULL);
	ck_assert(fread(s, 1, (size_t)st.st_size, f) == (size_t)st.st_size);
	s[st.st_size] = 0;
	if (ret_len)
		*ret_len = (size_t)st.st_size;
	return s;
}

const char *unit_root(void)
{
	return root;
}

char *unit_folder(void)
{
	char *s = unit_format("%s/XXXXXX", root);

	ck_assert(mkdtemp(s) != NULL);
	return s;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int unit_main(Suite *suite)
{
	const char *tmp = getenv("TMPDIR");
	SRunner *runner = srunner_create(suite);
	int failed;

	snprintf(root, sizeof(root), "%s/ipnd-unit-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(root)) {
		perror(root);
		return 99;
	}
	setvbuf(stdout, NULL, _IONBF, 0);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return failed ? 1 : 0;
}
