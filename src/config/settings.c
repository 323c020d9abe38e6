#include "config/private.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/text.h"
#include "base/utc.h"
#include "config/config.h"

#define DIGITS  "0123456789"
#define LOWER   "abcdefghijklmnopqrstuvwxyz"
#define UPPER   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LETTERS LOWER UPPER

/* Of `min` to `max` characters, all among `set`. */
static bool consists_of(struct text t, const char *set, size_t min, size_t max)
{
	if (t.len < min || t.len > max)
		return false;
	for (size_t i = 0; i < t.len; i++)
		if (!t.at[i] || !strchr(set, t.at[i]))
			return false;
	return true;
}

/* A tab may be meant; a line end is more often a forgotten quote. */
static bool is_plain(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7F)
			return false;
	return true;
}

bool title_fits(const char *title)
{
	return consists_of(text_of(title), LETTERS DIGITS "._-", 1, CONFIG_NAME_MAX);
}

static bool fits_absolute(const char *s)
{
	return s[0] == '/' && strlen(s) < PATH_MAX && is_plain(s);
}

/* A folder's name alone would leave SQLite without a file. */
static bool fits_file(const char *s)
{
	const char *slash = strrchr(s, '/');

	return fits_absolute(s) && slash[1] && strcmp(slash, "/.") != 0 &&
	       strcmp(slash, "/..") != 0;
}

static bool fits_credential(const char *s)
{
	if (strchr(s, '/'))
		return fits_file(s);
	return s[0] && s[0] != '.' && strlen(s) <= NAME_MAX && is_plain(s);
}

static bool fits_trust(const char *s)
{
	return strcmp(s, "system") == 0 || fits_file(s);
}

/* Compared with the request's path byte for byte, so nothing that a client might percent-encode. */
static bool fits_url_path(const char *s)
{
	return s[0] == '/' && consists_of(text_of(s), LETTERS DIGITS "-._~/", 1, 256);
}

/* 0 to 65535, in decimal without leading zeros. */
static bool is_port(const char *s)
{
	size_t len = strlen(s);
	unsigned n = 0;

	if (!consists_of(text_of(s), DIGITS, 1, 5) || (s[0] == '0' && len > 1))
		return false;
	for (; *s; s++)
		n = n * 10 + (unsigned)(*s - '0');
	return n <= 65535;
}

/* Numbers only: a name could change its meaning between two starts. */
static bool address_parse(const char *s, bool *ret_loopback)
{
	const char *colon = strrchr(s, ':');
	char host[INET6_ADDRSTRLEN + 2];
	struct in6_addr six;
	struct in_addr four;
	size_t len;

	if (!colon || !is_port(colon + 1))
		return false;
	len = (size_t)(colon - s);
	if (len < 2 || len >= sizeof(host))
		return false;
	memcpy(host, s, len);
	host[len] = 0;
	if (inet_pton(AF_INET, host, &four) == 1) {
		*ret_loopback = ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
		return true;
	}
	if (host[0] != '[' || host[len - 1] != ']')
		return false;
	host[len - 1] = 0;
	if (inet_pton(AF_INET6, host + 1, &six) != 1)
		return false;
	*ret_loopback = IN6_IS_ADDR_LOOPBACK(&six);
	return true;
}

static bool fits_https(const char *s)
{
	bool loopback;

	return address_parse(s, &loopback);
}

/* A stand-in for SNS is a test's: it never stands elsewhere. */
static bool fits_stand_in(const char *s)
{
	bool loopback;

	return !s[0] || (address_parse(s, &loopback) && loopback);
}

/* Plain HTTP never leaves the machine: the proxy in front ends TLS. */
static bool fits_http(const char *s)
{
	static const char prefix[] = "unix:";
	const char *path = s + sizeof(prefix) - 1;
	bool loopback;

	if (strncmp(s, prefix, sizeof(prefix) - 1) == 0)
		return fits_file(path) &&
		       strlen(path) < sizeof(((struct sockaddr_un *)0)->sun_path);
	return address_parse(s, &loopback) && loopback;
}

/* Up to the next colon, or what is left. */
static struct text take_part(const char **s)
{
	struct text part = {*s, strcspn(*s, ":")};

	*s += part.len;
	if (**s)
		(*s)++;
	return part;
}

/* arn:aws:sns:REGION:OWNER:NAME; what an SNS topic may be called: its API's CreateTopic. */
static bool fits_topic(const char *s)
{
	static const char prefix[] = "arn:aws:sns:";
	struct text region, owner;

	if (strncmp(s, prefix, sizeof(prefix) - 1) != 0)
		return false;
	s += sizeof(prefix) - 1;
	region = take_part(&s);
	owner = take_part(&s);
	return consists_of(region, LOWER DIGITS "-", 1, 32) && consists_of(owner, DIGITS, 12, 12) &&
	       consists_of(text_of(s), LETTERS DIGITS "_-", 1, 256);
}

