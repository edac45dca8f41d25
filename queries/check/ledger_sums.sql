-- check: ledger_sums
-- title: The ledger sums to its clock
-- meaning: The intervals of a clock run from its start to its end without gap or overlap, and their lengths by label are the milestone's counted, off hours, holiday, paused and gap; together they are its elapsed time.
-- when it speaks: a row is an instance with a sum of either side, or an interval that does not join the one before. Of a clock that has not ended only the joints and the beginning are checked. Run `casebook replay --full`; if the row stays, report it with the events of the case, its policy and calendar.
WITH measured AS (
    SELECT case_id, milestone, n, label, since, until, CAST(until AS bigint) - CAST(since AS bigint) AS ms,
           lag(until) OVER (PARTITION BY case_id, milestone, n ORDER BY since, until) AS before_until
    FROM ledger
),
sums AS (
    SELECT case_id, milestone, n, min(since) AS since, max(until) AS until,
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
    SELECT m.case_id, m.milestone, m.n,
           CAST(coalesce(m.completed_at, m.stopped_at, m.disabled_at) AS bigint) - CAST(m.started_at AS bigint) AS length_ms,
           m.elapsed_ms, coalesce(s.total_ms, 0) AS total_ms, m.started_at, s.since,
           concat_ws(' ', m.counted_ms, m.off_hours_ms, m.holiday_ms, m.paused_ms, m.gap_ms) AS in_milestones,
           concat_ws(' ', coalesce(s.counted_ms, 0), coalesce(s.off_hours_ms, 0), coalesce(s.holiday_ms, 0),
                     coalesce(s.paused_ms, 0), coalesce(s.gap_ms, 0)) AS in_ledger
    FROM milestones m LEFT JOIN sums s ON s.case_id = m.case_id AND s.milestone = m.milestone AND s.n = m.n
)
SELECT case_id, milestone, n, 'elapsed_ms' AS what, CAST(elapsed_ms AS text) AS in_milestones,
       CAST(length_ms AS text) AS in_ledger FROM compared
WHERE (elapsed_ms IS DISTINCT FROM length_ms)
UNION ALL
SELECT case_id, milestone, n, 'total', CAST(elapsed_ms AS text), CAST(total_ms AS text) FROM compared
WHERE elapsed_ms <> total_ms
UNION ALL
SELECT case_id, milestone, n, 'counted, off_hours, holiday, paused, gap', in_milestones, in_ledger FROM compared
WHERE in_milestones <> in_ledger AND length_ms IS NOT NULL
UNION ALL
SELECT case_id, milestone, n, 'started_at', CAST(started_at AS text), CAST(since AS text) FROM compared
WHERE since <> started_at
UNION ALL
SELECT case_id, milestone, n, 'interval since', CAST(since AS text), CAST(coalesce(before_until, until) AS text) FROM measured
WHERE before_until <> since OR ms <= 0
UNION ALL
SELECT l.case_id, l.milestone, l.n, 'no such milestone', NULL, CAST(l.since AS text)
FROM ledger l LEFT ANTI JOIN milestones m ON m.case_id = l.case_id AND m.milestone = l.milestone AND m.n = l.n
