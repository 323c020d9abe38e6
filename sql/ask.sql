-- What ipnctl asks. These only read.

-- Lists: newest first. An absent bound is open; `:limit` -1 is all. What fits is found in the index of the time, which has the state
-- and the account in it; only that is looked up.
-- name: ask_orders
SELECT * FROM order_reference
WHERE order_reference_id IN (SELECT order_reference_id FROM order_reference
	WHERE updated_at >= coalesce(:since, '') AND updated_at < coalesce(:until, 'Z')
		AND (:state IS NULL OR state = :state) AND (:account IS NULL OR account = :account)
	ORDER BY updated_at DESC, order_reference_id DESC LIMIT :limit)
ORDER BY updated_at DESC, order_reference_id DESC;

-- name: ask_authorizations
SELECT * FROM authorization
WHERE authorization_id IN (SELECT authorization_id FROM authorization
	WHERE updated_at >= coalesce(:since, '') AND updated_at < coalesce(:until, 'Z')
		AND (:state IS NULL OR state = :state) AND (:account IS NULL OR account = :account)
	ORDER BY updated_at DESC, authorization_id DESC LIMIT :limit)
ORDER BY updated_at DESC, authorization_id DESC;

-- name: ask_captures
SELECT * FROM capture
WHERE capture_id IN (SELECT capture_id FROM capture
	WHERE updated_at >= coalesce(:since, '') AND updated_at < coalesce(:until, 'Z')
		AND (:state IS NULL OR state = :state) AND (:account IS NULL OR account = :account)
	ORDER BY updated_at DESC, capture_id DESC LIMIT :limit)
ORDER BY updated_at DESC, capture_id DESC;

-- name: ask_refunds
SELECT * FROM refund
WHERE refund_id IN (SELECT refund_id FROM refund
	WHERE updated_at >= coalesce(:since, '') AND updated_at < coalesce(:until, 'Z')
		AND (:state IS NULL OR state = :state) AND (:account IS NULL OR account = :account)
	ORDER BY updated_at DESC, refund_id DESC LIMIT :limit)
ORDER BY updated_at DESC, refund_id DESC;

-- name: ask_agreements
SELECT * FROM billing_agreement
WHERE updated_at >= coalesce(:since, '') AND updated_at < coalesce(:until, 'Z')
	AND (:state IS NULL OR state = :state) AND (:account IS NULL OR account = :account)
ORDER BY updated_at DESC, billing_agreement_id DESC LIMIT :limit;

-- A chargeback has no other time.
-- name: ask_chargebacks
SELECT * FROM chargeback
WHERE created_at >= coalesce(:since, '') AND created_at < coalesce(:until, 'Z')
	AND (:state IS NULL OR state = :state) AND (:account IS NULL OR account = :account)
ORDER BY created_at DESC, notification_id DESC LIMIT :limit;

-- name: ask_credits
SELECT * FROM provider_credit
WHERE updated_at >= coalesce(:since, '') AND updated_at < coalesce(:until, 'Z')
	AND (:state IS NULL OR state = :state) AND (:account IS NULL OR account = :account)
ORDER BY updated_at DESC, provider_credit_id DESC LIMIT :limit;

-- name: ask_reversals
SELECT * FROM provider_credit_reversal
WHERE updated_at >= coalesce(:since, '') AND updated_at < coalesce(:until, 'Z')
	AND (:state IS NULL OR state = :state) AND (:account IS NULL OR account = :account)
ORDER BY updated_at DESC, provider_credit_reversal_id DESC LIMIT :limit;

-- name: ask_notifications
SELECT id, message_id, account, type, reference_id, seller_id, environment, is_sample, sent_at, received_at, verdict, why,
	object_type, object_id, reprocessed_at
FROM notification
WHERE received_at >= coalesce(:since, '') AND received_at < coalesce(:until, 'Z')
	AND (:state IS NULL OR verdict = :state) AND (:account IS NULL OR account = :account)
ORDER BY received_at DESC, id DESC LIMIT :limit;

