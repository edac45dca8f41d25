-- metric: capacity
-- title: Capacity
-- meaning: How many open cases a user may have.
-- unit: cases
-- kind: stock
-- aggregate: sum
-- date: the end of each bucket
-- agent: the user
-- excludes: none
-- bots: bots count like users
-- reopenings: do not matter
-- spam: does not matter
-- deletion: does not matter
-- pauses: do not matter
-- example: Ana may have 3 cases and Ben 5: 8
-- differs: most help desks have no capacity; in Zendesk it is of each channel, here one number for all cases
SELECT CAST(NULL AS VARCHAR) AS case_id, since, until, "user" AS agent, capacity AS value
FROM users
WHERE capacity IS NOT NULL
