-- check: periods_tile
-- title: Periods tile
-- meaning: The periods of a case begin with its creation, end with its deletion or never, follow each other without gap or overlap, are not empty, and adjacent ones differ (2.8). Only a case deleted at its creation has none.
-- when it speaks: a row is a period and the instant at which it should begin or end; stocks such as the backlog are wrong there. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH beside AS (
    SELECT p.case_id, p.since, p.until, c.created_at, c.deleted_at, b.case_id IS NULL AS is_first,
           b.status = p.status AND (b.assignee IS NOT DISTINCT FROM p.assignee)
               AND b.priority = p.priority AND (b.profile IS NOT DISTINCT FROM p.profile) AS repeats
    FROM periods b
    RIGHT JOIN periods p ON b.case_id = p.case_id AND b.until = p.since
    LEFT JOIN cases c ON c.case_id = p.case_id
),
judged AS (
    SELECT case_id, since, created_at, until, deleted_at,
           CASE WHEN is_first AND (since IS DISTINCT FROM created_at) THEN 'does not begin with the case or where another ends'
                WHEN until <= since THEN 'is empty'
                WHEN repeats THEN 'is the same as the one before' END AS what
    FROM beside
),
-- No time is between two periods. So they do not overlap where together they are as long as the time from the first to the last.
together AS (
    SELECT case_id, min(since) AS since, coalesce(max(since) FILTER (WHERE until IS NULL), max(until)) AS last_at,
           CASE WHEN count(until) = count(*) THEN max(until) END AS until,
           sum(CAST(until AS bigint) - CAST(since AS bigint)) AS ended_ms, count(*) - count(until) AS open_periods
    FROM periods GROUP BY case_id
)
SELECT case_id, what, since, created_at, until, deleted_at FROM judged WHERE what IS NOT NULL
UNION ALL
SELECT t.case_id, CASE WHEN (t.until IS DISTINCT FROM c.deleted_at) THEN 'the last does not end with the case' ELSE 'some overlap' END,
       t.since, c.created_at, t.until, c.deleted_at
FROM together t JOIN cases c ON c.case_id = t.case_id
WHERE (t.until IS DISTINCT FROM c.deleted_at) OR t.open_periods > 1
   OR coalesce(t.ended_ms, 0) <> CAST(t.last_at AS bigint) - CAST(t.since AS bigint)
UNION ALL
SELECT c.case_id, 'the case has no period', NULL, c.created_at, NULL, c.deleted_at
FROM cases c LEFT ANTI JOIN periods p ON p.case_id = c.case_id
WHERE (c.deleted_at IS DISTINCT FROM c.created_at)
