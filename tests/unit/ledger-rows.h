/* What a set of notifications comes to, whatever the order in which they arrived: queries for tests. */
#ifndef IPND_TESTS_LEDGER_ROWS_H
#define IPND_TESTS_LEDGER_ROWS_H

/* `late` and ids tell of the arrival itself; a notification is known by its MessageId. */
#define MESSAGE_OF(column) "(SELECT message_id FROM notification n WHERE n.id = " column ")"

static const char *const ledger_rows[] = {
	"SELECT * FROM order_reference ORDER BY 1",
	"SELECT * FROM billing_agreement ORDER BY 1",
	"SELECT * FROM authorization ORDER BY 1",
	"SELECT * FROM capture ORDER BY 1",
	"SELECT * FROM refund ORDER BY 1",
	"SELECT * FROM provider_credit ORDER BY 1",
	"SELECT * FROM provider_credit_reversal ORDER BY 1",
	"SELECT " MESSAGE_OF(
		"c.notification_id") ", chargeback_id, order_reference_id, capture_reference_id, account,"
				     " environment, state, reason, amount_minor, currency, created_at FROM chargeback c ORDER BY 1",
	"SELECT " MESSAGE_OF(
		"s.notification_id") ", account, environment, seller_id, state, options"
				     " FROM solution_provider s ORDER BY 1",
	"SELECT object_type, object_id, from_state, to_state, reason_code, at, account, environment, skipped, accepted, " MESSAGE_OF(
		"t.notification_id") " FROM transition t ORDER BY 1, 2, at, 4, 11",
	"SELECT object_type, object_id, state, at, decision, reason_code, amount_minor, " MESSAGE_OF(
		"f.notification_id") " FROM fact f WHERE place IS NULL ORDER BY 1, 2, 4, 3",
	/* Whether it is told depends on the order as `late` does: a fact may have been held at first, or only later. */
	("SELECT f.object_type, f.object_id, f.state, f.at, c.name FROM fact_change c JOIN fact f"
	 " ON f.id = c.fact_id ORDER BY 1, 2, 4, 3, 5"),
};

/* No row of these may be there: a transition that no event tells, or two tell; a change that is told more than once. */
static const char *const ledger_wrong[] = {
	"SELECT 'not told', object_id, to_state FROM transition t"
	" WHERE (SELECT count(*) FROM event e WHERE e.transition_id = t.id) <> 1",
	"SELECT 'told twice', object_id, name FROM event WHERE transition_id IS NOT NULL"
	" GROUP BY transition_id HAVING count(*) > 1",
	"SELECT 'change', f.object_id, c.name, count(e.id) FROM fact_change c JOIN fact f ON f.id = c.fact_id LEFT JOIN event e"
	" ON e.object_id = f.object_id AND e.name = 'billing_agreement.' || c.name AND e.updated_at = f.at"
	" AND e.state = f.state GROUP BY c.fact_id, c.name HAVING count(e.id) <> c.announced",
	"SELECT 'held and not told', f.object_id, f.state FROM fact f JOIN notification n ON n.id = f.notification_id"
	" WHERE f.place IS NULL AND NOT EXISTS (SELECT 1 FROM event e WHERE e.name = 'notification.conflict'"
	" AND e.state = f.state AND e.updated_at = f.at)",
};

#endif
