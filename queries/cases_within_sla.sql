-- metric: cases_within_sla
-- title: Cases within SLA
-- meaning: Share of resolved cases with no breached milestone as of the report; a case without a policy has none and counts as within.
-- unit: share
-- kind: flow
-- aggregate: share
-- date: when the case was last resolved
-- agent: the assignee then
-- excludes: none
-- bots: their messages answer nothing and an assignment to a bot does not count; a bot can assign a person, and resolve
-- reopenings: the resolution, and an assignment or first response not done by then, begin a new instance; then the one before no longer counts
-- spam: counted; cut by `resolution` to separate Done and Spam
-- deletion: stays counted; the clock stops
-- pauses: left out, as the policy states
-- example: first response met, resolution late: no
-- differs: Frappe keeps one status for all milestones of a case
SELECT known.case_id, resolved_at AS at, agent, CASE WHEN breached.case_id IS NULL THEN 1 ELSE 0 END AS value
FROM (
  SELECT *, row_number() OVER (PARTITION BY case_id ORDER BY n DESC) AS back
  FROM resolutions
  WHERE resolved_at <= $as_of
) AS known
LEFT JOIN (
  SELECT DISTINCT case_id
  FROM (
    SELECT *, outcome(completed_at, stopped_at, disabled_at, due_at, $as_of) AS outcome
    FROM milestones
    WHERE since <= $as_of AND (until IS NULL OR until > $as_of)
  ) AS judged
  WHERE outcome IN ('late', 'missed', 'overdue')
) AS breached ON breached.case_id = known.case_id
WHERE back = 1
