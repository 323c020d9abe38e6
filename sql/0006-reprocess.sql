-- Schema 6. What one version could not read, a later one may: `ipnctl reprocess`.

ALTER TABLE notification ADD COLUMN reprocessed_at TEXT; -- of an unrecognized one: when a later version understood and applied it; NULL: none has
CREATE INDEX notification_unrecognized ON notification (id) WHERE verdict = 'unrecognized' AND reprocessed_at IS NULL;
