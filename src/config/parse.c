/*
 * The text, through libconfuse, to a tree of values that know their lines.
 *
 * libconfuse 3.3 counts a comment's line up to three times, expands "${NAME}" from the environment, takes an
 * unfinished comment or section in silence, and lets the last of two equal settings win. So comments are
 * blanked here before it reads, and "${" and what is unfinished are refused. It tells us of each setting it
 * has read in the one way it has: rows are marked CFGF_DEPRECATED, and its warning about that, which comes
 * once per assignment (also of an empty list, also with +=), is where we look whether it had been there.
 */
#include "config/private.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* A flag of ours in cfg_opt_t.flags, of which libconfuse 3.3 uses the lower 14 bits. */
#define FLAG_GIVEN (1 << 24)

struct reading {
	struct report *report;
	const char *text;
	cfg_t *root;
	unsigned stray_line; /* of the last value that was given outside of a section */
	bool out_of_memory;
};
/* libconfuse's callbacks carry no pointer of ours, and its lexer is global: there is one reading at a time. */
static struct reading *reading;

/* A place in the text; `line` is the line of `at`. */
struct scan {
	struct report *report;
	char *text;
	size_t len;
	size_t at;
	unsigned line;
	int depth;       /* of braces */
	unsigned opened; /* the line of the outermost one */
};

static void scan_step(struct scan *s)
{
	if (s->text[s->at] == '\n')
		s->line++;
	s->at++;
}

static bool scan_is(const struct scan *s, const char *what)
{
	size_t len = strlen(what);

	return s->len - s->at >= len && memcmp(s->text + s->at, what, len) == 0;
}

static void scan_blank(struct scan *s)
{
	if (s->text[s->at] != '\n')
		s->text[s->at] = ' ';
	scan_step(s);
}

static void blank_line(struct scan *s)
{
	while (s->at < s->len && s->text[s->at] != '\n')
		scan_blank(s);
}

static void blank_block(struct scan *s)
{
	unsigned begin = s->line;

	scan_blank(s);
	scan_blank(s);
	while (s->at < s->len && !scan_is(s, "*/"))
		scan_blank(s);
	if (s->at == s->len) {
		report_problem(s->report, begin,
			       "this comment never ends; end it with */, or begin it with #");
		return;
	}
	scan_blank(s);
	scan_blank(s);
}

/* An expansion would make the meaning of the file depend on who starts the program. */
static void check_expansion(const struct scan *s)
{
	if (scan_is(s, "${"))
		report_problem(
			s->report, s->line,
			"${...} is not expanded here; write the value itself, or '${...}' in single quotes if these "
			"characters are meant");
}

/*
 * A backslash takes the next character along, in both kinds of quotes. libconfuse would read on over the end
 * of the line, and complain somewhere below. After such a report there is no telling what is quoted: the end.
 */
static void scan_quoted(struct scan *s)
{
	unsigned begin = s->line;
	char quote = s->text[s->at];

	scan_step(s);
	while (s->at < s->len && s->text[s->at] != quote && s->text[s->at] != '\n') {
		if (quote == '"')
			check_expansion(s);
		if (s->text[s->at] == '\\')
			scan_step(s);
		if (s->at < s->len)
			scan_step(s);
	}
	if (s->at < s->len && s->text[s->at] == quote) {
		scan_step(s);
		return;
	}
	report_problem(s->report, begin,
		       "the quote that begins here is not closed in its line; close it with %c",
		       quote);
	s->at = s->len;
}

/* What libconfuse takes into a word without quotes; a comment of two characters does not begin inside of one. */
static bool is_word(char c)
{
	return c && !strchr(" #\"'\t\n\r={}()+,*", c);
}

/* Line by line, so that a report can tell where. */
static void check_bytes(struct scan *s)
{
	for (; s->at < s->len; scan_step(s)) {
		unsigned char c = (unsigned char)s->text[s->at];

		if (c == 0x7F || (c < 0x20 && c != '\t' && c != '\n' && c != '\r'))
			report_problem(s->report, s->line,
				       "a control character (0x%02X); write plain text", c);
	}
}

