-- metric: time_in_status
-- title: Time in a status
-- meaning: Each unbroken stay of a case in a status; cut by `status`.
-- unit: ms
-- kind: flow
-- aggregate: median
-- date: the end of the stay
-- agent: assignee_then
-- excludes: not over
-- bots: changes by bots count
-- reopenings: end a stay in Done or Spam
-- spam: stays in Spam are measured, too
-- deletion: ends the stay
-- pauses: not left out
-- example: open 09:00, pending 10:00, open 12:00: 1 h open at 10:00, 2 h pending at 12:00
-- differs: help desks that add up all stays of a case hide how long one wait is

-- Of a stay that is over its last period, of another the period as of the report.
SELECT case_id, coalesce(ended_at, $as_of) AS at, CASE WHEN ended_at IS NOT NULL THEN CAST(ended_at AS BIGINT) - CAST(status_since AS BIGINT) END AS value, status,
       CASE WHEN ended_at IS NULL THEN 'not over' END AS excluded
FROM (SELECT *, CASE WHEN status_until <= $as_of THEN status_until END AS ended_at FROM periods) AS judged
WHERE since <= $as_of AND (ended_at = until OR ended_at IS NULL AND (until IS NULL OR until > $as_of))