static bool fits_seller(const char *s)
{
	return consists_of(text_of(s), UPPER DIGITS, 1, 64);
}

static bool fits_glob(const char *s)
{
	return consists_of(text_of(s), LOWER DIGITS "._*?", 1, 64);
}

#define ABSOLUTE_FORM   "a path that begins with \"/\""
#define FILE_FORM       "a file's path that begins with \"/\""
#define CREDENTIAL_FORM FILE_FORM ", or a name to be looked up in $CREDENTIALS_DIRECTORY"

/* In the order of the enums of config.h. An account's environment cannot be "any". */
static const char *const environments[] = {"sandbox", "live", "any", NULL};
static const char *const account_environments[] = {"sandbox", "live", NULL};
static const char *const chain_policies[] = {"require", "prefer", "name-only", NULL};
static const char *const subscription_policies[] = {"ignore", "confirm", NULL};

const char *environment_word(enum environment e)
{
	return environments[e];
}

/* The table. Limits are where a value stops to make sense, not what this program could bear. */
/* clang-format off */
#define AT(member) .at = offsetof(struct config, member)
static const struct setting listen_settings[] = {
	{"https", SETTING_LIST, "[::]:8443", AT(listen.https), .fits = fits_https,
	 .form = "ADDRESS:PORT in numbers, an IPv6 address in brackets, as in \"[::]:8443\" or \"192.0.2.1:443\""},
	{"http", SETTING_LIST, "", AT(listen.http), .fits = fits_http,
	 .form = "\"unix:/PATH\" or a loopback ADDRESS:PORT, as in \"127.0.0.1:8080\" or \"[::1]:8080\""},
	{"path", SETTING_TEXT, "/ipn", AT(listen.path), .fits = fits_url_path,
	 .form = "a path that begins with \"/\", of letters, digits and -._~/"},
	{"certificate", SETTING_TEXT, "/etc/ipnd/tls/fullchain.pem", AT(listen.certificate), .fits = fits_credential,
	 .form = CREDENTIAL_FORM},
	{"private_key", SETTING_TEXT, "/etc/ipnd/tls/privkey.pem", AT(listen.private_key), .fits = fits_credential,
	 .form = CREDENTIAL_FORM},
	{"max_connections", SETTING_NUMBER, "1024", AT(listen.max_connections), "1", "65536"},
	{"max_connections_per_address", SETTING_NUMBER, "64", AT(listen.max_connections_per_address), "1", "65536"},
	{"request_deadline", SETTING_DURATION, "10s", AT(listen.request_deadline_ms), "1s", "5m"},
	{"max_body", SETTING_SIZE, "512K", AT(listen.max_body), "1K", "16M"},
};

static const struct setting sns_settings[] = {
	{"certificate_cache", SETTING_TEXT, "/var/lib/ipnd/certificates", AT(sns.certificate_cache),
	 .fits = fits_absolute, .form = ABSOLUTE_FORM},
	{"fetch", SETTING_SWITCH, "yes", AT(sns.fetch)},
	{"connect_to", SETTING_TEXT, "", AT(sns.connect_to), .fits = fits_stand_in,
	 .form = "a loopback ADDRESS:PORT, as in \"127.0.0.1:4433\", or \"\""},
	{"tls_trust", SETTING_TEXT, "system", AT(sns.tls_trust), .fits = fits_trust, .form = "\"system\" or " FILE_FORM},
	{"trust", SETTING_TEXT, "system", AT(sns.trust), .fits = fits_trust, .form = "\"system\" or " FILE_FORM},
	{"intermediates", SETTING_TEXT, "/usr/share/ipnd/intermediates", AT(sns.intermediates),
	 .fits = fits_absolute, .form = ABSOLUTE_FORM},
	{"chain", SETTING_WORD, "prefer", AT(sns.chain), .words = chain_policies},
	{"max_age", SETTING_DURATION, "15d", AT(sns.max_age_ms), "1s", "36500d", .none = true},
	{"subscription", SETTING_WORD, "ignore", AT(sns.subscription), .words = subscription_policies},
};

static const struct setting database_settings[] = {
	{"path", SETTING_TEXT, "/var/lib/ipnd/ipnd.db", AT(database.path), .fits = fits_file, .form = FILE_FORM},
	{"keep_raw", SETTING_DURATION, "400d", AT(database.keep_raw_ms), "1s", "36500d", .none = true},
};

/* An order reference lives 180 days, an authorization 30, in the sandbox 2 (protocol.md section 5). */
static const struct setting deadline_settings[] = {
	{"authorization", SETTING_DURATION, "1d", AT(deadline.authorization_ms), "1m", "30d", .none = true},
	{"order_reference", SETTING_DURATION, "7d", AT(deadline.order_reference_ms), "1m", "180d", .none = true},
};

