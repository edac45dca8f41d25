-- metric: workload_time
-- title: Workload over time
-- meaning: Open assigned cases of users whose capacity is known, each for the time for which it was with its user.
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
SELECT p.case_id, greatest(p.since, u.since) AS since, least(p.until, u.until) AS until, p.assignee AS agent, 1 AS value
FROM periods p
JOIN users u ON u."user" = p.assignee AND u.capacity IS NOT NULL
  AND (p.until IS NULL OR u.since < p.until) AND (u.until IS NULL OR u.until > p.since)
WHERE p.status IN ('new', 'open', 'pending', 'on_hold')