static void scan_plain(struct scan *s)
{
	char c = s->text[s->at];

	if (c == '{' && s->depth++ == 0)
		s->opened = s->line;
	if (c == '}')
		s->depth--;
	check_expansion(s);
	scan_step(s);
}

static void blank_comments(struct scan *s)
{
	while (s->at < s->len) {
		bool in_word = s->at > 0 && is_word(s->text[s->at - 1]);
		char c = s->text[s->at];

		if (c == '#' || (!in_word && scan_is(s, "//"))) {
			blank_line(s);
		} else if (!in_word && scan_is(s, "/*")) {
			blank_block(s);
		} else if (c == '"' || c == '\'') {
			scan_quoted(s);
		} else {
			scan_plain(s);
		}
	}
}

/* libconfuse would take the end of the file for the end of a section. */
static void scan_text(struct scan *s)
{
	check_bytes(s);
	s->at = 0;
	s->line = 1;
	blank_comments(s);
	if (s->report->problems == 0 && s->depth > 0)
		report_problem(s->report, s->opened,
			       "the brace that opens here is never closed; close it with }");
}

unsigned line_of_word(const char *text, unsigned first, unsigned last, const char *word)
{
	size_t len = strlen(word);
	unsigned found = last;

	for (unsigned n = 1; n <= last && text; n++) {
		text += strspn(text, " \t");
		if (n >= first && strncmp(text, word, len) == 0 && !is_word(text[len]))
			found = n;
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return found;
}

static cfg_opt_t *option_named(const cfg_t *cfg, const char *name)
{
	for (cfg_opt_t *opt = cfg->opts; opt->name; opt++)
		if (strcmp(opt->name, name) == 0)
			return opt;
	return NULL;
}

static void setting_done(const cfg_t *cfg, const char *name)
{
	cfg_opt_t *opt = cfg == reading->root ? NULL : option_named(cfg, name);
	unsigned line = (unsigned)cfg->line;

	if (!opt) {
		/* libconfuse takes "listen|path" and "account=shop|environment" outside of their sections. */
		line = reading->stray_line ? reading->stray_line : line;
		report_problem(
			reading->report, line,
			"%s: set outside of its section; write it between the section's braces",
			name);
		return;
	}
	if (opt->nvalues > 0 && value_at(opt, opt->nvalues - 1))
		line = value_at(opt, opt->nvalues - 1)->line;
	if (opt->flags & FLAG_GIVEN)
		report_problem(
			reading->report,
			line_of_word(reading->text, (unsigned)reading->root->line, line, name),
			"%s is set twice; keep one, a list takes all its values in one pair of braces",
			show_place(cfg->name, cfg->title, name).text);
	opt->flags |= FLAG_GIVEN;
}

static int section_done(cfg_t *cfg, cfg_opt_t *opt)
{
	if (opt->flags & FLAG_GIVEN)
		report_problem(reading->report,
			       line_of_word(reading->text, 1, (unsigned)cfg->line, opt->name),
			       "a second section %s; keep one, with the settings of both",
			       opt->name);
	if (!(opt->flags & CFGF_MULTI))
		opt->flags |= FLAG_GIVEN;
	return report_is_full(reading->report) ? -1 : 0;
}

static void report_unknown(const cfg_t *cfg, const char *name)
{
	const struct shown shown = show(name);
	char known[512];
	size_t len = 0;

	known[0] = 0;
	for (const cfg_opt_t *opt = cfg->opts; opt->name && len < sizeof(known); opt++)
		len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s", len ? ", " : "",
					opt->name);
	if (cfg == reading->root)
		report_problem(reading->report, (unsigned)cfg->line,
			       "there is no section %s; the sections are %s", shown.text, known);
	else
		report_problem(reading->report, (unsigned)cfg->line,
			       "%s: there is no such setting; the settings are %s",
			       show_place(cfg->name, cfg->title, shown.text).text, known);
}

