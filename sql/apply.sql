-- What ipnd writes when a notification arrives.

-- name: notification_known
SELECT id FROM notification WHERE message_id = :message_id;

-- name: notification_put
INSERT INTO notification (message_id, account, type, reference_id, seller_id, environment, is_sample, sent_at,
	received_at, verdict, why, object_type, object_id, raw)
VALUES (:message_id, :account, :type, :reference_id, :seller_id, :environment, :is_sample, :sent_at,
	:received_at, :verdict, :why, :object_type, :object_id, :raw);

-- Those that no version has understood yet, in their order.
-- name: notification_unrecognized
SELECT id, message_id, raw FROM notification
WHERE verdict = 'unrecognized' AND reprocessed_at IS NULL AND raw IS NOT NULL AND id > :after ORDER BY id LIMIT 1;

-- The verdict and its reason are those of the arrival.
-- name: notification_complete
UPDATE notification SET reprocessed_at = :now, type = coalesce(type, :type), reference_id = coalesce(reference_id, :reference_id),
	seller_id = coalesce(seller_id, :seller_id), environment = coalesce(environment, :environment),
	object_type = coalesce(object_type, :object_type), object_id = coalesce(object_id, :object_id)
WHERE id = :id AND verdict = 'unrecognized' AND reprocessed_at IS NULL
RETURNING id;

-- name: fact_of_object
SELECT id, state, at, decision, place, begins, from_state, skipped, announced, late
FROM fact WHERE object_type = :object_type AND object_id = :object_id;

-- Which notification gave a fact its attributes.
-- name: fact_source
SELECT n.sent_at, n.message_id FROM fact f JOIN notification n ON n.id = f.notification_id WHERE f.id = :id;

-- The id of the next new fact, known before it is stored, since its transition may go by it.
-- name: fact_next
SELECT coalesce(max(id), 0) + 1 AS id FROM fact;

-- Of several notifications with the same fact, the newest gives the attributes. A new one is stored with what the fold says of it
-- and its id; of one that is there both stay, and :id is NULL.
-- name: fact_put
INSERT INTO fact (id, place, begins, from_state, skipped, announced, late, object_type, object_id, state, at,
	notification_id, account, environment, seller_id, order_reference_id, reference_id, seller_order_id, reason_code, reason_description, amount_minor, done_minor, fee_minor,
	limit_minor, remaining_minor, currency, converted_minor, converted_currency, conversion_rate, refund_type,
	provider_seller_id, options, soft_decline, capture_now, consent, created_at, expires_at, period_start_at,
	period_end_at)
VALUES (:id, :place, :begins, :from_state, :skipped, :announced, :late,
	:object_type, :object_id, :state, :at, :notification_id, :account, :environment, :seller_id, :order_reference_id,
	:reference_id, :seller_order_id, :reason_code, :reason_description, :amount_minor,
	:done_minor, :fee_minor, :limit_minor, :remaining_minor, :currency, :converted_minor, :converted_currency,
	:conversion_rate, :refund_type, :provider_seller_id, :options, :soft_decline, :capture_now, :consent,
	:created_at, :expires_at, :period_start_at, :period_end_at)
ON CONFLICT (object_id, object_type, state, at,
	(CASE object_type WHEN 'chargeback' THEN notification_id WHEN 'solution_provider' THEN notification_id ELSE 0 END)) DO UPDATE SET
	notification_id = excluded.notification_id, account = excluded.account, environment = excluded.environment,
	seller_id = excluded.seller_id, reference_id = excluded.reference_id,
	seller_order_id = excluded.seller_order_id, reason_code = excluded.reason_code,
	reason_description = excluded.reason_description, amount_minor = excluded.amount_minor,
	done_minor = max(coalesce(excluded.done_minor, fact.done_minor), coalesce(fact.done_minor, excluded.done_minor)),
	fee_minor = excluded.fee_minor, limit_minor = excluded.limit_minor, remaining_minor = excluded.remaining_minor,
	currency = excluded.currency, converted_minor = excluded.converted_minor,
	converted_currency = excluded.converted_currency, conversion_rate = excluded.conversion_rate,
	refund_type = excluded.refund_type, provider_seller_id = excluded.provider_seller_id,
	options = excluded.options, soft_decline = excluded.soft_decline, capture_now = excluded.capture_now,
	consent = excluded.consent, created_at = excluded.created_at, expires_at = excluded.expires_at,
	period_start_at = excluded.period_start_at, period_end_at = excluded.period_end_at;

