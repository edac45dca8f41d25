-- metric: stayed_resolved_cases
-- title: Resolved and stayed resolved
-- meaning: Cases that were resolved in the range and are resolved at its end.
-- unit: cases
-- kind: flow
-- aggregate: count
-- date: when the case was last resolved
-- agent: the assignee then
-- excludes: none
-- bots: resolutions by bots count
-- reopenings: a case reopened by the end of the range does not count
-- spam: counted; cut by `resolution` to separate Done and Spam
-- deletion: stays counted
-- pauses: do not matter
-- example: done Monday, reopened Friday: not in that week; done again on Saturday: 1 on Saturday
-- differs: most help desks publish only the number of resolutions
SELECT case_id, resolved_at AS at, agent, 1 AS value, case_id AS key
FROM resolutions
WHERE resolved_at < $to AND resolved_at <= $as_of AND (reopened_at IS NULL OR reopened_at > $as_of OR reopened_at >= $to)
