-- What `ipnctl prune` lets go. Only `raw` and `output` become NULL; no row is ever removed.

-- The next rows that are old enough, pruned before or not, so that a step is short whatever it finds. What was not
-- understood, is not ours or contradicts what is known stays whole, and so does all that was said of an object with a held fact.
-- name: prune_bodies
SELECT n.id, n.received_at AS at, length(CAST(n.raw AS BLOB)) AS bytes,
	n.raw IS NOT NULL AND n.verdict NOT IN ('unrecognized', 'foreign', 'conflict')
	AND NOT EXISTS (SELECT 1 FROM fact f WHERE f.object_id = n.object_id AND f.place IS NULL) AS goes
FROM notification n
WHERE (n.received_at, n.id) > (:after, :after_id) AND n.received_at < :before
ORDER BY n.received_at, n.id LIMIT :limit;

-- name: prune_body
UPDATE notification SET raw = NULL
WHERE id = :id AND raw IS NOT NULL AND verdict NOT IN ('unrecognized', 'foreign', 'conflict')
	AND NOT EXISTS (SELECT 1 FROM fact f WHERE f.object_id = notification.object_id AND f.place IS NULL);

-- Attempts are written in the order in which they ended, but for a clock that was wrong: all are looked at.
-- name: prune_outputs
SELECT rowid AS id, ended_at AS at, length(CAST(output AS BLOB)) AS bytes, output IS NOT NULL AND ended_at < :before AS goes
FROM hook_attempt_before
WHERE rowid > :after_id AND :after IS NOT NULL
ORDER BY rowid LIMIT :limit;

-- name: prune_output
UPDATE hook_attempt_before SET output = NULL WHERE rowid = :id AND output IS NOT NULL;
