#include "script.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "ledger/private.h"
#include "simulate/authority.h"
#include "simulate/story.h"

#include "../unit/ledger-rows.h"
#include "../unit/unit.h"

#define TOPIC "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAREHEARSAL"

#define N(array) (sizeof(array) / sizeof((array)[0]))

struct message script[SCRIPT_MAX];
size_t script_n;
struct sns_certificate *script_certificate;
struct sns_trust script_trust;

static char name[] = "rehearsal", topic[] = TOPIC, seller[] = "AREHEARSAL";
static char *sellers[] = {seller};
static struct account account = {
	.name = name,
	.topic_arn = topic,
	.seller_id = {sellers, 1},
	.environment = ENVIRONMENT_SANDBOX,
};
struct config script_config = {
	.accounts = &account,
	.n_accounts = 1,
	.sns = {.max_age_ms = 86400000},
};

/* Between them: every kind of id and link, states that follow and that go back, a change that is no state. */
static const char *const stories[] = {"one-time", "auto-pay-orders", "provider", "chargeback"};

static void add(const char *body)
{
	struct message *m = &script[script_n++];

	m->body = text_of(body);
	ck_assert_msg(message_read(m, NULL, &script_config, SCRIPT_NOW_MS) == VERDICT_PASS, "%s",
		      m->why.text);
	ck_assert_int_eq(message_understand(m), VERDICT_PASS);
	ck_assert_msg(m->understood == VERDICT_PASS, "%s", m->why.text);
}

static void tell(const struct scenario *s, const struct signer *signer, size_t most)
{
	struct story st;

	ck_assert_int_eq(story_begin(s, &account, SCRIPT_NOW_MS, &st), 0);
	for (size_t i = 0; i < s->n_steps && script_n < most; i++) {
		struct story_post post;

		ck_assert_int_eq(
			story_post(&st, &s->steps[i], signer, 1, SCRIPT_NOW_MS + (int64_t)i, &post),
			0);
		add(TAKE(post.body));
		story_post_done(&post);
	}
}

static void trust(const char *folder, const struct signer *signer)
{
	CLEANUP(freep) char *ca = unit_format("%s/" AUTHORITY_CA, folder);
	CLEANUP(freep)
	char *path = unit_format("%s/SimpleNotificationService-%s.pem", folder, signer_hex(signer));
	CLEANUP(freep) char *pem = unit_read(path, NULL);
	struct why why;

	ck_assert_int_eq(sns_certificate_parse(text_of(pem), &script_certificate, &why),
			 VERDICT_PASS);
	script_trust.roots = X509_STORE_new();
	script_trust.chain = SNS_CHAIN_REQUIRE;
	ck_assert_int_eq(X509_STORE_load_file(script_trust.roots, ca), 1);
}

int script_main(Suite *suite)
{
	if (access("/dev/shm", W_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 1);
	return unit_main(suite);
}

void script_make(size_t most)
{
	CLEANUP(freep) char *folder = unit_folder();
	CLEANUP(signer_freep) struct signer *signer = NULL;
	struct why why;

	ck_assert_uint_le(most, SCRIPT_MAX);
	message_init();
	ck_assert_msg(authority_create(folder, folder, &why) == 0, "%s", why.text);
	ck_assert_msg(signer_open(folder, folder, &signer, &why) == 0, "%s", why.text);
	trust(folder, signer);
	for (size_t i = 0; i < N(stories); i++)
		tell(scenario_find(stories[i]), signer, most);
}

void script_done(void)
{
	for (size_t i = 0; i < script_n; i++) {
		void *body = (void *)(uintptr_t)script[i].body.at;

		message_done(&script[i]);
		free(body);
	}
	script_n = 0;
	sns_certificate_free(script_certificate);
	X509_STORE_free(script_trust.roots);
}

int script_commit_aside(struct ledger *l)
{
	int fd = eventfd(0, EFD_CLOEXEC), error;

	if (fd < 0)
		return -errno;
	error = ledger_commit_aside(l, fd);
	if (error == 0)
		error = ledger_commit_end(l);
	close(fd);
	return error;
}

static int write_turn(struct ledger *l, size_t first, size_t n, int (*begin)(struct ledger *l))
{
	int error = begin(l);

	for (size_t i = first; i < first + n && i < script_n && error == 0; i++)
		error = message_store(&script[i], l);
	if (error == 0)
		error = n > 1 ? script_commit_aside(l) : ledger_commit(l);
	if (error < 0)
		ledger_rollback(l);
	return error;
}

int script_turn(struct ledger *l, size_t first, size_t n, struct answered *to)
{
	int error = write_turn(l, first, n, ledger_begin_together);

	if (error == -ECANCELED)
		error = write_turn(l, first, n, ledger_begin);
	for (size_t i = first; i < first + n && i < script_n && error == 0; i++)
		to->at[i] = true;
	return error;
}

int script_rest(struct ledger *l, size_t n, struct answered *to)
{
	int first_error = 0;

	for (size_t i = 0; i < script_n; i += n) {
		bool missing = false;
		int error;

		for (size_t k = i; k < i + n && k < script_n; k++)
			missing |= !to->at[k];
		error = missing ? script_turn(l, i, n, to) : 0;
		if (first_error == 0)
			first_error = error;
	}
	return first_error;
}

/* Whether the message is a row. */
static bool is_stored(sqlite3 *db, const struct message *m)
{
	struct text id = m->envelope.message_id;
	sqlite3_stmt *s = NULL;
	bool found;

	ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT 1 FROM notification WHERE message_id = ?",
					    -1, &s, NULL),
			 SQLITE_OK);
	sqlite3_bind_text(s, 1, id.at, (int)id.len, SQLITE_STATIC);
	found = sqlite3_step(s) == SQLITE_ROW;
	sqlite3_finalize(s);
	return found;
}

