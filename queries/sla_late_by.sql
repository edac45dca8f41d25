-- metric: sla_late_by
-- title: Late by
-- meaning: How long after it was due a milestone was completed or stopped.
-- unit: ms
-- kind: flow
-- aggregate: median
-- date: the end of the clock
-- agent: the assignee at the end of the clock
-- excludes: none
-- bots: their messages answer nothing and an assignment to a bot does not count; a bot can assign a person, and resolve
-- reopenings: the resolution, and an assignment or first response not done by then, begin a new instance; then the one before no longer counts
-- spam: counted like any case
-- deletion: stays counted; the clock stops
-- pauses: not left out: the time after it was due is elapsed time
-- example: due 10:00, completed 10:20: 20 min at 10:20
-- differs: most help desks state only that a target was missed
SELECT case_id, coalesce(completed_at, stopped_at) AS at, assignee_at_end AS agent,
       CAST(coalesce(completed_at, stopped_at) AS BIGINT) - CAST(due_at AS BIGINT) AS value, milestone, policy
FROM (
  SELECT *, outcome(completed_at, stopped_at, disabled_at, due_at, $as_of) AS outcome
  FROM milestones
  WHERE since <= $as_of AND (until IS NULL OR until > $as_of)
) AS judged
WHERE outcome IN ('late', 'missed')
