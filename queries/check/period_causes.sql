-- check: period_causes
-- title: Periods begin with the event they name
-- meaning: The cause of a period is the type of an event of the log at its first instant, of the same case unless it is a presence or a removal.
-- when it speaks: a row is a period and the event that it names. Run `casebook replay --full`; if the row stays, report it with the events of the case.
SELECT p.case_id, p.since, p.cause, p.event_source, p.event_id,
       e.time AS event_time, e.type AS event_type, e.case_id AS event_case_id
FROM periods p LEFT JOIN events e ON e.source = p.event_source AND e.id = p.event_id
WHERE e.id IS NULL
   OR e.time <> p.since
   OR (p.cause = 'presence' AND e.type NOT IN ('user.presence_changed', 'user.removed'))
   OR (p.cause <> 'presence' AND (e.type <> p.cause OR (e.case_id IS DISTINCT FROM p.case_id)))