-- Amounts that have happened only grow, and a list of ids is united, whichever notification came last.
-- name: fact_done_grows
UPDATE fact SET done_minor = :done_minor WHERE id = :id AND (done_minor IS NULL OR done_minor < :done_minor);

-- name: fact_id_put
INSERT INTO fact_id (fact_id, object_id) VALUES (:fact_id, :object_id) ON CONFLICT DO NOTHING;

-- name: fact_fold
UPDATE fact SET place = :place, begins = :begins, from_state = :from_state, skipped = :skipped, announced = :announced,
	late = :late
WHERE id = :id;

-- name: fact_change_put
INSERT INTO fact_change (fact_id, name) VALUES (:fact_id, :name) ON CONFLICT DO NOTHING;

-- What is not told yet of facts that count.
-- name: fact_change_untold
SELECT c.name FROM fact_change c JOIN fact f ON f.id = c.fact_id
WHERE c.fact_id = :fact_id AND c.announced = 0 AND f.place IS NOT NULL ORDER BY c.name LIMIT 1;

-- name: fact_change_told
UPDATE fact_change SET announced = 1 WHERE fact_id = :fact_id AND name = :name;

-- name: fact_by_id
SELECT object_type, object_id, order_reference_id, state, notification_id, place, decision FROM fact WHERE id = :fact_id;

-- name: fact_decide
UPDATE fact SET decision = :decision, decided_at = :now, decided_by = :by WHERE id = :fact_id;

-- name: order_reference_put
INSERT INTO order_reference (order_reference_id, account, environment, state, reason_code, amount_minor, currency,
	seller_order_id, created_at, expires_at, updated_at)
SELECT object_id, account, environment, state, reason_code, amount_minor, currency, seller_order_id, created_at, expires_at, at
FROM fact WHERE id = :fact_id
ON CONFLICT (order_reference_id) DO UPDATE SET account = excluded.account, environment = excluded.environment,
	state = excluded.state, reason_code = excluded.reason_code, amount_minor = excluded.amount_minor,
	currency = excluded.currency, seller_order_id = excluded.seller_order_id, created_at = excluded.created_at,
	expires_at = excluded.expires_at, updated_at = excluded.updated_at;

-- When it ends: see schema 2.
-- name: authorization_put
INSERT INTO authorization (authorization_id, order_reference_id, account, environment, reference_id, state, reason_code,
	amount_minor, captured_minor, fee_minor, currency, soft_decline, capture_now, created_at, expires_at, deadline_at,
	updated_at)
SELECT object_id, order_reference_id, account, environment, reference_id, state, reason_code, amount_minor,
	(SELECT max(p.done_minor) FROM fact p
		WHERE p.object_type = f.object_type AND p.object_id = f.object_id AND p.place IS NOT NULL
			AND p.currency IS f.currency),
	fee_minor, currency, soft_decline, capture_now, created_at, expires_at,
	min(coalesce(made.ends_at, expires_at), coalesce(expires_at, made.ends_at)), at
FROM fact f, (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', created_at,
		CASE environment WHEN 'sandbox' THEN '+2 days' ELSE '+30 days' END) AS ends_at
	FROM fact WHERE id = :fact_id) AS made
WHERE id = :fact_id
ON CONFLICT (authorization_id) DO UPDATE SET account = excluded.account, environment = excluded.environment,
	reference_id = excluded.reference_id, state = excluded.state, reason_code = excluded.reason_code,
	amount_minor = excluded.amount_minor, captured_minor = excluded.captured_minor, fee_minor = excluded.fee_minor,
	currency = excluded.currency, soft_decline = excluded.soft_decline, capture_now = excluded.capture_now,
	created_at = excluded.created_at, expires_at = excluded.expires_at, deadline_at = excluded.deadline_at,
	updated_at = excluded.updated_at;

-- name: capture_put
INSERT INTO capture (capture_id, order_reference_id, account, environment, reference_id, state, reason_code,
	amount_minor, refunded_minor, fee_minor, currency, converted_minor, converted_currency, conversion_rate, created_at,
	updated_at)
SELECT object_id, order_reference_id, account, environment, reference_id, state, reason_code, amount_minor,
	(SELECT max(p.done_minor) FROM fact p
		WHERE p.object_type = f.object_type AND p.object_id = f.object_id AND p.place IS NOT NULL
			AND p.currency IS f.currency),
	fee_minor, currency, converted_minor, converted_currency, conversion_rate, created_at, at
