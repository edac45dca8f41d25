-- metric: reopenings
-- title: Reopenings
-- meaning: Changes from Done or Spam back to an open status.
-- unit: reopenings
-- kind: flow
-- aggregate: count
-- date: when the case was reopened
-- agent: assignee_then
-- excludes: none
-- bots: reopenings by bots count
-- reopenings: each one counts, also several of one case
-- spam: leaving Spam counts too
-- deletion: stays counted
-- pauses: do not matter
-- example: done Monday, a customer writes Tuesday, done, reopened by hand Friday: 1 on Tuesday, 1 on Friday
-- differs: some systems count reopened cases, not reopenings
SELECT case_id, reopened_at AS at, 1 AS value
FROM resolutions
WHERE reopened_at IS NOT NULL
