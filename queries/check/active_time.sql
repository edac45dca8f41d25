-- check: active_time
-- title: Active time from periods
-- meaning: The active time of an answer or a resolution is the time in open periods from the question or creation to it; business time is not longer than that, and elapsed time counts from the creation.
-- when it speaks: a row is a turn or resolution, with its time and the time that `periods` give. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH points AS (
    SELECT case_id, answered_at AS at, 'turns' AS what, n, elapsed_ms, active_ms, business_ms FROM turns
    WHERE n = 1 AND answered_at IS NOT NULL
    UNION ALL
    SELECT case_id, resolved_at, 'resolutions', n, elapsed_ms, active_ms, business_ms FROM resolutions
),
instants AS (
    SELECT DISTINCT case_id, at FROM points
),
open_times AS (
    SELECT i.case_id, i.at,
           sum(least(coalesce(CAST(p.until AS bigint), CAST(i.at AS bigint)), CAST(i.at AS bigint)) - CAST(p.since AS bigint))
               AS open_ms
    FROM instants i JOIN periods p ON p.case_id = i.case_id AND p.since < i.at
    WHERE p.status NOT IN ('done', 'spam')
    GROUP BY i.case_id, i.at
),
compared AS (
    SELECT m.case_id, m.what, m.n, m.elapsed_ms, m.active_ms, m.business_ms,
           CAST(m.at AS bigint) - CAST(c.created_at AS bigint) AS length_ms, coalesce(o.open_ms, 0) AS open_ms
    FROM points m
    LEFT JOIN open_times o ON o.case_id = m.case_id AND o.at = m.at
    LEFT JOIN cases c ON c.case_id = m.case_id
)
SELECT case_id, what, n, elapsed_ms, length_ms AS since_creation_ms, active_ms, open_ms AS in_periods_ms, business_ms
FROM compared
WHERE (elapsed_ms IS DISTINCT FROM length_ms) OR (active_ms IS DISTINCT FROM open_ms)
   OR business_ms < 0 OR business_ms > open_ms
UNION ALL
SELECT case_id, 'turns', n, elapsed_ms, NULL, active_ms, elapsed_ms AS in_periods_ms, business_ms FROM turns
WHERE n > 1 AND ((active_ms IS DISTINCT FROM elapsed_ms) OR business_ms < 0 OR business_ms > active_ms)
