#include "ledger/prune.h"

#include <stdio.h>

#include "base/utc.h"
#include "ledger/private.h"
#include "ledger/query.h"

struct step {
	int seen; /* rows looked at */
	int n;    /* of them, those that may go */
	int64_t ids[PRUNE_AT_ONCE], bytes[PRUNE_AT_ONCE];
};

/* The rows after p->after that are old enough. */
static int look(struct ledger *l, enum query q, struct prune *p, int64_t before_ms, struct step *st)
{
	CLEANUP(query_donep) sqlite3_stmt *s = NULL;
	int r = query_start(l, q, &s);

	if (r < 0)
		return r;
	query_bind_time(s, ":before", before_ms);
	query_bind_string(s, ":after", p->after);
	query_bind_int(s, ":after_id", p->after_id);
	query_bind_int(s, ":limit", PRUNE_AT_ONCE);
	while ((r = query_step(l, s)) > 0) {
		struct text at = query_text(s, "at");

		if (query_int(s, "goes")) {
			st->ids[st->n] = query_int(s, "id");
			st->bytes[st->n++] = query_int(s, "bytes");
		}
		st->seen++;
		p->after_id = query_int(s, "id");
		snprintf(p->after, sizeof(p->after), "%.*s", (int)at.len, at.at);
	}
	return r;
}

/* In one transaction; whether a row may go is asked once more within it. */
static int change_rows(struct ledger *l, enum query q, struct prune *p, const struct step *st)
{
	int64_t n = 0, bytes = 0;
	int r = ledger_begin(l);

	for (int i = 0; r == 0 && i < st->n; i++) {
		CLEANUP(query_donep) sqlite3_stmt *s = NULL;

		r = query_start(l, q, &s);
		if (r < 0)
			break;
		query_bind_int(s, ":id", st->ids[i]);
		r = query_run(l, s);
		if (r == 0 && sqlite3_changes(l->db)) {
			n++;
			bytes += st->bytes[i];
		}
	}
	if (r == 0)
		r = ledger_commit(l);
	if (r < 0) {
		ledger_rollback(l);
		return r;
	}
	p->n += n;
	p->bytes += bytes;
	return 0;
}

static int step(struct ledger *l, enum query find, enum query forget, struct prune *p,
		int64_t before_ms, bool change)
{
	struct step st = {0};
	int r = look(l, find, p, before_ms, &st);

	if (r == 0 && change && st.n)
		r = change_rows(l, forget, p, &st);
	for (int i = 0; r == 0 && !change && i < st.n; i++) {
		p->n++;
		p->bytes += st.bytes[i];
	}
	return r < 0 ? r : st.seen;
}

int prune_bodies(struct ledger *l, struct prune *p, int64_t before_ms, bool change)
{
	return step(l, QUERY_prune_bodies, QUERY_prune_body, p, before_ms, change);
}

int prune_outputs(struct ledger *l, struct prune *p, int64_t before_ms, bool change)
{
	return step(l, QUERY_prune_outputs, QUERY_prune_output, p, before_ms, change);
}