-- name: ask_events
SELECT * FROM event
WHERE created_at >= coalesce(:since, '') AND created_at < coalesce(:until, 'Z')
	AND (:state IS NULL OR state = :state COLLATE NOCASE OR name = :state COLLATE NOCASE)
	AND (:account IS NULL OR account = :account)
ORDER BY created_at DESC, id DESC LIMIT :limit;

-- One thing by whatever a person has of it.
-- name: ask_order
SELECT * FROM order_reference WHERE order_reference_id = :id OR seller_order_id = :id ORDER BY created_at, order_reference_id;

-- name: ask_authorization
SELECT * FROM authorization WHERE authorization_id = :id;

-- name: ask_capture
SELECT * FROM capture WHERE capture_id = :id;

-- name: ask_refund
SELECT * FROM refund WHERE refund_id = :id;

-- name: ask_agreement
SELECT * FROM billing_agreement WHERE billing_agreement_id = :id OR seller_billing_agreement_id = :id
ORDER BY created_at, billing_agreement_id;

-- name: ask_chargeback
SELECT * FROM chargeback WHERE chargeback_id = :id ORDER BY notification_id;

-- name: ask_credit
SELECT * FROM provider_credit WHERE provider_credit_id = :id;

-- name: ask_reversal
SELECT * FROM provider_credit_reversal WHERE provider_credit_reversal_id = :id;

-- Of a chargeback also the order, which its own id does not tell.
-- name: ask_notification
SELECT n.*, c.order_reference_id FROM notification n LEFT JOIN chargeback c ON c.notification_id = n.id
WHERE n.message_id = :id;

-- The parts to which the merchant gave this reference. All are looked at.
-- name: ask_reference
SELECT DISTINCT object_type, object_id FROM order_part WHERE reference_id = :id ORDER BY object_type, object_id;

-- name: ask_event
SELECT * FROM event WHERE id = :number;

-- name: ask_event_attempts
SELECT * FROM hook_attempt_before WHERE event_id = :number ORDER BY hook, attempt;

-- Runs in one state, of one hook or of all, those of the latest events first: of each hook no more than could be shown.
-- name: ask_runs
SELECT r.*, e.name AS event, e.object_id
FROM hook h CROSS JOIN hook_run r JOIN event e ON e.id = r.event_id
WHERE (:hook IS NULL OR h.name = :hook) AND r.hook = h.name AND r.state = :state
	AND r.event_id >= coalesce((SELECT l.event_id FROM hook_run l WHERE l.hook = h.name AND l.state = :state
		ORDER BY l.event_id DESC LIMIT 1 OFFSET :limit - 1), 0)
ORDER BY r.event_id DESC, r.hook LIMIT :limit;

-- name: ask_dead
SELECT hook, count(*) AS runs FROM hook_run
WHERE state = 'dead' AND (:hook IS NULL OR hook = :hook) AND (:number IS NULL OR event_id = :number)
	AND hook IN (SELECT name FROM hook WHERE active = 1)
GROUP BY hook ORDER BY hook;

-- name: ask_event_runs
SELECT * FROM hook_run WHERE event_id = :number ORDER BY hook;

-- The story of an order. `:lane` is the order reference; for what belongs to none, the object or the MessageId. The ids of an
-- order's objects are its own with a dash and more behind it; '.' comes right after '-'.
-- name: ask_story_authorizations
SELECT * FROM authorization WHERE order_reference_id = :lane OR authorization_id = :lane
ORDER BY coalesce(created_at, updated_at), authorization_id;

-- name: ask_story_captures
SELECT * FROM capture WHERE order_reference_id = :lane OR capture_id = :lane
ORDER BY coalesce(created_at, updated_at), capture_id;

-- name: ask_story_refunds
SELECT * FROM refund WHERE order_reference_id = :lane OR refund_id = :lane
ORDER BY coalesce(created_at, updated_at), refund_id;

-- name: ask_story_chargebacks
SELECT * FROM chargeback WHERE order_reference_id = :lane OR chargeback_id = :lane ORDER BY notification_id;

-- name: ask_story_credits
SELECT * FROM provider_credit WHERE order_reference_id = :lane OR provider_credit_id = :lane
ORDER BY coalesce(created_at, updated_at), provider_credit_id;

