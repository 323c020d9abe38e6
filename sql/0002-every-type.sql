-- Schema 2. Every notification type of Amazon Pay, and what a person decides about a conflict.

-- `fact` again, with all objects, the states of each (src/machine/states.def) and their attributes. SQLite changes no
-- CHECK in place. The ids stay, since transitions and events are known by them.
DROP VIEW transition;
CREATE TABLE fact_new (
	id INTEGER PRIMARY KEY,
	object_type TEXT NOT NULL,
	object_id TEXT NOT NULL,              -- of a solution provider's event: the merchant's seller id
	state TEXT NOT NULL,
	at TEXT NOT NULL,                     -- Amazon's LastUpdateTimestamp; of what carries none the SNS Timestamp
	notification_id INTEGER NOT NULL REFERENCES notification (id), -- whose attributes these are: of several, the newest by SNS Timestamp, then MessageId
	-- what a person decided when it was held
	decision TEXT CHECK (decision IN ('accepted', 'dismissed')), -- accepted: the fold takes it; dismissed: not reported any more
	decided_at TEXT,
	decided_by TEXT,                      -- the login of the person
	-- what the fold makes of it
	place INTEGER,                        -- 1.. in the order of the fold; NULL: held as a conflict
	begins INTEGER,                       -- the transition's id when the state changes here
	from_state TEXT,                      -- the state before; NULL at first
	skipped INTEGER NOT NULL DEFAULT 0 CHECK (skipped IN (0, 1)),     -- states between from_state and this one were not heard of
	announced INTEGER NOT NULL DEFAULT 0 CHECK (announced IN (0, 1)), -- an event tells of the transition that this fact is in
	late INTEGER NOT NULL DEFAULT 0 CHECK (late IN (0, 1)),           -- it was no longer the current state when it was announced
	-- the attributes of the snapshot
	account TEXT NOT NULL,
	environment TEXT NOT NULL CHECK (environment IN ('sandbox', 'live')),
	seller_id TEXT NOT NULL,
	order_reference_id TEXT,              -- NULL: the id has not that shape, or the object is of no order
	reference_id TEXT,
	seller_order_id TEXT,
	reason_code TEXT,
	reason_description TEXT,
	amount_minor INTEGER,                 -- total, authorized, captured, refunded, charged back or credited, by the type
	done_minor INTEGER,                   -- captured of an authorization, refunded of a capture, reversed of a provider credit
	fee_minor INTEGER,
	limit_minor INTEGER,                  -- of a billing agreement, for each period
	remaining_minor INTEGER,
	currency TEXT,
	converted_minor INTEGER,              -- ConvertedAmount: the same amount in the currency the merchant is paid in
	converted_currency TEXT,
	conversion_rate TEXT,                 -- as Amazon wrote it
	refund_type TEXT,
	provider_seller_id TEXT,
	options TEXT,                         -- of a registration: a JSON object
	soft_decline INTEGER CHECK (soft_decline IN (0, 1)),
	capture_now INTEGER CHECK (capture_now IN (0, 1)),
	consent INTEGER CHECK (consent IN (0, 1)),
	created_at TEXT,
	expires_at TEXT,
	period_start_at TEXT,
	period_end_at TEXT,
	CHECK (CASE object_type
		WHEN 'order_reference' THEN state IN ('Open', 'Suspended', 'Closed', 'Canceled')
		WHEN 'billing_agreement' THEN state IN ('Open', 'Suspended', 'Closed', 'Canceled')
		WHEN 'authorization' THEN state IN ('Pending', 'Open', 'Declined', 'Closed')
		WHEN 'capture' THEN state IN ('Pending', 'Completed', 'Declined', 'Closed')
		WHEN 'refund' THEN state IN ('Pending', 'Completed', 'Declined')
		WHEN 'chargeback' THEN state IN ('RECEIVED')
		WHEN 'provider_credit' THEN state IN ('Pending', 'Completed', 'Declined', 'Closed')
		WHEN 'provider_credit_reversal' THEN state IN ('Pending', 'Completed', 'Declined')
		WHEN 'solution_provider' THEN state IN ('Register')
		ELSE 0 END)
) STRICT;
INSERT INTO fact_new (id, object_type, object_id, state, at, notification_id, place, begins, from_state, announced, late,
	account, environment, seller_id, order_reference_id, reference_id, seller_order_id, reason_code, reason_description,
	amount_minor, done_minor, fee_minor, currency, refund_type, soft_decline, capture_now, created_at, expires_at)
