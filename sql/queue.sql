-- What ipn-hookd reads and writes: events become hook_run rows, and these are run.

-- Another number whenever another connection has committed.
-- name: queue_data_version
PRAGMA data_version;

-- name: queue_hooks
SELECT name, seen_event, deaths, paused_at, probe_at FROM hook WHERE active = 1 ORDER BY name;

-- name: queue_newest
SELECT coalesce(max(id), 0) AS id FROM event;

-- name: queue_events
SELECT * FROM event WHERE id > :after ORDER BY id LIMIT :limit;

-- name: queue_event
SELECT * FROM event WHERE id = :id;

-- A row that is there already was made by a person's replay: it stays. Behind an open run of its lane it waits for that, not
-- for a time.
-- name: queue_put
INSERT INTO hook_run (event_id, hook, account, environment, lane, state, next_attempt_at, detail, updated_at)
SELECT id, :hook, account, environment, lane, :state,
	CASE WHEN NOT EXISTS (SELECT 1 FROM hook_run e WHERE e.hook = :hook AND e.lane = event.lane AND e.event_id < event.id
		AND e.state IN ('pending', 'running')) THEN :next_attempt_at END,
	:detail, :now
FROM event WHERE id = :event_id
ON CONFLICT DO NOTHING;

-- name: queue_seen
UPDATE hook SET seen_event = :event_id WHERE name = :hook AND seen_event < :event_id;

-- In the order of hook_run_due, so that nothing is sorted, however long the queue.
-- name: queue_due
SELECT r.event_id, r.hook, r.lane, r.attempts
FROM hook_run r
WHERE r.hook = :hook AND r.state = 'pending' AND r.next_attempt_at <= :now
	AND NOT EXISTS (SELECT 1 FROM hook_run e WHERE e.hook = r.hook AND e.lane = r.lane AND e.event_id < r.event_id
		AND e.state IN ('pending', 'running'))
	AND NOT (:block_on_dead AND EXISTS (SELECT 1 FROM hook_run e WHERE e.hook = r.hook AND e.lane = r.lane
		AND e.event_id < r.event_id AND e.state = 'dead'))
ORDER BY r.next_attempt_at, r.event_id;

-- A paused hook is looked at when its time has come; if nothing could be started then, when the next run falls due.
-- name: queue_next_due
SELECT min(at) AS at FROM (
	SELECT CASE WHEN h.probe_at > :now THEN h.probe_at ELSE
		(SELECT min(next_attempt_at) FROM hook_run r WHERE r.hook = h.name AND r.state = 'pending' AND r.next_attempt_at > :now)
	END AS at
	FROM hook h WHERE h.active = 1);

-- The clock was set back: what waits for a time that no backoff reaches (`:latest`) is due now, and what has never run.
-- name: queue_clock_back
UPDATE hook_run SET next_attempt_at = :now
WHERE (event_id, hook) IN (SELECT event_id, hook FROM hook_run
	WHERE hook = :hook AND state = 'pending' AND next_attempt_at > :after AND (attempts = 0 OR next_attempt_at > :latest)
	LIMIT :limit);

-- What nobody will release, although nothing before it in its lane is open: an older program ended that, or a person deleted it.
-- name: queue_stranded
SELECT r.event_id, r.hook, r.lane, r.attempts
FROM (SELECT hook, min(event_id) AS event_id FROM hook_run INDEXED BY hook_run_open
	WHERE state IN ('pending', 'running') GROUP BY hook, lane) o
JOIN hook_run r ON r.event_id = o.event_id AND r.hook = o.hook
WHERE r.state = 'pending' AND r.next_attempt_at IS NULL;

-- name: queue_wake
UPDATE hook_run SET next_attempt_at = :now
WHERE event_id = :event_id AND hook = :hook AND state = 'pending' AND next_attempt_at IS NULL;

-- The attempt before is put aside when the next one begins. The output of the last five is enough.
-- name: queue_keep_attempt
INSERT INTO hook_attempt_before (event_id, hook, attempt, started_at, ended_at, exit_status, detail, output)
SELECT event_id, hook, attempts, started_at, updated_at, exit_status, detail, output FROM hook_run
WHERE event_id = :event_id AND hook = :hook AND state = 'pending' AND attempts > 0;

