-- check: events_once
-- title: Each event once
-- meaning: An identity (source, id) is in the log once (1.2).
-- when it speaks: a row is an identity that the log has more than once; figures count its event twice. A program other than `casebook ingest` wrote to the store: ingest the files again into a new store.
SELECT min(case_id) AS case_id, source, id, count(*) AS times_in_log, 1 AS times_expected
FROM events
GROUP BY source, id
HAVING count(*) > 1
