/* Inside the room: the table of settings, the reports, and the file as libconfuse leaves it. */
#ifndef IPND_CONFIG_PRIVATE_H
#define IPND_CONFIG_PRIVATE_H

#include <confuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/cleanup.h"

/* Far more than thousands of accounts need; what is larger is not a configuration. */
#define CONFIG_SIZE_MAX (1024 * 1024)
#define CONFIG_LIST_MAX 256 /* values of one list */
#define CONFIG_NAME_MAX 64  /* of an account or a hook */

enum setting_kind {
	SETTING_TEXT,     /* char * */
	SETTING_LIST,     /* struct strings */
	SETTING_NUMBER,   /* unsigned */
	SETTING_DURATION, /* int64_t milliseconds */
	SETTING_SIZE,     /* size_t bytes */
	SETTING_SWITCH,   /* bool */
	SETTING_WORD,     /* an enum: the index into `words` */
};

/* One row: all that is known of a setting. */
struct setting {
	const char *name;
	enum setting_kind kind;
	const char *
		initial; /* as one would write it, a list's only value; "" is an empty list; NULL: must be given */
	size_t at;                /* where the value goes, from the section's base */
	const char *min, *max;    /* of numbers, durations and sizes, as written */
	bool none;                /* a duration that may be "none" */
	const char *const *words; /* ended by NULL */
	bool (*fits)(const char *value);
	const char *form; /* what `fits` takes, to follow "write" */
};

/*
 * A section that has titles is an array of structs in struct config, whose first member is the title. Any
 * other is part of struct config, and its settings' `at` count from there.
 */
struct section {
	const char *name;
	const struct setting *settings;
	size_t n_settings;
	bool titled;
	size_t size;     /* of one element */
	size_t array_at; /* where struct config holds the array... */
	size_t count_at; /* ...and its length */
};

#define CONFIG_SECTIONS     7
#define CONFIG_SETTINGS_MAX 16 /* of one section */
extern const struct section config_sections[CONFIG_SECTIONS];

const struct section *section_named(const char *name);

/*
 * Sets what holds one value, adds to a list. `base` is the section's struct. 0; -EINVAL: not what the row
 * takes; -ENOMEM.
 */
int setting_put(const struct setting *s, void *base, const char *value);

/* What would be right, to follow "write". Cut to `size`. */
void setting_form(const struct setting *s, char *ret, size_t size);

/* Frees what the value owns, and leaves nothing. */
void setting_clear(const struct setting *s, void *base);

/* What an account or a hook may be called. */
bool title_fits(const char *title);

/* Enough to mend at once. Behind it nothing is looked for. */
#define CONFIG_PROBLEMS_MAX 100

/* Where the problems of one file go. */
struct report {
	const char *program;
	const char *path;
	FILE *errors;
	size_t problems;
};

/* One line. Line 0 is no line: the file itself. */
void report_problem(struct report *r, unsigned line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static inline bool report_is_full(const struct report *r)
{
	return r->problems >= CONFIG_PROBLEMS_MAX;
}

/* A value as a report shows it: escaped and cut. */
struct shown {
	char text[96];
};
struct shown show(const char *value);

/* "listen: path", "account \"shop\": topic_arn". `title` may be NULL. */
struct place {
	char text[256];
};
struct place show_place(const char *section, const char *title, const char *setting);

/* What the tree holds for each value. */
struct value {
	unsigned line;
	char text[];
};

/* The n-th value of a setting; NULL: there is none, or reading stopped at it. */
const struct value *value_at(cfg_opt_t *opt, unsigned n);

/*
 * Reads `text`, which is changed: comments become blanks. The tree is there even after an error in the
 * grammar and then holds what stood before it. 0; -EINVAL: reported; -ENOMEM. On -ENOMEM there is no tree.
 */
int parse_text(struct report *r, char *text, size_t len, cfg_t **ret);

/*
 * The last of the lines `first` to `last` that begins with `word`; `last` itself when none does. libconfuse
 * tells where a section or an empty list ends, people look for where it begins.
 */
unsigned line_of_word(const char *text, unsigned first, unsigned last, const char *word);

/* One file on its way to a struct config. */
struct load {
	struct report report;
	const char *text;
	cfg_t *root;
	struct config *config;
	bool whole; /* the grammar was right to the end, so what is not there was not given */
};

/* Fills `l->config`. 0, also after reports; -ENOMEM. */
int config_build(struct load *l);

static inline void cfg_freep(cfg_t **cfg)
{
	if (*cfg)
		cfg_free(*cfg);
}

#endif