static const struct setting hooks_settings[] = {
	{"concurrency", SETTING_NUMBER, "4", AT(hook_concurrency), "1", "64"},
};
#undef AT

#define AT(member) .at = offsetof(struct account, member)
static const struct setting account_settings[] = {
	{"topic_arn", SETTING_TEXT, NULL, AT(topic_arn), .fits = fits_topic,
	 .form = "the ARN of Amazon Pay's topic, as in \"arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HA1EXAMPLE\""},
	{"seller_id", SETTING_LIST, NULL, AT(seller_id), .fits = fits_seller,
	 .form = "one or more seller IDs of capital letters and digits, as in {\"A1EXAMPLE\"}"},
	{"environment", SETTING_WORD, NULL, AT(environment), .words = account_environments},
};
#undef AT

#define AT(member) .at = offsetof(struct hook_config, member)
static const struct setting hook_settings[] = {
	{"on", SETTING_LIST, NULL, AT(on), .fits = fits_glob,
	 .form = "event names, where * and ? stand for any characters, as in {\"authorization.open\", \"capture.*\"}"},
	{"run", SETTING_LIST, NULL, AT(run), .fits = is_plain,
	 .form = "a program by its whole path and its arguments, as in {\"/usr/local/bin/ship-order\", \"--queue\"}"},
	{"accounts", SETTING_LIST, "", AT(accounts), .fits = title_fits,
	 .form = "names of accounts, as in {\"shop-jp\"}"},
	{"environment", SETTING_WORD, "live", AT(environment), .words = environments},
	{"late", SETTING_SWITCH, "yes", AT(late)},
	{"timeout", SETTING_DURATION, "30s", AT(timeout_ms), "1s", "1d"},
	{"backoff", SETTING_DURATION, "10s", AT(backoff_ms), "1s", "30d"},
	{"backoff_max", SETTING_DURATION, "1h", AT(backoff_max_ms), "1s", "30d"},
	{"give_up", SETTING_DURATION, "3d", AT(give_up_ms), "1s", "36500d", .none = true},
	{"attempts", SETTING_NUMBER, "0", AT(attempts), "0", "1000000"},
	{"concurrency", SETTING_NUMBER, "0", AT(concurrency), "0", "64"},
	{"block_on_dead", SETTING_SWITCH, "no", AT(block_on_dead)},
};
#undef AT

#define ROWS(table) table, sizeof(table) / sizeof((table)[0])
const struct section config_sections[CONFIG_SECTIONS] = {
	{"listen", ROWS(listen_settings), .titled = false},
	{"account", ROWS(account_settings), true, sizeof(struct account), offsetof(struct config, accounts),
	 offsetof(struct config, n_accounts)},
	{"sns", ROWS(sns_settings), .titled = false},
	{"database", ROWS(database_settings), .titled = false},
	{"deadline", ROWS(deadline_settings), .titled = false},
	{"hooks", ROWS(hooks_settings), .titled = false},
	{"hook", ROWS(hook_settings), true, sizeof(struct hook_config), offsetof(struct config, hooks),
	 offsetof(struct config, n_hooks)},
};
/* clang-format on */

static_assert(offsetof(struct account, name) == 0 && offsetof(struct hook_config, name) == 0,
	      "a titled section's struct begins with its title");

const struct section *section_named(const char *name)
{
	for (size_t i = 0; i < CONFIG_SECTIONS; i++)
		if (strcmp(config_sections[i].name, name) == 0)
			return &config_sections[i];
	return NULL;
}

/* "{}" for an empty list, quotes where the file wants them. */
static void show_initial(const struct setting *s, char *ret, size_t size)
{
	const bool bare =
		s->kind == SETTING_NUMBER || s->kind == SETTING_SWITCH || s->kind == SETTING_WORD;
	const char *quote = bare ? "" : "\"";

	if (s->kind == SETTING_LIST && !s->initial[0])
		snprintf(ret, size, "{}");
	else if (s->kind == SETTING_LIST)
		snprintf(ret, size, "{\"%s\"}", s->initial);
	else
		snprintf(ret, size, "%s%s%s", quote, s->initial, quote);
}

static void describe(const struct section *section, const struct setting *s,
		     void (*tell)(void *userdata, const struct config_setting *s), void *userdata)
{
	char initial[128] = "", form[512];
	struct config_setting told = {section->name, section->titled, s->name, NULL, form};

	setting_form(s, form, sizeof(form));
	if (s->initial) {
		show_initial(s, initial, sizeof(initial));
		told.initial = initial;
	}
	tell(userdata, &told);
}

void config_describe(void (*tell)(void *userdata, const struct config_setting *s), void *userdata)
{
	for (size_t i = 0; i < CONFIG_SECTIONS; i++)
		for (size_t j = 0; j < config_sections[i].n_settings; j++)
			describe(&config_sections[i], &config_sections[i].settings[j], tell,
				 userdata);
}
