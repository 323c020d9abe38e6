-- Schema 8. What people ask, as views, and time indexes that answer a filter by themselves.

-- What an order is made of, in one form: authorizations, captures, refunds, chargebacks and provider credits.
CREATE VIEW order_part (
	order_reference_id,
	object_type,                          -- authorization, capture, refund, chargeback, provider_credit, provider_credit_reversal
	object_id,                            -- of a chargeback: may repeat
	notification_id,                      -- of a chargeback, which has a row for each notification; else NULL
	account,
	environment,
	reference_id,                         -- the merchant's own; of a chargeback that of the capture
	state,
	reason_code,                          -- of a chargeback: the reason in Amazon's words
	amount_minor,
	fee_minor,                            -- Amazon's fee for it; of a refund what of the fee is given back
	currency,
	created_at,
	updated_at                            -- of a chargeback when it was made: it has no other time
) AS
SELECT order_reference_id, 'authorization', authorization_id, CAST(NULL AS INTEGER), account, environment, reference_id, state, reason_code,
	amount_minor, fee_minor, currency, created_at, updated_at FROM authorization
UNION ALL
SELECT order_reference_id, 'capture', capture_id, CAST(NULL AS INTEGER), account, environment, reference_id, state, reason_code,
	amount_minor, fee_minor, currency, created_at, updated_at FROM capture
UNION ALL
SELECT order_reference_id, 'refund', refund_id, CAST(NULL AS INTEGER), account, environment, reference_id, state, reason_code,
	amount_minor, fee_minor, currency, created_at, updated_at FROM refund
UNION ALL
SELECT order_reference_id, 'chargeback', chargeback_id, notification_id, account, environment, capture_reference_id, state, reason,
	amount_minor, CAST(NULL AS INTEGER), currency, created_at, created_at FROM chargeback
UNION ALL
SELECT order_reference_id, 'provider_credit', provider_credit_id, CAST(NULL AS INTEGER), account, environment, reference_id, state, reason_code,
	amount_minor, CAST(NULL AS INTEGER), currency, created_at, updated_at FROM provider_credit
UNION ALL
SELECT order_reference_id, 'provider_credit_reversal', provider_credit_reversal_id, CAST(NULL AS INTEGER), account, environment, reference_id, state,
	reason_code, amount_minor, CAST(NULL AS INTEGER), currency, created_at, updated_at FROM provider_credit_reversal;

-- Each order with its money in and out: a row for each currency, which is one for nearly every order. Orders are there, too, of
-- which only parts were heard. Quick for some orders by id or for those of a time by `updated_at`.
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
	(SELECT e.id FROM event e WHERE e.lane = w.order_reference_id AND e.name <> 'hook.dead' ORDER BY e.id DESC LIMIT 1) AS last_event_id
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

-- What is open and ends by Amazon's limits, so that the shop acts before; also what has ended without Amazon having said so. Quick
-- by `at`: WHERE at < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+7 days'). Told and not told are two ranges of an index each.
CREATE VIEW due (
	at,                                   -- when it ends
	object_type,                          -- authorization or order_reference
	object_id,
	order_reference_id,
	account,
	environment,
	state,
	amount_minor,                         -- authorized; of an order its total
	captured_minor,                       -- says Amazon; of an order the sum of its paid captures
	open_minor,                           -- what may still be captured of it
	currency,
	action,                               -- what to do until then
	deadline_event                        -- the event deadline.* that told hooks; NULL: not told yet
) AS
SELECT deadline_at, 'authorization', authorization_id, order_reference_id, account, environment, state, amount_minor, captured_minor,
	amount_minor - coalesce(captured_minor, 0), currency, 'capture it, or close it', deadline_event
FROM authorization WHERE state = 'Open' AND deadline_event IS NULL AND deadline_at IS NOT NULL
UNION ALL
SELECT deadline_at, 'authorization', authorization_id, order_reference_id, account, environment, state, amount_minor, captured_minor,
	amount_minor - coalesce(captured_minor, 0), currency, 'capture it, or close it', deadline_event
FROM authorization WHERE state = 'Open' AND deadline_event > 0 AND deadline_at IS NOT NULL
UNION ALL
SELECT o.expires_at, 'order_reference', o.order_reference_id, o.order_reference_id, o.account, o.environment, o.state, o.amount_minor,
	o.captured_minor, o.amount_minor - o.captured_minor, o.currency,
	CASE WHEN o.captured_minor >= o.amount_minor THEN 'close it: all of it is captured'
		WHEN o.state = 'Suspended' THEN 'have the buyer choose another payment method, or close it'
		ELSE 'authorize and capture what is left, or close it' END,
	o.deadline_event
FROM (SELECT r.*, CAST(coalesce((SELECT sum(c.amount_minor) FROM capture c WHERE c.order_reference_id = r.order_reference_id
		AND c.currency IS r.currency AND c.state IN ('Completed', 'Closed')), 0) AS INTEGER) AS captured_minor
	FROM order_reference r
	WHERE r.state IN ('Open', 'Suspended') AND r.expires_at IS NOT NULL) AS o
WHERE o.deadline_event IS NULL
UNION ALL
SELECT o.expires_at, 'order_reference', o.order_reference_id, o.order_reference_id, o.account, o.environment, o.state, o.amount_minor,
	o.captured_minor, o.amount_minor - o.captured_minor, o.currency,
	CASE WHEN o.captured_minor >= o.amount_minor THEN 'close it: all of it is captured'
		WHEN o.state = 'Suspended' THEN 'have the buyer choose another payment method, or close it'
		ELSE 'authorize and capture what is left, or close it' END,
	o.deadline_event