FROM fact f WHERE id = :fact_id
ON CONFLICT (capture_id) DO UPDATE SET account = excluded.account, environment = excluded.environment,
	reference_id = excluded.reference_id, state = excluded.state, reason_code = excluded.reason_code,
	amount_minor = excluded.amount_minor, refunded_minor = excluded.refunded_minor, fee_minor = excluded.fee_minor,
	currency = excluded.currency, converted_minor = excluded.converted_minor,
	converted_currency = excluded.converted_currency, conversion_rate = excluded.conversion_rate,
	created_at = excluded.created_at, updated_at = excluded.updated_at;

-- name: refund_put
INSERT INTO refund (refund_id, order_reference_id, account, environment, reference_id, refund_type, state, reason_code,
	amount_minor, fee_minor, currency, converted_minor, converted_currency, conversion_rate, created_at, updated_at)
SELECT object_id, order_reference_id, account, environment, reference_id, refund_type, state, reason_code, amount_minor,
	fee_minor, currency, converted_minor, converted_currency, conversion_rate, created_at, at
FROM fact WHERE id = :fact_id
ON CONFLICT (refund_id) DO UPDATE SET account = excluded.account, environment = excluded.environment,
	reference_id = excluded.reference_id, refund_type = excluded.refund_type, state = excluded.state,
	reason_code = excluded.reason_code, amount_minor = excluded.amount_minor, fee_minor = excluded.fee_minor,
	currency = excluded.currency, converted_minor = excluded.converted_minor,
	converted_currency = excluded.converted_currency, conversion_rate = excluded.conversion_rate,
	created_at = excluded.created_at, updated_at = excluded.updated_at;

-- name: billing_agreement_put
INSERT INTO billing_agreement (billing_agreement_id, account, environment, seller_billing_agreement_id, state, reason_code,
	limit_minor, remaining_minor, currency, period_start_at, period_end_at, consent, created_at, updated_at)
SELECT object_id, account, environment, reference_id, state, reason_code, limit_minor, remaining_minor, currency,
	period_start_at, period_end_at, consent, created_at, at
FROM fact WHERE id = :fact_id
ON CONFLICT (billing_agreement_id) DO UPDATE SET account = excluded.account, environment = excluded.environment,
	seller_billing_agreement_id = excluded.seller_billing_agreement_id, state = excluded.state,
	reason_code = excluded.reason_code, limit_minor = excluded.limit_minor, remaining_minor = excluded.remaining_minor,
	currency = excluded.currency, period_start_at = excluded.period_start_at, period_end_at = excluded.period_end_at,
	consent = excluded.consent, created_at = excluded.created_at, updated_at = excluded.updated_at;

-- name: chargeback_put
INSERT INTO chargeback (notification_id, chargeback_id, order_reference_id, capture_reference_id, account, environment, state,
	reason, amount_minor, currency, created_at)
SELECT notification_id, object_id, order_reference_id, reference_id, account, environment, state, reason_code, amount_minor,
	currency, created_at
FROM fact WHERE id = :fact_id;

-- name: provider_credit_put
INSERT INTO provider_credit (provider_credit_id, order_reference_id, account, environment, seller_id, provider_seller_id,
	reference_id, state, reason_code, amount_minor, reversed_minor, currency, created_at, updated_at)
SELECT object_id, order_reference_id, account, environment, seller_id, provider_seller_id, reference_id, state, reason_code,
	amount_minor,
	(SELECT max(p.done_minor) FROM fact p
		WHERE p.object_type = f.object_type AND p.object_id = f.object_id AND p.place IS NOT NULL
			AND p.currency IS f.currency),
	currency, created_at, at
FROM fact f WHERE id = :fact_id
ON CONFLICT (provider_credit_id) DO UPDATE SET account = excluded.account, environment = excluded.environment,
	seller_id = excluded.seller_id, provider_seller_id = excluded.provider_seller_id, reference_id = excluded.reference_id,
	state = excluded.state, reason_code = excluded.reason_code, amount_minor = excluded.amount_minor,
	reversed_minor = excluded.reversed_minor, currency = excluded.currency, created_at = excluded.created_at,
	updated_at = excluded.updated_at;

-- name: provider_credit_reversal_put
INSERT INTO provider_credit_reversal (provider_credit_reversal_id, order_reference_id, account, environment, seller_id,
	provider_seller_id, reference_id, state, reason_code, amount_minor, currency, created_at, updated_at)
SELECT object_id, order_reference_id, account, environment, seller_id, provider_seller_id, reference_id, state, reason_code,
	amount_minor, currency, created_at, at