static void append_rows(sqlite3 *db, const char *sql, FILE *to)
{
	sqlite3_stmt *s = NULL;
	int r;

	ck_assert_msg(sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK, "%s: %s", sql,
		      sqlite3_errmsg(db));
	while ((r = sqlite3_step(s)) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(s); i++) {
			const char *value = (const char *)sqlite3_column_text(s, i);

			fprintf(to, "%s|", value ? value : "-");
		}
		fputc('\n', to);
	}
	ck_assert_msg(r == SQLITE_DONE, "%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_finalize(s);
}

char *script_dump(sqlite3 *db)
{
	size_t size;
	char *text = NULL;
	FILE *f = open_memstream(&text, &size);

	append_rows(db, "SELECT message_id, raw IS NOT NULL FROM notification ORDER BY 1", f);
	for (size_t i = 0; i < N(ledger_rows); i++)
		append_rows(db, ledger_rows[i], f);
	fclose(f);
	return text;
}

/* What must never be. */
static char *wrongs(sqlite3 *db)
{
	size_t size;
	char *text = NULL;
	FILE *f = open_memstream(&text, &size);

	append_rows(db, "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'", f);
	append_rows(db, "SELECT * FROM pragma_foreign_key_check", f);
	for (size_t i = 0; i < N(ledger_wrong); i++)
		append_rows(db, ledger_wrong[i], f);
	fclose(f);
	return text;
}

struct ledger *script_reopen(const char *path, const struct answered *answered, const char *how)
{
	struct ledger *l = NULL;
	struct why why = {""};
	int r = ledger_open(path, LEDGER_OWN, &l, &why);
	int stored = 0, rows = 0;

	ck_assert_msg(r == 0, "%s: %s", how, why.text);
	{
		CLEANUP(freep) char *wrong = wrongs(l->db);

		ck_assert_msg(!wrong[0], "%s: %s", how, wrong);
	}
	for (size_t i = 0; i < script_n; i++) {
		bool is = is_stored(l->db, &script[i]);

		ck_assert_msg(is || !answered->at[i],
			      "%s: message %zu was answered 200 and is not there", how, i);
		stored += is;
	}
	ck_assert_int_eq(ledger_get_int(l, "SELECT count(*) FROM notification", &rows), 0);
	ck_assert_msg(rows == stored, "%s: %d rows, and %d were sent", how, rows, stored);
	return l;
}

char *script_dump_healthy(void)
{
	CLEANUP(freep) char *folder = unit_folder();
	CLEANUP(freep) char *path = unit_format("%s/ipnd.db", folder);
	CLEANUP(ledger_closep) struct ledger *l = NULL;
	struct answered answered = {0};
	struct why why;

	ck_assert_msg(ledger_open(path, LEDGER_OWN, &l, &why) == 0, "%s", why.text);
	ck_assert_int_eq(script_rest(l, 3, &answered), 0);
	return script_dump(l->db);
}

void script_copy(const char *from, const char *to)
{
	CLEANUP(freep) char *bytes = NULL;
	CLEANUP(fclosep) FILE *f = NULL;
	size_t len;

	if (access(from, F_OK) < 0 && errno == ENOENT)
		return;
	bytes = unit_read(from, &len);
	f = fopen(to, "we");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
}