FROM (SELECT r.*, CAST(coalesce((SELECT sum(c.amount_minor) FROM capture c WHERE c.order_reference_id = r.order_reference_id
		AND c.currency IS r.currency AND c.state IN ('Completed', 'Closed')), 0) AS INTEGER) AS captured_minor
	FROM order_reference r
	WHERE r.state IN ('Open', 'Suspended') AND r.expires_at IS NOT NULL) AS o
WHERE o.deadline_event > 0;

-- What went wrong and what waits for a person; what was mended or decided since is not there any more. Quick by `at`, for what
-- happened today: WHERE at >= strftime('%Y-%m-%dT00:00:00.000Z', 'now').
CREATE VIEW failure (
	at,                                   -- when it became known here; of what is counted, the last time
	kind,                                 -- declined, chargeback, dead, conflict, unrecognized, foreign, refused, refused topic
	account,                              -- NULL: of a refused post nobody can say whose it was
	environment,
	object_type,
	object_id,                            -- of what was not understood: the MessageId; of a refused topic its ARN
	order_reference_id,
	amount_minor,
	currency,
	number,                               -- what ipnctl takes: of a conflict for `conflicts accept`, of a dead hook's event for `hooks retry`
	count,                                -- of refusals since the database was made, else 1
	what                                  -- in words
) AS
SELECT created_at, CASE name WHEN 'chargeback.received' THEN 'chargeback' ELSE 'declined' END, account, environment, object_type,
	object_id, order_reference_id, amount_minor, currency, id, 1, coalesce(reason_code, 'no reason given')
FROM event
WHERE name IN ('authorization.declined', 'capture.declined', 'refund.declined', 'provider_credit.declined',
	'provider_credit_reversal.declined', 'chargeback.received')
UNION ALL
SELECT r.updated_at, 'dead', r.account, r.environment, e.object_type, e.object_id, e.order_reference_id, e.amount_minor, e.currency,
	r.event_id, 1, 'hook ' || r.hook || ' at ' || e.name || coalesce(': ' || r.detail, '')
FROM hook_run r JOIN event e ON e.id = r.event_id
WHERE r.state = 'dead'
UNION ALL
SELECT n.received_at, 'conflict', f.account, f.environment, f.object_type, f.object_id, f.order_reference_id, f.amount_minor, f.currency,
	f.id, 1, f.state || ' since ' || f.at || ' cannot follow what is known'
FROM fact f JOIN notification n ON n.id = f.notification_id
WHERE f.place IS NULL AND f.decision IS NULL
UNION ALL
SELECT received_at, 'unrecognized', account, environment, object_type, coalesce(object_id, message_id), NULL, NULL, NULL, id, 1, why
FROM notification WHERE verdict = 'unrecognized' AND reprocessed_at IS NULL
UNION ALL
SELECT received_at, 'foreign', account, environment, object_type, coalesce(object_id, message_id), NULL, NULL, NULL, id, 1, why
FROM notification WHERE verdict = 'foreign'
UNION ALL
SELECT last_at, 'refused', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, count, verdict
FROM verdict_count
WHERE verdict NOT IN ('applied', 'unchanged', 'duplicate', 'stale', 'conflict', 'unrecognized', 'foreign', 'sample', 'subscription')
UNION ALL
SELECT last_at, 'refused topic', NULL, NULL, NULL, topic_arn, NULL, NULL, NULL, NULL, count, 'no account names this topic'
FROM refused_topic;

-- How much of each billing agreement is used in its period, as of its newest notification.
CREATE VIEW agreement_usage (
	billing_agreement_id,
	account,
	environment,
	seller_billing_agreement_id,          -- the shop's own number for it
	state,
	limit_minor,                          -- what may be charged in a period
	used_minor,                           -- limit less remaining
	remaining_minor,
	currency,
	period_start_at,
	period_end_at,
	period_over,                          -- 1: the period has ended since, and a new one has begun with the whole limit; NULL: not said
	updated_at
) AS
SELECT billing_agreement_id, account, environment, seller_billing_agreement_id, state, limit_minor, limit_minor - remaining_minor,
	remaining_minor, currency, period_start_at, period_end_at, period_end_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), updated_at
FROM billing_agreement;

-- Lists are in the order of time. With what a filter asks for behind the time, only rows that fit are looked at.
DROP INDEX notification_received;
DROP INDEX order_reference_updated;
DROP INDEX authorization_updated;
DROP INDEX capture_updated;
DROP INDEX refund_updated;
DROP INDEX event_created;
CREATE INDEX notification_received ON notification (received_at, verdict, account);
CREATE INDEX order_reference_updated ON order_reference (updated_at, order_reference_id, state, account);
CREATE INDEX authorization_updated ON authorization (updated_at, authorization_id, state, account);
CREATE INDEX capture_updated ON capture (updated_at, capture_id, state, account);
CREATE INDEX refund_updated ON refund (updated_at, refund_id, state, account);
CREATE INDEX event_created ON event (created_at, name, state, account);
CREATE INDEX notification_foreign ON notification (received_at) WHERE verdict = 'foreign';

-- The runs of a hook in a state, counted and in order. What runs is found by it, too.
DROP INDEX hook_run_running;
CREATE INDEX hook_run_state ON hook_run (state, hook, event_id);
