#include "stream.h"

#include <errno.h>

#define STEPS             5 /* of a story, about */
#define SIGNATURE_VERSION 1 /* as Amazon Pay's topics have */

/* The next notification of one story. */
struct place {
	int64_t at_ms;
	uint64_t story;
	const struct scenario *scenario;
	size_t step;
};

struct stream {
	const struct account *account;
	uint64_t seed;
	int64_t first_ms; /* when the first story began */
	int64_t gap_ms;   /* from one story's begin to the next one's */
	size_t left;
	uint64_t stories;
	size_t scenario;
	struct place *heap; /* the earliest at the top */
	size_t n, size;
};

static bool is_before(const struct place *a, const struct place *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->story < b->story;
}

static int put(struct stream *s, const struct place *p)
{
	size_t i = s->n;

	if (s->n == s->size) {
		size_t size = s->size ? 2 * s->size : 1024;
		struct place *heap = reallocarray(s->heap, size, sizeof(*heap));

		if (!heap)
			return -ENOMEM;
		s->heap = heap;
		s->size = size;
	}
	s->n++;
	for (; i > 0 && is_before(p, &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = *p;
	return 0;
}

static struct place take(struct stream *s)
{
	struct place first = s->heap[0], last = s->heap[--s->n];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < s->n) {
		if (child + 1 < s->n && is_before(&s->heap[child + 1], &s->heap[child]))
			child++;
		if (!is_before(&s->heap[child], &last))
			break;
		s->heap[i] = s->heap[child];
		i = child;
	}
	s->heap[i] = last;
	return first;
}

static int64_t began_ms(const struct stream *s, uint64_t story)
{
	return s->first_ms + (int64_t)story * s->gap_ms;
}

/* No step of a story is sent before the one before it, nor before Amazon knows of it. */
static int put_step(struct stream *s, struct place *p)
{
	int64_t at_ms = story_sent_ms(began_ms(s, p->story), &p->scenario->steps[p->step]);

	if (at_ms > p->at_ms)
		p->at_ms = at_ms;
	return put(s, p);
}

/* Where the next notification stands. 1; 0: that was all; -ENOMEM. */
static int next_place(struct stream *s, struct place *ret)
{
	struct place next;
	int r = 0;

	if (s->left == 0)
		return 0;
	while (r == 0 && (s->n == 0 || began_ms(s, s->stories) <= s->heap[0].at_ms)) {
		struct place p = {.at_ms = INT64_MIN, .story = s->stories++};

		p.scenario = scenario_next(&s->scenario);
		r = put_step(s, &p);
	}
	if (r < 0)
		return r;
	s->left--;
	*ret = next = take(s);
	if (++next.step < next.scenario->n_steps)
		r = put_step(s, &next);
	return r < 0 ? r : 1;
}

static void rewind_to(struct stream *s, size_t n, int64_t first_ms)
{
	s->first_ms = first_ms;
	s->left = n;
	s->n = s->scenario = 0;
	s->stories = 0;
}

int stream_open(const struct account *a, size_t n, int64_t span_ms, int64_t until_ms, uint64_t seed,
		struct stream **ret)
{
	CLEANUP(stream_closep) struct stream *s = calloc(1, sizeof(*s));
	struct place p = {.at_ms = 0};
	int r;

	if (!s)
		return -ENOMEM;
	s->account = a;
	s->seed = seed;
	s->gap_ms = (int64_t)((double)span_ms * STEPS / (double)n) + 1;
	/* Once without writing anything, to know when the last one is sent. */
	rewind_to(s, n, 0);
	while ((r = next_place(s, &p)) > 0)
		;
	if (r < 0)
		return r;
	rewind_to(s, n, until_ms - p.at_ms);
	*ret = TAKE(s);
	return 0;
}

void stream_close(struct stream *s)
{
	free(s->heap);
	free(s);
}

int stream_next(struct stream *s, const struct signer *signer, struct story_post *ret,
		int64_t *ret_sent_ms)
{
	struct story story;
	struct place p;
	int r = next_place(s, &p);

	if (r <= 0)
		return r;
	/* Seed 0 would be random: no product of these is. */
	r = story_begin_at(p.scenario, s->account, began_ms(s, p.story),
			   s->seed << 32 | (p.story + 1), &story);
	if (r == 0)
		r = story_post(&story, &p.scenario->steps[p.step], signer, SIGNATURE_VERSION,
			       p.at_ms, ret);
	if (r < 0)
		return r;
	*ret_sent_ms = p.at_ms;
	return 1;
}
