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
counted AS (
    SELECT case_id, milestone, n, until, label,
           sum(CASE WHEN label = 'counted' THEN CAST(until AS bigint) - CAST(since AS bigint) ELSE 0 END)
               OVER (PARTITION BY case_id, milestone, n ORDER BY since ROWS UNBOUNDED PRECEDING) AS counted_ms
    FROM ledger
),
reached AS (
    SELECT s.case_id, s.milestone, s.n, max(l.until) AS ledger_until,
           min(CAST(l.until AS bigint) - (l.counted_ms - s.target_ms))
               FILTER (WHERE l.label = 'counted' AND l.counted_ms >= s.target_ms) AS due_ms
    FROM steady s JOIN counted l ON l.case_id = s.case_id AND l.milestone = s.milestone AND l.n = s.n
    GROUP BY s.case_id, s.milestone, s.n
),
compared AS (
    SELECT s.*, r.ledger_until, r.due_ms, CAST(s.due_at AS bigint) AS in_milestones_ms,
           coalesce(s.completed_at, s.stopped_at, s.disabled_at, r.ledger_until) AS end_at
    FROM steady s LEFT JOIN reached r ON r.case_id = s.case_id AND r.milestone = s.milestone AND r.n = s.n
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
