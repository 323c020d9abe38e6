-- What ipnd writes when a notification arrives.

-- name: notification_known
SELECT id FROM notification WHERE message_id = :message_id;

-- name: notification_put
INSERT INTO notification (message_id, account, type, reference_id, seller_id, environment, is_sample, sent_at,
	received_at, verdict, why, object_type, object_id, raw)
VALUES (:message_id, :account, :type, :reference_id, :seller_id, :environment, :is_sample, :sent_at,
	:received_at, :verdict, :why, :object_type, :object_id, :raw)
RETURNING id;

-- name: fact_of_object
SELECT f.id, f.state, f.at, f.place, f.begins, f.from_state, f.announced, f.late, f.notification_id, n.sent_at, n.message_id
FROM fact f JOIN notification n ON n.id = f.notification_id
WHERE f.object_type = :object_type AND f.object_id = :object_id;

-- Of several notifications with the same fact, the newest gives the attributes.
-- name: fact_put
INSERT INTO fact (object_type, object_id, state, at, notification_id, account, environment, seller_id,
	order_reference_id, reference_id, seller_order_id, reason_code, reason_description, amount_minor, done_minor,
	fee_minor, currency, refund_type, soft_decline, capture_now, created_at, expires_at)
VALUES (:object_type, :object_id, :state, :at, :notification_id, :account, :environment, :seller_id,
	:order_reference_id, :reference_id, :seller_order_id, :reason_code, :reason_description, :amount_minor, :done_minor,
	:fee_minor, :currency, :refund_type, :soft_decline, :capture_now, :created_at, :expires_at)
ON CONFLICT (object_type, object_id, state, at) DO UPDATE SET
	notification_id = excluded.notification_id, account = excluded.account, environment = excluded.environment,
	seller_id = excluded.seller_id, reference_id = excluded.reference_id, seller_order_id = excluded.seller_order_id,
	reason_code = excluded.reason_code, reason_description = excluded.reason_description,
	amount_minor = excluded.amount_minor, done_minor = max(coalesce(excluded.done_minor, fact.done_minor),
		coalesce(fact.done_minor, excluded.done_minor)), fee_minor = excluded.fee_minor,
	currency = excluded.currency, refund_type = excluded.refund_type, soft_decline = excluded.soft_decline,
	capture_now = excluded.capture_now, created_at = excluded.created_at, expires_at = excluded.expires_at
RETURNING id;

-- Amounts that have happened only grow, and a list of ids is united, whichever notification came last.
-- name: fact_done_grows
UPDATE fact SET done_minor = :done_minor WHERE id = :id AND (done_minor IS NULL OR done_minor < :done_minor);

-- name: fact_id_put
INSERT INTO fact_id (fact_id, object_id) VALUES (:fact_id, :object_id) ON CONFLICT DO NOTHING;

-- name: fact_fold
UPDATE fact SET place = :place, begins = :begins, from_state = :from_state, announced = :announced, late = :late
WHERE id = :id;

-- name: order_reference_put
INSERT INTO order_reference (order_reference_id, account, environment, state, reason_code, amount_minor, currency,
	seller_order_id, created_at, expires_at, updated_at)
SELECT object_id, account, environment, state, reason_code, amount_minor, currency, seller_order_id, created_at, expires_at, at
FROM fact WHERE id = :fact_id
ON CONFLICT (order_reference_id) DO UPDATE SET account = excluded.account, environment = excluded.environment,
	state = excluded.state, reason_code = excluded.reason_code, amount_minor = excluded.amount_minor,
	currency = excluded.currency, seller_order_id = excluded.seller_order_id, created_at = excluded.created_at,
	expires_at = excluded.expires_at, updated_at = excluded.updated_at;

-- name: authorization_put
INSERT INTO authorization (authorization_id, order_reference_id, account, environment, reference_id, state, reason_code,
	amount_minor, captured_minor, fee_minor, currency, soft_decline, capture_now, created_at, expires_at, updated_at)
SELECT object_id, order_reference_id, account, environment, reference_id, state, reason_code, amount_minor,
	(SELECT max(p.done_minor) FROM fact p
		WHERE p.object_type = f.object_type AND p.object_id = f.object_id AND p.place IS NOT NULL),
	fee_minor, currency, soft_decline, capture_now, created_at, expires_at, at
