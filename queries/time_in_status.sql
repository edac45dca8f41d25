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
WITH marked AS (
  SELECT case_id, since, until, status,
         CASE WHEN lag(status) OVER (PARTITION BY case_id ORDER BY since) = status THEN 0 ELSE 1 END AS begins
  FROM periods
  WHERE since <= $as_of
),
numbered AS (
  SELECT *, sum(begins) OVER (PARTITION BY case_id ORDER BY since) AS stay
  FROM marked
),
stays AS (
  SELECT case_id, status, min(since) AS since,
         CASE WHEN count(until) = count(*) AND max(until) <= $as_of THEN max(until) END AS until
  FROM numbered
  GROUP BY case_id, stay, status
)
SELECT case_id, coalesce(until, $as_of) AS at, CAST(until AS BIGINT) - CAST(since AS BIGINT) AS value, status,
       CASE WHEN until IS NULL THEN 'not over' END AS excluded
FROM stays
