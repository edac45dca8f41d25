-- metric: online_time
-- title: Online time
-- meaning: Time for which users were online or away; `presence` separates the two.
-- unit: ms
-- kind: flow
-- aggregate: sum
-- date: the time itself; each bucket gets its part
-- agent: the user
-- excludes: none
-- bots: a bot that states a presence counts
-- reopenings: do not matter
-- spam: does not matter
-- deletion: does not matter
-- pauses: do not matter
-- example: online 09:00 to 12:00, away until 13:00: 3 h online, 1 h away
-- differs: most open-source help desks keep no history of presence
SELECT CAST(NULL AS VARCHAR) AS case_id, since, until, "user" AS agent, 1 AS value, presence
FROM presence
WHERE presence IN ('online', 'away')
