/*
 * A whole story of the simulator against the program's own readers and trust rules: what it makes must be taken, and
 * nothing but that.
 */
#include "simulate/story.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/utc.h"
#include "ipn/document.h"
#include "ipn/notification.h"
#include "machine/machine.h"
#include "simulate/authority.h"
#include "simulate/scenarios.h"
#include "sns/certificate.h"
#include "sns/envelope.h"

#include "unit.h"

#define TOPIC "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAREHEARSAL"

DEFINE_CLEANUP(X509 *, X509_free)

/* Keys cost seconds under a sanitizer: once per process, before Check forks. */
static char *keys;
static struct signer *signer;

static void make_keys(void)
{
	CLEANUP(freep) char *cache = NULL;
	struct why why;

	keys = unit_folder();
	cache = unit_format("%s/cache", keys);
	ck_assert_int_eq(mkdir(cache, 0700), 0);
	ck_assert_int_eq(authority_create(keys, cache, &why), 0);
	ck_assert_int_eq(signer_open(keys, cache, &signer, &why), 0);
}

static void free_keys(void)
{
	signer_free(signer);
	free(keys);
}

static X509 *certificate(const char *name)
{
	CLEANUP(freep) char *path = unit_format("%s/%s", keys, name);
	CLEANUP(fclosep) FILE *f = fopen(path, "re");
	X509 *c;

	ck_assert_ptr_nonnull(f);
	c = PEM_read_X509(f, NULL, NULL, NULL);
	ck_assert_ptr_nonnull(c);
	return c;
}

static struct sns_certificate *signing_certificate(void)
{
	CLEANUP(freep) char *path = NULL, *pem = NULL;
	struct sns_certificate *c;
	struct why why;
	size_t len;

	path = unit_format("%s/cache/SimpleNotificationService-%s.pem", keys, signer_hex(signer));
	pem = unit_read(path, &len);
	ck_assert_int_eq(sns_certificate_parse((struct text){pem, len}, &c, &why), VERDICT_PASS);
	return c;
}

START_TEST(signing_certificate_passes_the_rules)
{
	struct sns_certificate *c = signing_certificate();
	struct sns_trust trust = {.roots = X509_STORE_new(), .chain = SNS_CHAIN_REQUIRE};
	CLEANUP(X509_freep) X509 *ca = certificate("ca.pem");
	int64_t now = utc_now_ms(), day = 24 * 60 * 60 * INT64_C(1000);
	char hex[SNS_HEX_SIZE];
	struct why why;
	bool unknown;

	sns_certificate_md5(c, hex);
	ck_assert_str_eq(hex, signer_hex(signer));
	ck_assert_int_eq(sns_certificate_check(c, &trust, now, &unknown, &why),
			 VERDICT_CERTIFICATE);
	ck_assert_int_eq(X509_STORE_add_cert(trust.roots, ca), 1);
	ck_assert_int_eq(sns_certificate_check(c, &trust, now, &unknown, &why), VERDICT_PASS);
	ck_assert_int_eq(sns_certificate_check(c, &trust, now - 30 * day + 60000, &unknown, &why),
			 VERDICT_PASS);
	ck_assert_int_eq(sns_certificate_check(c, &trust, now - 30 * day - 60000, &unknown, &why),
			 VERDICT_CERTIFICATE);
	ck_assert_int_gt(sns_certificate_not_after_ms(c), now + 3640 * day);
	X509_STORE_free(trust.roots);
	sns_certificate_free(c);
}
END_TEST

START_TEST(tls_certificate_is_for_localhost_only)
{
	CLEANUP(X509_freep) X509 *tls = certificate("tls.pem"), *ca = certificate("ca.pem");

	ck_assert_int_eq(X509_check_host(tls, "localhost", 0, 0, NULL), 1);
	ck_assert_int_eq(X509_check_ip_asc(tls, "127.0.0.1", 0), 1);
	ck_assert_int_eq(X509_check_ip_asc(tls, "::1", 0), 1);
	ck_assert_int_eq(X509_check_host(tls, "sns.amazonaws.com", 0, 0, NULL), 0);
	ck_assert_int_eq(X509_verify(tls, X509_get0_pubkey(ca)), 1);
	ck_assert_int_eq(X509_check_ca(tls), 0);
	ck_assert_int_eq(X509_check_ca(ca), 1);
}
END_TEST

