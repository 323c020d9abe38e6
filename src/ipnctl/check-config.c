/* check-config: reads the configuration as the daemons do, and looks whether the files it names are there. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "ipnctl/ipnctl.h"
#include "ipnctl/rows.h"

static const char *arg_settings;

static const struct option_row options[] = {
	{0, "settings", NULL, "read nothing, and show every setting there is", &arg_settings},
	{0},
};

/* What is said of a file is a warning: it may be another user's, or on its way. */
static void check_file(const struct ctl *c, json_t *warnings, const char *setting, const char *path,
		       int mode)
{
	CLEANUP(freep) char *text = NULL;

	if (access(path, mode) == 0)
		return;
	if (asprintf(&text, "%s: %s: %s", setting, path, strerror(errno)) < 0)
		text = NULL;
	log_warning("%s: %s", c->config->file, (char *)output_need(text));
	json_add(warnings, json_text(text));
}

static void check_tls_files(const struct ctl *c, json_t *warnings)
{
	const struct listen_config *listen = &c->config->listen;
	CLEANUP(freep) char *certificate = output_need(config_file_path(listen->certificate));
	CLEANUP(freep) char *private_key = output_need(config_file_path(listen->private_key));

	if (listen->https.n == 0)
		return;
	check_file(c, warnings, "listen.certificate", certificate, R_OK);
	check_file(c, warnings, "listen.private_key", private_key, R_OK);
}

static void check_hook_programs(const struct ctl *c, json_t *warnings)
{
	for (size_t i = 0; i < c->config->n_hooks; i++) {
		const struct hook_config *hook = &c->config->hooks[i];
		CLEANUP(freep) char *setting = NULL;

		if (asprintf(&setting, "hook \"%s\": run", hook->name) < 0)
			setting = NULL;
		check_file(c, warnings, output_need(setting), hook->run.at[0], X_OK);
	}
}

static json_t *check_files(const struct ctl *c)
{
	json_t *warnings = output_need(json_array());

	check_tls_files(c, warnings);
	check_file(c, warnings, "sns.certificate_cache", c->config->sns.certificate_cache,
		   R_OK | X_OK);
	if (strcmp(c->config->sns.trust, "system") != 0)
		check_file(c, warnings, "sns.trust", c->config->sns.trust, R_OK);
	check_hook_programs(c, warnings);
	return warnings;
}

static json_t *texts(const struct strings *strings)
{
	json_t *list = output_need(json_array());

	for (size_t i = 0; i < strings->n; i++)
		json_add(list, json_text(strings->at[i]));
	return list;
}

static json_t *summary(const struct config *c, json_t *warnings)
{
	json_t *s = output_need(json_object());
	json_t *accounts = output_need(json_array()), *hooks = output_need(json_array());

	for (size_t i = 0; i < c->n_accounts; i++)
		json_add(accounts, json_text(c->accounts[i].name));
	for (size_t i = 0; i < c->n_hooks; i++)
		json_add(hooks, json_text(c->hooks[i].name));
	json_put(s, "file", json_text(c->file));
	json_put(s, "ok", json_true());
	json_put(s, "https", texts(&c->listen.https));
	json_put(s, "http", texts(&c->listen.http));
	json_put(s, "accounts", accounts);
	json_put(s, "hooks", hooks);
	json_put(s, "database", json_text(c->database.path));
	json_put(s, "warnings", warnings);
	return s;
}

static void print_list(const struct output *o, const char *name, const json_t *list)
{
	const json_t *one;
	size_t i;

	output_text(o, COLOUR_DIM, "  %-10s", name);
	if (json_array_size(list) == 0)
		output_text(o, COLOUR_PLAIN, "none");
	json_array_foreach(list, i, one)
		output_text(o, COLOUR_PLAIN, "%s%s", i ? ", " : "", json_string_value(one));
	fputc('\n', o->f);
}

static json_t *setting_json(const struct config_setting *s)
{
	json_t *row = output_need(json_object());

	json_put(row, "section", json_text(s->section));
	json_put(row, "titled", json_boolean(s->titled));
	json_put(row, "name", json_text(s->name));
	json_put(row, "default", json_text(s->initial));
	json_put(row, "write", json_text(s->form));
	return row;
}

static void add_setting(void *userdata, const struct config_setting *s)
{
	json_add(userdata, setting_json(s));
}

static void print_settings(const struct ctl *c, const json_t *rows)
{
	CLEANUP(table_freep) struct table *t = table_new();
	const json_t *row;
	size_t i;

	table_heading(t, "SETTING", false);
	table_heading(t, "DEFAULT", false);
	table_heading(t, "WRITE", false);
	json_array_foreach(rows, i, row)
	{
		CLEANUP(freep) char *name = NULL;

		if (asprintf(&name, "%s.%s", row_word(row, "section"), row_word(row, "name")) < 0)
			name = NULL;
		table_cell(t, COLOUR_BOLD, output_need(name));
		table_cell(t, COLOUR_PLAIN, row_text(row, "default"));
		table_cell(t, COLOUR_PLAIN, row_text(row, "write"));
	}
	table_print(t, 0, &c->out);
}

static enum exit_code show_settings(const struct ctl *c)
{
	CLEANUP(json_decrefp) json_t *rows = output_need(json_array());

	config_describe(add_setting, rows);
	if (c->json)
		output_json_lines(&c->out, rows);
	else
		print_settings(c, rows);
	return EXIT_DONE;
}

static enum exit_code run(struct ctl *c, char **operands, int n)
{
	CLEANUP(json_decrefp) json_t *s = NULL;
	enum exit_code code;

	(void)operands;
	(void)n;
	if (arg_settings)
		return show_settings(c);
	code = ctl_load_config(c);
	if (code != EXIT_DONE)
		return code;
	s = summary(c->config, check_files(c));
	if (c->json) {
		output_json(&c->out, s);
		return EXIT_DONE;
	}
	output_line(&c->out, COLOUR_PLAIN, "%s: ok", c->config->file);
	print_list(&c->out, "https", json_object_get(s, "https"));
	print_list(&c->out, "http", json_object_get(s, "http"));
	print_list(&c->out, "accounts", json_object_get(s, "accounts"));
	print_list(&c->out, "hooks", json_object_get(s, "hooks"));
	output_text(&c->out, COLOUR_DIM, "  %-10s", "database");
	output_line(&c->out, COLOUR_PLAIN, "%s", c->config->database.path);
	return EXIT_DONE;
}

const struct verb verb_check_config = {
	.name = "check-config",
	.operands = "",
	.help = "read the configuration and look for the files it names",
	.more = "A file that is missing or not readable for you is a warning: the daemons may run as another user.\n"
		"--settings shows for each setting what it is by itself (-: it must be given) and what may be written;\n"
		"it needs no configuration.\n",
	.options = options,
	.run = run,
};
