-- What `ipnctl backup` and `ipnctl restore` ask of a database, of this schema or an older one. Only the last one writes, into
-- a file that nobody else has yet.

-- name: copy_summary
SELECT (SELECT count(*) FROM notification) AS notifications, (SELECT max(received_at) FROM notification) AS last_received,
	(SELECT max(id) FROM event) AS last_event;

-- name: copy_messages
SELECT message_id FROM notification ORDER BY message_id;

-- AUTOINCREMENT counts on from here. It reads the first row of the name, and has none before the first event.
-- name: copy_skip_events
INSERT OR REPLACE INTO sqlite_sequence (rowid, name, seq)
VALUES (coalesce((SELECT min(rowid) FROM sqlite_sequence WHERE name = 'event'),
		(SELECT coalesce(max(rowid), 0) + 1 FROM sqlite_sequence)),
	'event', max(:last_event, coalesce((SELECT max(seq) FROM sqlite_sequence WHERE name = 'event'), 0)));