START_TEST(keys_are_private_and_never_replaced)
{
	static const char *const files[] = {"ca.key", "signing.key", "tls.key"};
	CLEANUP(freep) char *cache = unit_format("%s/cache", keys);
	struct why why;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		CLEANUP(freep) char *path = unit_format("%s/%s", keys, files[i]);
		struct stat st;

		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_int_eq(st.st_mode & 07777, 0600);
	}
	ck_assert_int_eq(authority_create(keys, cache, &why), -EEXIST);
	ck_assert_ptr_nonnull(strstr(why.text, "ca.key"));
}
END_TEST

START_TEST(signer_needs_its_certificate)
{
	CLEANUP(freep) char *empty = unit_folder(), *cache = unit_format("%s/cache", keys);
	struct signer *s = NULL;
	struct why why;

	ck_assert_int_eq(signer_open(keys, empty, &s, &why), -ENOENT);
	ck_assert_int_eq(signer_open(empty, cache, &s, &why), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, "signing.key"));
	ck_assert_ptr_null(s);
}
END_TEST

static char seller[] = "AREHEARSAL", topic[] = TOPIC;
static char *sellers[] = {seller};
static const struct account account = {
	.topic_arn = topic,
	.seller_id = {sellers, 1},
	.environment = ENVIRONMENT_SANDBOX,
};

static void check_amounts(const struct ipn_document *d, const struct scenario_step *step)
{
	bool agreement = step->object == OBJECT_BILLING_AGREEMENT;

	if (step->object == OBJECT_SOLUTION_PROVIDER) {
		ck_assert(!d->amount.known && !d->currency[0]);
		return;
	}
	ck_assert_str_eq(d->currency, STORY_CURRENCY);
	ck_assert_int_eq(d->amount.known, !agreement);
	ck_assert_int_eq(agreement ? d->remaining.minor : d->amount.minor, step->amount_minor);
	ck_assert_int_eq(d->limit.minor, agreement ? STORY_LIMIT : 0);
	ck_assert_int_eq(d->done.minor, step->done_minor);
	ck_assert_int_eq(d->converted.known, (step->flags & STEP_CONVERTED) != 0);
	if (agreement) {
		ck_assert_int_le(d->period_start_ms, d->created_ms);
		ck_assert_int_gt(d->period_end_ms, d->created_ms);
		ck_assert_int_le(d->period_end_ms - d->period_start_ms, 31 * INT64_C(86400000));
	}
}

static void check_times(const struct ipn_document *d, int64_t now_ms)
{
	if (d->object == OBJECT_SOLUTION_PROVIDER)
		return;
	ck_assert_int_ne(d->created_ms, UTC_UNKNOWN);
	if (d->object == OBJECT_CHARGEBACK) {
		ck_assert_int_eq(d->updated_ms, UTC_UNKNOWN);
		return;
	}
	ck_assert(d->created_ms <= d->updated_ms && d->updated_ms < now_ms);
	ck_assert_int_gt(d->updated_ms, now_ms - 200 * INT64_C(86400000));
}

/* What a post says of a step, read by the program's own readers. */
static void check_document(const struct story *st, const struct scenario_step *step,
			   struct text message, int64_t now_ms)
{
	char id[STORY_ID_SIZE];
	struct ipn_notification n;
	struct ipn_document d;
	struct why why;

