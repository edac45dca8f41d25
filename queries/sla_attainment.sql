-- metric: sla_attainment
-- title: SLA attainment
-- meaning: Share of the milestones that were met, among those that were met, late, missed or are overdue.
-- unit: share
-- kind: flow
-- aggregate: share
-- date: the end of the clock; of overdue milestones, when they were due
-- agent: the assignee at the end of the clock; of overdue milestones, at that time
-- excludes: running; cancelled; disabled
-- bots: their messages answer nothing and an assignment to a bot does not count; a bot can assign a person, and resolve
-- reopenings: the resolution, and an assignment or first response not done by then, begin a new instance; then the one before no longer counts
-- spam: counted like any case
-- deletion: stays counted; the clock stops
-- pauses: left out, as the policy states
-- example: 8 met, 1 late, 1 overdue, 5 running: 80 %
-- differs: Chatwoot counts running milestones as hits: 14 of 15
SELECT case_id, coalesce(completed_at, stopped_at, disabled_at, due_at, $as_of) AS at,
       CASE WHEN outcome = 'overdue' THEN assignee_at_due WHEN outcome <> 'running' THEN assignee_at_end END AS agent,
       CASE WHEN outcome = 'met' THEN 1 ELSE 0 END AS value, milestone, policy,
       CASE WHEN outcome IN ('running', 'cancelled', 'disabled') THEN outcome END AS excluded
FROM (
  SELECT case_id, milestone, policy, assignee_at_due, assignee_at_end, outcome,
         CASE WHEN completed_at <= $as_of THEN completed_at END AS completed_at,
         CASE WHEN stopped_at <= $as_of THEN stopped_at END AS stopped_at,
         CASE WHEN disabled_at <= $as_of THEN disabled_at END AS disabled_at,
         CASE WHEN outcome = 'overdue' THEN due_at END AS due_at
  FROM (
    SELECT *, outcome(completed_at, stopped_at, disabled_at, due_at, $as_of) AS outcome
    FROM milestones
    WHERE since <= $as_of AND (until IS NULL OR until > $as_of)
  ) AS judged
) AS ended
