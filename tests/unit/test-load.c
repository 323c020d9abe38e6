/* What a load sends next and when, what it sends, and how it reads answers: all without a network. */
#include "unit.h"

#include <stdio.h>
#include <sys/stat.h>

#include "simulate/answer.h"
#include "simulate/batch.h"
#include "simulate/schedule.h"

#define TOPIC "arn:aws:sns:us-east-1:291180941288:A3BXB0YN3XH17HAREHEARSAL"

/* Two stories, of two notifications and of one. */
static struct story_post posts[3];
static struct batch_story stories[2] = {{NULL, posts, 2}, {NULL, posts + 2, 1}};
static const struct batch batch = {stories, 2, posts, 3};

START_TEST(next_only_after_the_answer)
{
	CLEANUP(schedule_freep) struct schedule *q = NULL;
	struct tale *one, *two;

	ck_assert_int_eq(schedule_new(&batch, 0, 100, &q), 0);
	one = schedule_take(q, 100);
	two = schedule_take(q, 100);
	ck_assert_ptr_eq(one->story, &stories[0]);
	ck_assert_ptr_eq(two->story, &stories[1]);
	ck_assert_ptr_null(schedule_take(q, 200));
	ck_assert(schedule_when(q) == SCHEDULE_NEVER);
	schedule_done(q, one);
	ck_assert(!schedule_is_empty(q));
	ck_assert_ptr_eq(schedule_take(q, 300), one);
	ck_assert_uint_eq(one->next, 1);
	ck_assert_uint_eq(one->due_usec, 300);
	schedule_done(q, one);
	schedule_done(q, two);
	ck_assert(schedule_is_empty(q));
	ck_assert_ptr_null(schedule_take(q, 400));
}
END_TEST

START_TEST(due_by_the_rate)
{
	CLEANUP(schedule_freep) struct schedule *q = NULL;
	struct tale *t;

	ck_assert_int_eq(schedule_new(&batch, 10, 1000, &q), 0);
	ck_assert_ptr_nonnull(schedule_take(q, 1000));
	ck_assert_uint_eq(schedule_when(q), 101000);
	ck_assert_ptr_null(schedule_take(q, 100999));
	/* Late: it was due all the same. */
	t = schedule_take(q, 900000);
	ck_assert_uint_eq(t->due_usec, 101000);
	ck_assert_uint_eq(t->begun_usec, 900000);
}
END_TEST

START_TEST(again_in_time)
{
	CLEANUP(schedule_freep) struct schedule *q = NULL;
	struct tale *one, *two;

	ck_assert_int_eq(schedule_new(&batch, 0, 0, &q), 0);
	one = schedule_take(q, 0);
	two = schedule_take(q, 0);
	schedule_again(q, one, 500);
	schedule_again(q, two, 300);
	ck_assert_uint_eq(schedule_when(q), 300);
	ck_assert_ptr_null(schedule_take(q, 299));
	ck_assert_ptr_eq(schedule_take(q, 600), two);
	ck_assert_ptr_eq(schedule_take(q, 600), one);
	ck_assert_uint_eq(one->next, 0);
	ck_assert_uint_eq(one->tries, 2);
	ck_assert_uint_eq(one->due_usec, 0);
}
END_TEST

START_TEST(ends)
{
	CLEANUP(schedule_freep) struct schedule *q = NULL;
	struct tale *t;

	ck_assert_int_eq(schedule_new(&batch, 0, 0, &q), 0);
	t = schedule_take(q, 0);
	schedule_end(q, false);
	ck_assert_ptr_null(schedule_take(q, 1));
	schedule_again(q, t, 5); /* what was begun is still to be delivered */
	ck_assert(!schedule_is_empty(q));
	ck_assert_ptr_eq(schedule_take(q, 5), t);
	schedule_done(q, t);
	ck_assert(schedule_is_empty(q));
	schedule_again(q, t, 9);
	schedule_end(q, true);
	ck_assert(schedule_is_empty(q));
}
END_TEST

static const struct {
	const char *head;
	struct answer_head a;
} good[] = {
	{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", {200, 10, -1, false}},
	{"HTTP/1.1 503 Try again\r\ncontent-length:0\r\nRETRY-AFTER:\t20 \r\n\r\n",
	 {503, 0, 20, false}},
	{"HTTP/1.1 503 \r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n\r\n",
	 {503, -1, -1, false}},
	{"HTTP/1.1 403\r\nConnection: Close\r\nContent-Length: 1\r\n\r\n", {403, 1, -1, true}},
	{"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", {200, 1, -1, true}},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", {200, -1, -1, false}},
};

START_TEST(reads_answers)
{
	struct answer_head a;

	ck_assert(answer_parse_head(text_of(good[_i].head), &a));
	ck_assert_int_eq(a.status, good[_i].a.status);
	ck_assert_int_eq(a.content_length, good[_i].a.content_length);
	ck_assert_int_eq(a.retry_after_s, good[_i].a.retry_after_s);
	ck_assert_int_eq(a.close, good[_i].a.close);
}
END_TEST

static const char *const bad[] = {
	"\r\n",
	"SSH-2.0-OpenSSH\r\n\r\n",
	"HTTP/2 200 OK\r\n\r\n",
	"HTTP/1.1 20 OK\r\n\r\n",
	"HTTP/1.1 2000 OK\r\n\r\n",
	"HTTP/1.1 099 OK\r\n\r\n",
	"HTTP/1.1 200 OK",
	"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
};

START_TEST(refuses_answers)
{
	struct answer_head a;

	ck_assert(!answer_parse_head(text_of(bad[_i]), &a));
}
END_TEST

START_TEST(makes_a_batch)
{
	CLEANUP(freep) char *keys = unit_folder(), *cache = unit_format("%s/cache", keys);
	CLEANUP(signer_freep) struct signer *signer = NULL;
	char *seller = strdup("AREHEARSAL"), *topic = strdup(TOPIC);
	struct account account = {.topic_arn = topic, .seller_id = {&seller, 1}};
	struct batch b;
	struct why why;
	size_t n = 0;

	ck_assert_int_eq(mkdir(cache, 0700), 0);
	ck_assert_int_eq(authority_create(keys, cache, &why), 0);
	ck_assert_int_eq(signer_open(keys, cache, &signer, &why), 0);
	ck_assert_int_eq(batch_make(&account, signer, 50, NULL, &b), 0);
	ck_assert_uint_eq(b.n_posts, 50);
	for (size_t i = 0; i < b.n_stories; i++) {
		ck_assert_ptr_eq(b.stories[i].posts, &b.posts[n]);
		n += b.stories[i].n;
	}
	ck_assert_uint_eq(n, 50);
	for (size_t i = 0; i < n; i++) {
		ck_assert_ptr_nonnull(strstr(b.posts[i].body, b.posts[i].message_id));
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(b.posts[i].message_id, b.posts[j].message_id);
	}
	batch_done(&b);
	free(seller);
	free(topic);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("load");
	TCase *c = unit_case(suite, "load");

	tcase_add_test(c, next_only_after_the_answer);
	tcase_add_test(c, due_by_the_rate);
	tcase_add_test(c, again_in_time);
	tcase_add_test(c, ends);
	tcase_add_loop_test(c, reads_answers, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(c, refuses_answers, 0, sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(c, makes_a_batch);
	return unit_main(suite);
}
