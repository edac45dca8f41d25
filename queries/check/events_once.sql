-- check: events_once
-- title: Each event once
-- meaning: An identity (source, id) stands once in the log (1.2).
-- when it speaks: a row is an identity that the log holds more than once; figures count its event twice. The store was written by something else than `casebook ingest`: ingest the files again into a new store.
SELECT min(case_id) AS case_id, source, id, count(*) AS times_in_log, 1 AS times_expected
FROM events
GROUP BY source, id
HAVING count(*) > 1
