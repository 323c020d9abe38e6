#include "receive/certificates.h"
#include "receive/trust.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include "authority.h"
#include "base/utc.h"
#include "unit.h"

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

#define MIDDLE "2020-06-15T12:00:00.000Z"
#define REGION TEXT(DRAFT_REGION)

DEFINE_CLEANUP(DIR *, closedir)

static void trust_donep(struct sns_trust *t)
{
	trust_done(t);
}

/* The settings' strings are not const, as the configuration owns them. */
static struct sns_config settings(char *trust, char *intermediates, enum chain_policy chain)
{
	return (struct sns_config){.trust = trust, .intermediates = intermediates, .chain = chain};
}

static char *path_in(const char *folder, const char *name)
{
	return unit_format("%s/%s", folder, name);
}

static void write_x509(const char *folder, const char *name, const X509 *x509)
{
	CLEANUP(freep) char *path = path_in(folder, name), *pem = authority_pem(x509);

	authority_write(path, pem);
}

static void make_folder(const char *path)
{
	ck_assert(mkdir(path, 0700) == 0);
}

/* A root, an intermediate and a leaf, in files. */
struct chain {
	char *folder, *root, *intermediates, *absent, *cache;
	X509 *root_x509, *intermediate_x509, *leaf_x509;
};

static struct chain chain_new(void)
{
	struct recipe root = authority_ca("Root", authority_shared(1)), leaf = authority_leaf();
	struct recipe intermediate = authority_ca("Intermediate", authority_shared(2));
	CLEANUP(freep) char *region = NULL;
	struct chain c;

	c.folder = unit_folder();
	c.root = path_in(c.folder, "root.crt");
	c.intermediates = path_in(c.folder, "intermediates");
	c.absent = path_in(c.folder, "absent");
	c.cache = path_in(c.folder, "cache");
	region = path_in(c.cache, DRAFT_REGION);
	make_folder(c.intermediates);
	make_folder(c.cache);
	make_folder(region);
	c.root_x509 = authority_issue(&root);
	intermediate.issuer = c.root_x509;
	intermediate.issuer_key = authority_shared(1);
	c.intermediate_x509 = authority_issue(&intermediate);
	leaf.issuer = c.intermediate_x509;
	leaf.issuer_key = authority_shared(2);
	c.leaf_x509 = authority_issue(&leaf);
	write_x509(c.folder, "root.crt", c.root_x509);
	write_x509(c.intermediates, "intermediate.pem", c.intermediate_x509);
	return c;
}

static void chain_done(struct chain *c)
{
	free(c->folder);
	free(c->root);
	free(c->intermediates);
	free(c->absent);
	free(c->cache);
	X509_free(c->root_x509);
	X509_free(c->intermediate_x509);
	X509_free(c->leaf_x509);
}

static char *cache_path(const struct chain *c, const char *hex)
{
	return unit_format("%s/" DRAFT_REGION "/SimpleNotificationService-%s.pem", c->cache, hex);
}

static void put(const struct chain *c, const char *hex, const X509 *x509)
{
	CLEANUP(freep) char *path = cache_path(c, hex), *pem = authority_pem(x509);

	authority_write(path, pem);
}

static enum verdict get(struct certificates *certificates, const char *hex,
			const struct sns_certificate **ret)
{
	struct why why = {""};
	enum verdict v = certificates_get(certificates, REGION, hex, ret, &why);

	ck_assert((v == VERDICT_PASS) == (why.text[0] == 0));
	ck_assert(v == VERDICT_PASS || strstr(why.text, hex) || v == VERDICT_CERTIFICATE);
	return v;
}

static enum verdict check_leaf(const struct chain *c, const struct sns_trust *trust,
			       bool *ret_unknown)
{
	CLEANUP(certificates_freep) struct certificates *certificates = NULL;
	const struct sns_certificate *leaf;
	struct why why;
	int64_t at_ms;

	put(c, DRAFT_HEX, c->leaf_x509);
	ck_assert(certificates_new(c->cache, &certificates) == 0);
	ck_assert(get(certificates, DRAFT_HEX, &leaf) == VERDICT_PASS);
	ck_assert(utc_parse(TEXT(MIDDLE), &at_ms) == 0);
	return sns_certificate_check(leaf, trust, at_ms, ret_unknown, &why);
}