FROM fact f WHERE id = :fact_id
ON CONFLICT (authorization_id) DO UPDATE SET account = excluded.account, environment = excluded.environment,
	reference_id = excluded.reference_id, state = excluded.state, reason_code = excluded.reason_code,
	amount_minor = excluded.amount_minor, captured_minor = excluded.captured_minor, fee_minor = excluded.fee_minor,
	currency = excluded.currency, soft_decline = excluded.soft_decline, capture_now = excluded.capture_now,
	created_at = excluded.created_at, expires_at = excluded.expires_at, updated_at = excluded.updated_at;

-- name: capture_put
INSERT INTO capture (capture_id, order_reference_id, account, environment, reference_id, state, reason_code,
	amount_minor, refunded_minor, fee_minor, currency, created_at, updated_at)
SELECT object_id, order_reference_id, account, environment, reference_id, state, reason_code, amount_minor,
	(SELECT max(p.done_minor) FROM fact p
		WHERE p.object_type = f.object_type AND p.object_id = f.object_id AND p.place IS NOT NULL),
	fee_minor, currency, created_at, at
FROM fact f WHERE id = :fact_id
ON CONFLICT (capture_id) DO UPDATE SET account = excluded.account, environment = excluded.environment,
	reference_id = excluded.reference_id, state = excluded.state, reason_code = excluded.reason_code,
	amount_minor = excluded.amount_minor, refunded_minor = excluded.refunded_minor, fee_minor = excluded.fee_minor,
	currency = excluded.currency, created_at = excluded.created_at, updated_at = excluded.updated_at;

-- name: refund_put
INSERT INTO refund (refund_id, order_reference_id, account, environment, reference_id, refund_type, state, reason_code,
	amount_minor, fee_minor, currency, created_at, updated_at)
SELECT object_id, order_reference_id, account, environment, reference_id, refund_type, state, reason_code, amount_minor,
	fee_minor, currency, created_at, at
FROM fact WHERE id = :fact_id
ON CONFLICT (refund_id) DO UPDATE SET account = excluded.account, environment = excluded.environment,
	reference_id = excluded.reference_id, refund_type = excluded.refund_type, state = excluded.state,
	reason_code = excluded.reason_code, amount_minor = excluded.amount_minor, fee_minor = excluded.fee_minor,
	currency = excluded.currency, created_at = excluded.created_at, updated_at = excluded.updated_at;

-- Links within an order, as its objects stand now. An authorization's IdList is the proof; the same number with A for C
-- is a hint, taken only for an authorization that is known (protocol.md section 3.5). An IdList that names another order's
-- object links nothing: only the order of the message is derived anew, and the order of arrival must not matter.
-- name: link_captures
UPDATE capture SET authorization_id = found.authorization_id
FROM (SELECT c.capture_id, coalesce(
		(SELECT f.object_id FROM fact_id i JOIN fact f ON f.id = i.fact_id
			WHERE i.object_id = c.capture_id AND f.object_type = 'authorization' AND f.place IS NOT NULL
				AND f.order_reference_id = c.order_reference_id
			ORDER BY f.object_id LIMIT 1),
		(SELECT a.authorization_id FROM authorization a WHERE substr(c.capture_id, -7, 1) = 'C'
			AND a.authorization_id = substr(c.capture_id, 1, length(c.capture_id) - 7) || 'A' || substr(c.capture_id, -6))
	) AS authorization_id
	FROM capture c WHERE c.order_reference_id = :order_reference_id) AS found
WHERE capture.capture_id = found.capture_id AND capture.authorization_id IS NOT found.authorization_id;

-- A refund is tied to its capture by the capture's IdList, else only when the order has a single capture.
-- name: link_refunds
UPDATE refund SET capture_id = found.capture_id
FROM (SELECT r.refund_id, coalesce(
		(SELECT f.object_id FROM fact_id i JOIN fact f ON f.id = i.fact_id
			WHERE i.object_id = r.refund_id AND f.object_type = 'capture' AND f.place IS NOT NULL
				AND f.order_reference_id = r.order_reference_id
			ORDER BY f.object_id LIMIT 1),
		(SELECT CASE count(*) WHEN 1 THEN max(c.capture_id) END FROM capture c
			WHERE c.order_reference_id = r.order_reference_id)
	) AS capture_id
	FROM refund r WHERE r.order_reference_id = :order_reference_id) AS found
WHERE refund.refund_id = found.refund_id AND refund.capture_id IS NOT found.capture_id;

