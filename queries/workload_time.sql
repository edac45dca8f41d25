-- metric: workload_time
-- title: Workload over time
-- meaning: Open assigned cases, each for the time for which it was with its user.
-- unit: ms
-- kind: flow
-- aggregate: sum
-- date: the time itself; each bucket gets its part
-- agent: the assignee
-- excludes: none
-- bots: cases held by a bot count, for the bot
-- reopenings: do not matter
-- spam: does not count: Spam is resolved
-- deletion: ends the time
-- pauses: pending and on hold cases count
-- example: two cases for an hour: 2 h
-- differs: the numerator of `utilization`
SELECT case_id, since, until, assignee AS agent, 1 AS value
FROM periods
WHERE assignee IS NOT NULL AND status IN ('new', 'open', 'pending', 'on_hold')
