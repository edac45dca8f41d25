-- metric: capacity_time
-- title: Capacity over time
-- meaning: The capacity of each user, for the time for which the log knows it.
-- unit: ms
-- kind: flow
-- aggregate: sum
-- date: the time itself; each bucket gets its part
-- agent: the user
-- excludes: none
-- bots: bots count like users
-- reopenings: do not matter
-- spam: does not matter
-- deletion: does not matter
-- pauses: do not matter
-- example: a capacity of 5 for an hour: 5 h
-- differs: the denominator of `utilization`
SELECT CAST(NULL AS VARCHAR) AS case_id, since, until, "user" AS agent, capacity AS value
FROM users
WHERE capacity IS NOT NULL