FROM fact WHERE id = :fact_id
ON CONFLICT (provider_credit_reversal_id) DO UPDATE SET account = excluded.account, environment = excluded.environment,
	seller_id = excluded.seller_id, provider_seller_id = excluded.provider_seller_id, reference_id = excluded.reference_id,
	state = excluded.state, reason_code = excluded.reason_code, amount_minor = excluded.amount_minor,
	currency = excluded.currency, created_at = excluded.created_at, updated_at = excluded.updated_at;

-- name: solution_provider_put
INSERT INTO solution_provider (notification_id, account, environment, seller_id, state, options)
SELECT notification_id, account, environment, object_id, state, options FROM fact WHERE id = :fact_id;

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
			WHERE c.order_reference_id = :order_reference_id)
	) AS capture_id
	FROM refund r WHERE r.order_reference_id = :order_reference_id) AS found
WHERE refund.refund_id = found.refund_id AND refund.capture_id IS NOT found.capture_id;

-- name: link_provider_credits
UPDATE provider_credit SET capture_id = found.capture_id
FROM (SELECT p.provider_credit_id,
		(SELECT f.object_id FROM fact_id i JOIN fact f ON f.id = i.fact_id
			WHERE i.object_id = p.provider_credit_id AND f.object_type = 'capture' AND f.place IS NOT NULL
				AND f.order_reference_id = p.order_reference_id
			ORDER BY f.object_id LIMIT 1) AS capture_id
	FROM provider_credit p WHERE p.order_reference_id = :order_reference_id) AS found
WHERE provider_credit.provider_credit_id = found.provider_credit_id AND provider_credit.capture_id IS NOT found.capture_id;

-- name: link_provider_credit_reversals
UPDATE provider_credit_reversal SET provider_credit_id = found.provider_credit_id, refund_id = found.refund_id
FROM (SELECT p.provider_credit_reversal_id,
		(SELECT f.object_id FROM fact_id i JOIN fact f ON f.id = i.fact_id
			WHERE i.object_id = p.provider_credit_reversal_id AND f.object_type = 'provider_credit'
				AND f.place IS NOT NULL AND f.order_reference_id = p.order_reference_id
			ORDER BY f.object_id LIMIT 1) AS provider_credit_id,
		(SELECT f.object_id FROM fact_id i JOIN fact f ON f.id = i.fact_id
			WHERE i.object_id = p.provider_credit_reversal_id AND f.object_type = 'refund'
				AND f.place IS NOT NULL AND f.order_reference_id = p.order_reference_id
			ORDER BY f.object_id LIMIT 1) AS refund_id
	FROM provider_credit_reversal p WHERE p.order_reference_id = :order_reference_id) AS found
WHERE provider_credit_reversal.provider_credit_reversal_id = found.provider_credit_reversal_id
	AND (provider_credit_reversal.provider_credit_id, provider_credit_reversal.refund_id)
		IS NOT (found.provider_credit_id, found.refund_id);

-- Amazon sends no capture notification after a refund (protocol.md section 4.3): the larger of the two figures.
-- name: sum_refunds
UPDATE capture SET refunded_minor = found.refunded_minor
FROM (SELECT c.capture_id, max(
		coalesce((SELECT max(p.done_minor) FROM fact p
			WHERE p.object_type = 'capture' AND p.object_id = c.capture_id AND p.place IS NOT NULL
				AND p.currency IS c.currency), 0),
		coalesce((SELECT sum(r.amount_minor) FROM refund r
			WHERE r.order_reference_id = c.order_reference_id AND r.capture_id = c.capture_id
			AND r.state = 'Completed' AND r.currency IS c.currency), 0)
	) AS refunded_minor
	FROM capture c WHERE c.order_reference_id = :order_reference_id) AS found
WHERE capture.capture_id = found.capture_id AND capture.refunded_minor IS NOT found.refunded_minor;

-- Of a transition, or of what else the fact tells (then without :transition_id and :previous_state).
-- name: event_of_fact
INSERT INTO event (name, object_type, object_id, transition_id, account, environment, late, created_at, notification_id,
	lane, order_reference_id, seller_order_id, billing_agreement_id, previous_state, state, reason_code, amount_minor,
	currency, seller_id, updated_at)
SELECT f.object_type || '.' || :name, f.object_type, f.object_id, :transition_id, f.account, f.environment, :late,
	:created_at, :notification_id, coalesce(f.order_reference_id, f.object_id), f.order_reference_id,
	coalesce(f.seller_order_id, o.seller_order_id),
	CASE f.object_type WHEN 'billing_agreement' THEN f.object_id ELSE o.billing_agreement_id END, :previous_state, f.state,
	f.reason_code, f.amount_minor, f.currency, f.seller_id, f.at
