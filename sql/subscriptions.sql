-- Messages of SNS about the subscription: kept by ipnd, confirmed by ipnd or a person.

-- name: subscription_known
SELECT 1 FROM subscription WHERE message_id = :message_id OR (topic_arn = :topic_arn AND type = :type AND token = :token);

-- name: subscription_put
INSERT INTO subscription (account, topic_arn, type, message_id, token, sent_at, received_at, state, confirmed_by, updated_at)
VALUES (:account, :topic_arn, :type, :message_id, :token, :sent_at, :received_at, :state, :by, :received_at);

-- What came of an attempt counts only while that attempt is the last.
-- name: subscription_state
UPDATE subscription SET state = :state, detail = :detail, confirmed_by = :by, updated_at = :now
WHERE id = :id AND (:state = 'confirming' OR (state = 'confirming' AND confirmed_by = :by));

-- name: subscription_cut_off
UPDATE subscription SET state = 'failed', detail = :detail, updated_at = :now WHERE state = 'confirming' AND confirmed_by = :by;

-- All of them, newest first. `alive`: notifications that were sent after it have come, so the subscription stands. `superseded`:
-- a newer message about the same topic is what counts now.
-- name: subscriptions
SELECT s.id, s.account, s.topic_arn, s.type, s.message_id, s.sent_at, s.received_at, s.state, s.detail, s.confirmed_by, s.updated_at,
	EXISTS (SELECT 1 FROM notification n
		WHERE n.received_at > s.received_at AND n.account = s.account AND n.sent_at > s.sent_at) AS alive,
	EXISTS (SELECT 1 FROM subscription t
		WHERE t.topic_arn = s.topic_arn AND t.sent_at > s.sent_at) AS superseded
FROM subscription s
ORDER BY s.sent_at DESC, s.id DESC;

-- name: subscription
SELECT * FROM subscription WHERE id = :id;