-- name: queue_forget_output
UPDATE hook_attempt_before SET output = NULL WHERE event_id = :event_id AND hook = :hook AND attempt = :attempt;

-- `since`: from when `give_up` counts.
-- name: queue_start
UPDATE hook_run SET state = 'running', attempts = attempts + 1, counted = counted + :counts, next_attempt_at = NULL,
	started_at = :now, updated_at = :now
WHERE event_id = :event_id AND hook = :hook AND state = 'pending'
RETURNING attempts, counted, max((SELECT created_at FROM event e WHERE e.id = hook_run.event_id), coalesce(retried_at, ''),
	coalesce((SELECT resumed_at FROM hook h WHERE h.name = hook_run.hook), '')) AS since;

-- name: queue_end
UPDATE hook_run SET state = :state, next_attempt_at = :next_attempt_at, counted = :counted, exit_status = :exit_status, detail = :detail,
	output = :output, updated_at = :now
WHERE event_id = :event_id AND hook = :hook AND state = 'running' AND attempts = :attempts
RETURNING attempts;

-- What ended for good lets the next of its lane go.
-- name: queue_release
UPDATE hook_run SET next_attempt_at = :now
WHERE hook = :hook AND state = 'pending' AND next_attempt_at IS NULL AND event_id = (
	SELECT min(o.event_id) FROM hook_run o
	WHERE o.hook = :hook AND o.state IN ('pending', 'running')
		AND o.lane = (SELECT lane FROM hook_run WHERE event_id = :event_id AND hook = :hook));

-- A run that died is an event of its own, with the facts of the one it was for; but about the death of a hook that was
-- told of a death nobody is told, or two broken hooks would go on for ever.
-- name: queue_dead_event
INSERT INTO event (name, object_type, object_id, account, environment, late, created_at, notification_id, lane,
	order_reference_id, seller_order_id, billing_agreement_id, previous_state, state, reason_code, amount_minor, currency,
	seller_id, updated_at, hook)
SELECT 'hook.dead', object_type, object_id, account, environment, late, :now, notification_id, lane, order_reference_id,
	seller_order_id, billing_agreement_id, previous_state, state, reason_code, amount_minor, currency, seller_id, updated_at, :hook
FROM event WHERE id = :event_id AND name <> 'hook.dead'
RETURNING id;

-- name: queue_running
SELECT event_id, hook, lane, attempts FROM hook_run WHERE state = 'running';

-- Cut short by us, so it does not count.
-- name: queue_again
UPDATE hook_run SET state = 'pending', next_attempt_at = :now, counted = max(counted - 1, 0), exit_status = NULL,
	detail = :detail, output = NULL, updated_at = :now
WHERE event_id = :event_id AND hook = :hook AND state = 'running';

-- name: queue_death
UPDATE hook SET deaths = deaths + 1 WHERE name = :hook RETURNING deaths;

-- Nothing is written while all is well.
-- name: queue_alive
UPDATE hook SET deaths = 0, resumed_at = CASE WHEN paused_at IS NULL THEN resumed_at ELSE :now END, paused_at = NULL,
	paused_why = NULL, probe_at = NULL
WHERE name = :hook AND (deaths > 0 OR paused_at IS NOT NULL);

-- name: queue_pause
UPDATE hook SET paused_at = :now, paused_why = :why, probe_at = :probe_at WHERE name = :hook AND paused_at IS NULL;

-- name: queue_probe
UPDATE hook SET probe_at = :probe_at WHERE name = :hook AND paused_at IS NOT NULL;

-- What a person does: everything that waits is due again.
-- name: queue_resume
UPDATE hook SET deaths = 0, resumed_at = :now, paused_at = NULL, paused_why = NULL, probe_at = NULL
WHERE name = :hook AND paused_at IS NOT NULL;

-- name: queue_hurry
UPDATE hook_run SET next_attempt_at = :now
WHERE (event_id, hook) IN (SELECT event_id, hook FROM hook_run
	WHERE hook = :hook AND state = 'pending' AND next_attempt_at > :now LIMIT :limit);

