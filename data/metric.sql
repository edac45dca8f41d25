-- metric: {name}
-- title: Urgent cases
-- meaning: Cases that were created, in one sentence: what counts, and what does not.
-- unit: cases
-- kind: flow
-- aggregate: count
-- date: when the case was created
-- agent: assignee_as_of
-- excludes: none
-- bots: cases created by a bot count
-- reopenings: a reopening creates nothing
-- spam: counted like any case
-- deletion: stays counted
-- pauses: do not matter
-- example: one case created on Monday with the priority urgent: 1 on Monday
-- differs: nothing to compare with

-- unit: what is counted, in the plural; `ms` for durations; `share` where the value is 0 or 1.
-- kind: `flow` counts at an instant (`at`), or for a time that each bucket gets its part of (`since`, `until`);
--       `stock` is read at the end of each bucket (`since`, `until`); `ratio` divides two metrics and has no SQL.
-- aggregate: count, sum, mean, median, p90, min, max, share, per_key.
-- agent: assignee_then, assignee_as_of, or whom the column `agent` of the SQL names, in words.
-- excludes: the names in the column `excluded`, separated by `; `.
-- source: another metric, whose contributions the SQL then reads as the table `source`.
--
-- The SQL returns one row for each contribution: case_id, at (or since, until), value, and where the header does not name a
-- rule for it, agent. Optional: key (what is counted distinctly), excluded (why a row does not count), and any dimension.
-- It may use $from, $to and $as_of, and in the value of a stock $at. `casebook sql "\d"` lists the tables.
SELECT c.case_id, c.created_at AS at, 1 AS value
FROM cases c
JOIN periods p ON p.case_id = c.case_id AND p.since = c.created_at
WHERE p.priority = 'urgent'
