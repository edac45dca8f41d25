-- metric: unassigned_backlog
-- title: Unassigned backlog
-- meaning: Unresolved cases without an assignee.
-- unit: cases
-- kind: stock
-- aggregate: count
-- date: the end of each bucket
-- agent: none
-- excludes: none
-- bots: cases held by a bot are assigned
-- reopenings: a case that is reopened without an assignee counts again
-- spam: does not count: Spam is resolved
-- deletion: leaves the stock at that instant
-- pauses: pending and on hold cases count
-- example: created 09:00, assigned 09:30: 1 at 09:15, 0 at 09:45
-- differs: help desks that count a group as an assignee give a smaller number
SELECT case_id, since, until, assignee AS agent, 1 AS value, status, priority, profile
FROM periods
WHERE status IN ('new', 'open', 'pending', 'on_hold') AND assignee IS NULL