	ck_assert(ipn_notification_parse(message, &n, &why));
	ck_assert(text_is(n.seller_id, seller) && text_is(n.environment, "Sandbox") &&
		  !n.is_sample);
	ck_assert_uint_eq(n.reference_id.len, 36);
	ck_assert_msg(ipn_document_parse(n.type, n.data, &d, &why), "%s", why.text);
	story_object_id(st, step, id);
	ck_assert_str_eq(d.object_id, id);
	ck_assert_int_eq(d.object, step->object);
	ck_assert_pstr_eq(d.order_reference_id,
			  step->order ? st->order_reference_id[step->order - 1] : NULL);
	ck_assert_str_eq(d.state, step->state);
	ck_assert_pstr_eq(d.reason_code, step->reason_code);
	ck_assert_uint_eq(d.ids.n, step->flags & (STEP_LISTS_CHILD | STEP_PROVIDER) ? 1 : 0);
	ck_assert_uint_eq(d.n_unknown, 0);
	if (step->object == OBJECT_BILLING_AGREEMENT)
		ck_assert_ptr_nonnull(ipn_change_of(n.event_type));
	else
		ck_assert_ptr_null(n.event_type.at);
	check_amounts(&d, step);
	check_times(&d, now_ms);
	ipn_document_done(&d);
	ipn_notification_done(&n);
}

static void check_post(const struct story *st, const struct scenario_step *step, int version)
{
	struct sns_certificate *c = signing_certificate();
	int64_t now = utc_now_ms();
	char hex[SNS_HEX_SIZE], *bit;
	struct sns_envelope e;
	struct story_post p;
	struct why why;

	ck_assert_int_eq(story_post(st, step, signer, version, now, &p), 0);
	ck_assert_msg(sns_envelope_parse(text_of(p.body), &e, &why) == VERDICT_PASS, "%s",
		      why.text);
	ck_assert_int_eq(e.type, SNS_NOTIFICATION);
	ck_assert(text_is(e.message_id, p.message_id) && text_is(e.topic_arn, TOPIC) &&
		  !e.subject.at);
	ck_assert_int_eq(e.signature_version, version);
	ck_assert_int_eq(e.sent_at_ms, now);
	ck_assert(sns_certificate_url_parse(e.signing_cert_url, TEXT("us-east-1"), hex));
	ck_assert_str_eq(hex, signer_hex(signer));
	ck_assert_int_eq(sns_signature_check(&e, c, &why), VERDICT_PASS);
	check_document(st, step, e.message, now);
	sns_envelope_done(&e);

	bit = strstr(p.body, "SellerId");
	ck_assert_ptr_nonnull(bit);
	*bit ^= 1;
	ck_assert_int_eq(sns_envelope_parse(text_of(p.body), &e, &why), VERDICT_PASS);
	ck_assert_int_eq(sns_signature_check(&e, c, &why), VERDICT_SIGNATURE);
	sns_envelope_done(&e);
	story_post_done(&p);
	sns_certificate_free(c);
}

START_TEST(posts_are_what_the_program_reads)
{
	const struct scenario *s;
	struct story st;

	ipn_document_init();
	for (size_t i = 0; (s = scenario_at(i)); i++) {
		ck_assert_ptr_eq(scenario_find(s->name), s);
		ck_assert_int_eq(story_begin(s, &account, utc_now_ms(), &st), 0);
		for (size_t step = 0; step < s->n_steps; step++)
			check_post(&st, &s->steps[step], _i);
	}
	ck_assert_ptr_null(scenario_find("no-such"));
}
END_TEST

/* Each story is one that the machine allows, and each object of it begins as one may. */
START_TEST(stories_are_possible)
{
	const struct scenario *s;

	for (size_t i = 0; (s = scenario_at(i)); i++) {
		enum state states[OBJECT_N][SCENARIO_NTH_MAX + 1] = {{0}};

		for (size_t step = 0; step < s->n_steps; step++) {
			const struct scenario_step *t = &s->steps[step];
			enum state *at = &states[t->object][t->nth];
			enum state to = machine_state(t->object, t->state);

			ck_assert_msg(to != STATE_NOTHING, "%s %zu", s->name, step);
			ck_assert_msg(to == *at || machine_reaches(t->object, *at, to) ||
					      t->object == OBJECT_CHARGEBACK,
				      "%s: %s to %s", s->name, state_word(*at), state_word(to));
			*at = to;
		}
	}
}
END_TEST