SELECT id, object_type, object_id, state, at, notification_id, place, begins, from_state, announced, late,
	account, environment, seller_id, order_reference_id, reference_id, seller_order_id, reason_code, reason_description,
	amount_minor, done_minor, fee_minor, currency, refund_type, soft_decline, capture_now, created_at, expires_at
FROM fact;
DROP TABLE fact;
ALTER TABLE fact_new RENAME TO fact;
-- What carries no time has a fact for each notification.
CREATE UNIQUE INDEX fact_once ON fact (object_type, object_id, state, at)
	WHERE object_type NOT IN ('chargeback', 'solution_provider');
CREATE INDEX fact_order_reference ON fact (order_reference_id) WHERE order_reference_id IS NOT NULL;
CREATE INDEX fact_object ON fact (object_id);
CREATE INDEX fact_held ON fact (id) WHERE place IS NULL;
CREATE INDEX fact_begins ON fact (begins) WHERE begins IS NOT NULL;

-- Each change of state, in one form whatever the order of arrival. `skipped`: states between were not heard of;
-- `accepted`: no allowed move leads there, a person accepted it.
CREATE VIEW transition AS
SELECT begins AS id, object_type, object_id, from_state, state AS to_state, reason_code, at, late, notification_id,
	account, environment, skipped, decision IS 'accepted' AS accepted
FROM fact WHERE begins IS NOT NULL;

-- What happened to an object besides its state: EventType of a billing agreement (src/ipn/changes.def).
CREATE TABLE fact_change (
	fact_id INTEGER NOT NULL REFERENCES fact (id),
	name TEXT NOT NULL,                   -- payment_method_updated, ...
	announced INTEGER NOT NULL DEFAULT 0 CHECK (announced IN (0, 1)), -- an event tells of it; not while the fact is held
	PRIMARY KEY (fact_id, name)
) STRICT, WITHOUT ROWID;

ALTER TABLE capture ADD COLUMN converted_minor INTEGER;     -- ConvertedAmount: in the currency the merchant is paid in
ALTER TABLE capture ADD COLUMN converted_currency TEXT;
ALTER TABLE capture ADD COLUMN conversion_rate TEXT;        -- as Amazon wrote it
ALTER TABLE refund ADD COLUMN converted_minor INTEGER;
ALTER TABLE refund ADD COLUMN converted_currency TEXT;
ALTER TABLE refund ADD COLUMN conversion_rate TEXT;

-- An authorization ends 30 days after it was made, 2 days in the sandbox, where Amazon tells 30 (protocol.md section 5).
ALTER TABLE authorization ADD COLUMN deadline_at TEXT;      -- that, or expires_at where it is earlier
ALTER TABLE authorization ADD COLUMN deadline_event INTEGER; -- the event deadline.authorization; NULL: not told
UPDATE authorization SET deadline_at = min(
	coalesce(strftime('%Y-%m-%dT%H:%M:%fZ', created_at, CASE environment WHEN 'sandbox' THEN '+2 days' ELSE '+30 days' END), expires_at),
	coalesce(expires_at, strftime('%Y-%m-%dT%H:%M:%fZ', created_at, CASE environment WHEN 'sandbox' THEN '+2 days' ELSE '+30 days' END)));
CREATE INDEX order_reference_billing_agreement ON order_reference (billing_agreement_id)
	WHERE billing_agreement_id IS NOT NULL;
ALTER TABLE order_reference ADD COLUMN deadline_event INTEGER; -- the event deadline.order_reference; NULL: not told
CREATE INDEX authorization_deadline ON authorization (deadline_at) WHERE state = 'Open' AND deadline_event IS NULL;
CREATE INDEX order_reference_deadline ON order_reference (expires_at)
	WHERE state IN ('Open', 'Suspended') AND deadline_event IS NULL;

