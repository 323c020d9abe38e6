-- What ipn-hookd reads and writes: events become hook_run rows, and these are run.

-- Another number whenever another connection has committed.
-- name: queue_data_version
PRAGMA data_version;

-- name: queue_hooks
SELECT name, seen_event FROM hook WHERE active = 1 ORDER BY name;

-- name: queue_newest
SELECT coalesce(max(id), 0) AS id FROM event;

-- name: queue_events
SELECT * FROM event WHERE id > :after ORDER BY id LIMIT :limit;

-- name: queue_event
SELECT * FROM event WHERE id = :id;

-- A row that is there already was made by a person's replay: it stays.
-- name: queue_put
INSERT INTO hook_run (event_id, hook, account, environment, lane, state, next_attempt_at, detail, updated_at)
SELECT id, :hook, account, environment, lane, :state, :next_attempt_at, :detail, :now FROM event WHERE id = :event_id
ON CONFLICT DO NOTHING;

-- name: queue_seen
UPDATE hook SET seen_event = :event_id WHERE name = :hook AND seen_event < :event_id;

-- In the order of hook_run_due, which holds the key as well: nothing is sorted, however long the queue.
-- name: queue_due
SELECT r.event_id, r.hook, r.lane, r.attempts
FROM hook_run r CROSS JOIN hook h ON h.name = r.hook AND h.active = 1
WHERE r.state = 'pending' AND r.next_attempt_at <= :now
	AND NOT EXISTS (SELECT 1 FROM hook_run e WHERE e.hook = r.hook AND e.lane = r.lane AND e.event_id < r.event_id
		AND e.state IN ('pending', 'running'))
ORDER BY r.next_attempt_at, r.event_id, r.hook;

-- name: queue_next_due
SELECT min(next_attempt_at) AS at FROM hook_run WHERE state = 'pending' AND next_attempt_at > :now;

-- name: queue_start
UPDATE hook_run SET state = 'running', attempts = attempts + 1, next_attempt_at = NULL, updated_at = :now
WHERE event_id = :event_id AND hook = :hook AND state = 'pending'
RETURNING attempts;

-- name: queue_end
UPDATE hook_run SET state = :state, next_attempt_at = :next_attempt_at, exit_status = :exit_status, detail = :detail,
	output = :output, updated_at = :now
WHERE event_id = :event_id AND hook = :hook AND state = 'running' AND attempts = :attempts
RETURNING attempts;

-- A run that died is an event of its own, with the facts of the one it was for; but about the death of a hook that was
-- told of a death nobody is told, or two broken hooks would go on for ever.
-- name: queue_dead_event
INSERT INTO event (name, object_type, object_id, account, environment, late, created_at, notification_id, lane,
	order_reference_id, seller_order_id, billing_agreement_id, previous_state, state, reason_code, amount_minor, currency,
	seller_id, updated_at)
SELECT 'hook.dead', object_type, object_id, account, environment, late, :now, notification_id, lane, order_reference_id,
	seller_order_id, billing_agreement_id, previous_state, state, reason_code, amount_minor, currency, seller_id, updated_at
FROM event WHERE id = :event_id AND name <> 'hook.dead'
RETURNING id;

-- The first term is there for the index hook_run_open.
-- name: queue_running
SELECT event_id, hook, lane, attempts FROM hook_run
WHERE state IN ('pending', 'running') AND state = 'running';

-- name: queue_again
UPDATE hook_run SET state = 'pending', next_attempt_at = :now, detail = :detail, updated_at = :now
WHERE event_id = :event_id AND hook = :hook AND state = 'running';

-- name: queue_object_order_reference
SELECT * FROM order_reference WHERE order_reference_id = :object_id;

-- name: queue_object_authorization
SELECT * FROM authorization WHERE authorization_id = :object_id;

-- name: queue_object_capture
SELECT * FROM capture WHERE capture_id = :object_id;

-- name: queue_object_refund
SELECT * FROM refund WHERE refund_id = :object_id;
