-- Schema 7. An index over ids, which come in no order, costs a page of its own for nearly every notification. So one serves what two
-- did, and none is kept that nothing asks by.

DROP INDEX fact_object;
DROP INDEX fact_once;
-- What carries no time has a fact for each notification. The object comes first: its facts are looked for, too.
CREATE UNIQUE INDEX fact_once ON fact (object_id, object_type, state, at,
	(CASE object_type WHEN 'chargeback' THEN notification_id WHEN 'solution_provider' THEN notification_id ELSE 0 END));
-- The events of an object are found by their lane.
DROP INDEX event_object;
