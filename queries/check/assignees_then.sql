-- check: assignees_then
-- title: The assignee then
-- meaning: The agent of a resolution, of a question, of a breach and of a clock's end is the assignee of the period that holds that instant.
-- when it speaks: a row is an instant, with the user in the table and the user in the period; figures by agent credit the wrong user. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH points AS (
    SELECT case_id, resolved_at AS at, 'resolutions.agent' AS what, agent FROM resolutions
    UNION ALL
    SELECT case_id, asked_at, 'turns.assignee', assignee FROM turns
    UNION ALL
    SELECT case_id, due_at, 'milestones.assignee_at_due', assignee_at_due FROM milestones WHERE due_at IS NOT NULL
    UNION ALL
    SELECT case_id, coalesce(completed_at, stopped_at, disabled_at), 'milestones.assignee_at_end', assignee_at_end
    FROM milestones WHERE coalesce(completed_at, stopped_at, disabled_at) IS NOT NULL
)
SELECT m.case_id, m.at, m.what, m.agent AS in_table, p.assignee AS in_periods
FROM periods p
RIGHT JOIN points m ON p.case_id = m.case_id AND p.since <= m.at AND (p.until IS NULL OR p.until > m.at)
WHERE (m.agent IS DISTINCT FROM p.assignee)
