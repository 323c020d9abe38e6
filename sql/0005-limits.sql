-- Schema 5. A limit counts what is fair: not the trials of a paused hook, and anew when a person has a run tried again. Of
-- each order only the first open run of a hook waits for a time, so that a long queue is not searched for what may start.

ALTER TABLE hook ADD COLUMN resumed_at TEXT;      -- when its last pause ended: `give_up` of older events counts from then
ALTER TABLE hook_run ADD COLUMN counted INTEGER NOT NULL DEFAULT 0; -- of `attempts`, those that the hook's limit counts
ALTER TABLE hook_run ADD COLUMN retried_at TEXT;  -- when a person last had it run again: `give_up` counts from then

UPDATE hook_run SET counted = attempts;

-- From now on `next_attempt_at` of a pending run is NULL while it waits for an earlier one of its lane.
UPDATE hook_run SET next_attempt_at = NULL
WHERE state = 'pending' AND EXISTS (SELECT 1 FROM hook_run e WHERE e.hook = hook_run.hook AND e.lane = hook_run.lane
	AND e.event_id < hook_run.event_id AND e.state IN ('pending', 'running'));

-- What is open ends some day, told or not: `ipnctl deadlines` asks for both.
DROP INDEX authorization_deadline;
DROP INDEX order_reference_deadline;
CREATE INDEX authorization_deadline ON authorization (deadline_event, deadline_at) WHERE state = 'Open';
CREATE INDEX order_reference_deadline ON order_reference (deadline_event, expires_at) WHERE state IN ('Open', 'Suspended');

-- With the state in them, they answer what is counted without looking at the rows.
DROP INDEX hook_run_open;
DROP INDEX hook_run_dead_lane;
CREATE INDEX hook_run_open ON hook_run (hook, lane, event_id, state) WHERE state IN ('pending', 'running');
CREATE INDEX hook_run_dead_lane ON hook_run (hook, lane, event_id, state) WHERE state = 'dead';
