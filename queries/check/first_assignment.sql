-- check: first_assignment
-- title: First assignment from the events
-- meaning: `cases.first_assigned_at` is an instant at which an event assigned the case to a user who was not a bot, and no event that certainly did so is earlier.
-- when it speaks: a row is a case, the value of `cases` and the first instant that the events show. Uncertain are events at the instant of the creation or deletion, and those that name an agent to whom the case was assigned before. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH stated AS (
    SELECT e.case_id, e.time, c.created_at, c.deleted_at, c.first_assigned_at,
           e.agent, NOT coalesce(u.bot, false) AS to_a_person
    FROM events e
    JOIN cases c ON c.case_id = e.case_id
    LEFT JOIN users u ON u."user" = e.agent AND u.since <= e.time AND (u.until IS NULL OR u.until > e.time)
    WHERE e.type = 'case.assigned' AND e.time >= c.created_at AND (c.deleted_at IS NULL OR e.time <= c.deleted_at)
),
of_agents AS (
    SELECT case_id, agent, created_at, deleted_at, min(time) AS first_at,
           min(time) FILTER (WHERE to_a_person) AS first_as_a_person_at,
           bool_or(to_a_person AND time = first_assigned_at) AS is_stated
    FROM stated
    GROUP BY case_id, agent, created_at, deleted_at
),
found AS (
    SELECT case_id,
           min(first_at) FILTER (WHERE first_as_a_person_at = first_at AND first_at > created_at
                                   AND (deleted_at IS NULL OR first_at < deleted_at)) AS sure_at,
           bool_or(is_stated) AS is_stated
    FROM of_agents
    GROUP BY case_id
)
SELECT c.case_id, c.first_assigned_at AS in_cases, f.sure_at AS from_events
FROM cases c LEFT JOIN found f ON f.case_id = c.case_id
WHERE (c.first_assigned_at IS NULL AND f.sure_at IS NOT NULL)
   OR c.first_assigned_at > f.sure_at
   OR (c.first_assigned_at IS NOT NULL AND NOT coalesce(f.is_stated, false))
