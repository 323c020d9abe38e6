-- Schema 9. Two indexes over ids less (see schema 7): the facts of an order are found by their objects, whose ids begin with its own,
-- and its events by the notifications of these, which come in order.

DROP INDEX fact_order_reference;
DROP INDEX event_lane;
CREATE INDEX event_notification ON event (notification_id) WHERE notification_id IS NOT NULL;

-- As before, but for where the last event is found.
DROP VIEW order_money;
CREATE VIEW order_money (
	order_reference_id,                   -- with `currency` the key
	account,
	environment,
	seller_order_id,                      -- the shop's own order number
	state,                                -- of the order reference; NULL: only parts of it were heard, or its own currency is another
	reason_code,
	currency,
	total_minor,                          -- order total; NULL where `state` is
	authorized_minor,                     -- reserved: authorizations that were not declined, also those that have ended
	captured_minor,                       -- taken: captures that are paid (Completed or Closed)
	refunded_minor,                       -- gone back to the buyer: completed refunds, or Amazon's figure of the captures where that is larger
	charged_back_minor,                   -- what the buyer's bank took back, each chargeback once
	credited_minor,                       -- what a solution provider got of it, less what came back
	fee_minor,                            -- Amazon's fees for what was authorized and captured, less what refunds gave back of them
	net_minor,                            -- captured less refunded, charged back, credited and fees
	last_event_id,                        -- the newest event of the order but hook.dead; NULL: none
	last_event,                           -- its name
	last_event_at,
	updated_at                            -- LastUpdateTimestamp of the order reference; where `state` is NULL, of the newest part
) AS
SELECT m.order_reference_id, m.account, m.environment, m.seller_order_id, m.state, m.reason_code, m.currency, m.total_minor,
	m.authorized_minor, m.captured_minor, m.refunded_minor, m.charged_back_minor, m.credited_minor, m.fee_minor,
	m.captured_minor - m.refunded_minor - m.charged_back_minor - m.credited_minor - m.fee_minor,
	m.last_event_id, (SELECT e.name FROM event e WHERE e.id = m.last_event_id),
	(SELECT e.created_at FROM event e WHERE e.id = m.last_event_id), m.updated_at
FROM (SELECT w.*,
	coalesce((SELECT sum(a.amount_minor) FROM authorization a WHERE a.order_reference_id = w.order_reference_id
		AND a.currency IS w.currency AND a.state <> 'Declined'), 0) AS authorized_minor,
	coalesce((SELECT sum(c.amount_minor) FROM capture c WHERE c.order_reference_id = w.order_reference_id
		AND c.currency IS w.currency AND c.state IN ('Completed', 'Closed')), 0) AS captured_minor,
	max(coalesce((SELECT sum(r.amount_minor) FROM refund r WHERE r.order_reference_id = w.order_reference_id
			AND r.currency IS w.currency AND r.state = 'Completed'), 0),
		coalesce((SELECT sum(c.refunded_minor) FROM capture c WHERE c.order_reference_id = w.order_reference_id
			AND c.currency IS w.currency), 0)) AS refunded_minor,
	coalesce((SELECT sum(b.amount_minor) FROM chargeback b WHERE b.order_reference_id = w.order_reference_id
		AND b.currency IS w.currency AND NOT EXISTS (SELECT 1 FROM chargeback d WHERE d.chargeback_id = b.chargeback_id
			AND d.order_reference_id = b.order_reference_id AND d.currency IS b.currency
			AND d.notification_id > b.notification_id)), 0) AS charged_back_minor,
	coalesce((SELECT sum(p.amount_minor) FROM provider_credit p WHERE p.order_reference_id = w.order_reference_id
		AND p.currency IS w.currency AND p.state IN ('Completed', 'Closed')), 0)
	- coalesce((SELECT sum(p.amount_minor) FROM provider_credit_reversal p WHERE p.order_reference_id = w.order_reference_id
		AND p.currency IS w.currency AND p.state = 'Completed'), 0) AS credited_minor,
	coalesce((SELECT sum(a.fee_minor) FROM authorization a WHERE a.order_reference_id = w.order_reference_id
		AND a.currency IS w.currency AND a.state <> 'Declined'), 0)
	+ coalesce((SELECT sum(c.fee_minor) FROM capture c WHERE c.order_reference_id = w.order_reference_id
		AND c.currency IS w.currency AND c.state IN ('Completed', 'Closed')), 0)
	- coalesce((SELECT sum(r.fee_minor) FROM refund r WHERE r.order_reference_id = w.order_reference_id
		AND r.currency IS w.currency AND r.state = 'Completed'), 0) AS fee_minor,
	(SELECT max(e.id) FROM notification n CROSS JOIN event e ON e.notification_id = n.id
		WHERE (n.object_id = w.order_reference_id
				OR (n.object_id > w.order_reference_id || '-' AND n.object_id < w.order_reference_id || '.')
				OR n.id IN (SELECT b.notification_id FROM chargeback b WHERE b.order_reference_id = w.order_reference_id))
			AND e.lane = w.order_reference_id AND e.name <> 'hook.dead') AS last_event_id
	FROM (SELECT order_reference_id, account, environment, seller_order_id, state, reason_code, currency, amount_minor AS total_minor,
			updated_at
		FROM order_reference
		UNION ALL
		SELECT p.order_reference_id, p.account, p.environment, CAST(NULL AS TEXT), CAST(NULL AS TEXT), CAST(NULL AS TEXT),
			p.currency, CAST(NULL AS INTEGER), p.updated_at
		FROM order_part p
		WHERE p.order_reference_id IS NOT NULL
			AND NOT EXISTS (SELECT 1 FROM order_reference o
				WHERE o.order_reference_id = p.order_reference_id AND o.currency IS p.currency)
			AND NOT EXISTS (SELECT 1 FROM order_part q
				WHERE q.order_reference_id = p.order_reference_id AND q.currency IS p.currency
				AND (coalesce(q.updated_at, ''), q.object_type, q.object_id, coalesce(q.notification_id, 0))
					> (coalesce(p.updated_at, ''), p.object_type, p.object_id, coalesce(p.notification_id, 0)))) AS w) AS m;
