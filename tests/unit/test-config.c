#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/utc.h"
#include "config/private.h"
#include "unit.h"

#define ROWS(a) ((int)(sizeof(a) / sizeof((a)[0])))

#define TOPIC "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HA1EXAMPLE"
/* A whole account on one line. */
#define ACCOUNT(name, topic)                                                                       \
	"account \"" name "\" { topic_arn = \"" topic                                              \
	"\" seller_id = {\"A1EXAMPLE\"} environment = sandbox }\n"
#define SHOP       ACCOUNT("shop", TOPIC)
/* A hook that lacks nothing; more settings may stand before the end. */
#define HOOK(more) "hook \"ship\" { on = {\"*\"} run = {\"/bin/true\"} " more " }\n"

DEFINE_CLEANUP(struct config *, config_free)

/* Writes `len` bytes as a file, loads it, and gives what went to `errors` with the file's name made "FILE". */
static int load_bytes(const char *text, size_t len, char **ret_errors, struct config **ret)
{
	CLEANUP(freep) char *folder = unit_folder(), *path = unit_format("%s/t.conf", folder);
	CLEANUP(freep) char *said = NULL, *prefix = unit_format("prog: %s", path);
	FILE *f = fopen(path, "we"), *errors;
	size_t size = 0, n = 0;
	char *line, *rest;
	int r;

	ck_assert(f != NULL && fwrite(text, 1, len, f) == len && fclose(f) == 0);
	errors = open_memstream(&said, &size);
	ck_assert(errors != NULL);
	r = config_load(path, "prog", errors, ret);
	ck_assert(fclose(errors) == 0);
	*ret_errors = calloc(1, size + 1);
	ck_assert(*ret_errors != NULL);
	for (line = strtok_r(said, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		ck_assert_msg(strncmp(line, prefix, strlen(prefix)) == 0, "%s", line);
		n += (size_t)snprintf(*ret_errors + n, size + 1 - n, "FILE%s\n",
				      line + strlen(prefix));
	}
	return r;
}

static int load(const char *text, char **ret_errors, struct config **ret)
{
	return load_bytes(text, strlen(text), ret_errors, ret);
}

/* What is refused: the line, and something that the report says. */
static const struct {
	const char *text;
	int line;
	const char *says;
} refused[] = {
	/* names */
	{"lisen {\n}\n", 1,
	 "there is no section lisen; the sections are listen, account, sns, database, deadline, hooks, hook"},
	{"listen {\n}\n\npath = \"/\"\n", 4, "there is no section path"},
	{"database {\n\tpth = \"/x\"\n}\n", 2,
	 "database: pth: there is no such setting; the settings are path, keep_raw"},
	{SHOP "account \"b\" {\n\ttopic = 1\n}\n", 3,
	 "account \"b\": topic: there is no such setting"},
	{"listen {\n\tPath = \"/\"\n}\n", 2, "there is no such setting"},
	{"include(\"/etc/passwd\")\n", 1, "there is no section include"},
	{"listen {\n\tinclude(\"/etc/passwd\")\n}\n", 2, "there is no such setting"},
	{"listen {}\nlisten|path = \"/x\"\n", 2, "set outside of its section"},
	{SHOP "\"account=shop|environment\" = live\n", 2, "set outside of its section"},
	{"listen {\n\"\" = 1\n}\n", 1, "an empty name"},
	{"\x1b[31m {}\n", 1, "control character (0x1B)"},
	{"\"\\x1b[31m\" {}\n", 1, "there is no section \\x1B[31m"},
	{"\xff\xfe {}\n", 1, "there is no section \\xFF\\xFE"},

	/* given twice */
	{"listen {\n\tpath = \"/a\"\n\tpath = \"/a\"\n}\n", 3, "listen: path is set twice"},
	{"listen { path = \"/a\" path = \"/b\" }\n", 1, "listen: path is set twice"},
	{"listen {\n\tmax_body =\n\n\t\"64K\"\n\tpath = \"/\"\n\tmax_body\n=\n\"64K\"\n}\n", 6,
	 "max_body is set twice"},
	{"listen {\n\thttps = {\"[::]:1\"}\n\thttps = {\"[::]:2\"}\n}\n", 3,
	 "listen: https is set twice"},
	{"listen {\n\thttps = {\"[::]:1\"}\n\n\thttps += {\"[::]:2\"}\n}\n", 4,
	 "listen: https is set twice"},
	{"listen {\n\thttps += {\"[::]:1\"}\n\thttps = {}\n}\n", 3, "listen: https is set twice"},
	{"listen {\n\thttps = {}\n\thttps = {\"[::]:1\"}\n}\n", 3, "listen: https is set twice"},
	{"listen {\n\thttp = {}\n\n\thttp = {} # again\n\n\n}\n", 4, "listen: http is set twice"},
	{"listen {\n\thttp = {\n\t}\n\t/* c */\n\thttp += {\n\n}\n# c\n\n}\n", 5,
	 "listen: http is set twice"},
	{"listen {\n\thttps = {\n\"[::]:1\",\n\"[::]:2\"}\n\thttps = {\n\"[::]:1\",\n\"[::]:2\",}\n}\n",
	 5, "https is set twice"},
	{"database {\n\tpath = \"/a/b\"\n}\nlisten { path = \"/\" path = \"/\" }\n", 4,
	 "listen: path is set twice"},
	{"listen {\n}\nsns {\n}\nlisten {\n}\n", 5, "a second section listen"},
	{"listen {\n\tpath = \"/a\"\n}\nlisten {\n\tpath = \"/b\"\n}\n", 5,
	 "listen: path is set twice"},
	{"account \"a\" {\n\tenvironment = live\n\tenvironment = live\n}\n", 3,
	 "account \"a\": environment is set twice"},
	{SHOP "\n" ACCOUNT("shop", TOPIC "B"), 3, "the name shop is taken by a section above"},
	{SHOP HOOK("") "\n" HOOK(""), 4, "the name ship is taken"},

	/* grammar; what stands before is still checked */
	{"\nlisten {\n", 2, "the brace that opens here is never closed; close it with }"},
	{"sns {}\nlisten {\nhttps = {\n}\n", 2, "the brace that opens here is never closed"},
	{"listen {}\nlisten", 2, "premature end of file"},
	{"listen {}\naccount \"a\"", 2, "premature end of file"},
	{"}\n", 1, "unexpected closing brace"},
	{"listen {\n\n\tpath\n}\n", 4, "missing equal sign"},
	{"listen {\n\tpath = {\"/a\"}\n}\n", 2, "unexpected token '{'"},
	{"listen {\n\tpath += \"/a\"\n}\n", 2, "append to non-list"},
	{"listen {\n\thttps = {{\"[::]:1\"}}\n}\n", 2, "unexpected token '{'"},
	{"listen = 1\n", 1, "missing opening brace"},
	{"listen \"a\" {\n}\n", 1, "missing opening brace"},
	{"account {\n}\n", 1, "missing title"},
	{"listen {\n\tsns {\n}\n}\n", 2, "there is no such setting"},
	{"listen {\n\tmax_body = \"1X\"\n\tnonsense = 1\n}\n", 2, "listen: max_body = \"1X\""},
	{"listen {\n\t/* not\n\tended\n}\n", 2, "this comment never ends"},
	{"/*/", 1, "this comment never ends"},
	{"listen {\n\tpath = \"/ipn\n}\n\n", 2,
	 "the quote that begins here is not closed in its line; close it with \""},
	{"listen {\n\tpath = '/ipn\n}\n\n", 2,
	 "the quote that begins here is not closed in its line; close it with '"},
	{"listen {\n\tpath = \"/ipn", 2, "the quote that begins here is not closed"},
	{"listen {\n\tpath = \"/ipn\\", 2, "the quote that begins here is not closed"},
	{"listen {\n\tpath = \"/ipn\\\n\"\n}\nx = \"\n", 5,
	 "the quote that begins here is not closed"},
	{"listen {\n\tpath = \"/ipn\n\tmax_body = \"1M\"\n}\n", 2,
	 "the quote that begins here is not closed"},
	{"listen {\n\tpath = \"/ipn\\n\"\n}\n", 2, "listen: path = \"/ipn\\x0A\" is not possible"},
	{"listen {\n\tpath = \"/${HOME}\"\n}\n", 2, "is not expanded here"},
	{"listen {\n\tpath = ${HOME}\n}\n", 2, "is not expanded here"},
	{"listen {\n\tpath = \"\\8\"\n}\n", 2, "bad escape sequence"},
	/* a line is counted once, whatever the comments */
	{"#\n# a\n\n/* b\n\n c */ // d\nlisten { # e\n\tpath = \"/a b\" # f\n}\n", 8,
	 "listen: path = \"/a b\""},
	{"listen {\n\thttps = { # \"one\n\t\t\"[::]:1\", // '\n\t\t\"[::]\" }\n}\n", 4,
	 "listen: https = \"[::]\""},

	/* listen */
	{"listen { https = {\"[::]:8443\", \":8443\"} }\n", 1,
	 "https = \":8443\" is not possible; write ADDRESS:PORT"},
	{"listen { https = {\"[::]\"} }\n", 1, "write ADDRESS:PORT"},
	{"listen { https = {\"::1:8443\"} }\n", 1, "write ADDRESS:PORT"},
	{"listen { https = {\"[::1]:65536\"} }\n", 1, "write ADDRESS:PORT"},
	{"listen { https = {\"[::1]:-1\"} }\n", 1, "write ADDRESS:PORT"},
	{"listen { https = {\"[::1]:\"} }\n", 1, "write ADDRESS:PORT"},
	{"listen { https = {\"[::1]:08443\"} }\n", 1, "write ADDRESS:PORT"},
	{"listen { https = {\"[127.0.0.1]:8443\"} }\n", 1, "write ADDRESS:PORT"},
	{"listen { https = {\"[::1:8443\"} }\n", 1, "write ADDRESS:PORT"},
	{"listen { https = {\"[]:8443\"} }\n", 1, "write ADDRESS:PORT"},
	{"listen { https = {\"1.2.3:8443\"} }\n", 1, "write ADDRESS:PORT"},
	{"listen { https = {\"localhost:8443\"} }\n", 1, "write ADDRESS:PORT"},
	{"listen { https = {\"unix:/run/x\"} }\n", 1, "write ADDRESS:PORT"},
	{"listen { https = {\"\"} }\n", 1, "write ADDRESS:PORT"},
	{"listen { https = {\"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:1\"} }\n", 1,
	 "write ADDRESS:PORT"},
	{"listen { http = {\"0.0.0.0:80\"} }\n", 1,
	 "http = \"0.0.0.0:80\" is not possible; write \"unix:/PATH\" or a loopback"},
	{"listen { http = {\"[::]:80\"} }\n", 1, "a loopback ADDRESS:PORT"},
	{"listen { http = {\"128.0.0.1:80\"} }\n", 1, "a loopback ADDRESS:PORT"},
	{"listen { http = {\"[::ffff:127.0.0.1]:80\"} }\n", 1, "a loopback ADDRESS:PORT"},
	{"listen { http = {\"unix:run/x\"} }\n", 1, "a loopback ADDRESS:PORT"},
	{"listen { http = {\"unix:\"} }\n", 1, "a loopback ADDRESS:PORT"},
	{"listen { http = {\"unix:/run/\"} }\n", 1, "a loopback ADDRESS:PORT"},
	{"listen { path = \"ipn\" }\n", 1,
	 "path = \"ipn\" is not possible; write a path that begins with \"/\""},
	{"listen { path = \"\" }\n", 1, "write a path that begins with \"/\""},
	{"listen { path = \"/ipn?x\" }\n", 1, "write a path that begins with \"/\""},
	{"listen { path = \"/%69pn\" }\n", 1, "write a path that begins with \"/\""},
	{"listen { certificate = \"tls/cert.pem\" }\n", 1,
	 "or a name to be looked up in $CREDENTIALS_DIRECTORY"},
	{"listen { certificate = \"/etc/ipnd/tls/\" }\n", 1, "certificate = \"/etc/ipnd/tls/\""},
	{"listen { private_key = \"..\" }\n", 1, "private_key = \"..\""},
	{"listen { private_key = \"\" }\n", 1, "private_key = \"\""},
	{"listen { max_connections = 0 }\n", 1, "write a whole number from 1 to 65536"},
	{"listen { max_connections = 65537 }\n", 1, "write a whole number from 1 to 65536"},
	{"listen { max_connections = 4294967297 }\n", 1, "write a whole number from 1 to 65536"},
	{"listen { max_connections = 99999999999999999999999 }\n", 1,
	 "write a whole number from 1 to 65536"},
	{"listen { max_connections = -1 }\n", 1, "write a whole number from 1 to 65536"},
	{"listen { max_connections = 0x10 }\n", 1, "write a whole number from 1 to 65536"},
	{"listen { max_connections = \"1 \" }\n", 1, "write a whole number from 1 to 65536"},
	{"listen { max_connections = \"\" }\n", 1, "write a whole number from 1 to 65536"},
	{"listen { max_connections = many }\n", 1, "write a whole number from 1 to 65536"},
	{"listen { max_connections_per_address = 0 }\n", 1, "write a whole number from 1 to 65536"},
	{"listen { request_deadline = 10 }\n", 1, "write a duration from \"1s\" to \"5m\""},
	{"listen { request_deadline = \"0s\" }\n", 1, "write a duration"},
	{"listen { request_deadline = \"6m\" }\n", 1, "write a duration"},
	{"listen { request_deadline = \"none\" }\n", 1, "write a duration"},
	{"listen { request_deadline = \"-1s\" }\n", 1, "write a duration"},
	{"listen { request_deadline = \"1.5s\" }\n", 1, "write a duration"},
	{"listen { request_deadline = \"1w\" }\n", 1, "write a duration"},
	{"listen { max_body = \"0\" }\n", 1, "write a size from \"1K\" to \"16M\""},
	{"listen { max_body = \"1023\" }\n", 1, "write a size"},
	{"listen { max_body = \"17M\" }\n", 1, "write a size"},
	{"listen { max_body = \"64KB\" }\n", 1, "write a size"},
	{"listen { max_body = \"99999999999999999999G\" }\n", 1, "write a size"},

	/* account */
	{SHOP
	 "listen {\n\thttps = {\"[::]:1\", \"127.0.0.1:0\",\n\t\"[::]:1\", \"127.0.0.1:0\"}\n}\n",
	 4,
	 "listen: https names \"[::]:1\", which stands in https already; write each address once"},
	{SHOP "listen {\n\thttp = {\"unix:/a\", \"127.0.0.1:1\"}\n\thttps = \"127.0.0.1:1\"\n}\n",
	 3, "listen: http names \"127.0.0.1:1\", which stands in https already"},
	{"account \"a\" {\n}\n", 1, "account \"a\": topic_arn is missing; write the ARN"},
	{"account \"a\" {\n}\n", 1,
	 "account \"a\": seller_id is missing; write one or more seller IDs"},
	{"account \"a\" {\n}\n", 1, "account \"a\": environment is missing; write sandbox or live"},
	{SHOP "account \"a\" {\n\ttopic_arn = \"" TOPIC
	      "A\"\n\n\tseller_id = {}\n\tenvironment = live\n}\n",
	 5, "account \"a\": seller_id is missing"},
	{"\n" ACCOUNT("a", "arn:aws:sqs:us-east-1:291180941288:A"), 2,
	 "topic_arn = \"arn:aws:sqs:us-east-1:291180941288:A\""},
	{ACCOUNT("a", "arn:aws:sns:us-east-1:291180941288"), 1,
	 "write the ARN of Amazon Pay's topic"},
	{ACCOUNT("a", "arn:aws:sns:us-east-1:291180941288:"), 1,
	 "write the ARN of Amazon Pay's topic"},
	{ACCOUNT("a", "arn:aws:sns::291180941288:A"), 1, "write the ARN of Amazon Pay's topic"},
	{ACCOUNT("a", "arn:aws:sns:us-east-1::A"), 1, "write the ARN of Amazon Pay's topic"},
	{ACCOUNT("a", "arn:aws:sns:us-east-1:29118094128:A"), 1,
	 "write the ARN of Amazon Pay's topic"},
	{ACCOUNT("a", "arn:aws:sns:us-east-1:2911809412880:A"), 1,
	 "write the ARN of Amazon Pay's topic"},
	{ACCOUNT("a", "arn:aws:sns:us-east-1:29118094128x:A"), 1,
	 "write the ARN of Amazon Pay's topic"},
	{ACCOUNT("a", "arn:aws:sns:us-east-1:291180941288:A:B"), 1,
	 "write the ARN of Amazon Pay's topic"},
	{ACCOUNT("a", "arn:aws:sns:us-east-1:291180941288:A "), 1,
	 "write the ARN of Amazon Pay's topic"},
	{ACCOUNT("a", " arn:aws:sns:us-east-1:291180941288:A"), 1,
	 "write the ARN of Amazon Pay's topic"},
	{ACCOUNT("a", "arn:aws:sns:us-east-1:291180941288:A\\n"), 1,
	 "write the ARN of Amazon Pay's topic"},
	{ACCOUNT("a", "ARN:aws:sns:us-east-1:291180941288:A"), 1,
	 "write the ARN of Amazon Pay's topic"},
	{SHOP "account \"b\" {\n\tseller_id = {\"A1\"}\n\ttopic_arn = \"" TOPIC
	      "\"\n\tenvironment = live\n}\n",
	 4, "account \"b\": topic_arn is also that of account \"shop\""},
	{"account \"a\" { topic_arn = \"" TOPIC
	 "\" seller_id = {\"A1\", \"a1\"} environment = live }\n",
	 1, "seller_id = \"a1\""},
	{"account \"a\" { topic_arn = \"" TOPIC "\" seller_id = {\"\"} environment = live }\n", 1,
	 "seller_id = \"\""},
	{"account \"a\" { topic_arn = \"" TOPIC "\" seller_id = A1 environment = any }\n", 1,
	 "write sandbox or live"},
	{"account \"a\" { topic_arn = \"" TOPIC "\" seller_id = A1 environment = Live }\n", 1,
	 "write sandbox or live"},
	{ACCOUNT("", TOPIC), 1, "account \"\" is not a possible name; write 1 to 64 letters"},
	{"\n" ACCOUNT("a b", TOPIC), 2, "account \"a b\" is not a possible name"},
	{ACCOUNT("\xC3\xA4", TOPIC), 1, "is not a possible name"},
	{ACCOUNT("12345678901234567890123456789012345678901234567890123456789012345", TOPIC), 1,
	 "is not a possible name"},

	/* sns, database, hooks */
	{"sns { certificate_cache = \"cache\" }\n", 1, "write a path that begins with \"/\""},
	{"sns { fetch = maybe }\n", 1, "fetch = \"maybe\" is not possible; write yes or no"},
	{"sns { trust = \"System\" }\n", 1, "write \"system\" or a file's path"},
	{"sns { intermediates = \"\" }\n", 1, "write a path that begins with \"/\""},
	{"sns { chain = none }\n", 1,
	 "chain = \"none\" is not possible; write require, prefer or name-only"},
	{"sns { max_age = \"0d\" }\n", 1, "or \"none\""},
	{"sns { max_age = \"36501d\" }\n", 1, "or \"none\""},
	{"sns { max_age = \"9999999999999999d\" }\n", 1, "or \"none\""},
	{"sns { subscription = yes }\n", 1, "write ignore or confirm"},
	{"database { path = \"ipnd.db\" }\n", 1, "write a file's path that begins with \"/\""},
	{"database { path = \"/var/lib/ipnd/\" }\n", 1, "write a file's path"},
	{"database { path = \"/var/lib/ipnd/..\" }\n", 1, "write a file's path"},
	{"database { keep_raw = \"400\" }\n", 1, "or \"none\""},
	{"deadline { authorization = \"31d\" }\n", 1, "deadline: authorization = \"31d\""},
	{"deadline { order_reference = \"181d\" }\n", 1, "or \"none\""},
	{"deadline { order_reference = 7 }\n", 1, "deadline: order_reference = \"7\""},
	{"hooks { concurrency = 0 }\n", 1,
	 "hooks: concurrency = \"0\" is not possible; write a whole number from 1 to 64"},
	{"hooks { concurrency = 65 }\n", 1, "write a whole number from 1 to 64"},

	/* hook */
	{"hook \"h\" {\n\trun = {\"/bin/true\"}\n}\n", 1,
	 "hook \"h\": on is missing; write event names"},
	{"hook \"h\" {\n\ton = {\"*\"}\n}\n", 1, "hook \"h\": run is missing; write a program"},
	{"hook \"h\" {\n\ton = {}\n\trun = {\"/bin/true\"}\n}\n", 2, "hook \"h\": on is missing"},
	{"hook \"h\" {\n\ton = {\"*\"}\n\n\trun = {\"true\"}\n}\n", 4,
	 "run begins with \"true\"; write the program's whole path"},
	{"hook \"h\" {\n\ton = {\"*\"}\n\trun = {\"\"}\n}\n", 3, "run begins with \"\""},
	{"hook \"h\" {\n\ton = {\"*\"}\n\trun = {\"~/x\"}\n}\n", 3, "run begins with \"~/x\""},
	{"hook \"h\" {\n\ton = {\"*\"}\n\trun = {\"/bin/true\", \"a\\nb\"}\n}\n", 3,
	 "run = \"a\\x0Ab\""},
	{"hook \"h\" { on = {\"Capture.*\"} run = {\"/bin/true\"} }\n", 1, "on = \"Capture.*\""},
	{"hook \"h\" { on = {\"\"} run = {\"/bin/true\"} }\n", 1, "on = \"\""},
	{"hook \"h h\" { on = {\"*\"} run = {\"/bin/true\"} }\n", 1,
	 "hook \"h h\" is not a possible name"},
	{"hook \"h/h\" { on = {\"*\"} run = {\"/bin/true\"} }\n", 1,
	 "hook \"h/h\" is not a possible name"},
	{SHOP HOOK("accounts = {\"shop\",\n\"shoq\"}"), 3,
	 "hook \"ship\": accounts names \"shoq\""},
	{HOOK("accounts = {\"shop\"}"), 1, "accounts names \"shop\"; write the name of an account"},
	{HOOK("accounts = {\"a b\"}"), 1, "write names of accounts"},
	{HOOK("environment = both"), 1, "write sandbox, live or any"},
	{HOOK("late = 1"), 1, "late = \"1\" is not possible; write yes or no"},
	{HOOK("timeout = \"none\""), 1, "timeout = \"none\""},
	{HOOK("timeout = \"2d\""), 1, "write a duration from \"1s\" to \"1d\""},
	{HOOK("backoff = \"0s\""), 1, "backoff = \"0s\""},
	{HOOK("backoff_max = \"31d\""), 1, "backoff_max = \"31d\""},
	{HOOK("backoff = \"10m\"\nbackoff_max = \"9m\""), 2,
	 "hook \"ship\": backoff is longer than backoff_max"},
	{HOOK("\nbackoff = \"2h\""), 2, "backoff is longer than backoff_max"},
	{HOOK("\n\nbackoff_max = \"9s\""), 3, "backoff is longer than backoff_max"},
	{HOOK("give_up = \"3\""), 1, "give_up = \"3\""},
	{HOOK("attempts = 1000001"), 1, "write a whole number from 0 to 1000000"},
};

/* True when a line of `errors` begins with FILE:line: and says `says`. */
static bool reported(const char *errors, int line, const char *says)
{
	CLEANUP(freep) char *copy = strdup(errors), *prefix = unit_format("FILE:%d: ", line);
	char *one, *rest;

	for (one = strtok_r(copy, "\n", &rest); one; one = strtok_r(NULL, "\n", &rest))
		if (strncmp(one, prefix, strlen(prefix)) == 0 && strstr(one, says))
			return true;
	return false;
}

START_TEST(refuses)
{
	CLEANUP(freep) char *errors = NULL;
	struct config *c = NULL;

	ck_assert_int_eq(load(refused[_i].text, &errors, &c), -EINVAL);
	ck_assert_ptr_null(c);
	ck_assert_msg(reported(errors, refused[_i].line, refused[_i].says),
		      "row %d: no line %d with <%s> in <%s>", _i, refused[_i].line,
		      refused[_i].says, errors);
}
END_TEST

/* Harmless, and read as it looks. */
static const char *const accepted[] = {
	"",
	"\n",
	"#",
	"#\n",
	"# a comment's quote\n",
	"/**/",
	"// x ${HOME}\n# ${HOME}\n/* ${HOME} \" ' */",
	"listen {}",
	"listen {\r\n\tpath = \"/x\"\r\n}\r\n",
	"\xEF\xBB\xBFlisten {\n}\n",
	"listen { path = /x//y }",
	"listen { path = \"/x\\\ny\" }",
	"listen { https = { # none\n } // none\n http /* none */ = {} }",
	"listen { https = \"0.0.0.0:0\" http = {\"127.255.255.255:1\", \"[::1]:65535\", unix:/run/x} }",
	"listen { certificate = cert.pem private_key = 'key.pem' }",
	"sns { fetch = No }",
	SHOP "account \"B.c_d-1\" { topic_arn = " TOPIC "2 seller_id = A1 environment = live }",
	"hook \"h\" { on = {\"hook.d??d\"} run = {\"/bin/echo\", '${HOME}', \"\\${HOME}\", \"$HOME\", \"\", \"a\tb\", \"\xff\"} }",
	HOOK("backoff = \"1h\" attempts = 1000000"),
};

START_TEST(accepts)
{
	CLEANUP(config_freep) struct config *c = NULL;
	CLEANUP(freep) char *errors = NULL;
	int r = load(accepted[_i], &errors, &c);

	ck_assert_msg(r == 0, "row %d: %s", _i, errors);
	ck_assert_str_eq(errors, "");
}
END_TEST

static void list_is(const struct strings *list, size_t n, const char *const *want)
{
	ck_assert_uint_eq(list->n, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_str_eq(list->at[i], want[i]);
	if (n > 0)
		ck_assert_ptr_null(list->at[n]);
}
#define LIST_IS(list, ...)                                                                         \
	list_is(&(list), sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *),              \
		(const char *const[]){__VA_ARGS__})

static const char full[] =
	"listen {\n"
	"	https = {\"[::1]:0\", \"192.0.2.1:443\"}\n"
	"	http = {\"unix:/run/ipnd/http.sock\"}\n"
	"	path = \"/amazon/ipn\"\n"
	"	certificate = \"cert.pem\"\n"
	"	private_key = '/k/e y.pem'\n"
	"	max_connections = 65536\n"
	"	max_connections_per_address = 1\n"
	"	request_deadline = \"5m\"\n"
	"	max_body = 1K\n"
	"}\n" SHOP "account \"live-1\" {\n"
	"	topic_arn = \"" TOPIC "2\"\n"
	"	seller_id = {\"A1\", \"B2\"}\n"
	"	environment = live\n"
	"}\n"
	"sns {\n"
	"	certificate_cache = \"/c\"\n"
	"	fetch = no\n"
	"	trust = \"/ca.pem\"\n"
	"	intermediates = \"/i\"\n"
	"	chain = name-only\n"
	"	max_age = \"none\"\n"
	"	subscription = confirm\n"
	"}\n"
	"database {\n"
	"	path = \"/d/b.db\"\n"
	"	keep_raw = \"none\"\n"
	"}\n"
	"deadline { authorization = none order_reference = \"30d\" }\n"
	"hooks { concurrency = 64 }\n"
	"hook \"one\" {\n"
	"	on = {\"authorization.open\", \"capture.*\"}\n"
	"	run = {\"/usr/local/bin/ship-order\", \"--queue\", \"fast\"}\n"
	"	accounts = {\"live-1\", \"shop\"}\n"
	"	environment = any\n"
	"	late = no\n"
	"	timeout = \"1d\"\n"
	"	backoff = \"1m\"\n"
	"	backoff_max = \"2m\"\n"
	"	give_up = \"none\"\n"
	"	attempts = 7\n"
	"}\n"
	"hook \"two\" { on = {\"*\"} run = \"/bin/true\" environment = sandbox }\n";

static void full_is(const struct config *c)
{
	const struct hook_config *h = config_hook(c, "one");

	LIST_IS(c->listen.https, "[::1]:0", "192.0.2.1:443");
	LIST_IS(c->listen.http, "unix:/run/ipnd/http.sock");
	ck_assert_str_eq(c->listen.path, "/amazon/ipn");
	ck_assert_str_eq(c->listen.certificate, "cert.pem");
	ck_assert_str_eq(c->listen.private_key, "/k/e y.pem");
	ck_assert_uint_eq(c->listen.max_connections, 65536);
	ck_assert_uint_eq(c->listen.max_connections_per_address, 1);
	ck_assert_int_eq(c->listen.request_deadline_ms, 300000);
	ck_assert_uint_eq(c->listen.max_body, 1024);
	ck_assert_uint_eq(c->n_accounts, 2);
	ck_assert_str_eq(c->accounts[0].name, "shop");
	ck_assert_str_eq(c->accounts[0].topic_arn, TOPIC);
	LIST_IS(c->accounts[0].seller_id, "A1EXAMPLE");
	ck_assert_int_eq(c->accounts[0].environment, ENVIRONMENT_SANDBOX);
	ck_assert_str_eq(c->accounts[1].name, "live-1");
	ck_assert_str_eq(c->accounts[1].topic_arn, TOPIC "2");
	LIST_IS(c->accounts[1].seller_id, "A1", "B2");
	ck_assert_int_eq(c->accounts[1].environment, ENVIRONMENT_LIVE);
	ck_assert_str_eq(c->sns.certificate_cache, "/c");
	ck_assert(!c->sns.fetch);
	ck_assert_str_eq(c->sns.trust, "/ca.pem");
	ck_assert_str_eq(c->sns.intermediates, "/i");
	ck_assert_int_eq(c->sns.chain, CHAIN_NAME_ONLY);
	ck_assert_int_eq(c->sns.max_age_ms, DURATION_NONE);
	ck_assert_int_eq(c->sns.subscription, SUBSCRIPTION_CONFIRM);
	ck_assert_str_eq(c->database.path, "/d/b.db");
	ck_assert_int_eq(c->database.keep_raw_ms, DURATION_NONE);
	ck_assert_int_eq(c->deadline.authorization_ms, DURATION_NONE);
	ck_assert_int_eq(c->deadline.order_reference_ms, INT64_C(30) * 86400000);
	ck_assert_uint_eq(c->hook_concurrency, 64);
	ck_assert_uint_eq(c->n_hooks, 2);
	ck_assert_ptr_eq(h, &c->hooks[0]);
	LIST_IS(h->on, "authorization.open", "capture.*");
	LIST_IS(h->run, "/usr/local/bin/ship-order", "--queue", "fast");
	LIST_IS(h->accounts, "live-1", "shop");
	ck_assert_int_eq(h->environment, ENVIRONMENT_ANY);
	ck_assert(!h->late);
	ck_assert_int_eq(h->timeout_ms, 86400000);
	ck_assert_int_eq(h->backoff_ms, 60000);
	ck_assert_int_eq(h->backoff_max_ms, 120000);
	ck_assert_int_eq(h->give_up_ms, DURATION_NONE);
	ck_assert_uint_eq(h->attempts, 7);
	ck_assert_str_eq(c->hooks[1].name, "two");
	LIST_IS(c->hooks[1].run, "/bin/true");
	ck_assert_int_eq(c->hooks[1].environment, ENVIRONMENT_SANDBOX);
}

START_TEST(takes_every_setting)
{
	CLEANUP(config_freep) struct config *c = NULL;
	CLEANUP(freep) char *errors = NULL;
	int r = load(full, &errors, &c);

	ck_assert_msg(r == 0, "%s", errors);
	full_is(c);
}
END_TEST

/* But for the accounts. */
static void defaults_are(const struct config *c)
{
	LIST_IS(c->listen.https, "[::]:8443");
	ck_assert_uint_eq(c->listen.http.n, 0);
	ck_assert_str_eq(c->listen.path, "/ipn");
	ck_assert_str_eq(c->listen.certificate, "/etc/ipnd/tls/fullchain.pem");
	ck_assert_str_eq(c->listen.private_key, "/etc/ipnd/tls/privkey.pem");
	ck_assert_uint_eq(c->listen.max_connections, 1024);
	ck_assert_uint_eq(c->listen.max_connections_per_address, 64);
	ck_assert_int_eq(c->listen.request_deadline_ms, 10000);
	ck_assert_uint_eq(c->listen.max_body, 512 * 1024);
	ck_assert_str_eq(c->sns.certificate_cache, "/var/lib/ipnd/certificates");
	ck_assert(c->sns.fetch);
	ck_assert_str_eq(c->sns.trust, "system");
	ck_assert_str_eq(c->sns.intermediates, "/usr/share/ipnd/intermediates");
	ck_assert_int_eq(c->sns.chain, CHAIN_PREFER);
	ck_assert_int_eq(c->sns.max_age_ms, INT64_C(15) * 86400000);
	ck_assert_int_eq(c->sns.subscription, SUBSCRIPTION_IGNORE);
	ck_assert_str_eq(c->database.path, "/var/lib/ipnd/ipnd.db");
	ck_assert_int_eq(c->database.keep_raw_ms, INT64_C(400) * 86400000);
	ck_assert_int_eq(c->deadline.authorization_ms, INT64_C(1) * 86400000);
	ck_assert_int_eq(c->deadline.order_reference_ms, INT64_C(7) * 86400000);
	ck_assert_uint_eq(c->hook_concurrency, 4);
}

static void hook_defaults_are(const struct hook_config *h)
{
	ck_assert_uint_eq(h->accounts.n, 0);
	ck_assert_int_eq(h->environment, ENVIRONMENT_LIVE);
	ck_assert(h->late);
	ck_assert_int_eq(h->timeout_ms, 30000);
	ck_assert_int_eq(h->backoff_ms, 10000);
	ck_assert_int_eq(h->backoff_max_ms, 3600000);
	ck_assert_int_eq(h->give_up_ms, INT64_C(3) * 86400000);
	ck_assert_uint_eq(h->attempts, 0);
}

START_TEST(has_defaults)
{
	static const char *const texts[] = {"", "listen {} sns {} database {} hooks {}\n"};
	CLEANUP(config_freep) struct config *c = NULL, *with_hook = NULL;
	CLEANUP(freep) char *errors = NULL, *more = NULL;

	ck_assert_int_eq(load(texts[_i], &errors, &c), 0);
	defaults_are(c);
	ck_assert_uint_eq(c->n_accounts, 0);
	ck_assert_uint_eq(c->n_hooks, 0);
	ck_assert_int_eq(load(HOOK(""), &more, &with_hook), 0);
	hook_defaults_are(&with_hook->hooks[0]);
}
END_TEST

/* An empty list is not the default. */
START_TEST(empty_list_stays_empty)
{
	CLEANUP(config_freep) struct config *c = NULL;
	CLEANUP(freep) char *errors = NULL;

	ck_assert_int_eq(load("listen { https = {} }", &errors, &c), 0);
	ck_assert_uint_eq(c->listen.https.n, 0);
}
END_TEST

START_TEST(reports_all)
{
	CLEANUP(freep) char *errors = NULL;
	struct config *c = NULL;

	ck_assert_int_eq(load("listen {\n"
			      "	max_connections = 0\n"
			      "	path = \"x\"\n"
			      "	path = \"/y\"\n"
			      "}\n"
			      "account \"a\" { }\n"
			      "hook \"h\" {\n"
			      "	on = {\"*\"}\n"
			      "	run = {\"x\"}\n"
			      "	accounts = {\"nobody\"}\n"
			      "	backoff = \"2h\"\n"
			      "}\n",
			      &errors, &c),
			 -EINVAL);
	ck_assert_str_eq(
		errors,
		"FILE:4: listen: path is set twice; keep one, a list takes all its values in one pair of braces\n"
		"FILE:2: listen: max_connections = \"0\" is not possible; write a whole number from 1 to 65536\n"
		"FILE:6: account \"a\": topic_arn is missing; write the ARN of Amazon Pay's topic, as in "
		"\"arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HA1EXAMPLE\"\n"
		"FILE:6: account \"a\": seller_id is missing; write one or more seller IDs of capital letters and digits, "
		"as in {\"A1EXAMPLE\"}\n"
		"FILE:6: account \"a\": environment is missing; write sandbox or live\n"
		"FILE:9: hook \"h\": run begins with \"x\"; write the program's whole path, no shell looks for it\n"
		"FILE:10: hook \"h\": accounts names \"nobody\"; write the name of an account of this file\n"
		"FILE:11: hook \"h\": backoff is longer than backoff_max; write a backoff (10s by itself) of at most "
		"backoff_max (1h by itself)\n");
}
END_TEST

/* libconfuse keeps its lexer in globals: what one text leaves there must not reach the next. */
START_TEST(loads_again)
{
	for (int i = 0; i < ROWS(refused); i++) {
		CLEANUP(config_freep) struct config *good = NULL;
		CLEANUP(freep) char *errors = NULL, *none = NULL;
		struct config *bad = NULL;

		ck_assert_int_eq(load(refused[i].text, &errors, &bad), -EINVAL);
		ck_assert_int_eq(load(full, &none, &good), 0);
		full_is(good);
	}
}
END_TEST

/* Every prefix of a good file is read or refused, and frees what it took. */
START_TEST(survives_truncation)
{
	for (size_t len = 0; len < sizeof(full) - 1; len++) {
		CLEANUP(config_freep) struct config *c = NULL;
		CLEANUP(freep) char *errors = NULL;
		int r = load_bytes(full, len, &errors, &c);

		ck_assert(r == 0 ? c && !*errors : r == -EINVAL && !c && *errors);
	}
}
END_TEST

START_TEST(refuses_nul)
{
	static const char text[] = "# a\nlisten {\n\tpath = \"/x\0y\"\n}\n";
	CLEANUP(freep) char *errors = NULL;
	struct config *c = NULL;

	ck_assert_int_eq(load_bytes(text, sizeof(text) - 1, &errors, &c), -EINVAL);
	ck_assert_str_eq(errors, "FILE:3: a control character (0x00); write plain text\n");
}
END_TEST

/* `n` times `what` between two texts. */
static char *repeat(const char *before, const char *what, size_t n, const char *after)
{
	size_t len = strlen(what);
	char *s = malloc(strlen(before) + n * len + strlen(after) + 1), *p;

	ck_assert(s != NULL);
	p = stpcpy(s, before);
	for (size_t i = 0; i < n; i++)
		p = stpcpy(p, what);
	stpcpy(p, after);
	return s;
}

static const struct {
	const char *before, *what;
	size_t n;
	const char *after;
	const char *says; /* NULL: accepted */
} large[] = {
	{"listen { path = \"/", "a", 255, "\" }", NULL},
	{"listen { path = \"/", "a", 256, "\" }", "FILE:1: listen: path = \"/aaa"},
	{"listen { path = \"/", "a", 100000, "\" }", "FILE:1: listen: path = \"/aaa"},
	{"listen { http = {\"unix:/", "a", 106, "\"} }", NULL},
	{"listen { http = {\"unix:/", "a", 107, "\"} }", "FILE:1: listen: http"},
	{"listen { certificate = \"/", "a", 5000, "\" }", "FILE:1: listen: certificate"},
	{"", "a", 900000, " {}", "FILE:1: there is no section aaa"},
	{"", "{", 1000000, "", "FILE:1: the brace that opens here is never closed"},
	{"", "{}", 500000, "", "FILE:1: unexpected token '{'"},
	{"", "listen {", 100000, "", "FILE:1: the brace that opens here is never closed"},
	{"listen {", "x {}", 100000, "}", "FILE:1: listen: x: there is no such setting"},
	{"listen {", "listen {} ", 100000, "}", "FILE:1: listen: listen: there is no such setting"},
	{"listen { https = {", "\"[::]:0\",", 256, "} }", NULL},
	{"listen { https = {", "\"[::]:0\",", 257, "} }",
	 "FILE:1: listen: https has 257 values; write at most 256"},
	{"listen { https = {", "\"[::]:1\",", 100000, "} }",
	 "FILE:1: listen: https has 100000 values; write at most 256"},
	{"listen { https = {", "x,", 20000, "} }", "FILE:1: listen: https has 20000 values"},
	{"", "\n", 900000, "listen { path = x }", "FILE:900001: listen: path"},
	{"", "#\n", 400000, "listen { path = x }", "FILE:400001: listen: path"},
	{"listen {", "path = x\n", 100000, "}", "FILE:2: listen: path is set twice"},
	{"listen {", "http={}\n", 100000, "}", "FILE:"},
	{"listen {", "http={x}", 100000, "}", "FILE:1: listen: http is set twice"},
	{"listen {} ", "listen {}", 100000, "", "FILE:1: a second section listen"},
	{"", "\x01", 100000, "", "FILE:1: a control character"},
	{"", "\n", 1048576, "", NULL},
	{"", "\n", 1048577, "", "FILE: is larger than 1 MiB"},
};

START_TEST(bears_size)
{
	CLEANUP(freep)
	char *text = repeat(large[_i].before, large[_i].what, large[_i].n, large[_i].after);
	CLEANUP(config_freep) struct config *c = NULL;
	CLEANUP(freep) char *errors = NULL;
	int r = load(text, &errors, &c);

	if (!large[_i].says) {
		ck_assert_msg(r == 0, "row %d: %.300s", _i, errors);
		return;
	}
	ck_assert_int_eq(r, -EINVAL);
	ck_assert_msg(strncmp(errors, large[_i].says, strlen(large[_i].says)) == 0,
		      "row %d: %.300s", _i, errors);
	ck_assert_uint_lt(strlen(errors), 100 * 400);
}
END_TEST

START_TEST(says_which_file)
{
	CLEANUP(freep) char *folder = unit_folder(), *none = unit_format("%s/none.conf", folder);
	CLEANUP(freep) char *under = unit_format("%s/x", "/dev/null"), *said = NULL;
	struct config *c = NULL;
	size_t size;
	FILE *errors = open_memstream(&said, &size);

	ck_assert_int_eq(config_load(none, "prog", errors, &c), -ENOENT);
	ck_assert_int_eq(config_load(under, "prog", errors, &c), -ENOENT);
	ck_assert_int_eq(config_load(folder, "prog", errors, &c), -EIO);
	ck_assert(fclose(errors) == 0);
	ck_assert_ptr_null(c);
	ck_assert_ptr_nonnull(strstr(
		said, "/none.conf: No such file or directory; name a readable configuration"));
	ck_assert_ptr_nonnull(strstr(said, ": cannot be read: Is a directory"));
}
END_TEST

/* Root may read anything, so this needs another user. */
START_TEST(says_when_not_allowed)
{
	CLEANUP(freep) char *folder = unit_folder(), *path = unit_format("%s/secret.conf", folder);
	CLEANUP(freep) char *said = NULL;
	FILE *f = fopen(path, "we"), *errors;
	struct config *c = NULL;
	size_t size;

	ck_assert(f != NULL && fclose(f) == 0 && chmod(path, 0) == 0);
	if (access(path, R_OK) == 0) {
		unit_skip("this user reads everything");
		return;
	}
	errors = open_memstream(&said, &size);
	ck_assert_int_eq(config_load(path, "prog", errors, &c), -EACCES);
	ck_assert(fclose(errors) == 0);
	ck_assert_ptr_nonnull(strstr(said, "Permission denied"));
}
END_TEST

static char *sample_read(void)
{
	const char *top = getenv("top_srcdir");
	CLEANUP(freep) char *path = unit_format("%s/etc/ipnd.conf", top ? top : ".");

	return unit_read(path, NULL);
}

START_TEST(sample_loads)
{
	CLEANUP(freep) char *text = sample_read(), *errors = NULL;
	CLEANUP(config_freep) struct config *c = NULL;
	int r = load(text, &errors, &c);

	ck_assert_msg(r == 0, "%s", errors);
	defaults_are(c);
	ck_assert_uint_eq(c->n_accounts, 1);
	ck_assert_str_eq(c->accounts[0].topic_arn, TOPIC);
	LIST_IS(c->accounts[0].seller_id, "A1EXAMPLE");
	ck_assert_int_eq(c->accounts[0].environment, ENVIRONMENT_SANDBOX);
	ck_assert_uint_eq(c->n_hooks, 0);
}
END_TEST

/* With every "#" before a setting gone, nothing changes but for the hook that appears. */
START_TEST(sample_shows_defaults)
{
	CLEANUP(freep) char *text = sample_read(), *errors = NULL;
	CLEANUP(config_freep) struct config *c = NULL;
	int r;

	for (char *p = text; *p; p++)
		if (*p == '#' && (p == text || p[-1] == '\n') && p[1] != ' ' && p[1] != '\n')
			*p = ' ';
	r = load(text, &errors, &c);
	ck_assert_msg(r == 0, "%s", errors);
	defaults_are(c);
	ck_assert_uint_eq(c->n_hooks, 1);
	hook_defaults_are(&c->hooks[0]);
	LIST_IS(c->hooks[0].on, "authorization.open", "capture.*");
	LIST_IS(c->hooks[0].run, "/usr/local/bin/ship-order", "--queue", "fast");
}
END_TEST

/* The line of the sample that shows a row: its default, or for what must be given just its name. */
static char *sample_line(const struct section *section, const struct setting *s)
{
	const char *mark = section->titled && strcmp(section->name, "account") == 0 ? "\t" : "#";

	if (!s->initial)
		return unit_format("\n%s%s = ", mark, s->name);
	if (s->kind == SETTING_LIST)
		return unit_format(s->initial[0] ? "\n#%s = {\"%s\"}\n" : "\n#%s = {%s}\n", s->name,
				   s->initial);
	if (s->kind == SETTING_NUMBER || s->kind == SETTING_WORD || s->kind == SETTING_SWITCH)
		return unit_format("\n#%s = %s\n", s->name, s->initial);
	return unit_format("\n#%s = \"%s\"\n", s->name, s->initial);
}

START_TEST(sample_has_every_row)
{
	CLEANUP(freep) char *text = sample_read();

	for (size_t i = 0; i < CONFIG_SECTIONS; i++) {
		const struct section *section = &config_sections[i];
		CLEANUP(freep)
		char *open = unit_format("\n%s%s ", strcmp(section->name, "hook") ? "" : "#",
					 section->name);
		const char *begin = strstr(text, open), *end;

		ck_assert_msg(begin != NULL, "no section %s", section->name);
		end = strstr(begin, "\n}\n");
		end = end ? end : begin + strlen(begin);
		for (size_t j = 0; j < section->n_settings; j++) {
			CLEANUP(freep) char *line = sample_line(section, &section->settings[j]);
			const char *at = strstr(begin, line);

			ck_assert_msg(at && at < end, "section %s lacks <%s>", section->name,
				      line + 1);
		}
	}
}
END_TEST

START_TEST(finds)
{
	CLEANUP(config_freep) struct config *c = NULL;
	CLEANUP(freep) char *errors = NULL;

	ck_assert_int_eq(load(full, &errors, &c), 0);
	ck_assert_ptr_eq(config_account_of_topic(c, TEXT(TOPIC)), &c->accounts[0]);
	ck_assert_ptr_eq(config_account_of_topic(c, TEXT(TOPIC "2")), &c->accounts[1]);
	ck_assert_ptr_null(config_account_of_topic(c, TEXT(TOPIC "3")));
	ck_assert_ptr_null(config_account_of_topic(c, TEXT(TOPIC " ")));
	ck_assert_ptr_null(config_account_of_topic(c, TEXT("ARN" TOPIC)));
	ck_assert_ptr_null(config_account_of_topic(c, TEXT("")));
	ck_assert_ptr_null(config_account_of_topic(c, (struct text){NULL, 0}));
	/* the length counts, not the NUL */
	ck_assert_ptr_eq(config_account_of_topic(c, (struct text){TOPIC "2", strlen(TOPIC)}),
			 &c->accounts[0]);
	ck_assert_ptr_eq(config_hook(c, "two"), &c->hooks[1]);
	ck_assert_ptr_null(config_hook(c, "three"));
	ck_assert_str_eq(environment_word(ENVIRONMENT_SANDBOX), "sandbox");
	ck_assert_str_eq(environment_word(ENVIRONMENT_LIVE), "live");
	ck_assert_str_eq(environment_word(ENVIRONMENT_ANY), "any");
}
END_TEST

START_TEST(finds_paths)
{
	struct config c = {.database.path = (char[]){"/var/lib/ipnd/ipnd.db"}};
	CLEANUP(freep)
	char *folder = config_state_folder(&c), *root = NULL, *bare = NULL, *whole = NULL,
	     *alone = NULL;

	ck_assert_str_eq(folder, "/var/lib/ipnd");
	c.database.path = (char[]){"/ipnd.db"};
	root = config_state_folder(&c);
	ck_assert_str_eq(root, "/");
	setenv("CREDENTIALS_DIRECTORY", "/run/credentials/ipnd.service", 1);
	bare = config_file_path("key.pem");
	whole = config_file_path("/etc/key.pem");
	unsetenv("CREDENTIALS_DIRECTORY");
	alone = config_file_path("key.pem");
	ck_assert_str_eq(bare, "/run/credentials/ipnd.service/key.pem");
	ck_assert_str_eq(whole, "/etc/key.pem");
	ck_assert_str_eq(alone, "key.pem");
}
END_TEST

START_TEST(finds_file)
{
	unsetenv("IPND_CONFIG");
	ck_assert_str_eq(config_path(NULL), "/etc/ipnd/ipnd.conf");
	ck_assert_str_eq(config_path("/a"), "/a");
	setenv("IPND_CONFIG", "", 1);
	ck_assert_str_eq(config_path(NULL), "/etc/ipnd/ipnd.conf");
	setenv("IPND_CONFIG", "/b", 1);
	ck_assert_str_eq(config_path(NULL), "/b");
	ck_assert_str_eq(config_path("/a"), "/a");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *values = unit_case(suite, "values"), *text = unit_case(suite, "text");
	TCase *sample = unit_case(suite, "sample"), *look = unit_case(suite, "look");

	config_free(NULL);
	tcase_add_loop_test(values, refuses, 0, ROWS(refused));
	tcase_add_loop_test(values, accepts, 0, ROWS(accepted));
	tcase_add_test(values, takes_every_setting);
	tcase_add_loop_test(values, has_defaults, 0, 2);
	tcase_add_test(values, empty_list_stays_empty);
	tcase_add_test(values, reports_all);
	tcase_add_test(text, loads_again);
	tcase_add_test(text, survives_truncation);
	tcase_add_test(text, refuses_nul);
	tcase_add_loop_test(text, bears_size, 0, ROWS(large));
	tcase_add_test(text, says_which_file);
	tcase_add_test(text, says_when_not_allowed);
	tcase_add_test(sample, sample_loads);
	tcase_add_test(sample, sample_shows_defaults);
	tcase_add_test(sample, sample_has_every_row);
	tcase_add_test(look, finds);
	tcase_add_test(look, finds_paths);
	tcase_add_test(look, finds_file);
	return unit_main(suite);
}
