-- view: workload
-- One row per time of unchanged workload and capacity of a user.
-- Open cases assigned to a user against their capacity, as x/y: green at 0, black from 1 to y, red above (2.5). A user whom
-- the log does not name at the time has no capacity, and is listed only while they hold cases.
WITH steps AS (
    SELECT assignee AS "user", since AS at, 1 AS workload, 0 AS capacity, 0 AS known
    FROM periods
    WHERE assignee IS NOT NULL AND status IN ('new', 'open', 'pending', 'on_hold')
    UNION ALL
    SELECT assignee, until, -1, 0, 0
    FROM periods
    WHERE assignee IS NOT NULL AND status IN ('new', 'open', 'pending', 'on_hold') AND until IS NOT NULL
    UNION ALL
    SELECT "user", since, 0, capacity, 1 FROM users
    UNION ALL
    SELECT "user", until, 0, -capacity, -1 FROM users WHERE until IS NOT NULL
),
changes AS (
    SELECT "user", at, sum(workload) AS workload, sum(capacity) AS capacity, sum(known) AS known
    FROM steps
    GROUP BY "user", at
),
levels AS (
    SELECT "user", at AS since, lead(at) OVER (PARTITION BY "user" ORDER BY at) AS until,
           sum(workload) OVER (PARTITION BY "user" ORDER BY at) AS workload,
           sum(known) OVER (PARTITION BY "user" ORDER BY at) AS known,
           sum(capacity) OVER (PARTITION BY "user" ORDER BY at) AS capacity
    FROM changes
    WHERE workload <> 0 OR capacity <> 0 OR known <> 0
)
SELECT "user", since, until, workload,
       CASE WHEN known > 0 THEN capacity END AS capacity,
       CASE WHEN known > 0 THEN workload || '/' || capacity END AS shown,
       CASE WHEN workload = 0 THEN 'green'
            WHEN known > 0 AND workload > capacity THEN 'red'
            WHEN known > 0 THEN 'black' END AS colour
FROM levels
WHERE known > 0 OR workload > 0
