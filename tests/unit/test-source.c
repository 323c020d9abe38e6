/* Who a post or a connection is from, and what each may have. */
#include <arpa/inet.h>

#include "net/socket.h"
#include "receive/failures.h"
#include "receive/ration.h"
#include "receive/source.h"

#include "unit.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define SECOND      UINT64_C(1000000)

static const struct {
	const char *peer, *forwarded, *source;
} sources[] = {
	{"192.0.2.77:4711", NULL, "192.0.2.0/24"},
	{"[2001:db8:1:2::77]:4711", NULL, "2001:db8:1::/48"},
	{"203.0.113.9:1", "198.51.100.1", "203.0.113.0/24"}, /* not from here: no proxy of ours */
	{"[2001:db8::1]:1", "198.51.100.1", "2001:db8::/48"},
	/* a proxy on this machine: what it saw stands last */
	{"unix", "198.51.100.7", "198.51.100.0/24"},
	{"unix", "10.0.0.1, 198.51.100.7", "198.51.100.0/24"},
	{"127.0.0.1:9", "10.0.0.1,\t2001:db8:1:2::1", "2001:db8:1::/48"},
	{"[::1]:9", "198.51.100.7:1234", "198.51.100.0/24"},
	{"127.0.0.1:9", "[2001:db8::5]:1234", "2001:db8::/48"},
	{"unix", "::ffff:198.51.100.7", "198.51.100.0/24"}, /* as nginx on [::] shows it */
	{"unix", "[::ffff:203.0.113.9]:80", "203.0.113.0/24"},
	/* no proxy, or one that does not say */
	{"unix", NULL, "unix"},
	{"127.0.0.1:9", NULL, "127.0.0.0/24"},
	{"127.0.0.1:9", "", "127.0.0.0/24"},
	{"127.0.0.1:9", "unknown", "127.0.0.0/24"},
	{"unix", "198.51.100.7,", "unix"},
	{"unix", "[2001:db8::1", "unix"},
	{"unix", "[]", "unix"},
	{"unix", "1.2.3.4.5", "unix"},
	{"unix", "2001:db8:0000:0000:0000:0000:0000:0000:0000:0000:0001", "unix"},
	{"unix", "evil\x01\"'$(id)", "unix"},
};

START_TEST(source)
{
	char got[SOURCE_SIZE];

	source_of(sources[_i].peer, text_of(sources[_i].forwarded), got);
	ck_assert_str_eq(got, sources[_i].source);
}
END_TEST

START_TEST(source_with_nul)
{
	char got[SOURCE_SIZE];

	source_of("unix", (struct text){"198.51.100.7\0x", 14}, got);
	ck_assert_str_eq(got, "unix");
}
END_TEST

