-- check: assignments_as_periods
-- title: Assignments as the assignees of periods
-- meaning: At every instant the assignee of a case in `periods` is the agent of its current row in `assignments`; these rows are numbered in order and do not overlap.
-- when it speaks: a row is an agent and an instant, with the number of assignments of the case that begin there (less those that end) in each table. Assignments that ended at the instant at which they began cancel out. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH changes AS (
    SELECT case_id, assignee AS agent, since AS at, 1 AS in_periods, 0 AS in_assignments
    FROM periods WHERE assignee IS NOT NULL
    UNION ALL
    SELECT case_id, assignee, until, -1, 0 FROM periods WHERE assignee IS NOT NULL AND until IS NOT NULL
    UNION ALL
    SELECT case_id, agent, assigned_at, 0, 1 FROM assignments
    UNION ALL
    SELECT case_id, agent, ended_at, 0, -1 FROM assignments WHERE ended_at IS NOT NULL
)
SELECT case_id, agent, at, sum(in_periods) AS change_in_periods, sum(in_assignments) AS change_in_assignments
FROM changes
GROUP BY case_id, agent, at
HAVING sum(in_periods) <> sum(in_assignments)
UNION ALL
SELECT a.case_id, a.agent, a.assigned_at, NULL, a.n
FROM assignments a LEFT JOIN assignments b ON b.case_id = a.case_id AND b.n = a.n - 1
WHERE (b.case_id IS NULL) <> (a.n = 1) OR b.ended_at > a.assigned_at OR (b.case_id IS NOT NULL AND b.ended_at IS NULL)
UNION ALL
SELECT case_id, NULL, NULL, NULL, n FROM assignments
GROUP BY case_id, n
HAVING count(*) > 1
