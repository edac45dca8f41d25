-- metric: workload
-- title: Workload
-- meaning: Open cases that are assigned to a user.
-- unit: cases
-- kind: stock
-- aggregate: count
-- date: the end of each bucket
-- agent: the assignee
-- excludes: none
-- bots: cases held by a bot count, for the bot
-- reopenings: a reopened case that is assigned counts again
-- spam: does not count: Spam is resolved
-- deletion: leaves the stock at that instant
-- pauses: pending and on hold cases count
-- example: Ana holds two open cases and one that is done: 2
-- differs: Salesforce counts open tabs; here New, Open, Pending and On hold count alike
SELECT case_id, since, until, assignee AS agent, 1 AS value, status, priority, profile
FROM periods
WHERE status IN ('new', 'open', 'pending', 'on_hold') AND assignee IS NOT NULL