static const struct {
	int family;
	const char *address, *owner;
} owners[] = {
	{AF_INET, "192.0.2.77", "::ffff:192.0.2.77"},
	{AF_INET6, "::ffff:192.0.2.77", "::ffff:192.0.2.77"},
	{AF_INET6, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"},
	{AF_INET6, "::1", "::"},
	{AF_UNIX, NULL, "::"},
};

START_TEST(owner)
{
	struct sockaddr_storage a = {.ss_family = (sa_family_t)owners[_i].family};
	struct in6_addr got;
	char text[INET6_ADDRSTRLEN];

	if (owners[_i].family == AF_INET)
		inet_pton(AF_INET, owners[_i].address, &((struct sockaddr_in *)&a)->sin_addr);
	else if (owners[_i].family == AF_INET6)
		inet_pton(AF_INET6, owners[_i].address, &((struct sockaddr_in6 *)&a)->sin6_addr);
	got = socket_owner((struct sockaddr *)&a);
	ck_assert_str_eq(inet_ntop(AF_INET6, &got, text, sizeof(text)), owners[_i].owner);
}
END_TEST

START_TEST(allowance)
{
	struct ration r = {0};
	struct ration_source *s = ration_source(&r, "a", 1000);

	for (int i = 0; i < 3; i++) {
		ck_assert(ration_allows(s, 3, 5 * SECOND, 1000));
		ration_take(&r, s);
	}
	ck_assert(!ration_allows(s, 3, 5 * SECOND, 1000));
	ck_assert(!ration_allows(s, 3, 5 * SECOND, 1000 + 5 * SECOND - 1));
	ck_assert(ration_allows(s, 3, 5 * SECOND, 1000 + 5 * SECOND));
	ration_take(&r, s);
	/* what is left of a second counts, and no more is saved up than the burst */
	ck_assert(!ration_allows(s, 3, 5 * SECOND, 1000 + 9 * SECOND));
	ck_assert(ration_allows(s, 3, 5 * SECOND, 1000 + 10 * SECOND));
	ck_assert(ration_allows(s, 3, 5 * SECOND, 1000 + 100000 * SECOND));
	ck_assert_uint_eq(s->allowance, 3);
}
END_TEST

START_TEST(sources_at_a_time)
{
	struct ration r = {0};
	struct ration_source *first = ration_source(&r, "first", 0), *s;
	char key[SOURCE_SIZE];

	ration_allows(first, 4, SECOND, 0);
	ration_take(&r, first);
	first->wanted = 1;
	for (int i = 1; i < RATION_SOURCES; i++) {
		snprintf(key, sizeof(key), "%d", i);
		s = ration_source(&r, key, 0);
		ck_assert(s && s != first);
		ration_allows(s, 4, SECOND, 0);
		ration_take(&r, s);
		s->waiting = 1;
	}
	ck_assert_ptr_null(ration_source(&r, "one more", 0));
	ck_assert_ptr_eq(ration_source(&r, "first", 0), first);
	/* whose turn was longest ago gives its place, if it has nothing under way */
	ration_source(&r, "7", 0)->waiting = 0;
	ration_source(&r, "5", 0)->waiting = 0;
	s = ration_source(&r, "one more", 0);
	ck_assert(s && s->turn == 0 && s->wanted == 0);
	ck_assert(ration_allows(s, 4, SECOND, 0));
	ck_assert_ptr_eq(ration_source(&r, "7", 0), ration_source(&r, "7", 0));
	ck_assert_uint_gt(ration_source(&r, "7", 0)->turn, 0);
}
END_TEST

START_TEST(failures)
{
	static struct failures f;
	struct why why = {"answered 404"};
	const struct failure *found;
	char url[SNS_CERTIFICATE_URL_SIZE];

	failures_add(&f, "a", VERDICT_CERTIFICATE_MISSING, &why, 10, 70);
	ck_assert_ptr_null(failures_find(&f, "b", 10));
	found = failures_find(&f, "a", 69);
	ck_assert(found && found->verdict == VERDICT_CERTIFICATE_MISSING);
	ck_assert_str_eq(found->why.text, "answered 404");
	ck_assert_ptr_null(failures_find(&f, "a", 70));
	failures_add(&f, "a", VERDICT_CERTIFICATE, &why, 80, 90);
	ck_assert(failures_find(&f, "a", 85)->verdict == VERDICT_CERTIFICATE);
	ck_assert_ptr_null(failures_find(&f, "a", 90));
	/* as many as there are places; then the oldest goes */
	for (int i = 1; i < FAILURES_MAX; i++) {
		snprintf(url, sizeof(url), "u%d", i);
		failures_add(&f, url, VERDICT_CERTIFICATE, &why, 100 + (uint64_t)i, 1000);
	}
	ck_assert_ptr_nonnull(failures_find(&f, "a", 85));
	failures_add(&f, "one more", VERDICT_CERTIFICATE, &why, 500, 1000);
	ck_assert_ptr_null(failures_find(&f, "a", 85));
	ck_assert_ptr_nonnull(failures_find(&f, "u1", 600));
	ck_assert_ptr_nonnull(failures_find(&f, "one more", 600));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("source");
	TCase *c = unit_case(suite, "source");

	tcase_add_loop_test(c, source, 0, ROWS(sources));
	tcase_add_test(c, source_with_nul);
	tcase_add_loop_test(c, owner, 0, ROWS(owners));
	tcase_add_test(c, allowance);
	tcase_add_test(c, sources_at_a_time);
	tcase_add_test(c, failures);
	return unit_main(suite);
}
