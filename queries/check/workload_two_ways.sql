-- check: workload_two_ways
-- title: Workload from periods = workload from assignments
-- meaning: At every instant the open cases of an agent in `periods` are those of `assignments` that are not resolved in `resolutions`.
-- when it speaks: a row is a case, an agent and an instant, with the change of the agent's workload there on both sides. Run `casebook replay --full`; if the row stays, report it with the events of the case.

-- The cases of an agent are those of the assignments, less the times for which these are resolved.
WITH assigned AS (
    SELECT case_id, agent, assigned_at AS since, ended_at AS until FROM assignments
    WHERE ended_at IS NULL OR ended_at > assigned_at
),
resolved AS (
    SELECT a.case_id, a.agent, greatest(a.since, r.resolved_at) AS since, least(a.until, r.reopened_at) AS until
    FROM assigned a JOIN resolutions r ON r.case_id = a.case_id
     AND (a.until IS NULL OR r.resolved_at < a.until) AND (r.reopened_at IS NULL OR r.reopened_at > a.since)
    WHERE r.reopened_at IS NULL OR r.reopened_at > r.resolved_at
),
changes AS (
    SELECT case_id, agent, since AS at, 0 AS by_periods, 1 AS by_assignments FROM assigned
    UNION ALL
    SELECT case_id, agent, until, 0, -1 FROM assigned WHERE until IS NOT NULL
    UNION ALL
    SELECT case_id, agent, since, 0, -1 FROM resolved
    UNION ALL
    SELECT case_id, agent, until, 0, 1 FROM resolved WHERE until IS NOT NULL
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
