/*
 * The configuration file. What is accepted keeps what the programs rely on, and written out by the
 * table of settings it is accepted again, as the same; what is refused is reported in whole lines.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "config/private.h"
#include "fuzz.h"

#define PROGRAM   "fuzz"
#define SECOND_MS 1000
#define PATH_SIZE 64

DEFINE_CLEANUP(struct config *, config_free)

/* A file in memory, the same for the life of the process. Returns its path. */
static const char *write_file(struct text content)
{
	static char path[PATH_SIZE];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("ipnd.conf", MFD_CLOEXEC);
		assert(fd >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	assert(ftruncate(fd, 0) == 0);
	assert(pwrite(fd, content.at, content.len, 0) == (ssize_t)content.len);
	return path;
}

/* `PROGRAM: FILE:LINE: what is wrong`, each on one line of printable text, of a line that there is. */
static void check_report(const char *path, const char *errors, unsigned n_lines)
{
	CLEANUP(freep) char *prefix = NULL;
	int len = asprintf(&prefix, PROGRAM ": %s:", path);

	assert(len > 0);
	while (*errors) {
		size_t line = strcspn(errors, "\n");

		assert(errors[line] == '\n');
		for (size_t i = 0; i < line; i++)
			assert((unsigned char)errors[i] >= 0x20 && errors[i] != 0x7F);
		assert(strncmp(errors, prefix, (size_t)len) == 0);
		if (errors[len] != ' ')
			assert(strtoul(errors + len, NULL, 10) >= 1 &&
			       strtoul(errors + len, NULL, 10) <= n_lines);
		errors += line + 1;
	}
}

static struct config *load(struct text content)
{
	const char *path = write_file(content);
	CLEANUP(freep) char *errors = NULL;
	struct config *c = NULL;
	unsigned n_lines = 1;
	size_t size;
	FILE *f = open_memstream(&errors, &size);
	int r;

	assert(f);
	r = config_load(path, PROGRAM, f, &c);
	assert(fclose(f) == 0);
	assert(r == 0 || r == -EINVAL);
	assert((r == 0) == (c != NULL) && (r == 0) == !errors[0]);
	for (size_t i = 0; i < content.len; i++)
		n_lines += content.at[i] == '\n';
	check_report(path, errors, n_lines);
	return c;
}

/* In single quotes only what would end them has a meaning. */
static void write_quoted(FILE *f, const char *s)
{
	fputc('\'', f);
	for (; *s; s++) {
		if (*s == '\'' || *s == '\\')
			fputc('\\', f);
		fputc(*s, f);
	}
	fputc('\'', f);
}

static void write_list(FILE *f, const struct strings *list)
{
	fputc('{', f);
	for (size_t i = 0; i < list->n; i++) {
		if (i > 0)
			fputc(',', f);
		write_quoted(f, list->at[i]);
	}
	fputc('}', f);
}

static void write_setting(FILE *f, const struct setting *s, const void *base)
{
	const void *at = (const char *)base + s->at;
	int64_t ms;

	fprintf(f, "%s = ", s->name);
	switch (s->kind) {
	case SETTING_TEXT:
		write_quoted(f, *(const char *const *)at);
		break;
	case SETTING_LIST:
		write_list(f, at);
		break;
	case SETTING_NUMBER:
		fprintf(f, "%u", *(const unsigned *)at);
		break;
	case SETTING_DURATION:
		ms = *(const int64_t *)at;
		assert(ms > 0 && (ms == INT64_MAX || ms % SECOND_MS == 0));
		if (ms == INT64_MAX)
			fputs("none", f);
		else
			fprintf(f, "%llds", (long long)(ms / SECOND_MS));
		break;
	case SETTING_SIZE:
		fprintf(f, "%zu", *(const size_t *)at);
		break;
	case SETTING_SWITCH:
		fputs(*(const bool *)at ? "yes" : "no", f);
		break;
	case SETTING_WORD:
		fputs(s->words[*(const unsigned *)at], f);
		break;
	}
	fputc('\n', f);
}

static void write_section(FILE *f, const struct section *s, const void *base, const char *title)
{
	fprintf(f, "%s ", s->name);
	if (title)
		write_quoted(f, title);
	fputs(" {\n", f);
	for (size_t i = 0; i < s->n_settings; i++)
		write_setting(f, &s->settings[i], base);
	fputs("}\n", f);
}

/* The whole configuration, every setting given. The caller frees. */
static char *write_config(const struct config *c)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert(f);
	for (size_t i = 0; i < CONFIG_SECTIONS; i++) {
		const struct section *s = &config_sections[i];

		if (!s->titled)
			write_section(f, s, c, NULL);
	}
	for (size_t i = 0; i < c->n_accounts; i++)
		write_section(f, section_named("account"), &c->accounts[i], c->accounts[i].name);
	for (size_t i = 0; i < c->n_hooks; i++)
		write_section(f, section_named("hook"), &c->hooks[i], c->hooks[i].name);
	assert(fclose(f) == 0);
	return text;
}

static void check_accounts(const struct config *c)
{
	for (size_t i = 0; i < c->n_accounts; i++) {
		const struct account *a = &c->accounts[i];

		assert(title_fits(a->name) && a->seller_id.n > 0);
		assert(config_account_of_topic(c, text_of(a->topic_arn)) == a);
		assert(a->environment == ENVIRONMENT_SANDBOX || a->environment == ENVIRONMENT_LIVE);
	}
}

static bool has_account(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_accounts; i++)
		if (strcmp(c->accounts[i].name, name) == 0)
			return true;
	return false;
}

static void check_hooks(const struct config *c)
{
	for (size_t i = 0; i < c->n_hooks; i++) {
		const struct hook_config *h = &c->hooks[i];

		assert(title_fits(h->name) && config_hook(c, h->name) == h);
		assert(h->on.n > 0 && h->run.n > 0 && h->run.at[0][0] == '/');
		assert(h->run.at[h->run.n] == NULL);
		assert(h->backoff_ms <= h->backoff_max_ms && h->timeout_ms >= SECOND_MS);
		for (size_t j = 0; j < h->accounts.n; j++)
			assert(has_account(c, h->accounts.at[j]));
	}
}

static void check_config(const struct config *c)
{
	CLEANUP(freep) char *folder = config_state_folder(c);

	assert(folder && folder[0] == '/');
	assert(strncmp(c->database.path, folder, strlen(folder)) == 0);
	assert(c->listen.path[0] == '/');
	assert(c->listen.max_body >= 1024 && c->listen.max_connections >= 1);
	assert(c->listen.request_deadline_ms >= SECOND_MS);
	assert(c->hook_concurrency >= 1);
	check_accounts(c);
	check_hooks(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(config_freep) struct config *c = NULL, *again = NULL;
	CLEANUP(freep) char *written = NULL, *written_again = NULL;

	c = load((struct text){(const char *)data, size});
	if (!c)
		return 0;
	check_config(c);
	written = write_config(c);
	if (strlen(written) > CONFIG_SIZE_MAX)
		return 0;
	again = load(text_of(written));
	assert(again);
	written_again = write_config(again);
	assert(strcmp(written, written_again) == 0);
	return 0;
}
