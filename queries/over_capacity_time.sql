-- metric: over_capacity_time
-- title: Time over capacity
-- meaning: Time for which a user had more open cases than their capacity.
-- unit: ms
-- kind: flow
-- aggregate: sum
-- date: the time itself; each bucket gets its part
-- agent: the user
-- excludes: none
-- bots: bots count like users
-- reopenings: do not matter
-- spam: does not count: Spam is resolved
-- deletion: ends the share of the case
-- pauses: pending and on hold cases count
-- example: capacity 2; a third case 10:00 to 10:30: 30 min
-- differs: help desks that enforce a capacity do not show how long it was exceeded

-- What each user holds and may hold, from one change to the next within the range, as in the view `workload`.
WITH steps AS (
  SELECT assignee AS agent, greatest(since, $from) AS at, 1 AS change, 0 AS known
  FROM periods
  WHERE assignee IS NOT NULL AND status IN ('new', 'open', 'pending', 'on_hold') AND since < $to AND (until IS NULL OR until > $from)
  UNION ALL
  SELECT assignee, until, -1, 0
  FROM periods
  WHERE assignee IS NOT NULL AND status IN ('new', 'open', 'pending', 'on_hold') AND since < $to AND until > $from AND until < $to
  UNION ALL
  SELECT "user", greatest(since, $from), -capacity, CASE WHEN capacity IS NULL THEN 0 ELSE 1 END
  FROM users
  WHERE since < $to AND (until IS NULL OR until > $from)
  UNION ALL
  SELECT "user", until, capacity, CASE WHEN capacity IS NULL THEN 0 ELSE -1 END
  FROM users
  WHERE since < $to AND until > $from AND until < $to
),
changes AS (
  SELECT agent, at, sum(change) AS change, sum(known) AS known
  FROM steps
  GROUP BY agent, at
),
levels AS (
  SELECT agent, at AS since, lead(at) OVER (PARTITION BY agent ORDER BY at) AS until,
         sum(change) OVER (PARTITION BY agent ORDER BY at) AS excess,
         sum(known) OVER (PARTITION BY agent ORDER BY at) AS known
  FROM changes
  WHERE change <> 0 OR known <> 0
)
SELECT CAST(NULL AS VARCHAR) AS case_id, since, coalesce(until, $to) AS until, agent, 1 AS value
FROM levels
WHERE known > 0 AND excess > 0