-- Given up, and tried again all the same. `:hook` NULL: of all that are configured. `updated_at` stays: the end of the attempt.
-- name: queue_retry_event
UPDATE hook_run SET state = 'pending', counted = 0, retried_at = :now, next_attempt_at = CASE WHEN NOT EXISTS (SELECT 1 FROM hook_run e WHERE e.hook = hook_run.hook AND e.lane = hook_run.lane
		AND e.event_id < hook_run.event_id AND e.state IN ('pending', 'running')) THEN :now END
WHERE event_id = :event_id AND (:hook IS NULL OR hook = :hook) AND state = 'dead'
	AND hook IN (SELECT name FROM hook WHERE active = 1);

-- What has died once more since this retry, which is known by its time, stays dead.
-- name: queue_retry_dead
UPDATE hook_run SET state = 'pending', counted = 0, retried_at = :now, next_attempt_at = CASE WHEN NOT EXISTS (SELECT 1 FROM hook_run e WHERE e.hook = hook_run.hook AND e.lane = hook_run.lane
		AND e.event_id < hook_run.event_id AND e.state IN ('pending', 'running')) THEN :now END
WHERE (event_id, hook) IN (SELECT event_id, hook FROM hook_run
	WHERE hook = :hook AND state = 'dead' AND retried_at IS NOT :now LIMIT :limit);

-- Once more for an event, whatever has become of it before; what waits or runs already is left alone.
-- name: queue_replay
INSERT INTO hook_run (event_id, hook, account, environment, lane, state, next_attempt_at, retried_at, updated_at)
SELECT id, :hook, account, environment, lane, 'pending',
	CASE WHEN NOT EXISTS (SELECT 1 FROM hook_run e WHERE e.hook = :hook AND e.lane = event.lane AND e.event_id < event.id
		AND e.state IN ('pending', 'running')) THEN :now END, :now, :now
FROM event WHERE id = :event_id
ON CONFLICT (event_id, hook) DO UPDATE SET state = 'pending', next_attempt_at = excluded.next_attempt_at, counted = 0,
	retried_at = :now
WHERE state IN ('done', 'dead', 'skipped');

-- name: queue_run_state
SELECT state FROM hook_run WHERE event_id = :event_id AND hook = :hook;

-- In the order of event_created; the ids of a time in theirs.
-- name: queue_events_between
SELECT * FROM event WHERE (created_at, id) > (:since, :after) AND created_at < :until ORDER BY created_at, id LIMIT :limit;

-- The object of an event as it stands now. Where each notification is a row, the event's own.
-- name: queue_object_order_reference
SELECT o.* FROM event e JOIN order_reference o ON o.order_reference_id = e.object_id WHERE e.id = :event_id;

-- name: queue_object_billing_agreement
SELECT o.* FROM event e JOIN billing_agreement o ON o.billing_agreement_id = e.object_id WHERE e.id = :event_id;

-- name: queue_object_authorization
SELECT o.* FROM event e JOIN authorization o ON o.authorization_id = e.object_id WHERE e.id = :event_id;

-- name: queue_object_capture
SELECT o.* FROM event e JOIN capture o ON o.capture_id = e.object_id WHERE e.id = :event_id;

-- name: queue_object_refund
SELECT o.* FROM event e JOIN refund o ON o.refund_id = e.object_id WHERE e.id = :event_id;

-- name: queue_object_provider_credit
SELECT o.* FROM event e JOIN provider_credit o ON o.provider_credit_id = e.object_id WHERE e.id = :event_id;

-- name: queue_object_provider_credit_reversal
SELECT o.* FROM event e JOIN provider_credit_reversal o ON o.provider_credit_reversal_id = e.object_id WHERE e.id = :event_id;

-- name: queue_object_chargeback
SELECT o.* FROM event e JOIN chargeback o ON o.notification_id = e.notification_id WHERE e.id = :event_id;

-- name: queue_object_solution_provider
SELECT o.* FROM event e JOIN solution_provider o ON o.notification_id = e.notification_id WHERE e.id = :event_id;
