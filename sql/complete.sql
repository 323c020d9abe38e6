-- What a shell may complete (`ipnctl --complete`): a person waits for it at every key, so each part reads some hundred rows at most,
-- by an index, however many there are. `:word` is what is typed.

-- Ids of objects: the newest ones; then the first and the last that begin so, by which a shell finds out how far all of them are
-- alike. Message ids and the shop's own numbers when enough is typed to mean them.
-- name: complete_ids
SELECT * FROM (SELECT DISTINCT object_id AS id, object_type AS what
	FROM (SELECT object_id, object_type FROM fact ORDER BY id DESC LIMIT 500)
	WHERE object_id >= :word AND object_id < :word || char(1114111) LIMIT 30)
UNION
SELECT * FROM (SELECT DISTINCT object_id, object_type FROM fact
	WHERE object_id >= :word AND object_id < :word || char(1114111)
	ORDER BY object_id LIMIT CASE WHEN length(:word) < 8 THEN 1 ELSE 20 END)
UNION
SELECT * FROM (SELECT DISTINCT object_id, object_type FROM fact
	WHERE object_id >= :word AND object_id < :word || char(1114111)
	ORDER BY object_id DESC LIMIT CASE WHEN length(:word) < 8 THEN 1 ELSE 20 END)
UNION
SELECT * FROM (SELECT message_id, coalesce(type, 'notification') FROM notification
	WHERE length(:word) >= 4 AND message_id >= :word AND message_id < :word || char(1114111) ORDER BY message_id LIMIT 20)
UNION
SELECT * FROM (SELECT message_id, coalesce(type, 'notification') FROM notification
	WHERE length(:word) >= 4 AND message_id >= :word AND message_id < :word || char(1114111) ORDER BY message_id DESC LIMIT 20)
UNION
SELECT * FROM (SELECT seller_order_id, 'order_reference' FROM order_reference
	WHERE length(:word) >= 3 AND seller_order_id >= :word AND seller_order_id < :word || char(1114111)
	ORDER BY seller_order_id LIMIT 20)
UNION
SELECT * FROM (SELECT seller_order_id, 'order_reference' FROM order_reference
	WHERE length(:word) >= 3 AND seller_order_id >= :word AND seller_order_id < :word || char(1114111)
	ORDER BY seller_order_id DESC LIMIT 20);

-- name: complete_events
SELECT id, name || ' ' || object_id AS what FROM event ORDER BY id DESC LIMIT 100;

-- name: complete_dead
SELECT r.event_id AS id, e.name || ' ' || e.object_id AS what FROM hook_run r JOIN event e ON e.id = r.event_id
WHERE r.state = 'dead' ORDER BY r.updated_at DESC LIMIT 100;

-- name: complete_conflicts
SELECT id, object_id || ' ' || state AS what FROM fact WHERE place IS NULL ORDER BY id DESC LIMIT 100;

-- name: complete_subscriptions
SELECT id, account || ' ' || state AS what FROM subscription ORDER BY id DESC LIMIT 100;
