-- metric: unresolved_cases
-- title: Unresolved cases
-- meaning: Cases that are in New, Open, Pending or On hold.
-- unit: cases
-- kind: stock
-- aggregate: count
-- date: the end of each bucket
-- agent: the assignee then
-- excludes: none
-- bots: cases held by a bot count
-- reopenings: a reopened case counts again
-- spam: does not count: Spam is resolved
-- deletion: leaves the stock at that instant
-- pauses: pending and on hold cases count
-- example: created Monday 09:00, done Tuesday 10:00: 1 at the end of Monday, 0 at the end of Tuesday
-- differs: systems that take one snapshot a day miss what happens between; here any instant can be read
SELECT case_id, since, until, assignee AS agent, 1 AS value, status, priority, profile
FROM periods
WHERE status IN ('new', 'open', 'pending', 'on_hold')
