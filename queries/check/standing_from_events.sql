-- check: standing_from_events
-- title: Periods as the events state them
-- meaning: After an event that states a status, assignee, priority or profile, the period of that instant has the same.
-- when it speaks: a row is the value that an event states and the value of the period. Instants at which another event of the case may change the same thing are left out. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH doubtful AS (
    SELECT e.case_id, e.time AS at
    FROM periods p
    JOIN events e ON e.case_id = p.case_id AND p.since <= e.time AND (p.until IS NULL OR p.until > e.time)
    WHERE e.type IN ('case.status_changed', 'case.assigned', 'case.unassigned', 'case.priority_changed',
                     'case.profile_assigned')
      AND ((e.type = 'case.status_changed' AND e.status <> p.status)
           OR (e.type = 'case.assigned' AND (e.agent IS DISTINCT FROM p.assignee))
           OR (e.type = 'case.unassigned' AND p.assignee IS NOT NULL)
           OR (e.type = 'case.priority_changed' AND e.priority <> p.priority)
           OR (e.type = 'case.profile_assigned' AND (e.profile IS DISTINCT FROM p.profile)))
),
-- What all events of an instant state, only where one of them contradicts the period.
stated AS (
    SELECT e.case_id, e.time AS at,
           count(*) FILTER (WHERE type NOT IN ('case.priority_changed', 'case.profile_assigned')) AS status_events,
           count(status) FILTER (WHERE type = 'case.status_changed') = 1 AS states_status,
           max(status) FILTER (WHERE type = 'case.status_changed') AS status,
           count(*) FILTER (WHERE type IN ('case.assigned', 'case.unassigned')) = 1 AS states_assignee,
           max(agent) FILTER (WHERE type = 'case.assigned') AS assignee,
           count(*) FILTER (WHERE type = 'case.priority_changed') = 1 AS states_priority,
           max(priority) FILTER (WHERE type = 'case.priority_changed') AS priority,
           count(*) FILTER (WHERE type = 'case.profile_assigned') = 1 AS states_profile,
           max(profile) FILTER (WHERE type = 'case.profile_assigned') AS profile
    FROM events e LEFT SEMI JOIN doubtful d ON d.case_id = e.case_id AND d.at = e.time
    WHERE type IN ('case.created', 'case.deleted', 'case.status_changed', 'case.closed', 'case.assigned',
                   'case.unassigned', 'case.priority_changed', 'case.profile_assigned', 'message.received')
       OR (type = 'message.sent' AND set_status IS NOT NULL)
    GROUP BY e.case_id, e.time
    HAVING NOT bool_or(type IN ('case.created', 'case.deleted'))
       AND bool_or(type IN ('case.status_changed', 'case.assigned', 'case.unassigned', 'case.priority_changed',
                            'case.profile_assigned'))
),
compared AS (
    SELECT t.*, p.status AS p_status, p.assignee AS p_assignee, p.priority AS p_priority, p.profile AS p_profile
    FROM stated t JOIN periods p ON p.case_id = t.case_id AND p.since <= t.at AND (p.until IS NULL OR p.until > t.at)
),
judged AS (
    SELECT *,
           CASE WHEN status_events = 1 AND states_status AND status <> p_status THEN 'status'
                WHEN states_assignee AND (assignee IS DISTINCT FROM p_assignee) THEN 'assignee'
                WHEN states_priority AND priority <> p_priority THEN 'priority'
                WHEN states_profile AND (profile IS DISTINCT FROM p_profile) THEN 'profile' END AS what
    FROM compared
)
SELECT case_id, at, what,
       CASE what WHEN 'status' THEN status WHEN 'assignee' THEN assignee WHEN 'priority' THEN priority ELSE profile END AS stated,
       CASE what WHEN 'status' THEN p_status WHEN 'assignee' THEN p_assignee WHEN 'priority' THEN p_priority
                 ELSE p_profile END AS in_periods
FROM judged
WHERE what IS NOT NULL
