-- metric: backlog_age
-- title: Age of the backlog
-- meaning: How long each unresolved case has existed; `age` separates the classes.
-- unit: ms
-- kind: stock
-- aggregate: median
-- date: the end of each bucket
-- agent: the assignee then
-- excludes: none
-- bots: cases held by a bot count
-- reopenings: the age is counted from the creation, resolved time included
-- spam: does not count: Spam is resolved
-- deletion: leaves the stock at that instant
-- pauses: pending and on hold cases count
-- example: created Monday 09:00, read Tuesday 09:00: 1 d, class < 3d
-- differs: help desks that count the age from the last change make old cases look new
SELECT case_id, at, agent, ms AS value,
       CASE WHEN ms < 3600000 THEN '1. < 1h'
            WHEN ms < 14400000 THEN '2. < 4h'
            WHEN ms < 28800000 THEN '3. < 8h'
            WHEN ms < 86400000 THEN '4. < 1d'
            WHEN ms < 259200000 THEN '5. < 3d'
            WHEN ms < 604800000 THEN '6. < 7d'
            WHEN ms < 2592000000 THEN '7. < 30d'
            ELSE '8. ≥ 30d' END AS age
FROM (
  SELECT p.case_id, p.at, p.agent, CAST(p.at AS BIGINT) - CAST(c.created_at AS BIGINT) AS ms
  FROM (
    SELECT case_id, assignee AS agent, unnest(stock_reads(since, until)) AS at
    FROM periods
    WHERE status IN ('new', 'open', 'pending', 'on_hold') AND since <= $last_read AND (until IS NULL OR until > $first_read)
  ) AS p
  JOIN cases c ON c.case_id = p.case_id
) AS unresolved
