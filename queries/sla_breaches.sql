-- metric: sla_breaches
-- title: SLA breaches
-- meaning: Milestones that were late or missed or are overdue.
-- unit: milestones
-- kind: flow
-- aggregate: count
-- date: when the milestone was due
-- agent: the assignee then
-- excludes: none
-- bots: their messages answer nothing and an assignment to a bot does not count; a bot can assign a person, and resolve
-- reopenings: the resolution, and an assignment or first response not done by then, begin a new instance; then the one before no longer counts
-- spam: counted like any case
-- deletion: stays counted; the clock stops
-- pauses: left out, as the policy states
-- example: due 10:00 with Ana, Ben completes it 11:00: 1 for Ana at 10:00
-- differs: systems that look at intervals for breaches lose those between two looks
SELECT case_id, due_at AS at, assignee_at_due AS agent, 1 AS value, milestone, policy
FROM (
  SELECT *, outcome(completed_at, stopped_at, disabled_at, due_at, $as_of) AS outcome
  FROM milestones
  WHERE since <= $as_of AND (until IS NULL OR until > $as_of)
) AS judged
WHERE outcome IN ('late', 'missed', 'overdue')
