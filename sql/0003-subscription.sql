-- Schema 3. What SNS says of the subscription itself, and how often something about trust was noted.

-- Authentic messages of a topic of ours, once each. Never deleted: they are few.
CREATE TABLE subscription (
	id INTEGER PRIMARY KEY,
	account TEXT NOT NULL,
	topic_arn TEXT NOT NULL,
	type TEXT NOT NULL CHECK (type IN ('SubscriptionConfirmation', 'UnsubscribeConfirmation')),
	message_id TEXT NOT NULL UNIQUE,
	token TEXT NOT NULL,                  -- who has it can confirm: not shown, not logged
	sent_at TEXT NOT NULL,                -- SNS Timestamp (signed)
	received_at TEXT NOT NULL,
	state TEXT NOT NULL CHECK (state IN (
		'pending',                    -- SNS asks; nobody has confirmed
		'ended',                      -- SNS has ended it
		'confirming',                 -- asked, and the answer is not known yet
		'confirmed',                  -- SNS answered 200
		'failed')),
	detail TEXT,                          -- of a failure: the reason in words
	confirmed_by TEXT,                    -- the login of the person; 'ipnd': by sns.subscription = confirm
	updated_at TEXT NOT NULL,
	UNIQUE (topic_arn, type, token)
) STRICT;

-- What is no answer to a post and still worth counting. One row per note.
CREATE TABLE note_count (
	note TEXT PRIMARY KEY,
	count INTEGER NOT NULL,
	last_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
