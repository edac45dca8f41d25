-- metric: sla_overdue
-- title: Overdue milestones
-- meaning: Milestones that are past their due time and not over.
-- unit: milestones
-- kind: stock
-- aggregate: count
-- date: the end of each bucket
-- agent: assignee_then
-- excludes: none
-- bots: their messages answer nothing and an assignment to a bot does not count; a bot can assign a person, and resolve
-- reopenings: the resolution, and an assignment or first response not done by then, begin a new instance; then the one before no longer counts
-- spam: counted like any case
-- deletion: stops the clock, so that nothing is overdue
-- pauses: left out, as the policy states
-- example: due 10:00, completed 11:00: 1 at 10:30, 0 at 11:30
-- differs: badges that are refreshed at intervals show an overdue milestone late
SELECT case_id, greatest(since, due_at + INTERVAL '1 millisecond') AS since, least(until, completed_at, stopped_at, disabled_at) AS until,
       1 AS value, milestone, policy
FROM milestones
-- What is part of the stock when it is read, before the functions.
WHERE due_at < $last_read AND since <= $last_read
  AND (until IS NULL OR until > $first_read) AND (completed_at IS NULL OR completed_at > $first_read)
  AND (stopped_at IS NULL OR stopped_at > $first_read) AND (disabled_at IS NULL OR disabled_at > $first_read)
  AND (least(until, completed_at, stopped_at, disabled_at) IS NULL
    OR due_at < least(until, completed_at, stopped_at, disabled_at))
