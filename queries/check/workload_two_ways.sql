-- check: workload_two_ways
-- title: Workload from periods = workload from assignments
-- meaning: At every instant the open cases of an agent in `periods` are those of `assignments` that are not resolved in `resolutions`.
-- when it speaks: a row is a case, an agent and an instant, with the change of the agent's workload there on both sides. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH marks AS (
    SELECT case_id, assigned_at AS at, 'of ' || agent AS holder, NULL AS state FROM assignments
    WHERE ended_at IS NULL OR ended_at > assigned_at
    UNION ALL
    SELECT case_id, ended_at, '-', NULL FROM assignments WHERE ended_at > assigned_at
    UNION ALL
    SELECT case_id, resolved_at, NULL, 'resolved' FROM resolutions WHERE reopened_at IS NULL OR reopened_at > resolved_at
    UNION ALL
    SELECT case_id, reopened_at, NULL, 'open' FROM resolutions WHERE reopened_at > resolved_at
),
-- Where one resolution ends and the next begins, the one that begins is the greater text.
instants AS (
    SELECT case_id, at, max(holder) AS holder, max(state) AS state FROM marks GROUP BY case_id, at
),
states AS (
    SELECT case_id, at AS since, lead(at) OVER same_case AS until,
           last_value(holder) IGNORE NULLS OVER same_case AS holder,
           last_value(state) IGNORE NULLS OVER same_case AS state
    FROM instants
    WINDOW same_case AS (PARTITION BY case_id ORDER BY at)
),
counted AS (
    SELECT case_id, substr(holder, 4) AS agent, since, until FROM states
    WHERE holder LIKE 'of %' AND coalesce(state, 'open') = 'open'
),
changes AS (
    SELECT case_id, agent, since AS at, 0 AS by_periods, 1 AS by_assignments FROM counted
    UNION ALL
    SELECT case_id, agent, until, 0, -1 FROM counted WHERE until IS NOT NULL
    UNION ALL
    SELECT case_id, assignee, since, 1, 0 FROM periods WHERE assignee IS NOT NULL AND status NOT IN ('done', 'spam')
    UNION ALL
    SELECT case_id, assignee, until, -1, 0 FROM periods
    WHERE assignee IS NOT NULL AND status NOT IN ('done', 'spam') AND until IS NOT NULL
)
SELECT case_id, agent, at, sum(by_periods) AS change_by_periods, sum(by_assignments) AS change_by_assignments
FROM changes
GROUP BY case_id, agent, at
HAVING sum(by_periods) <> sum(by_assignments)