-- name: ask_story_reversals
SELECT * FROM provider_credit_reversal WHERE order_reference_id = :lane OR provider_credit_reversal_id = :lane
ORDER BY coalesce(created_at, updated_at), provider_credit_reversal_id;

-- Orders of an agreement, where somebody told which they are: Amazon's notifications do not.
-- name: ask_story_orders
SELECT * FROM order_reference WHERE billing_agreement_id = :lane ORDER BY created_at, order_reference_id;

-- A chargeback's own id tells nothing of the order.
-- name: ask_story_notifications
SELECT id, message_id, account, type, reference_id, seller_id, environment, is_sample, sent_at, received_at, verdict, why,
	object_type, object_id, reprocessed_at
FROM notification
WHERE object_id = :lane OR (object_id > :lane || '-' AND object_id < :lane || '.') OR message_id = :lane
	OR id IN (SELECT notification_id FROM chargeback WHERE order_reference_id = :lane)
ORDER BY sent_at, id;

-- name: ask_story_transitions
SELECT begins AS id, object_type, object_id, from_state, state AS to_state, reason_code, reason_description, at, late,
	notification_id, account, environment, skipped, capture_now, decision IS 'accepted' AS accepted
FROM fact
WHERE (object_id = :lane OR (order_reference_id = :lane AND object_id > :lane || '-' AND object_id < :lane || '.')
		OR (order_reference_id = :lane AND object_id IN (SELECT chargeback_id FROM chargeback WHERE order_reference_id = :lane)))
	AND begins IS NOT NULL
ORDER BY at, id;

-- Held facts that nobody has dismissed.
-- name: ask_story_conflicts
SELECT f.id, f.object_type, f.object_id, f.state, f.at, f.reason_code, f.notification_id, n.message_id
FROM fact f JOIN notification n ON n.id = f.notification_id
WHERE (f.object_id = :lane OR (f.order_reference_id = :lane AND f.object_id > :lane || '-' AND f.object_id < :lane || '.')
		OR (f.order_reference_id = :lane AND f.object_id IN (SELECT chargeback_id FROM chargeback WHERE order_reference_id = :lane)))
	AND f.place IS NULL AND f.decision IS NULL
ORDER BY f.at, f.id;

-- What people decided about held facts.
-- name: ask_story_decisions
SELECT f.id, f.object_type, f.object_id, f.state, f.at AS since, f.decision, f.decided_at, f.decided_by, f.notification_id,
	f.account, f.environment
FROM fact f
WHERE (f.object_id = :lane OR (f.order_reference_id = :lane AND f.object_id > :lane || '-' AND f.object_id < :lane || '.')
		OR (f.order_reference_id = :lane AND f.object_id IN (SELECT chargeback_id FROM chargeback WHERE order_reference_id = :lane)))
	AND f.decision IS NOT NULL
ORDER BY f.decided_at, f.id;

-- Each event was made known by a notification.
-- name: ask_story_events
SELECT e.*
FROM notification n CROSS JOIN event e ON e.notification_id = n.id
WHERE (n.object_id = :lane OR (n.object_id > :lane || '-' AND n.object_id < :lane || '.') OR n.message_id = :lane
		OR n.id IN (SELECT notification_id FROM chargeback WHERE order_reference_id = :lane))
	AND e.lane = :lane
ORDER BY e.id;

-- name: ask_story_runs
SELECT r.*
FROM notification n CROSS JOIN event e ON e.notification_id = n.id CROSS JOIN hook_run r ON r.event_id = e.id
WHERE (n.object_id = :lane OR (n.object_id > :lane || '-' AND n.object_id < :lane || '.') OR n.message_id = :lane
		OR n.id IN (SELECT notification_id FROM chargeback WHERE order_reference_id = :lane))
	AND e.lane = :lane
ORDER BY r.event_id, r.hook;

-- Up to which event every hook has been given its work.
-- name: ask_seen
SELECT min(seen_event) AS seen_event FROM hook WHERE active = 1;

-- Status.
-- name: ask_last_notification
SELECT id, message_id, account, type, verdict, object_type, object_id, sent_at, received_at
FROM notification WHERE id = (SELECT max(id) FROM notification WHERE received_at = (SELECT max(received_at) FROM notification));

