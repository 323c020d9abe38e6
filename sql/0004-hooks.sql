-- Schema 4. Every attempt of a hook, hooks that rest because they fail for everyone, and whom hook.dead is about.

ALTER TABLE hook ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0; -- runs given up since one was last done
ALTER TABLE hook ADD COLUMN paused_at TEXT;                    -- since when only one run is tried now and then; NULL: not paused
ALTER TABLE hook ADD COLUMN paused_why TEXT;
ALTER TABLE hook ADD COLUMN probe_at TEXT;                     -- while paused: when the next one is tried
ALTER TABLE hook_run ADD COLUMN started_at TEXT;               -- of the last attempt
ALTER TABLE event ADD COLUMN hook TEXT;                        -- of hook.dead: the hook that gave up

-- What stood in hook_run before the next attempt began. Of the output only the latest are kept.
CREATE TABLE hook_attempt_before (
	event_id INTEGER NOT NULL,
	hook TEXT NOT NULL,
	attempt INTEGER NOT NULL,
	started_at TEXT,                      -- NULL: of a version that did not write it down
	ended_at TEXT NOT NULL,
	exit_status INTEGER,
	detail TEXT,
	output TEXT,
	UNIQUE (event_id, hook, attempt),
	FOREIGN KEY (event_id, hook) REFERENCES hook_run (event_id, hook)
) STRICT;

-- All attempts, the last one included; `ended_at` NULL: it runs.
CREATE VIEW hook_attempt (event_id, hook, attempt, started_at, ended_at, exit_status, detail, output) AS
SELECT event_id, hook, attempt, started_at, ended_at, exit_status, detail, output FROM hook_attempt_before
UNION ALL
SELECT event_id, hook, attempts, started_at, CASE state WHEN 'running' THEN NULL ELSE updated_at END,
	CASE state WHEN 'running' THEN NULL ELSE exit_status END, CASE state WHEN 'running' THEN NULL ELSE detail END,
	CASE state WHEN 'running' THEN NULL ELSE output END
FROM hook_run WHERE attempts > 0;

-- Due runs of one hook, in order.
DROP INDEX hook_run_due;
CREATE INDEX hook_run_due ON hook_run (hook, next_attempt_at, event_id) WHERE state = 'pending';
CREATE INDEX hook_run_running ON hook_run (event_id, hook) WHERE state = 'running';
CREATE INDEX hook_run_dead_lane ON hook_run (hook, lane, event_id) WHERE state = 'dead';
CREATE INDEX event_created ON event (created_at);
