-- metric: cases_by_policy
-- title: Cases by policy
-- meaning: Cases that were created, cut by the policy that was chosen; a case without one counts under none.
-- unit: cases
-- kind: flow
-- aggregate: count
-- date: when the case was created
-- agent: assignee_as_of
-- excludes: none
-- bots: cases created by a bot count
-- reopenings: do not matter
-- spam: counted like any case
-- deletion: stays counted
-- pauses: do not matter
-- example: cut by `policy`: 12 vip, 80 standard, 3 none
-- differs: most help desks do not show which cases no policy covers
SELECT case_id, created_at AS at, 1 AS value
FROM cases