-- Of each account, among the latest notifications.
-- name: ask_last_of_accounts
SELECT account, max(received_at) AS received_at, count(*) AS notifications
FROM (SELECT account, received_at FROM notification ORDER BY received_at DESC LIMIT 20000)
GROUP BY account;

-- The latest body that is kept, among the latest notifications.
-- name: ask_last_raw
SELECT raw FROM (SELECT id, raw, received_at FROM notification ORDER BY received_at DESC, id DESC LIMIT 100)
WHERE raw IS NOT NULL ORDER BY received_at DESC, id DESC LIMIT 1;

-- name: ask_verdicts
SELECT * FROM verdict_count ORDER BY last_at DESC, verdict;

-- name: ask_notes
SELECT * FROM note_count ORDER BY note;

-- name: ask_refused_topics
SELECT * FROM refused_topic ORDER BY last_at DESC, topic_arn;

-- Held now: a conflict that a later fact has explained is none any more.
-- name: ask_held
SELECT (SELECT count(*) FROM fact WHERE place IS NULL AND decision IS NULL) AS conflicts,
	(SELECT count(*) FROM notification WHERE verdict = 'unrecognized' AND reprocessed_at IS NULL) AS unrecognized,
	(SELECT count(*) FROM notification INDEXED BY notification_foreign WHERE verdict = 'foreign') AS "foreign";

-- All counts are of an index. Events that are not seen yet are counted as far as a person would; ids have gaps (a restored database
-- leaves one), so that beyond it is an upper limit.
-- name: ask_hooks
SELECT h.name, h.active, h.seen_event, h.deaths, h.paused_at, h.paused_why, h.probe_at,
	(SELECT count(*) FROM hook_run r WHERE r.hook = h.name AND r.state = 'pending') AS pending,
	(SELECT count(*) FROM hook_run r WHERE r.hook = h.name AND r.state = 'running') AS running,
	(SELECT count(*) FROM hook_run r WHERE r.hook = h.name AND r.state = 'dead') AS dead,
	CASE WHEN h.active = 0 THEN 0
		WHEN (SELECT max(id) FROM event) - h.seen_event > 10000 THEN (SELECT max(id) FROM event) - h.seen_event
		ELSE (SELECT count(*) FROM event e WHERE e.id > h.seen_event) END AS unseen,
	(SELECT created_at FROM event WHERE id = (SELECT min(o.event_id) FROM (
		SELECT min(r.event_id) AS event_id FROM hook_run r WHERE r.hook = h.name AND r.state = 'pending'
		UNION ALL SELECT min(r.event_id) FROM hook_run r WHERE r.hook = h.name AND r.state = 'running') AS o)) AS oldest_pending_at
FROM hook h ORDER BY h.name;

-- What is open and ends before :until, the first first; also what has ended, without Amazon having said so.
-- name: ask_deadlines
SELECT object_type, object_id, at, state, amount_minor, captured_minor, currency, order_reference_id, account, environment, deadline_event
FROM due
WHERE at < :until AND (:account IS NULL OR account = :account)
ORDER BY at, object_id LIMIT :limit;

-- In the order of their making, from the one behind :after.
-- name: ask_events_after
SELECT * FROM event WHERE id > :after AND (:account IS NULL OR account = :account) AND (:name IS NULL OR name GLOB :name)
ORDER BY id LIMIT :limit;

-- The last ones, in the same order.
-- name: ask_events_last
SELECT * FROM (SELECT * FROM event ORDER BY id DESC LIMIT :limit) ORDER BY id;

-- The last ones that fit, found in the index of the time.
-- name: ask_events_last_of
SELECT * FROM event
WHERE id IN (SELECT id FROM event WHERE (:account IS NULL OR account = :account) AND (:name IS NULL OR name GLOB :name)
	ORDER BY created_at DESC, id DESC LIMIT :limit)
ORDER BY id;

-- name: ask_newest_event
SELECT id, created_at FROM event WHERE created_at <= coalesce(:until, 'Z') ORDER BY created_at DESC, id DESC LIMIT 1;
