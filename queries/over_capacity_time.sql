-- metric: over_capacity_time
-- title: Time over capacity
-- meaning: Time for which a user had more open cases than their capacity.
-- unit: ms
-- kind: flow
-- aggregate: sum
-- date: the time itself; each bucket gets its part
-- agent: the user
-- excludes: none
-- bots: bots count like users
-- reopenings: do not matter
-- spam: does not count: Spam is resolved
-- deletion: ends the share of the case
-- pauses: pending and on hold cases count
-- example: capacity 2; a third case 10:00 to 10:30: 30 min
-- differs: help desks that enforce a capacity do not show how long it was exceeded
SELECT CAST(NULL AS VARCHAR) AS case_id, since, until, "user" AS agent, 1 AS value
FROM workload
WHERE workload > capacity
