/*
 * A fuzz target without libFuzzer: gives it every file of tests/fuzz/corpus/NAME once, where the
 * program is called replay-NAME. TAP. With arguments: those files instead.
 */
#include <dirent.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "fuzz.h"

#define PREFIX "replay-"

/* On the heap and without a byte behind it, so that ASan sees a read beyond the end. */
static int replay(const char *path)
{
	CLEANUP(fclosep) FILE *f = fopen(path, "re");
	CLEANUP(freep) uint8_t *data = NULL;
	struct stat st;
	size_t size;

	if (!f || fstat(fileno(f), &st) < 0) {
		perror(path);
		return -1;
	}
	size = (size_t)st.st_size;
	data = malloc(size ? size : 1);
	if (!data || fread(data, 1, size, f) != size) {
		perror(path);
		return -1;
	}
	return LLVMFuzzerTestOneInput(data, size);
}

/* The name stands there before the target may end the process. */
static int report(int number, const char *path, const char *name)
{
	int r;

	printf("# %s\n", name);
	fflush(stdout);
	r = replay(path);
	printf("%s %d - %s\n", r == 0 ? "ok" : "not ok", number, name);
	fflush(stdout);
	return r == 0 ? 0 : 1;
}

static int is_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static int replay_folder(const char *folder)
{
	struct dirent **names = NULL;
	int n = scandir(folder, &names, is_visible, alphasort), failed = 0;

	if (n <= 0) {
		fprintf(stderr, "# %s: no corpus there\n", folder);
		return 1;
	}
	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		CLEANUP(freep) char *path = NULL;

		if (asprintf(&path, "%s/%s", folder, names[i]->d_name) < 0)
			abort();
		failed |= report(i + 1, path, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return failed;
}

int main(int argc, char **argv)
{
	const char *top = getenv("top_srcdir"), *name = basename(argv[0]);
	CLEANUP(freep) char *folder = NULL;
	int failed = 0;

	if (argc > 1) {
		printf("1..%d\n", argc - 1);
		for (int i = 1; i < argc; i++)
			failed |= report(i, argv[i], argv[i]);
		return failed;
	}
	if (strncmp(name, PREFIX, strlen(PREFIX)) == 0)
		name += strlen(PREFIX);
	if (asprintf(&folder, "%s/tests/fuzz/corpus/%s", top ? top : ".", name) < 0)
		abort();
	return replay_folder(folder);
}