-- Auto Pay: what a buyer agreed to be charged for, again and again.
CREATE TABLE billing_agreement (
	billing_agreement_id TEXT PRIMARY KEY,
	account TEXT NOT NULL,
	environment TEXT NOT NULL,
	seller_billing_agreement_id TEXT,     -- the shop's own number for it
	state TEXT NOT NULL,
	reason_code TEXT,
	limit_minor INTEGER,                  -- what may be charged in a period
	remaining_minor INTEGER,              -- what of that is left, says the newest notification
	currency TEXT,
	period_start_at TEXT,
	period_end_at TEXT,
	consent INTEGER,                      -- 1: the buyer agreed to be charged without being asked again
	created_at TEXT,
	updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX billing_agreement_updated ON billing_agreement (updated_at);
CREATE INDEX billing_agreement_seller ON billing_agreement (seller_billing_agreement_id)
	WHERE seller_billing_agreement_id IS NOT NULL;

-- Each notification of a chargeback is a row: Amazon gives no time and sends several under one id.
CREATE TABLE chargeback (
	notification_id INTEGER PRIMARY KEY REFERENCES notification (id),
	chargeback_id TEXT NOT NULL,          -- may repeat
	order_reference_id TEXT,
	capture_reference_id TEXT,            -- CaptureReferenceId: the merchant's
	account TEXT NOT NULL,
	environment TEXT NOT NULL,
	state TEXT NOT NULL,
	reason TEXT,                          -- in Amazon's words
	amount_minor INTEGER,
	currency TEXT,
	created_at TEXT
) STRICT;
CREATE INDEX chargeback_id ON chargeback (chargeback_id);
CREATE INDEX chargeback_order_reference ON chargeback (order_reference_id);
CREATE INDEX chargeback_created ON chargeback (created_at);

-- What a solution provider gets of a merchant's capture, and what goes back to the merchant.
CREATE TABLE provider_credit (
	provider_credit_id TEXT PRIMARY KEY,
	order_reference_id TEXT,
	capture_id TEXT,                      -- by the capture's ProviderCreditSummaryList
	account TEXT NOT NULL,
	environment TEXT NOT NULL,
	seller_id TEXT,                       -- the merchant's
	provider_seller_id TEXT,
	reference_id TEXT,
	state TEXT NOT NULL,
	reason_code TEXT,
	amount_minor INTEGER,
	reversed_minor INTEGER,
	currency TEXT,
	created_at TEXT,
	updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX provider_credit_order_reference ON provider_credit (order_reference_id);
CREATE INDEX provider_credit_updated ON provider_credit (updated_at);

CREATE TABLE provider_credit_reversal (
	provider_credit_reversal_id TEXT PRIMARY KEY,
	order_reference_id TEXT,
	provider_credit_id TEXT,              -- by the credit's CreditReversalIdList
	refund_id TEXT,                       -- by the refund's ProviderCreditReversalSummaryList
	account TEXT NOT NULL,
	environment TEXT NOT NULL,
	seller_id TEXT,
	provider_seller_id TEXT,
	reference_id TEXT,                    -- CreditReversalReferenceId
	state TEXT NOT NULL,
	reason_code TEXT,
	amount_minor INTEGER,
	currency TEXT,
	created_at TEXT,
	updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX provider_credit_reversal_order_reference ON provider_credit_reversal (order_reference_id);
CREATE INDEX provider_credit_reversal_updated ON provider_credit_reversal (updated_at);

-- Merchants who registered with a solution provider, a row for each notification.
CREATE TABLE solution_provider (
	notification_id INTEGER PRIMARY KEY REFERENCES notification (id),
	account TEXT NOT NULL,
	environment TEXT NOT NULL,
	seller_id TEXT NOT NULL,              -- the merchant's
	state TEXT NOT NULL,                  -- Type: Register
	options TEXT                          -- a JSON object of names and values
) STRICT;
CREATE INDEX solution_provider_seller ON solution_provider (seller_id);
