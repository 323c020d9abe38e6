-- Schema 1. Migrations are append only: a released file never changes, a new one has the next number.
--
-- Times are UTC text YYYY-MM-DDTHH:MM:SS.mmmZ. Money is INTEGER minor units (ISO 4217 exponent) beside its
-- currency. States and reason codes are Amazon's own words. Merchants read these tables: a column, once here,
-- keeps its name and meaning (interface.md, "Database").

-- Every authentic notification, once per SNS MessageId. Nothing is ever deleted but `raw`, after keep_raw.
CREATE TABLE notification (
	id INTEGER PRIMARY KEY,
	message_id TEXT NOT NULL UNIQUE,      -- SNS MessageId: the same on every retry
	account TEXT NOT NULL,                -- the account of the configuration whose topic it came from
	type TEXT,                            -- NotificationType as received; NULL: the message has none
	reference_id TEXT,                    -- NotificationReferenceId; not unique
	seller_id TEXT,                       -- the merchant's, also on a provider's topic
	environment TEXT CHECK (environment IN ('sandbox', 'live')), -- ReleaseEnvironment; NULL: the message has none
	is_sample INTEGER NOT NULL CHECK (is_sample IN (0, 1)),      -- from Seller Central's IPN tester
	sent_at TEXT NOT NULL,                -- SNS Timestamp (signed)
	received_at TEXT NOT NULL,            -- our clock
	verdict TEXT NOT NULL CHECK (verdict IN ('sample', 'foreign', 'unrecognized', 'applied', 'unchanged', 'stale', 'conflict')),
	why TEXT,                             -- the reason in words, where there is one
	object_type TEXT,                     -- what it speaks of, where that was understood
	object_id TEXT,
	raw TEXT                              -- the body as received; NULL after keep_raw
) STRICT;
CREATE INDEX notification_object ON notification (object_id) WHERE object_id IS NOT NULL;
CREATE INDEX notification_received ON notification (received_at);

-- Every state that Amazon ever reported of an object, once: the truth from which the tables below it are derived.
CREATE TABLE fact (
	id INTEGER PRIMARY KEY,
	object_type TEXT NOT NULL CHECK (object_type IN ('order_reference', 'authorization', 'capture', 'refund')),
	object_id TEXT NOT NULL,
	state TEXT NOT NULL CHECK (state IN ('Pending', 'Open', 'Suspended', 'Completed', 'Declined', 'Closed', 'Canceled')),
	at TEXT NOT NULL,                     -- Amazon's LastUpdateTimestamp
	notification_id INTEGER NOT NULL REFERENCES notification (id), -- whose attributes these are: of several, the newest by SNS Timestamp, then MessageId
	-- what the fold makes of it
	place INTEGER,                        -- 1.. in the order of the fold; NULL: held as a conflict
	begins INTEGER,                       -- the transition's id when the state changes here
	from_state TEXT,                      -- the state before; NULL at first
	announced INTEGER NOT NULL DEFAULT 0 CHECK (announced IN (0, 1)), -- an event tells of the transition that this fact is in
	late INTEGER NOT NULL DEFAULT 0 CHECK (late IN (0, 1)),           -- it was no longer the current state when it was announced
	-- the attributes of the snapshot
	account TEXT NOT NULL,
	environment TEXT NOT NULL CHECK (environment IN ('sandbox', 'live')),
	seller_id TEXT NOT NULL,
	order_reference_id TEXT,              -- NULL: the id has not that shape
	reference_id TEXT,
	seller_order_id TEXT,
	reason_code TEXT,
	reason_description TEXT,
	amount_minor INTEGER,                 -- total, authorized, captured or refunded, by the type
	done_minor INTEGER,                   -- captured of an authorization, refunded of a capture
	fee_minor INTEGER,
	currency TEXT,
	refund_type TEXT,
	soft_decline INTEGER CHECK (soft_decline IN (0, 1)),
	capture_now INTEGER CHECK (capture_now IN (0, 1)),
	created_at TEXT,
	expires_at TEXT,
	UNIQUE (object_type, object_id, state, at)
) STRICT;
CREATE INDEX fact_order_reference ON fact (order_reference_id) WHERE order_reference_id IS NOT NULL;
CREATE INDEX fact_held ON fact (object_id) WHERE place IS NULL;
CREATE INDEX fact_begins ON fact (begins) WHERE begins IS NOT NULL;