START_TEST(stories_have_ids_of_their_own)
{
	const struct scenario *s = scenario_find("one-time");
	const struct scenario_step refund = {.object = OBJECT_REFUND, .order = 1, .nth = 1};
	const struct scenario_step capture = {.object = OBJECT_CAPTURE, .order = 1, .nth = 1};
	const struct scenario_step authorization = {
		.object = OBJECT_AUTHORIZATION, .order = 1, .nth = 1};
	char a[STORY_ID_SIZE], c[STORY_ID_SIZE], r[STORY_ID_SIZE];
	unsigned x, y, z;
	int n = 0;
	struct story st, other;

	ck_assert_int_eq(story_begin(s, &account, utc_now_ms(), &st), 0);
	ck_assert_int_eq(story_begin(s, &account, utc_now_ms(), &other), 0);
	ck_assert_str_ne(st.order_reference_id[0], other.order_reference_id[0]);
	ck_assert_str_ne(st.order_reference_id[0], st.order_reference_id[1]);
	ck_assert_str_ne(st.agreement_id, other.agreement_id);
	ck_assert(ipn_is_billing_agreement(st.agreement_id));
	story_object_id(&st, &authorization, a);
	story_object_id(&st, &capture, c);
	story_object_id(&st, &refund, r);
	ck_assert_int_eq(sscanf(a, "S01-%7u-%7u-A%6u%n", &x, &y, &z, &n), 3);
	ck_assert_int_eq(n, 27);
	ck_assert_uint_eq(strlen(a), 27);
	ck_assert_str_eq(strchr(a, 'A') + 1, strchr(c, 'C') + 1);
	ck_assert_ptr_nonnull(strchr(r, 'R'));
}
END_TEST

/* What a seed has drawn it draws again; random ones never. */
START_TEST(stories_of_a_seed_are_the_same)
{
	const struct scenario *s = scenario_find("refund-limit");
	const uint64_t seeds[] = {7, 7, 8, 0, 0};
	const int64_t now = utc_now_ms();
	struct story_post posts[5];

	for (size_t i = 0; i < 5; i++) {
		struct story st;

		ck_assert_int_eq(story_begin_at(s, &account, now - 2000000, seeds[i], &st), 0);
		ck_assert_int_eq(story_post(&st, &s->steps[0], NULL, 1, now, &posts[i]), 0);
	}
	ck_assert_str_eq(posts[0].body, posts[1].body);
	for (size_t i = 1; i < 5; i++)
		for (size_t k = i + 1; k < 5; k++) {
			ck_assert_str_ne(posts[i].body, posts[k].body);
			ck_assert_str_ne(posts[i].message_id, posts[k].message_id);
		}
	for (size_t i = 0; i < 5; i++)
		story_post_done(&posts[i]);
}
END_TEST

START_TEST(account_without_a_topic_is_refused)
{
	char wrong[] = "arn:aws:sqs:us-east-1:291180941288:queue";
	const struct account a = {.topic_arn = wrong, .seller_id = {sellers, 1}};
	struct story st;

	ck_assert_int_eq(story_begin(scenario_find("one-time"), &a, utc_now_ms(), &st), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("story");
	TCase *c = unit_case(suite, "story");

	tcase_add_unchecked_fixture(c, make_keys, free_keys);
	tcase_add_test(c, signing_certificate_passes_the_rules);
	tcase_add_test(c, tls_certificate_is_for_localhost_only);
	tcase_add_test(c, keys_are_private_and_never_replaced);
	tcase_add_test(c, signer_needs_its_certificate);
	tcase_add_loop_test(c, posts_are_what_the_program_reads, 1, 3);
	tcase_add_test(c, stories_are_possible);
	tcase_add_test(c, stories_have_ids_of_their_own);
	tcase_add_test(c, stories_of_a_seed_are_the_same);
	tcase_add_test(c, account_without_a_topic_is_refused);
	return unit_main(suite);
}
