/* From the tree of values to struct config: the table's rows first, then what one value cannot tell. */
#include "config/private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/config.h"

/* One section of the file on its way to its struct. */
struct part {
	struct load *load;
	const struct section *section;
	cfg_t *cfg;        /* NULL: the file does not have it */
	void *base;        /* the struct */
	const char *title; /* NULL: it has none */
};

static unsigned part_line(const struct part *p)
{
	return line_of_word(p->load->text, 1, (unsigned)p->cfg->line, p->section->name);
}

static struct place part_show(const struct part *p, const char *name)
{
	return show_place(p->section->name, p->title, name);
}

static void report_value(const struct part *p, const struct setting *s, const struct value *v)
{
	char form[512];

	setting_form(s, form, sizeof(form));
	report_problem(&p->load->report, v->line, "%s = \"%s\" is not possible; write %s",
		       part_show(p, s->name).text, show(v->text).text, form);
}

/* Nothing given, or an empty list for what needs a value. */
static void report_missing(const struct part *p, const struct setting *s, const cfg_opt_t *opt)
{
	unsigned line = part_line(p);
	char form[512];

	if (opt->flags & CFGF_MODIFIED)
		line = line_of_word(p->load->text, line, (unsigned)p->cfg->line, s->name);
	setting_form(s, form, sizeof(form));
	report_problem(&p->load->report, line, "%s is missing; write %s",
		       part_show(p, s->name).text, form);
}

static cfg_opt_t *part_option(const struct part *p, const char *name)
{
	cfg_opt_t *opt = p->cfg ? cfg_getopt(p->cfg, name) : NULL;

	assert(opt || !p->cfg);
	return opt;
}

/* 0, also after a report; -ENOMEM. */
static int build_values(const struct part *p, const struct setting *s, cfg_opt_t *opt)
{
	unsigned n = cfg_opt_size(opt);

	if (n > CONFIG_LIST_MAX) {
		report_problem(&p->load->report, value_at(opt, CONFIG_LIST_MAX)->line,
			       "%s has %u values; write at most %d", part_show(p, s->name).text, n,
			       CONFIG_LIST_MAX);
		return 0;
	}
	for (unsigned i = 0; i < n; i++) {
		const struct value *v = value_at(opt, i);
		int r = setting_put(s, p->base, v->text);

		if (r == -ENOMEM)
			return r;
		if (r < 0)
			report_value(p, s, v);
	}
	return 0;
}

static int build_setting(const struct part *p, const struct setting *s)
{
	cfg_opt_t *opt = part_option(p, s->name);
	int r;

	if (cfg_opt_size(opt) > 0)
		return build_values(p, s, opt);
	if (!s->initial) {
		if (p->load->whole)
			report_missing(p, s, opt);
		return 0;
	}
	if (s->kind == SETTING_LIST && (!s->initial[0] || (opt && opt->flags & CFGF_MODIFIED)))
		return 0; /* the list is empty, by itself or as given */
	r = setting_put(s, p->base, s->initial);
	assert(r != -EINVAL);
	return r;
}