-- IdList of a fact: captures of an authorization, refunds of a capture. The proof of a link.
CREATE TABLE fact_id (
	fact_id INTEGER NOT NULL REFERENCES fact (id),
	object_id TEXT NOT NULL,
	PRIMARY KEY (fact_id, object_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX fact_id_object ON fact_id (object_id);

-- Each change of state, in one form whatever the order of arrival.
CREATE VIEW transition AS
SELECT begins AS id, object_type, object_id, from_state, state AS to_state, reason_code, at, late, notification_id,
	account, environment
FROM fact WHERE begins IS NOT NULL;

-- The current state of each object, derived from its facts.
CREATE TABLE order_reference (
	order_reference_id TEXT PRIMARY KEY,
	account TEXT NOT NULL,
	environment TEXT NOT NULL,
	state TEXT NOT NULL,
	reason_code TEXT,
	amount_minor INTEGER,                 -- order total
	currency TEXT,
	seller_order_id TEXT,                 -- the shop's own order number
	billing_agreement_id TEXT,            -- in no notification: NULL until told
	created_at TEXT,
	expires_at TEXT,
	updated_at TEXT NOT NULL              -- LastUpdateTimestamp of the newest fact
) STRICT, WITHOUT ROWID;
CREATE INDEX order_reference_seller_order ON order_reference (seller_order_id) WHERE seller_order_id IS NOT NULL;
CREATE INDEX order_reference_updated ON order_reference (updated_at);

CREATE TABLE authorization (
	authorization_id TEXT PRIMARY KEY,
	order_reference_id TEXT,              -- the parent may never have been heard of
	account TEXT NOT NULL,
	environment TEXT NOT NULL,
	reference_id TEXT,                    -- AuthorizationReferenceId: the merchant's
	state TEXT NOT NULL,
	reason_code TEXT,
	amount_minor INTEGER,
	captured_minor INTEGER,
	fee_minor INTEGER,
	currency TEXT,
	soft_decline INTEGER,                 -- 1: the same payment method may be tried again; NULL: not said
	capture_now INTEGER,
	created_at TEXT,
	expires_at TEXT,
	updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX authorization_order_reference ON authorization (order_reference_id);
CREATE INDEX authorization_updated ON authorization (updated_at);

CREATE TABLE capture (
	capture_id TEXT PRIMARY KEY,
	authorization_id TEXT,                -- by the authorization's IdList, else by the same number if that one is known
	order_reference_id TEXT,
	account TEXT NOT NULL,
	environment TEXT NOT NULL,
	reference_id TEXT,                    -- CaptureReferenceId: the merchant's
	state TEXT NOT NULL,
	reason_code TEXT,
	amount_minor INTEGER,
	refunded_minor INTEGER,               -- the larger of Amazon's figure and the sum of completed refunds
	fee_minor INTEGER,
	currency TEXT,
	created_at TEXT,
	updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX capture_order_reference ON capture (order_reference_id);
CREATE INDEX capture_updated ON capture (updated_at);

CREATE TABLE refund (
	refund_id TEXT PRIMARY KEY,
	capture_id TEXT,                      -- by the capture's IdList, else if the order has one capture, else NULL
	order_reference_id TEXT,
	account TEXT NOT NULL,
	environment TEXT NOT NULL,
	reference_id TEXT,                    -- RefundReferenceId; not the merchant's when Amazon refunds
	refund_type TEXT,
	state TEXT NOT NULL,
	reason_code TEXT,
	amount_minor INTEGER,
	fee_minor INTEGER,                    -- FeeRefunded
	currency TEXT,
	created_at TEXT,
	updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX refund_order_reference ON refund (order_reference_id);
CREATE INDEX refund_updated ON refund (updated_at);

-- What hooks are told. Written in the transaction that changed the state; frozen.
CREATE TABLE event (
	id INTEGER PRIMARY KEY AUTOINCREMENT, -- IPN_EVENT_ID
	name TEXT NOT NULL,                   -- capture.completed, notification.conflict, ...
	object_type TEXT NOT NULL,
	object_id TEXT NOT NULL,              -- of notification.*: the MessageId
	transition_id INTEGER,                -- NULL: not about a change of state
	account TEXT NOT NULL,
	environment TEXT NOT NULL CHECK (environment IN ('sandbox', 'live')),
	late INTEGER NOT NULL CHECK (late IN (0, 1)),
	created_at TEXT NOT NULL,
	notification_id INTEGER REFERENCES notification (id), -- which one made it known
	lane TEXT NOT NULL,                   -- events with the same lane run one after another: the order reference, else the object
	order_reference_id TEXT,
	seller_order_id TEXT,
	billing_agreement_id TEXT,
	previous_state TEXT,
	state TEXT,
	reason_code TEXT,
	amount_minor INTEGER,
	currency TEXT,
	seller_id TEXT,
	updated_at TEXT                       -- since when the object is in this state, says Amazon
) STRICT;
CREATE INDEX event_object ON event (object_id);
CREATE INDEX event_lane ON event (lane);

-- The hooks of the configuration, as ipnd registered them at start and reload.
CREATE TABLE hook (
	name TEXT PRIMARY KEY,
	registered_at TEXT NOT NULL,
	since_event INTEGER NOT NULL,         -- events after this one are the hook's
	seen_event INTEGER NOT NULL,          -- ipn-hookd has decided about every event up to this one
	active INTEGER NOT NULL CHECK (active IN (0, 1)) -- 0: no longer in the configuration
) STRICT, WITHOUT ROWID;

-- What became of an event at a hook. No row: not the hook's, or ipn-hookd has not come to it yet.
CREATE TABLE hook_run (
	event_id INTEGER NOT NULL REFERENCES event (id),
	hook TEXT NOT NULL,
	account TEXT NOT NULL,
	environment TEXT NOT NULL,
	lane TEXT NOT NULL,
	state TEXT NOT NULL CHECK (state IN ('pending', 'running', 'done', 'dead', 'skipped')),
	attempts INTEGER NOT NULL DEFAULT 0,  -- started so far
	next_attempt_at TEXT,                 -- when pending
	exit_status INTEGER,                  -- of the last attempt; 128 + signal when killed; NULL: none ended
	detail TEXT,                          -- in words: why skipped, how the last attempt ended
	output TEXT,                          -- stdout and stderr of the last attempt, the tail
	updated_at TEXT NOT NULL,
	PRIMARY KEY (event_id, hook)
) STRICT, WITHOUT ROWID;
CREATE INDEX hook_run_due ON hook_run (next_attempt_at) WHERE state = 'pending';
CREATE INDEX hook_run_open ON hook_run (hook, lane, event_id) WHERE state IN ('pending', 'running');
CREATE INDEX hook_run_dead ON hook_run (updated_at) WHERE state = 'dead';

-- How often each verdict was given, refusals included. One row per verdict.
CREATE TABLE verdict_count (
	verdict TEXT PRIMARY KEY,
	count INTEGER NOT NULL,
	last_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Topics that posts named and no account does: the latest, at most 64.
CREATE TABLE refused_topic (
	topic_arn TEXT PRIMARY KEY,
	count INTEGER NOT NULL,
	first_at TEXT NOT NULL,
	last_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