START_TEST(test_chain_from_files)
{
	CLEANUP(chain_done) struct chain c = chain_new();
	CLEANUP(trust_donep) struct sns_trust whole = {0}, without = {0};
	struct sns_config config = settings(c.root, c.intermediates, CHAIN_REQUIRE);
	struct why why;
	bool unknown;

	ck_assert(trust_load(&config, &whole, &why) == 0);
	ck_assert(whole.chain == SNS_CHAIN_REQUIRE);
	ck_assert(check_leaf(&c, &whole, &unknown) == VERDICT_PASS && !unknown);

	config = settings(c.root, c.absent, CHAIN_PREFER);
	ck_assert(trust_load(&config, &without, &why) == 0);
	ck_assert(without.chain == SNS_CHAIN_PREFER);
	ck_assert(check_leaf(&c, &without, &unknown) == VERDICT_PASS && unknown);
	without.chain = SNS_CHAIN_REQUIRE;
	ck_assert(check_leaf(&c, &without, &unknown) == VERDICT_CERTIFICATE);
}
END_TEST

/* Another file than *.pem is none of ours; several certificates in one are. */
START_TEST(test_intermediates_folder)
{
	CLEANUP(chain_done) struct chain c = chain_new();
	CLEANUP(freep) char *file = path_in(c.intermediates, "intermediate.pem");
	CLEANUP(freep)
	char *notes = path_in(c.intermediates, "README"), *hidden = NULL, *both = NULL;
	CLEANUP(freep)
	char *a = authority_pem(c.root_x509), *b = authority_pem(c.intermediate_x509);
	CLEANUP(trust_donep) struct sns_trust trust = {0};
	struct sns_config config = settings(c.root, c.intermediates, CHAIN_REQUIRE);
	struct why why;
	bool unknown;

	hidden = path_in(c.intermediates, ".new.pem");
	both = unit_format("# two\n%s\n# and\n%s# end\n", a, b);
	authority_write(notes, "not a certificate");
	authority_write(hidden, "not a certificate");
	authority_write(file, both);
	ck_assert(trust_load(&config, &trust, &why) == 0);
	ck_assert_int_eq(sk_X509_num(trust.intermediates), 2);
	ck_assert(check_leaf(&c, &trust, &unknown) == VERDICT_PASS && !unknown);
}
END_TEST

static void check_load_fails(const struct sns_config *config, int error, const char *path)
{
	struct sns_trust trust;
	struct why why;

	ck_assert_int_eq(trust_load(config, &trust, &why), error);
	ck_assert_msg(strstr(why.text, path) != NULL, "%s", why.text);
	ck_assert(ERR_peek_error() == 0);
}

