/*
 * The floor of durable storage: `floor-rows DATABASE N BATCH` puts N notifications into one plain table of a new SQLite database, by
 * their MessageId and with their body, BATCH in each transaction, with synchronous=FULL.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>

#include "base/utc.h"
#include "measure.h"
#include "stream.h"

#define SPAN_MS (24 * 60 * 60 * INT64_C(1000))

static char topic[] = "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAREHEARSAL",
	    seller[] = "AREHEARSAL";
static char *sellers[] = {seller};
static const struct account account = {
	.topic_arn = topic, .seller_id = {sellers, 1}, .environment = ENVIRONMENT_SANDBOX};

struct rows {
	sqlite3 *db;
	sqlite3_stmt *insert;
	struct story_post *posts;
	size_t n, batch;
};

static int make(struct rows *rows)
{
	CLEANUP(stream_closep) struct stream *s = NULL;
	int64_t sent_ms;
	int r = stream_open(&account, rows->n, SPAN_MS, utc_now_ms(), 1, &s);

	rows->posts = calloc(rows->n, sizeof(*rows->posts));
	if (r < 0 || !rows->posts)
		return -ENOMEM;
	for (size_t i = 0; r >= 0 && i < rows->n; i++)
		r = stream_next(s, NULL, &rows->posts[i], &sent_ms);
	return r < 0 ? r : 0;
}

static int run(struct rows *rows, const char *sql)
{
	return sqlite3_exec(rows->db, sql, NULL, NULL, NULL);
}

static int open_database(struct rows *rows, const char *path)
{
	int r = sqlite3_open_v2(path, &rows->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);

	if (r == SQLITE_OK)
		r = run(rows,
			"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			"CREATE TABLE message (id INTEGER PRIMARY KEY, message_id TEXT NOT NULL UNIQUE,"
			"raw TEXT NOT NULL) STRICT");
	if (r == SQLITE_OK)
		r = sqlite3_prepare_v2(rows->db,
				       "INSERT INTO message (message_id, raw) VALUES (?, ?)", -1,
				       &rows->insert, NULL);
	return r;
}

static int insert(struct rows *rows, const struct story_post *p)
{
	int r;

	sqlite3_bind_text(rows->insert, 1, p->message_id, -1, SQLITE_STATIC);
	sqlite3_bind_text(rows->insert, 2, p->body, -1, SQLITE_STATIC);
	r = sqlite3_step(rows->insert);
	sqlite3_reset(rows->insert);
	return r == SQLITE_DONE ? SQLITE_OK : r;
}

static int insert_all(struct rows *rows)
{
	int r = SQLITE_OK;

	for (size_t i = 0; r == SQLITE_OK && i < rows->n; i += rows->batch) {
		r = run(rows, "BEGIN IMMEDIATE");
		for (size_t k = i; r == SQLITE_OK && k < i + rows->batch && k < rows->n; k++)
			r = insert(rows, &rows->posts[k]);
		if (r == SQLITE_OK)
			r = run(rows, "COMMIT");
	}
	return r;
}

static void rows_done(struct rows *rows)
{
	sqlite3_finalize(rows->insert);
	sqlite3_close(rows->db);
	for (size_t i = 0; rows->posts && i < rows->n; i++)
		story_post_done(&rows->posts[i]);
	free(rows->posts);
}

int main(int argc, char **argv)
{
	CLEANUP(rows_done) struct rows rows = {.db = NULL};
	struct measured took;
	int r;

	if (argc == 4) {
		rows.n = strtoul(argv[2], NULL, 10);
		rows.batch = strtoul(argv[3], NULL, 10);
	}
	if (!rows.n || !rows.batch) {
		fprintf(stderr, "Usage: floor-rows DATABASE N BATCH\n");
		return 64;
	}
	if (make(&rows) < 0) {
		fprintf(stderr, "floor-rows: out of memory\n");
		return 70;
	}
	r = open_database(&rows, argv[1]);
	took = measure_begin();
	if (r == SQLITE_OK)
		r = insert_all(&rows);
	took = measure_end(took);
	if (r != SQLITE_OK) {
		fprintf(stderr, "floor-rows: %s: %s\n", argv[1], sqlite3_errmsg(rows.db));
		return 74;
	}
	printf("{\"cpu_us\": %.2f, \"per_second\": %.0f}\n", took.cpu_us / (double)rows.n,
	       (double)rows.n * 1e6 / took.wall_us);
	return 0;
}