static int build_part(const struct part *p)
{
	for (size_t i = 0; i < p->section->n_settings; i++) {
		int r = build_setting(p, &p->section->settings[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* The first member of the struct. */
static int build_title(const struct part *p)
{
	char **at = p->base;

	if (!title_fits(p->title))
		report_problem(
			&p->load->report, part_line(p),
			"%s \"%s\" is not a possible name; write 1 to %d letters, digits, dots, dashes and underscores",
			p->section->name, show(p->title).text, CONFIG_NAME_MAX);
	*at = strdup(p->title);
	return *at ? 0 : -ENOMEM;
}

static int build_titled(struct load *l, const struct section *s, cfg_opt_t *opt)
{
	size_t n = cfg_opt_size(opt);
	char *array = n > 0 ? calloc(n, s->size) : NULL;

	if (n > 0 && !array)
		return -ENOMEM;
	memcpy((char *)l->config + s->array_at, &array, sizeof(array));
	memcpy((char *)l->config + s->count_at, &n, sizeof(n));
	for (size_t i = 0; i < n && !report_is_full(&l->report); i++) {
		cfg_t *cfg = cfg_opt_getnsec(opt, (unsigned)i);
		struct part p = {l, s, cfg, array + i * s->size, cfg_title(cfg)};
		int r = build_title(&p);

		if (r == 0)
			r = build_part(&p);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The n-th section of that name, which build() has seen. */
static struct part part_of(struct load *l, const char *section, size_t n, void *base)
{
	cfg_t *cfg = cfg_getnsec(l->root, section, (unsigned)n);

	return (struct part){l, section_named(section), cfg, base, cfg_title(cfg)};
}

/* Where the first value of a setting is; where the section is, when it was not given. */
static unsigned setting_line(const struct part *p, const char *name)
{
	const struct value *v = value_at(part_option(p, name), 0);

	return v ? v->line : part_line(p);
}

static const struct account *account_named(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_accounts; i++)
		if (strcmp(c->accounts[i].name, name) == 0)
			return &c->accounts[i];
	return NULL;
}

/* A notification is known by its topic alone. */
static void check_account(struct load *l, size_t n)
{
	struct account *a = &l->config->accounts[n];
	const struct account *first =
		a->topic_arn ? config_account_of_topic(l->config, text_of(a->topic_arn)) : a;
	struct part p = part_of(l, "account", n, a);

	if (first != a)
		report_problem(
			&l->report, setting_line(&p, "topic_arn"),
			"%s is also that of account \"%s\"; write one account for each topic",
			part_show(&p, "topic_arn").text, show(first->name).text);
}

static void check_run(const struct part *p, const struct strings *run)
{
	if (run->n > 0 && run->at[0][0] != '/')
		report_problem(
			&p->load->report, setting_line(p, "run"),
			"%s begins with \"%s\"; write the program's whole path, no shell looks for it",
			part_show(p, "run").text, show(run->at[0]).text);
}

static void check_hook_accounts(const struct part *p)
{
	cfg_opt_t *opt = part_option(p, "accounts");

	for (unsigned i = 0; i < cfg_opt_size(opt); i++) {
		const struct value *v = value_at(opt, i);

		if (title_fits(v->text) && !account_named(p->load->config, v->text))
			report_problem(&p->load->report, v->line,
				       "%s names \"%s\"; write the name of an account of this file",
				       part_show(p, "accounts").text, show(v->text).text);
	}
}

static void check_hook(struct load *l, size_t n)
{
	struct hook_config *h = &l->config->hooks[n];
	struct part p = part_of(l, "hook", n, h);

	check_run(&p, &h->run);
	check_hook_accounts(&p);
	/* One that is wrong by itself is 0 and has been reported. */
	if (h->backoff_max_ms > 0 && h->backoff_ms > h->backoff_max_ms)
		report_problem(
			&l->report,
			setting_line(&p, cfg_size(p.cfg, "backoff_max") > 0 ? "backoff_max"
									    : "backoff"),
			"%s is longer than backoff_max; write a backoff (10s by itself) of at most backoff_max (1h by "
			"itself)",
			part_show(&p, "backoff").text);
}

/* Of port 0 each listener gets one of its own. */
static bool is_free_port(const char *address)
{
	const char *colon = strrchr(address, ':');

	return colon && strcmp(colon, ":0") == 0;
}

/* The value of https, then http, in the order in which ipnd listens on them; NULL: there are no more. */
static const struct value *address_at(const struct part *listen, unsigned n, const char **ret_name)
{
	cfg_opt_t *https = part_option(listen, "https");
	unsigned n_https = cfg_opt_size(https);

	*ret_name = n < n_https ? "https" : "http";
	return n < n_https ? value_at(https, n)
			   : value_at(part_option(listen, "http"), n - n_https);
}

/* A second listener on the same address would fail at the start. */
static void check_listen(struct load *l)
{
	cfg_opt_t *opt = cfg_getopt(l->root, "listen");
	struct part p = {l, section_named("listen"), NULL, l->config, NULL};
	const char *name, *earlier;
	const struct value *v;

	if (cfg_opt_size(opt) == 0)
		return;
	p.cfg = cfg_opt_getnsec(opt, 0);
	for (unsigned i = 1; i < 2 * CONFIG_LIST_MAX && (v = address_at(&p, i, &name)); i++)
		for (unsigned k = 0; k < i && !is_free_port(v->text); k++)
			if (strcmp(v->text, address_at(&p, k, &earlier)->text) == 0) {
				report_problem(
					&l->report, v->line,
					"%s names \"%s\", which stands in %s already; write each address once",
					part_show(&p, name).text, show(v->text).text, earlier);
				break;
			}
}

/* What one value cannot tell. */
static void check_relations(struct load *l)
{
	check_listen(l);
	for (size_t i = 0; i < l->config->n_accounts; i++)
		check_account(l, i);
	for (size_t i = 0; i < l->config->n_hooks; i++)
		check_hook(l, i);
}

int config_build(struct load *l)
{
	for (size_t i = 0; i < CONFIG_SECTIONS; i++) {
		const struct section *s = &config_sections[i];
		cfg_opt_t *opt = cfg_getopt(l->root, s->name);
		struct part p = {l, s, NULL, l->config, NULL};
		int r;

		if (!s->titled && cfg_opt_size(opt) > 0)
			p.cfg = cfg_opt_getnsec(opt, 0);
		r = s->titled ? build_titled(l, s, opt) : build_part(&p);
		if (r < 0)
			return r;
	}
	if (l->whole && !report_is_full(&l->report))
		check_relations(l);
	return 0;
}
