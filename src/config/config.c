#include "config/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/private.h"

/* Enough for most. Doubled as a file needs it: to map the largest for each costs more than to read it. */
#define CONFIG_SIZE_FIRST ((size_t)16 * 1024)

DEFINE_CLEANUP(struct config *, config_free)

void report_problem(struct report *r, unsigned line, const char *format, ...)
{
	char path[512], what[1024], shown[1024], at[16] = "";
	va_list ap;

	if (report_is_full(r))
		return;
	va_start(ap, format);
	vsnprintf(what, sizeof(what), format, ap);
	va_end(ap);
	text_escape_line(text_of(r->path), path, sizeof(path));
	text_escape_line(text_of(what), shown, sizeof(shown));
	if (line > 0)
		snprintf(at, sizeof(at), ":%u", line);
	fprintf(r->errors, "%s: %s%s: %s\n", r->program, path, at, shown);
	if (++r->problems == CONFIG_PROBLEMS_MAX)
		fprintf(r->errors, "%s: %s: and perhaps more; mend these first\n", r->program,
			path);
}

struct shown show(const char *value)
{
	struct shown s;

	text_escape(text_of(value), s.text, sizeof(s.text));
	return s;
}

struct place show_place(const char *section, const char *title, const char *setting)
{
	struct place s;

	if (title)
		snprintf(s.text, sizeof(s.text), "%s \"%s\": %s", section, show(title).text,
			 setting);
	else
		snprintf(s.text, sizeof(s.text), "%s: %s", section, setting);
	return s;
}

const char *config_path(const char *option)
{
	const char *variable = getenv("IPND_CONFIG");

	if (option)
		return option;
	return variable && variable[0] ? variable : CONFIG_DEFAULT_PATH;
}

/* The three that the contract names. */
static int file_error(int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
		return -ENOENT;
	case EACCES:
	case EPERM:
		return -EACCES;
	case ENOMEM:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

/* The whole file with a NUL behind it. 0, or reported. */
static int read_file(struct report *r, char **ret, size_t *ret_len)
{
	CLEANUP(fclosep) FILE *f = fopen(r->path, "re");
	CLEANUP(freep) char *text = NULL;
	size_t len = 0, size = CONFIG_SIZE_FIRST / 2;

	if (!f) {
		int error = errno;

		report_problem(r, 0,
			       "%s; name a readable configuration with -c FILE or $IPND_CONFIG",
			       strerror(error));
		return file_error(error);
	}
	do {
		char *grown = realloc(text, (size *= 2) + 1);

		if (!grown)
			return -ENOMEM;
		text = grown;
		len += fread(text + len, 1, size - len, f);
	} while (len == size && len <= CONFIG_SIZE_MAX);
	if (ferror(f)) {
		int error = errno;

		report_problem(r, 0, "cannot be read: %s; name a plain file", strerror(error));
		return file_error(error);
	}
	if (len > CONFIG_SIZE_MAX) {
		report_problem(r, 0, "is larger than 1 MiB; name a configuration");
		return -EINVAL;
	}
	text[len] = 0;
	*ret = TAKE(text);
	*ret_len = len;
	return 0;
}

static int load_file(struct load *l)
{
	CLEANUP(freep) char *text = NULL;
	CLEANUP(cfg_freep) cfg_t *root = NULL;
	size_t len = 0;
	int r = read_file(&l->report, &text, &len);

	if (r < 0)
		return r;
	r = parse_text(&l->report, text, len, &root);
	if (r == -ENOMEM || report_is_full(&l->report))
		return r;
	l->text = text;
	l->root = root;
	l->whole = r == 0;
	r = config_build(l);
	if (r < 0)
		return r;
	return l->report.problems ? -EINVAL : 0;
}

int config_load(const char *path, const char *program, FILE *errors, struct config **ret)
{
	CLEANUP(config_freep) struct config *c = calloc(1, sizeof(*c));
	struct load l = {.report = {program, path, errors, 0}, .config = c};
	int r = -ENOMEM;

	if (c) {
		c->users = 1;
		c->file = strdup(path);
	}
	if (c && c->file)
		r = load_file(&l);
	if (r == -ENOMEM)
		report_problem(&l.report, 0, "out of memory");
	if (r < 0)
		return r;
	*ret = TAKE(c);
	return 0;
}

enum exit_code config_exit_code(int error)
{
	return error == -EACCES ? EXIT_NO_PERMISSION : EXIT_BAD_CONFIG;
}

static void *section_array(const struct config *c, const struct section *s)
{
	void *array;

	memcpy(&array, (const char *)c + s->array_at, sizeof(array));
	return array;
}

static size_t section_count(const struct config *c, const struct section *s)
{
	size_t n;

	memcpy(&n, (const char *)c + s->count_at, sizeof(n));
	return n;
}

static void clear_part(const struct section *s, void *base)
{
	for (size_t i = 0; i < s->n_settings; i++)
		setting_clear(&s->settings[i], base);
}

struct config *config_ref(struct config *c)
{
	c->users++;
	return c;
}

void config_free(struct config *c)
{
	if (!c || --c->users > 0)
		return;
	for (size_t i = 0; i < CONFIG_SECTIONS; i++) {
		const struct section *s = &config_sections[i];
		char *array;

		if (!s->titled) {
			clear_part(s, c);
			continue;
		}
		array = section_array(c, s);
		for (size_t j = 0; j < section_count(c, s); j++) {
			void *element = array + j * s->size;

			clear_part(s, element);
			free(*(char **)element);
		}
		free(array);
	}
	free(c->file);
	free(c);
}

const struct account *config_account_of_topic(const struct config *c, struct text topic_arn)
{
	for (size_t i = 0; i < c->n_accounts; i++)
		if (text_equal(text_of(c->accounts[i].topic_arn), topic_arn))
			return &c->accounts[i];
	return NULL;
}

const struct hook_config *config_hook(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_hooks; i++)
		if (strcmp(c->hooks[i].name, name) == 0)
			return &c->hooks[i];
	return NULL;
}

char *config_file_path(const char *name)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char *path = NULL;

	if (strchr(name, '/') || !folder || !folder[0])
		return strdup(name);
	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

/* The table admits only paths that begin with '/'. */
char *config_state_folder(const struct config *c)
{
	const char *slash = strrchr(c->database.path, '/');
	size_t len = (size_t)(slash - c->database.path);

	return strndup(c->database.path, len > 0 ? len : 1);
}
