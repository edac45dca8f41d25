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
SELECT r.case_id, r.resolved_at AS at, r.agent, CASE WHEN breached.case_id IS NULL THEN 1 ELSE 0 END AS value
FROM resolutions r
LEFT JOIN (
  SELECT DISTINCT case_id
  FROM milestones
  WHERE since <= $as_of AND (until IS NULL OR until > $as_of)
    AND outcome(completed_at, stopped_at, disabled_at, due_at, $as_of) IN ('late', 'missed', 'overdue')
) AS breached ON breached.case_id = r.case_id
WHERE r.resolved_at <= $as_of AND (r.next_resolved_at IS NULL OR r.next_resolved_at > $as_of)