FROM fact f LEFT JOIN order_reference o ON o.order_reference_id = f.order_reference_id
WHERE f.id = :fact_id;

-- A fact that the machine holds: the state it claims stands in the event, it is not the object's.
-- name: event_of_conflict
INSERT INTO event (name, object_type, object_id, account, environment, late, created_at, notification_id, lane,
	order_reference_id, seller_order_id, billing_agreement_id, previous_state, state, reason_code, amount_minor, currency,
	seller_id, updated_at)
SELECT 'notification.conflict', 'notification', n.message_id, f.account, f.environment, 0, :created_at, n.id,
	coalesce(f.order_reference_id, f.object_id), f.order_reference_id, coalesce(f.seller_order_id, o.seller_order_id),
	CASE f.object_type WHEN 'billing_agreement' THEN f.object_id ELSE o.billing_agreement_id END, :previous_state, f.state,
	f.reason_code, f.amount_minor, f.currency, f.seller_id, f.at
FROM fact f JOIN notification n ON n.id = f.notification_id
	LEFT JOIN order_reference o ON o.order_reference_id = f.order_reference_id
WHERE f.id = :fact_id;

-- name: event_of_notification
INSERT INTO event (name, object_type, object_id, account, environment, late, created_at, notification_id, lane,
	order_reference_id, seller_order_id, state, reason_code, amount_minor, currency, seller_id, updated_at)
VALUES (:name, 'notification', :message_id, :account, :environment, 0, :created_at, :notification_id, :lane,
	:order_reference_id, :seller_order_id, :state, :reason_code, :amount_minor, :currency, :seller_id, :updated_at);

-- Open, and soon to end by Amazon's limits; never when that is over. Each is told once.
-- name: deadline_next
SELECT * FROM (SELECT 'authorization' AS object_type, authorization_id AS object_id, deadline_at AS at FROM authorization
	WHERE state = 'Open' AND deadline_event IS NULL AND deadline_at > :now AND deadline_at <= :authorization_until
	ORDER BY deadline_at LIMIT 1)
UNION ALL
SELECT * FROM (SELECT 'order_reference', order_reference_id, expires_at FROM order_reference
	WHERE state IN ('Open', 'Suspended') AND deadline_event IS NULL AND expires_at > :now
		AND expires_at <= :order_reference_until
	ORDER BY expires_at LIMIT 1)
ORDER BY at LIMIT 1;

-- As the object stands, by its newest fact.
-- name: event_of_deadline
INSERT INTO event (name, object_type, object_id, account, environment, late, created_at, notification_id, lane,
	order_reference_id, seller_order_id, billing_agreement_id, state, reason_code, amount_minor, currency, seller_id,
	updated_at)
SELECT 'deadline.' || f.object_type, f.object_type, f.object_id, f.account, f.environment, 0, :now, f.notification_id,
	coalesce(f.order_reference_id, f.object_id), f.order_reference_id, coalesce(f.seller_order_id, o.seller_order_id),
	o.billing_agreement_id, f.state, f.reason_code, f.amount_minor, f.currency, f.seller_id, f.at
FROM fact f LEFT JOIN order_reference o ON o.order_reference_id = f.order_reference_id
WHERE f.object_type = :object_type AND f.object_id = :object_id AND f.place IS NOT NULL
ORDER BY f.place DESC LIMIT 1
RETURNING id;

-- name: deadline_told_authorization
UPDATE authorization SET deadline_event = :event_id WHERE authorization_id = :object_id;

-- name: deadline_told_order_reference
UPDATE order_reference SET deadline_event = :event_id WHERE order_reference_id = :object_id;

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

-- name: count_note
INSERT INTO note_count (note, count, last_at) VALUES (:note, :count, :last_at)
ON CONFLICT (note) DO UPDATE SET count = count + excluded.count, last_at = excluded.last_at;

-- name: count_topic
INSERT INTO refused_topic (topic_arn, count, first_at, last_at) VALUES (:topic_arn, :count, :last_at, :last_at)
ON CONFLICT (topic_arn) DO UPDATE SET count = count + excluded.count, last_at = excluded.last_at;

-- name: count_topic_bound
DELETE FROM refused_topic WHERE topic_arn NOT IN (SELECT topic_arn FROM refused_topic ORDER BY last_at DESC LIMIT 64);
