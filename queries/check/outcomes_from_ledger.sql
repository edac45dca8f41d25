-- check: outcomes_from_ledger
-- title: Outcome and due from the ledger
-- meaning: Where a target cannot have changed, `due_at` is the instant at which the counted intervals of the ledger reach it; where they do not reach it, `due_at` is not before the ledger's end. The outcome at the end of the clock follows from that.
-- when it speaks: a row is an instance with both instants and both outcomes; attainment and breaches are wrong there. Policies with more than one event and cases with a change of priority are left out. Run `casebook replay --full`; if the row stays, report it with the events of the case, its policy and calendar.
WITH steady_policies AS (
    SELECT subject AS policy FROM events WHERE type IN ('policy.updated', 'policy.removed')
    GROUP BY subject HAVING count(*) = 1
),
steady_cases AS (
    SELECT c.case_id FROM cases c
    JOIN steady_policies p ON p.policy = c.policy
    LEFT ANTI JOIN (SELECT DISTINCT case_id FROM events WHERE type = 'case.priority_changed') e ON e.case_id = c.case_id
),
steady AS (
    SELECT m.case_id, m.milestone, m.n, m.target_ms, m.due_at, m.completed_at, m.stopped_at, m.disabled_at
    FROM milestones m LEFT SEMI JOIN steady_cases s ON s.case_id = m.case_id
),
reached AS (
    SELECT s.case_id, s.milestone, s.n, s.target_ms, s.due_at, s.completed_at, s.stopped_at, s.disabled_at,
           max(l.until) AS ledger_until,
           sum(CAST(l.until AS bigint) - CAST(l.since AS bigint)) FILTER (WHERE l.label = 'counted') AS counted_ms,
           sum(CAST(least(l.until, s.due_at) AS bigint) - CAST(l.since AS bigint))
               FILTER (WHERE l.label = 'counted' AND l.since < s.due_at) AS counted_to_due_ms,
           bool_or(l.label = 'counted' AND l.since < s.due_at AND l.until >= s.due_at) AS is_due_counted
    FROM steady s LEFT JOIN ledger l ON l.case_id = s.case_id AND l.milestone = s.milestone AND l.n = s.n
    GROUP BY s.case_id, s.milestone, s.n, s.target_ms, s.due_at, s.completed_at, s.stopped_at, s.disabled_at
),
-- `due_ms` is that of the milestone where it is the instant at which the target is reached.
placed AS (
    SELECT *, coalesce(completed_at, stopped_at, disabled_at, ledger_until) AS end_at,
           CASE WHEN counted_ms >= target_ms THEN CAST(due_at AS bigint) END AS due_ms,
           coalesce(CASE WHEN counted_ms >= target_ms THEN is_due_counted AND counted_to_due_ms = target_ms
                         ELSE due_at >= ledger_until END, false) AS is_due
    FROM reached
),
-- Only of the others all intervals are put in order.
doubtful AS (
    SELECT case_id, milestone, n, target_ms, due_at, completed_at, stopped_at, disabled_at, ledger_until, end_at
    FROM placed
    WHERE NOT is_due
       OR (outcome(completed_at, stopped_at, disabled_at, due_at, end_at) IS DISTINCT FROM
           CASE WHEN completed_at IS NOT NULL
                THEN CASE WHEN due_ms < CAST(completed_at AS bigint) THEN 'late' ELSE 'met' END
                WHEN stopped_at IS NOT NULL
                THEN CASE WHEN due_ms < CAST(stopped_at AS bigint) THEN 'missed' ELSE 'cancelled' END
                WHEN due_ms < CAST(end_at AS bigint) THEN 'overdue'
                WHEN end_at IS NOT NULL THEN 'running' END)
),
counted AS (
    SELECT d.*, l.until, l.label,
           sum(CASE WHEN l.label = 'counted' THEN CAST(l.until AS bigint) - CAST(l.since AS bigint) ELSE 0 END)
               OVER (PARTITION BY d.case_id, d.milestone, d.n ORDER BY l.since ROWS UNBOUNDED PRECEDING) AS counted_ms
    FROM doubtful d LEFT JOIN ledger l ON l.case_id = d.case_id AND l.milestone = d.milestone AND l.n = d.n
),
compared AS (
    SELECT case_id, milestone, n, target_ms, due_at, completed_at, stopped_at, disabled_at, ledger_until, end_at,
           min(CAST(until AS bigint) - (counted_ms - target_ms)) FILTER (WHERE label = 'counted' AND counted_ms >= target_ms)
               AS due_ms,
           CAST(due_at AS bigint) AS in_milestones_ms
    FROM counted
    GROUP BY case_id, milestone, n, target_ms, due_at, completed_at, stopped_at, disabled_at, ledger_until, end_at
),
judged AS (
    SELECT *,
           outcome(completed_at, stopped_at, disabled_at, due_at, end_at) AS outcome_in_milestones,
           CASE WHEN completed_at IS NOT NULL
                THEN CASE WHEN due_ms < CAST(completed_at AS bigint) THEN 'late' ELSE 'met' END
                WHEN stopped_at IS NOT NULL
                THEN CASE WHEN due_ms < CAST(stopped_at AS bigint) THEN 'missed' ELSE 'cancelled' END
                WHEN due_ms < CAST(end_at AS bigint) THEN 'overdue'
                WHEN end_at IS NOT NULL THEN 'running' END AS outcome_in_ledger
    FROM compared
)
SELECT case_id, milestone, n, target_ms, due_at AS due_in_milestones, to_timestamp_millis(due_ms) AS due_in_ledger,
       ledger_until, outcome_in_milestones, outcome_in_ledger
FROM judged
WHERE (outcome_in_milestones IS DISTINCT FROM outcome_in_ledger)
   OR (due_ms IS NOT NULL AND (in_milestones_ms IS DISTINCT FROM due_ms))
   OR (due_ms IS NULL AND due_at < ledger_until)
