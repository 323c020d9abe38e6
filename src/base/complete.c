#include "base/complete.h"

#include <string.h>

#include "base/exit.h"
#include "base/text.h"

#define HARMLESS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@/+-"

bool complete_wanted(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "--complete") != 0)
		return false;
	/* A person is typing: no complaint may land in the line. */
	return freopen("/dev/null", "w", stderr) != NULL;
}

/* The row of "--name" or "--name=value", or of "-c"; NULL: none. `ret_value`: what stands in the same word, or NULL. */
static const struct option_row *row_of(const struct option_row *rows, const char *word,
				       const char **ret_value)
{
	const size_t len = strcspn(word, "=");

	*ret_value = word[len] ? word + len + 1 : NULL;
	for (const struct option_row *row = rows; row->name; row++) {
		if (strncmp(word, "--", 2) == 0 && strlen(row->name) == len - 2 &&
		    strncmp(word + 2, row->name, len - 2) == 0)
			return row;
		if (row->letter && word[0] == '-' && word[1] == row->letter && !word[2])
			return row;
	}
	return NULL;
}

static bool is_option(const char *word)
{
	return word[0] == '-' && word[1];
}

/* The last word, when no option before it waits for a value. */
static void read_last(const struct option_row *rows, const char *word, bool operands_only,
		      struct completion *c)
{
	const char *value = NULL;

	c->word = word;
	if (operands_only || word[0] != '-')
		return;
	c->option = true;
	c->row = row_of(rows, word, &value);
	if (!c->row || !value) {
		c->row = NULL;
		return;
	}
	c->option = false;
	c->lead = word;
	c->lead_len = (int)(value - word);
	c->word = value;
}

void complete_read(const struct option_row *rows, int n, char **words, struct completion *ret)
{
	bool operands_only = false;

	*ret = (struct completion){.word = "", .lead = ""};
	for (int i = 0; i + 1 < n; i++) {
		const char *value = NULL;
		const struct option_row *row =
			operands_only ? NULL : row_of(rows, words[i], &value);

		if (!operands_only && strcmp(words[i], "--") == 0) {
			operands_only = true;
		} else if (row && row->argument && !value) {
			/* bash makes three words of --name=value */
			i += strcmp(words[i + 1], "=") == 0;
			if (i + 2 >= n) {
				ret->row = row;
				ret->word = i + 1 < n ? words[i + 1] : "";
				return;
			}
			*row->ret_value = words[++i];
		} else if (row) {
			*row->ret_value = value ? value : "";
		} else if ((operands_only || !is_option(words[i])) &&
			   ret->n_operands < COMPLETE_OPERANDS_MAX) {
			ret->operands[ret->n_operands++] = words[i];
		}
	}
	if (n > 0)
		read_last(rows, words[n - 1], operands_only, ret);
}

static void print_line(const struct completion *c, const char *candidate, const char *help)
{
	char shown[128];

	text_escape(text_of(help ? help : ""), shown, sizeof(shown));
	printf("%.*s%s%s%s\n", c->lead_len, c->lead, candidate, shown[0] ? "\t" : "", shown);
}

void complete_print(const struct completion *c, const char *candidate, const char *help)
{
	if (!candidate || !candidate[0] || candidate[0] == '-' || candidate[0] == ':' ||
	    candidate[strspn(candidate, HARMLESS)] ||
	    strncmp(candidate, c->word, strlen(c->word)) != 0)
		return;
	print_line(c, candidate, help);
}

void complete_words(const struct completion *c, const char *words)
{
	char word[64];

	while (*words) {
		const size_t len = strcspn(words, " ");

		snprintf(word, sizeof(word), "%.*s", (int)len, words);
		complete_print(c, word, NULL);
		words += len + (words[len] == ' ');
	}
}

bool complete_by_argument(const char *argument)
{
	if (strncmp(argument, "FILE", 4) == 0 || strcmp(argument, "PEM") == 0)
		puts(":file");
	else if (strcmp(argument, "DIR") == 0)
		puts(":folder");
	else
		return false;
	return true;
}

bool complete_by_rows(const struct completion *c, const struct option_row *rows)
{
	if (c->row)
		return complete_by_argument(c->row->argument);
	if (!c->option)
		return false;
	for (const struct option_row *row = rows; row->name; row++) {
		char name[64];

		snprintf(name, sizeof(name), "--%s", row->name);
		if (strncmp(name, c->word, strlen(c->word)) == 0)
			print_line(c, name, row->help);
	}
	return true;
}

int complete_program(const struct option_row *rows, int argc, char **argv)
{
	struct completion c;

	complete_read(rows, argc - 2, argv + 2, &c);
	complete_by_rows(&c, rows);
	return exit_printed(EXIT_DONE);
}
