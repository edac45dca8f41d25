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
),
moments AS (
    SELECT case_id, at, what, agent, NULL AS since FROM points
    UNION ALL
    SELECT case_id, since AS at, NULL, NULL, since FROM periods
),
placed AS (
    SELECT case_id, at, what, agent, max(since) OVER (PARTITION BY case_id ORDER BY at) AS since FROM moments
),
compared AS (
    SELECT m.case_id, m.at, m.what, m.agent,
           CASE WHEN p.until IS NULL OR p.until > m.at THEN p.assignee END AS assignee
    FROM placed m LEFT JOIN periods p ON p.case_id = m.case_id AND p.since = m.since
    WHERE m.what IS NOT NULL
)
SELECT case_id, at, what, agent AS in_table, assignee AS in_periods FROM compared
WHERE (agent IS DISTINCT FROM assignee)
