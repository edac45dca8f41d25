-- check: ledger_sums
-- title: The ledger sums to its clock
-- meaning: The intervals of a clock run from its start to its end without gap or overlap, and their lengths by label are the milestone's counted, off hours, holiday, paused and gap; together they are its elapsed time.
-- when it speaks: a row is an instance with the sums of both sides, in the order counted, off hours, holiday, paused, gap. For a clock that has not ended only its beginning is checked, and that its intervals have no gap and no overlap. Run `casebook replay --full`; if the row stays, report it with the events of the case, its policy and calendar.

-- The intervals of a clock are in one row where their ends, but for the last, are their beginnings, but for the first. This is
-- compared by sums of fingerprints, because joining or sorting the intervals takes several times as long.
WITH measured AS (
    SELECT case_id, milestone, n, label, since, until, CAST(until AS bigint) - CAST(since AS bigint) AS ms,
           CAST(since AS bigint) * 7046029254386353131 AS since_mark,
           CAST(coalesce(until, since) AS bigint) * 7046029254386353131 AS until_mark
    FROM ledger
),
sums AS (
    SELECT case_id, milestone, n, min(since) AS since, max(coalesce(until, since)) AS until,
           count(*) FILTER (WHERE ms <= 0) AS empty_intervals,
           sum((until_mark ^ (until_mark >> 29)) * 2654435761 - (since_mark ^ (since_mark >> 29)) * 2654435761) AS marks,
           coalesce(sum(ms) FILTER (WHERE label = 'counted'), 0) AS counted_ms,
           coalesce(sum(ms) FILTER (WHERE label = 'off_hours'), 0) AS off_hours_ms,
           coalesce(sum(ms) FILTER (WHERE label = 'holiday'), 0) AS holiday_ms,
           coalesce(sum(ms) FILTER (WHERE label = 'paused'), 0) AS paused_ms,
           coalesce(sum(ms) FILTER (WHERE label = 'gap'), 0) AS gap_ms,
           sum(ms) AS total_ms
    FROM measured
    GROUP BY case_id, milestone, n
),
ends AS (
    SELECT *, CAST(since AS bigint) * 7046029254386353131 AS since_mark, CAST(until AS bigint) * 7046029254386353131 AS until_mark
    FROM sums
),
joined AS (
    SELECT *, marks = (until_mark ^ (until_mark >> 29)) * 2654435761 - (since_mark ^ (since_mark >> 29)) * 2654435761
                  AND empty_intervals = 0 AS is_row
    FROM ends
),
compared AS (
    SELECT coalesce(m.case_id, s.case_id) AS case_id, coalesce(m.milestone, s.milestone) AS milestone, coalesce(m.n, s.n) AS n,
           CAST(coalesce(m.completed_at, m.stopped_at, m.disabled_at) AS bigint) - CAST(m.started_at AS bigint) AS length_ms,
           m.elapsed_ms, coalesce(s.total_ms, 0) AS total_ms, m.started_at, s.since, s.is_row,
           m.counted_ms, m.off_hours_ms, m.holiday_ms, m.paused_ms, m.gap_ms,
           coalesce(s.counted_ms, 0) AS l_counted_ms, coalesce(s.off_hours_ms, 0) AS l_off_hours_ms,
           coalesce(s.holiday_ms, 0) AS l_holiday_ms, coalesce(s.paused_ms, 0) AS l_paused_ms, coalesce(s.gap_ms, 0) AS l_gap_ms
    FROM milestones m FULL JOIN joined s ON s.case_id = m.case_id AND s.milestone = m.milestone AND s.n = m.n
),
judged AS (
    SELECT *,
           CASE WHEN started_at IS NULL THEN 'no such milestone'
                WHEN since <> started_at THEN 'does not begin with the clock'
                WHEN NOT is_row THEN 'gap, overlap or empty interval'
                WHEN (elapsed_ms IS DISTINCT FROM length_ms) THEN 'elapsed_ms is not that from start to end'
                WHEN elapsed_ms <> total_ms THEN 'total'
                WHEN length_ms IS NOT NULL
                     AND ((counted_ms IS DISTINCT FROM l_counted_ms) OR (off_hours_ms IS DISTINCT FROM l_off_hours_ms)
                          OR (holiday_ms IS DISTINCT FROM l_holiday_ms) OR (paused_ms IS DISTINCT FROM l_paused_ms)
                          OR (gap_ms IS DISTINCT FROM l_gap_ms)) THEN 'sums by label' END AS what
    FROM compared
)
SELECT case_id, milestone, n, what, started_at, since AS first_since, elapsed_ms, length_ms, total_ms AS total_in_ledger_ms,
       concat_ws(' ', counted_ms, off_hours_ms, holiday_ms, paused_ms, gap_ms) AS in_milestones,
       concat_ws(' ', l_counted_ms, l_off_hours_ms, l_holiday_ms, l_paused_ms, l_gap_ms) AS in_ledger
FROM judged
WHERE what IS NOT NULL
