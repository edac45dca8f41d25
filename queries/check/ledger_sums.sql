-- check: ledger_sums
-- title: The ledger sums to its clock
-- meaning: The intervals of a clock run from its start to its end without gap or overlap, and their lengths by label are the milestone's counted, off hours, holiday, paused and gap; together they are its elapsed time.
-- when it speaks: a row is an instance with the sums of both sides, in the order counted, off hours, holiday, paused, gap, and the number of intervals that do not begin where the one before ends. For a clock that has not ended only its beginning and these connections are checked. Run `casebook replay --full`; if the row stays, report it with the events of the case, its policy and calendar.
WITH measured AS (
    SELECT case_id, milestone, n, label, since, until, CAST(until AS bigint) - CAST(since AS bigint) AS ms,
           lag(until) OVER (PARTITION BY case_id, milestone, n ORDER BY since, until) AS before_until
    FROM ledger
),
sums AS (
    SELECT case_id, milestone, n, min(since) AS since,
           count(*) FILTER (WHERE before_until <> since OR ms <= 0) AS loose_joints,
           coalesce(sum(ms) FILTER (WHERE label = 'counted'), 0) AS counted_ms,
           coalesce(sum(ms) FILTER (WHERE label = 'off_hours'), 0) AS off_hours_ms,
           coalesce(sum(ms) FILTER (WHERE label = 'holiday'), 0) AS holiday_ms,
           coalesce(sum(ms) FILTER (WHERE label = 'paused'), 0) AS paused_ms,
           coalesce(sum(ms) FILTER (WHERE label = 'gap'), 0) AS gap_ms,
           sum(ms) AS total_ms
    FROM measured
    GROUP BY case_id, milestone, n
),
compared AS (
    SELECT coalesce(m.case_id, s.case_id) AS case_id, coalesce(m.milestone, s.milestone) AS milestone, coalesce(m.n, s.n) AS n,
           CAST(coalesce(m.completed_at, m.stopped_at, m.disabled_at) AS bigint) - CAST(m.started_at AS bigint) AS length_ms,
           m.elapsed_ms, coalesce(s.total_ms, 0) AS total_ms, m.started_at, s.since, s.loose_joints,
           concat_ws(' ', m.counted_ms, m.off_hours_ms, m.holiday_ms, m.paused_ms, m.gap_ms) AS in_milestones,
           concat_ws(' ', coalesce(s.counted_ms, 0), coalesce(s.off_hours_ms, 0), coalesce(s.holiday_ms, 0),
                     coalesce(s.paused_ms, 0), coalesce(s.gap_ms, 0)) AS in_ledger
    FROM milestones m FULL JOIN sums s ON s.case_id = m.case_id AND s.milestone = m.milestone AND s.n = m.n
),
judged AS (
    SELECT *,
           CASE WHEN started_at IS NULL THEN 'no such milestone'
                WHEN since <> started_at THEN 'does not begin with the clock'
                WHEN loose_joints > 0 THEN 'gap, overlap or empty interval'
                WHEN (elapsed_ms IS DISTINCT FROM length_ms) THEN 'elapsed_ms is not that from start to end'
                WHEN elapsed_ms <> total_ms THEN 'total'
                WHEN length_ms IS NOT NULL AND in_milestones <> in_ledger THEN 'sums by label' END AS what
    FROM compared
)
SELECT case_id, milestone, n, what, started_at, since AS first_since, loose_joints, elapsed_ms, length_ms,
       total_ms AS total_in_ledger_ms, in_milestones, in_ledger
FROM judged
WHERE what IS NOT NULL
