-- check: active_time
-- title: Active time from periods
-- meaning: The active time of an answer and of a resolution is the time in open periods from question or creation to it; business time is no longer than that, and an elapsed time runs from the creation.
-- when it speaks: a row is a turn or resolution, the time it has and the one that `periods` give. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH open_time AS (
    SELECT case_id, since, status NOT IN ('done', 'spam') AS is_open,
           sum(CASE WHEN status NOT IN ('done', 'spam')
                    THEN CAST(until AS bigint) - CAST(since AS bigint) ELSE 0 END)
               OVER (PARTITION BY case_id ORDER BY since ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_ms
    FROM periods
),
points AS (
    SELECT case_id, answered_at AS at, 'turns' AS what, n, active_ms, business_ms FROM turns
    WHERE n = 1 AND answered_at IS NOT NULL
    UNION ALL
    SELECT case_id, resolved_at, 'resolutions', n, active_ms, business_ms FROM resolutions
),
moments AS (
    SELECT case_id, at, what, n, active_ms, business_ms, NULL AS since FROM points
    UNION ALL
    SELECT case_id, since AS at, NULL, NULL, NULL, NULL, since FROM periods
),
placed AS (
    SELECT case_id, at, what, n, active_ms, business_ms,
           max(since) OVER (PARTITION BY case_id ORDER BY at) AS since
    FROM moments
),
compared AS (
    SELECT m.case_id, m.what, m.n, m.active_ms, m.business_ms,
           coalesce(o.before_ms, 0)
               + CASE WHEN o.is_open THEN CAST(m.at AS bigint) - CAST(m.since AS bigint) ELSE 0 END AS open_ms
    FROM placed m LEFT JOIN open_time o ON o.case_id = m.case_id AND o.since = m.since
    WHERE m.what IS NOT NULL
)
SELECT case_id, what, n, 'active_ms' AS member, active_ms AS in_table, open_ms AS in_periods FROM compared
WHERE (active_ms IS DISTINCT FROM open_ms)
UNION ALL
SELECT case_id, what, n, 'business_ms', business_ms, open_ms FROM compared
WHERE business_ms < 0 OR business_ms > open_ms
UNION ALL
SELECT case_id, 'turns', n, 'active_ms', active_ms, elapsed_ms FROM turns
WHERE n > 1 AND (active_ms IS DISTINCT FROM elapsed_ms)
UNION ALL
SELECT case_id, 'turns', n, 'business_ms', business_ms, active_ms FROM turns
WHERE n > 1 AND (business_ms < 0 OR business_ms > active_ms)
UNION ALL
SELECT r.case_id, 'resolutions', r.n, 'elapsed_ms', r.elapsed_ms, CAST(r.resolved_at AS bigint) - CAST(c.created_at AS bigint)
FROM resolutions r JOIN cases c ON c.case_id = r.case_id
WHERE (r.elapsed_ms IS DISTINCT FROM CAST(r.resolved_at AS bigint) - CAST(c.created_at AS bigint))
