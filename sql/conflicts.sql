-- What `ipnctl conflicts` asks. These only read.

-- Held facts, oldest first, with what the object is instead. `held_since`: when the event told of it.
-- name: conflicts
SELECT f.id, f.object_type, f.object_id, f.state, f.reason_code, f.at, c.state AS current_state, c.at AS current_at,
	(SELECT max(e.created_at) FROM notification m JOIN event e ON e.notification_id = m.id
		WHERE m.object_id = f.object_id AND e.name = 'notification.conflict' AND e.state = f.state
			AND e.updated_at = f.at) AS held_since,
	n.message_id, f.account, f.environment, f.decision, f.decided_at, f.decided_by
FROM fact f JOIN notification n ON n.id = f.notification_id
	LEFT JOIN fact c ON c.id = (SELECT p.id FROM fact p
		WHERE p.object_type = f.object_type AND p.object_id = f.object_id AND p.place IS NOT NULL
		ORDER BY p.place DESC LIMIT 1)
WHERE f.place IS NULL AND (:dismissed OR f.decision IS NULL)
ORDER BY f.id;

-- One fact, held or not, with what its object is now.
-- name: conflict
SELECT f.id, f.object_type, f.object_id, f.state, f.at, f.place IS NULL AS held, f.decision, f.decided_at, f.decided_by,
	c.state AS current_state
FROM fact f
	LEFT JOIN fact c ON c.id = (SELECT p.id FROM fact p
		WHERE p.object_type = f.object_type AND p.object_id = f.object_id AND p.place IS NOT NULL
		ORDER BY p.place DESC LIMIT 1)
WHERE f.id = :id;

-- What a decision made known, within its transaction: everything after the newest event before it.
-- name: conflict_last_event
SELECT coalesce(max(id), 0) AS id FROM event;

-- name: conflict_events
SELECT * FROM event WHERE id > :id ORDER BY id;