/* libconfuse has one way to speak to us. After anything but the mark of a setting it stops. */
static void told(cfg_t *cfg, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));
static void told(cfg_t *cfg, const char *format, va_list ap)
{
	char said[256];

	if (report_is_full(reading->report))
		return;
	if (strstr(format, "deprecated option")) {
		setting_done(cfg, va_arg(ap, const char *));
	} else if (strstr(format, "no such option")) {
		report_unknown(cfg, va_arg(ap, const char *));
	} else if (strstr(format, "duplicate title")) {
		report_problem(reading->report, (unsigned)cfg->line,
			       "the name %s is taken by a section above; give each its own",
			       show(va_arg(ap, const char *)).text);
	} else {
		vsnprintf(said, sizeof(said), format, ap);
		report_problem(
			reading->report, (unsigned)cfg->line,
			"%s; write NAME = VALUE, NAME = {VALUE, VALUE}, or SECTION \"NAME\" { ... } with the name for "
			"account and hook only",
			said);
	}
}

static int value_new(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *ret)
{
	size_t size = strlen(text) + 1;
	struct value *v;

	(void)opt;
	if (report_is_full(reading->report))
		return -1;
	v = malloc(sizeof(*v) + size);
	if (!v) {
		reading->out_of_memory = true;
		return -1;
	}
	v->line = (unsigned)cfg->line;
	if (cfg == reading->root)
		reading->stray_line = v->line;
	memcpy(v->text, text, size);
	*(struct value **)ret = v;
	return 0;
}

const struct value *value_at(cfg_opt_t *opt, unsigned n)
{
	return cfg_opt_getnptr(opt, n);
}

/* The table as libconfuse wants it. Every value is text there; the kinds are ours, and so one bad value ends nothing. */
static cfg_t *tree_new(void)
{
	cfg_opt_t rows[CONFIG_SECTIONS][CONFIG_SETTINGS_MAX + 1] = {0};
	cfg_opt_t sections[CONFIG_SECTIONS + 1] = {0};

	for (size_t i = 0; i < CONFIG_SECTIONS; i++) {
		const struct section *s = &config_sections[i];

		assert(s->n_settings <= CONFIG_SETTINGS_MAX);
		for (size_t j = 0; j < s->n_settings; j++)
			rows[i][j] = (cfg_opt_t){
				.name = s->settings[j].name,
				.type = CFGT_PTR,
				.flags = CFGF_NODEFAULT | CFGF_DEPRECATED |
					 (s->settings[j].kind == SETTING_LIST ? CFGF_LIST : 0),
				.parsecb = value_new,
				.freecb = free,
			};
		sections[i] = (cfg_opt_t){
			.name = s->name,
			.type = CFGT_SEC,
			.flags = CFGF_NODEFAULT |
				 (s->titled ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES : 0),
			.subopts = rows[i],
			.validcb = section_done,
		};
	}
	return cfg_init(sections, CFGF_NONE);
}

static int read_tree(struct reading *r, size_t len)
{
	CLEANUP(fclosep) FILE *f = fmemopen((void *)(uintptr_t)r->text, len, "r");
	int said;

	if (!f)
		return -ENOMEM;
	cfg_set_error_function(r->root, told);
	reading = r;
	said = cfg_parse_fp(r->root, f);
	reading = NULL;
	if (r->out_of_memory)
		return -ENOMEM;
	if (said != CFG_SUCCESS && r->report->problems == 0)
		/* A name of no characters, which libconfuse refuses without a word. */
		report_problem(r->report, (unsigned)r->root->line,
			       "an empty name; write NAME = VALUE");
	return said == CFG_SUCCESS ? 0 : -EINVAL;
}

int parse_text(struct report *r, char *text, size_t len, cfg_t **ret)
{
	static const char byte_order_mark[] = "\xEF\xBB\xBF";
	struct scan s = {.report = r, .text = text, .len = len, .line = 1};
	CLEANUP(cfg_freep) cfg_t *root = tree_new();
	struct reading this = {.report = r, .text = text, .root = root};
	int error;

	if (!root)
		return -ENOMEM;
	if (len >= 3 && memcmp(text, byte_order_mark, 3) == 0)
		memset(text, ' ', 3);
	scan_text(&s);
	error = r->problems ? -EINVAL : read_tree(&this, len);
	if (error == -ENOMEM)
		return error;
	*ret = TAKE(root);
	return error;
}