-- Amazon sends no capture notification after a refund (protocol.md section 4.3): the larger of the two figures.
-- name: sum_refunds
UPDATE capture SET refunded_minor = found.refunded_minor
FROM (SELECT c.capture_id, max(
		coalesce((SELECT max(p.done_minor) FROM fact p
			WHERE p.object_type = 'capture' AND p.object_id = c.capture_id AND p.place IS NOT NULL), 0),
		coalesce((SELECT sum(r.amount_minor) FROM refund r
			WHERE r.order_reference_id = c.order_reference_id AND r.capture_id = c.capture_id
			AND r.state = 'Completed' AND r.currency IS c.currency), 0)
	) AS refunded_minor
	FROM capture c WHERE c.order_reference_id = :order_reference_id) AS found
WHERE capture.capture_id = found.capture_id AND capture.refunded_minor IS NOT found.refunded_minor;

-- name: event_of_fact
INSERT INTO event (name, object_type, object_id, transition_id, account, environment, late, created_at, notification_id,
	lane, order_reference_id, seller_order_id, billing_agreement_id, previous_state, state, reason_code, amount_minor,
	currency, seller_id, updated_at)
SELECT f.object_type || '.' || lower(f.state), f.object_type, f.object_id, f.begins, f.account, f.environment, f.late,
	:created_at, :notification_id, coalesce(f.order_reference_id, f.object_id), f.order_reference_id,
	coalesce(f.seller_order_id, o.seller_order_id), o.billing_agreement_id, f.from_state, f.state, f.reason_code,
	f.amount_minor, f.currency, f.seller_id, f.at
FROM fact f LEFT JOIN order_reference o ON o.order_reference_id = f.order_reference_id
WHERE f.id = :fact_id;

-- A fact that the machine holds: the state it claims stands in the event, it is not the object's.
-- name: event_of_conflict
INSERT INTO event (name, object_type, object_id, account, environment, late, created_at, notification_id, lane,
	order_reference_id, seller_order_id, billing_agreement_id, previous_state, state, reason_code, amount_minor, currency,
	seller_id, updated_at)
SELECT 'notification.conflict', 'notification', n.message_id, f.account, f.environment, 0, :created_at, n.id,
	coalesce(f.order_reference_id, f.object_id), f.order_reference_id, coalesce(f.seller_order_id, o.seller_order_id),
	o.billing_agreement_id, :previous_state, f.state, f.reason_code, f.amount_minor, f.currency, f.seller_id, f.at
FROM fact f JOIN notification n ON n.id = f.notification_id
	LEFT JOIN order_reference o ON o.order_reference_id = f.order_reference_id
WHERE f.id = :fact_id;

-- name: event_of_notification
INSERT INTO event (name, object_type, object_id, account, environment, late, created_at, notification_id, lane,
	order_reference_id, seller_order_id, state, reason_code, amount_minor, currency, seller_id, updated_at)
VALUES (:name, 'notification', :message_id, :account, :environment, 0, :created_at, :notification_id, :lane,
	:order_reference_id, :seller_order_id, :state, :reason_code, :amount_minor, :currency, :seller_id, :updated_at);

-- name: hook_active
SELECT name FROM hook WHERE active = 1;

-- name: hook_register
INSERT INTO hook (name, registered_at, since_event, seen_event, active)
VALUES (:name, :now, (SELECT coalesce(max(id), 0) FROM event), (SELECT coalesce(max(id), 0) FROM event), 1)
ON CONFLICT (name) DO UPDATE SET registered_at = excluded.registered_at, since_event = excluded.since_event,
	seen_event = excluded.seen_event, active = 1
WHERE active = 0;

-- name: hook_deactivate
UPDATE hook SET active = 0 WHERE name = :name;

-- name: count_verdict
INSERT INTO verdict_count (verdict, count, last_at) VALUES (:verdict, :count, :last_at)
ON CONFLICT (verdict) DO UPDATE SET count = count + excluded.count, last_at = excluded.last_at;

-- name: count_topic
INSERT INTO refused_topic (topic_arn, count, first_at, last_at) VALUES (:topic_arn, :count, :last_at, :last_at)
ON CONFLICT (topic_arn) DO UPDATE SET count = count + excluded.count, last_at = excluded.last_at;

-- name: count_topic_bound
DELETE FROM refused_topic WHERE topic_arn NOT IN (SELECT topic_arn FROM refused_topic ORDER BY last_at DESC LIMIT 64);
