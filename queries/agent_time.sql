-- metric: agent_time
-- title: Time with an agent
-- meaning: Time for which each agent had a case in the status Open.
-- unit: ms
-- kind: flow
-- aggregate: sum
-- date: the end of the period
-- agent: the assignee of the period
-- excludes: not over
-- bots: time with a bot counts, for the bot
-- reopenings: the time in which a case is resolved is left out
-- spam: does not count: Spam is resolved
-- deletion: ends the period
-- pauses: pending and on hold time is left out
-- example: Ana 09:00 to 10:00, Ben 10:00 to 10:20: 1 h for Ana, 20 min for Ben
-- differs: help desks that give the whole time to the last agent charge Ben with 80 min
SELECT case_id, least(coalesce(until, $as_of), $as_of) AS at, assignee AS agent,
       CASE WHEN until <= $as_of THEN CAST(until AS BIGINT) - CAST(since AS BIGINT) END AS value,
       CASE WHEN until IS NULL OR until > $as_of THEN 'not over' END AS excluded,
       status, priority, profile
FROM periods
WHERE status = 'open' AND assignee IS NOT NULL AND since <= $as_of
