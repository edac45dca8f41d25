-- check: active_time
-- title: Active time from periods
-- meaning: The active time of an answer or a resolution is the time in open periods from the question or creation to it; business time is not longer than that, and elapsed time counts from the creation.
-- when it speaks: a row is a turn or resolution, with its time and the time that `periods` give. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH open_time AS (
    SELECT case_id, since, status NOT IN ('done', 'spam') AS is_open,
           sum(CASE WHEN status NOT IN ('done', 'spam')
                    THEN CAST(until AS bigint) - CAST(since AS bigint) ELSE 0 END)
               OVER (PARTITION BY case_id ORDER BY since ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_ms
    FROM periods
),
points AS (
    SELECT case_id, answered_at AS at, 'turns' AS what, n, elapsed_ms, active_ms, business_ms FROM turns
    WHERE n = 1 AND answered_at IS NOT NULL
    UNION ALL
    SELECT case_id, resolved_at, 'resolutions', n, elapsed_ms, active_ms, business_ms FROM resolutions
),
moments AS (
    SELECT case_id, at, what, n, elapsed_ms, active_ms, business_ms, NULL AS since FROM points
    UNION ALL
    SELECT case_id, since AS at, NULL, NULL, NULL, NULL, NULL, since FROM periods
),
placed AS (
    SELECT case_id, at, what, n, elapsed_ms, active_ms, business_ms,
           max(since) OVER (PARTITION BY case_id ORDER BY at) AS since
    FROM moments
),
compared AS (
    SELECT m.case_id, m.what, m.n, m.elapsed_ms, m.active_ms, m.business_ms,
           CAST(m.at AS bigint) - CAST(c.created_at AS bigint) AS length_ms,
           coalesce(o.before_ms, 0)
               + CASE WHEN o.is_open THEN CAST(m.at AS bigint) - CAST(m.since AS bigint) ELSE 0 END AS open_ms
    FROM placed m
    LEFT JOIN open_time o ON o.case_id = m.case_id AND o.since = m.since
    LEFT JOIN cases c ON c.case_id = m.case_id
    WHERE m.what IS NOT NULL
)
SELECT case_id, what, n, elapsed_ms, length_ms AS since_creation_ms, active_ms, open_ms AS in_periods_ms, business_ms
FROM compared
WHERE (elapsed_ms IS DISTINCT FROM length_ms) OR (active_ms IS DISTINCT FROM open_ms)
   OR business_ms < 0 OR business_ms > open_ms
UNION ALL
SELECT case_id, 'turns', n, elapsed_ms, NULL, active_ms, elapsed_ms AS in_periods_ms, business_ms FROM turns
WHERE n > 1 AND ((active_ms IS DISTINCT FROM elapsed_ms) OR business_ms < 0 OR business_ms > active_ms)