START_TEST(test_bad_files)
{
	CLEANUP(chain_done) struct chain c = chain_new();
	CLEANUP(freep)
	char *bad = path_in(c.intermediates, "bad.pem"), *pem = authority_pem(c.root_x509);
	struct sns_config config = settings(c.absent, c.intermediates, CHAIN_PREFER);

	check_load_fails(&config, -ENOENT, c.absent);
	config.trust = c.root;
	config.intermediates = c.root;
	check_load_fails(&config, -ENOTDIR, c.root);
	config.intermediates = c.intermediates;
	authority_write(bad, "");
	check_load_fails(&config, -EINVAL, bad);
	authority_write(bad, "text\n");
	check_load_fails(&config, -EINVAL, bad);
	authority_write(bad, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	check_load_fails(&config, -EINVAL, bad);
	pem[strlen(pem) / 2] = '!';
	authority_write(bad, pem);
	check_load_fails(&config, -EINVAL, bad);
	config.intermediates = c.absent;
	config.trust = bad;
	check_load_fails(&config, -EINVAL, bad);
}
END_TEST

START_TEST(test_system)
{
	CLEANUP(chain_done) struct chain c = chain_new();
	CLEANUP(trust_donep) struct sns_trust file = {0}, folder = {0}, name_only = {0};
	CLEANUP(freep) char *link = NULL;
	char system[] = "system";
	struct sns_config config = settings(system, c.intermediates, CHAIN_REQUIRE);
	struct why why;
	bool unknown;

	setenv("SSL_CERT_FILE", c.absent, 1);
	setenv("SSL_CERT_DIR", c.cache, 1);
	check_load_fails(&config, -ENOENT, c.absent);
	check_load_fails(&config, -ENOENT, c.cache);

	/* With name-only nobody's issuer is looked at, and none is needed. */
	config.chain = CHAIN_NAME_ONLY;
	ck_assert(trust_load(&config, &name_only, &why) == 0);
	ck_assert(check_leaf(&c, &name_only, &unknown) == VERDICT_PASS && !unknown);

	config.chain = CHAIN_REQUIRE;
	setenv("SSL_CERT_FILE", c.root, 1);
	ck_assert(trust_load(&config, &file, &why) == 0);
	ck_assert(check_leaf(&c, &file, &unknown) == VERDICT_PASS && !unknown);

	setenv("SSL_CERT_FILE", c.absent, 1);
	link = unit_format("%s/%08lx.0", c.cache,
			   X509_NAME_hash_ex(X509_get_subject_name(c.root_x509), NULL, NULL, NULL));
	ck_assert(symlink(c.root, link) == 0);
	ck_assert(trust_load(&config, &folder, &why) == 0);
	ck_assert(check_leaf(&c, &folder, &unknown) == VERDICT_PASS && !unknown);
}
END_TEST

START_TEST(test_cache)
{
	CLEANUP(chain_done) struct chain c = chain_new();
	CLEANUP(certificates_freep) struct certificates *certificates = NULL;
	const struct sns_certificate *first, *again;
	CLEANUP(freep) char *path = cache_path(&c, DRAFT_HEX);
	struct why why;

	ck_assert(certificates_new(c.cache, &certificates) == 0);
	ck_assert(get(certificates, DRAFT_HEX, &first) == VERDICT_CERTIFICATE_MISSING);
	ck_assert(certificates_get(certificates, TEXT("eu-west-1"), DRAFT_HEX, &first, &why) ==
		  VERDICT_CERTIFICATE_MISSING);
	ck_assert(strstr(why.text, "eu-west-1/SimpleNotificationService-" DRAFT_HEX ".pem") !=
		  NULL);

	/* Put there, it is found at once, and read once. */
	put(&c, DRAFT_HEX, c.leaf_x509);
	ck_assert(get(certificates, DRAFT_HEX, &first) == VERDICT_PASS);
	ck_assert(get(certificates, DRAFT_HEX, &again) == VERDICT_PASS);
	ck_assert(first == again);
	ck_assert(certificates_get(certificates, TEXT("eu-west-1"), DRAFT_HEX, &first, &why) ==
		  VERDICT_CERTIFICATE_MISSING);

	/* Taken away, it is not known any more. */
	ck_assert(unlink(path) == 0);
	ck_assert(get(certificates, DRAFT_HEX, &first) == VERDICT_CERTIFICATE_MISSING);
}
END_TEST

START_TEST(test_bad_cached_files)
{
	CLEANUP(chain_done) struct chain c = chain_new();
	CLEANUP(certificates_freep) struct certificates *certificates = NULL;
	CLEANUP(freep) char *path = cache_path(&c, DRAFT_HEX), *pem = authority_pem(c.leaf_x509);
	CLEANUP(freep) char *largest = unit_format("%-*s", SNS_CERTIFICATE_MAX, pem);
	CLEANUP(freep) char *larger = unit_format("%-*s", SNS_CERTIFICATE_MAX + 1, pem);
	const char *const bad[] = {"", "x", "<html></html>", larger};
	const struct sns_certificate *found;

	ck_assert(certificates_new(c.cache, &certificates) == 0);
	for (int i = 0; i < ROWS(bad); i++) {
		authority_write(path, bad[i]);
		ck_assert(get(certificates, DRAFT_HEX, &found) == VERDICT_CERTIFICATE);
		/* Made good, it is taken at once. */
		authority_write(path, largest);
		ck_assert(get(certificates, DRAFT_HEX, &found) == VERDICT_PASS);
	}
	ck_assert(unlink(path) == 0 && mkdir(path, 0700) == 0);
	ck_assert(get(certificates, DRAFT_HEX, &found) == VERDICT_CERTIFICATE);
	ck_assert(rmdir(path) == 0 && mkfifo(path, 0600) == 0);
	ck_assert(get(certificates, DRAFT_HEX, &found) == VERDICT_CERTIFICATE);
	ck_assert(unlink(path) == 0 && symlink("/dev/zero", path) == 0);
	ck_assert(get(certificates, DRAFT_HEX, &found) == VERDICT_CERTIFICATE);
}
END_TEST

/* A file replaced by another in the way one should, by rename(2). */
START_TEST(test_replaced_file)
{
	CLEANUP(chain_done) struct chain c = chain_new();
	CLEANUP(certificates_freep) struct certificates *certificates = NULL;
	CLEANUP(freep) char *path = cache_path(&c, DRAFT_HEX), *new = path_in(c.folder, "new.pem");
	CLEANUP(freep) char *pem = authority_pem(c.intermediate_x509);
	const struct sns_certificate *found;
	int64_t first_ms;

	put(&c, DRAFT_HEX, c.leaf_x509);
	ck_assert(certificates_new(c.cache, &certificates) == 0);
	ck_assert(get(certificates, DRAFT_HEX, &found) == VERDICT_PASS);
	first_ms = sns_certificate_not_after_ms(found);
	authority_write(new, pem);
	ck_assert(rename(new, path) == 0);
	ck_assert(get(certificates, DRAFT_HEX, &found) == VERDICT_PASS);
	ck_assert_int_ne(sns_certificate_not_after_ms(found), first_ms);
}
END_TEST

/* More certificates than fit: the one in use stays, and those pushed out are read again. */
START_TEST(test_many)
{
	CLEANUP(chain_done) struct chain c = chain_new();
	CLEANUP(certificates_freep) struct certificates *certificates = NULL;
	const struct sns_certificate *kept, *found;
	char hex[SNS_HEX_SIZE];

	put(&c, DRAFT_HEX, c.leaf_x509);
	ck_assert(certificates_new(c.cache, &certificates) == 0);
	ck_assert(get(certificates, DRAFT_HEX, &kept) == VERDICT_PASS);
	for (int round = 0; round < 2; round++)
		for (unsigned i = 0; i < 40; i++) {
			snprintf(hex, sizeof(hex), "%032x", i);
			put(&c, hex, c.leaf_x509);
			ck_assert(get(certificates, hex, &found) == VERDICT_PASS);
			ck_assert(get(certificates, DRAFT_HEX, &found) == VERDICT_PASS);
			ck_assert(found == kept);
		}
}
END_TEST

START_TEST(test_long_folder)
{
	CLEANUP(freep) char *name = unit_format("/%5000s", "x");
	struct certificates *certificates = NULL;

	ck_assert_int_eq(certificates_new(name, &certificates), -ENAMETOOLONG);
	ck_assert(certificates == NULL);
	certificates_free(NULL);
}
END_TEST

/* A recorded message at its own time, as the receiver judges it under `chain`. */
static enum verdict judge(struct certificates *certificates, const struct sns_trust *trust,
			  struct text body, bool *ret_unknown)
{
	const struct sns_certificate *c;
	struct sns_envelope e;
	struct sns_topic topic;
	char hex[SNS_HEX_SIZE];
	struct why why;
	enum verdict v;

	ck_assert_msg(sns_envelope_parse(body, &e, &why) == VERDICT_PASS, "%s", why.text);
	ck_assert(sns_topic_parse(e.topic_arn, &topic));
	ck_assert(sns_certificate_url_parse(e.signing_cert_url, topic.region, hex));
	if (e.type != SNS_NOTIFICATION)
		ck_assert(
			sns_subscribe_url_is(e.subscribe_url, topic.region, e.topic_arn, e.token));
	v = certificates_get(certificates, topic.region, hex, &c, &why);
	if (v == VERDICT_PASS)
		v = sns_certificate_check(c, trust, e.sent_at_ms, ret_unknown, &why);
	if (v == VERDICT_PASS)
		v = sns_signature_check(&e, c, &why);
	sns_envelope_done(&e);
	return v;
}

/* Counts the verdicts on a folder of recorded messages. */
static void judge_folder(const char *recorded, const char *cache, const char *name,
			 const struct sns_trust *trust, int ret_counts[static VERDICT_N])
{
	CLEANUP(freep) char *path = path_in(recorded, name);
	CLEANUP(closedirp) DIR *folder = opendir(path);
	CLEANUP(certificates_freep) struct certificates *certificates = NULL;
	const struct dirent *d;

	ck_assert(folder && certificates_new(cache, &certificates) == 0);
	while ((d = readdir(folder))) {
		CLEANUP(freep) char *file = path_in(path, d->d_name), *body = NULL;
		bool unknown = false;
		enum verdict v;
		size_t len;

		if (!strstr(d->d_name, ".json"))
			continue;
		body = unit_read(file, &len);
		v = judge(certificates, trust, (struct text){body, len}, &unknown);
		ck_assert_msg((strstr(d->d_name, "rsa1024") != NULL) == (v == VERDICT_CERTIFICATE),
			      "%s", d->d_name);
		ck_assert(v != VERDICT_PASS || unknown == (trust->chain == SNS_CHAIN_PREFER));
		ret_counts[v]++;
	}
}

/*
 * Without roots, as none of those in use knows the issuers of 2014 any more: with prefer they are unknown. The
 * certificates of three Amazon Pay messages are lost.
 */
static const enum chain_policy recorded_policies[] = {CHAIN_NAME_ONLY, CHAIN_PREFER};

START_TEST(test_recorded)
{
	const char *recorded = unit_recorded();
	CLEANUP(chain_done) struct chain c = chain_new();
	CLEANUP(trust_donep) struct sns_trust trust = {0};
	CLEANUP(freep) char *cache = NULL;
	struct sns_config config = settings(c.root, c.absent, recorded_policies[_i]);
	int pay[VERDICT_N] = {0}, sns[VERDICT_N] = {0}, altered[VERDICT_N] = {0};
	struct why why;

	if (!recorded) {
		unit_skip("no recorded messages");
		return;
	}
	cache = path_in(recorded, "certificates");
	ck_assert(trust_load(&config, &trust, &why) == 0);
	judge_folder(recorded, cache, "amazonpay", &trust, pay);
	ck_assert_int_eq(pay[VERDICT_PASS], 10);
	ck_assert_int_eq(pay[VERDICT_CERTIFICATE_MISSING], 3);
	judge_folder(recorded, cache, "sns", &trust, sns);
	ck_assert_int_eq(sns[VERDICT_PASS], 7);
	ck_assert_int_eq(sns[VERDICT_CERTIFICATE], 1);
	judge_folder(recorded, cache, "altered", &trust, altered);
	ck_assert_int_eq(altered[VERDICT_SIGNATURE], 2);
}
END_TEST

#define LOST_HEX "433026a4050d206028891664da859041"

/* Their key is not: in a certificate of ours it fits them. */
START_TEST(test_recorded_key)
{
	static const char *const regions[] = {"us-east-1", "eu-west-1"};
	const char *recorded = unit_recorded();
	CLEANUP(chain_done) struct chain c = chain_new();
	CLEANUP(freep) char *key_path = NULL, *pem = NULL;
	CLEANUP(fclosep) FILE *f = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(X509_freep) X509 *x509 = NULL;
	struct recipe r = authority_leaf();
	const struct sns_trust trust = {.chain = SNS_CHAIN_NAME_ONLY};
	int pay[VERDICT_N] = {0};

	if (!recorded) {
		unit_skip("no recorded messages");
		return;
	}
	key_path = unit_format("%s/keys/" LOST_HEX ".pub.pem", recorded);
	f = fopen(key_path, "re");
	ck_assert(f != NULL);
	key = PEM_read_PUBKEY(f, NULL, NULL, NULL);
	ck_assert(key != NULL);
	r.key = key;
	r.issuer_key = authority_shared(1);
	r.from = "2017-01-01T00:00:00.000Z";
	x509 = authority_issue(&r);
	pem = authority_pem(x509);
	for (int i = 0; i < ROWS(regions); i++) {
		CLEANUP(freep) char *folder = path_in(c.folder, regions[i]);
		CLEANUP(freep)
		char *file = path_in(folder, "SimpleNotificationService-" LOST_HEX ".pem");

		make_folder(folder);
		authority_write(file, pem);
	}
	judge_folder(recorded, c.folder, "amazonpay", &trust, pay);
	ck_assert_int_eq(pay[VERDICT_PASS], 3);
	ck_assert_int_eq(pay[VERDICT_CERTIFICATE_MISSING], 10);
}
END_TEST

/* threats.md section 2.3: the file's name is the MD5 of the certificate's DER. */
START_TEST(test_recorded_names)
{
	const char *recorded = unit_recorded();
	CLEANUP(certificates_freep) struct certificates *certificates = NULL;
	CLEANUP(freep) char *cache = NULL;
	const struct sns_certificate *found;
	char hex[SNS_HEX_SIZE];

	if (!recorded) {
		unit_skip("no recorded messages");
		return;
	}
	cache = path_in(recorded, "certificates");
	ck_assert(certificates_new(cache, &certificates) == 0);
	ck_assert(get(certificates, "60eadc530605d63b8e62a523676ef735", &found) == VERDICT_PASS);
	sns_certificate_md5(found, hex);
	ck_assert_str_eq(hex, "60eadc530605d63b8e62a523676ef735");
}
END_TEST

static struct sns_certificate *parsed(const char *pem)
{
	struct sns_certificate *c;
	struct why why;

	ck_assert(sns_certificate_parse(text_of(pem), &c, &why) == VERDICT_PASS);
	return c;
}

/* What a fetch brought: a file of the right mode under the right name, found again by another cache; nothing aside. */
START_TEST(test_put)
{
	CLEANUP(chain_done) struct chain c = chain_new();
	CLEANUP(certificates_freep) struct certificates *certificates = NULL, *after = NULL;
	CLEANUP(freep)
	char *pem = authority_pem(c.leaf_x509), *cache = path_in(c.folder, "new"), *file = NULL,
	     *text = NULL;
	const struct sns_certificate *found;
	struct stat st;
	struct why why;

	ck_assert(certificates_new(cache, &certificates) == 0);
	ck_assert_int_eq(
		certificates_put(certificates, REGION, DRAFT_HEX, text_of(pem), parsed(pem), &why),
		0);
	ck_assert(get(certificates, DRAFT_HEX, &found) == VERDICT_PASS);
	file = unit_format("%s/" DRAFT_REGION "/SimpleNotificationService-" DRAFT_HEX ".pem",
			   cache);
	ck_assert(stat(file, &st) == 0 && (st.st_mode & 07777) == 0640);
	text = unit_read(file, NULL);
	ck_assert_str_eq(text, pem);
	ck_assert(certificates_new(cache, &after) == 0);
	ck_assert(get(after, DRAFT_HEX, &found) == VERDICT_PASS);
	/* what a crash left aside is in nobody's way */
	free(text);
	text = unit_format("%s.new", file);
	authority_write(text, "half");
	ck_assert_int_eq(
		certificates_put(certificates, REGION, DRAFT_HEX, text_of(pem), parsed(pem), &why),
		0);
	ck_assert(stat(text, &st) < 0 && errno == ENOENT);
}
END_TEST

/* No folder can be made: in memory only, until a file of that name is there. */
START_TEST(test_put_nowhere)
{
	CLEANUP(chain_done) struct chain c = chain_new();
	CLEANUP(certificates_freep) struct certificates *certificates = NULL;
	CLEANUP(freep)
	char *pem = authority_pem(c.leaf_x509), *file = path_in(c.folder, "file"), *cache = NULL;
	const struct sns_certificate *found;
	struct why why;

	authority_write(file, "");
	cache = unit_format("%s/cache", file);
	ck_assert(certificates_new(cache, &certificates) == 0);
	ck_assert_int_eq(
		certificates_put(certificates, REGION, DRAFT_HEX, text_of(pem), parsed(pem), &why),
		-ENOTDIR);
	ck_assert_ptr_nonnull(strstr(why.text, file));
	ck_assert(get(certificates, DRAFT_HEX, &found) == VERDICT_PASS);
	ck_assert(get(certificates, "00000000000000000000000000000000", &found) ==
		  VERDICT_CERTIFICATE_MISSING);
}
END_TEST

static void make_keys(void)
{
	for (unsigned n = 0; n < 3; n++)
		authority_shared(n);
}

int main(void)
{
	Suite *suite = suite_create("trust");
	TCase *c = unit_case(suite, "trust");

	tcase_add_unchecked_fixture(c, make_keys, NULL);
	tcase_add_test(c, test_chain_from_files);
	tcase_add_test(c, test_intermediates_folder);
	tcase_add_test(c, test_bad_files);
	tcase_add_test(c, test_system);
	tcase_add_test(c, test_cache);
	tcase_add_test(c, test_bad_cached_files);
	tcase_add_test(c, test_replaced_file);
	tcase_add_test(c, test_many);
	tcase_add_test(c, test_long_folder);
	tcase_add_test(c, test_put);
	tcase_add_test(c, test_put_nowhere);
	tcase_add_loop_test(c, test_recorded, 0, ROWS(recorded_policies));
	tcase_add_test(c, test_recorded_key);
	tcase_add_test(c, test_recorded_names);
	return unit_main(suite);
}
