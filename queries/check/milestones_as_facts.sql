-- check: milestones_as_facts
-- title: Milestones completed as the facts show
-- meaning: The last instance of a milestone, unless it was disabled, is completed exactly at the first assignment, first response, answer of its turn or last resolution of its case, and its clock starts with the creation or question.
-- when it speaks: a row is an instance with its completion and the one of `cases` or `turns`. An assignment of a resolved case completes nothing. Run `casebook replay --full`; if the row stays, report it with the events of the case and its policy.
WITH compared AS (
    SELECT m.case_id, m.milestone, m.n, m.started_at, m.completed_at, m.stopped_at, m.disabled_at, m.until,
           CASE m.milestone WHEN 'next_response' THEN t.asked_at ELSE c.created_at END AS start_expected,
           CASE m.milestone WHEN 'assign' THEN c.first_assigned_at WHEN 'first_response' THEN c.first_response_at
                            WHEN 'next_response' THEN t.answered_at WHEN 'resolution' THEN c.resolved_at END AS end_expected,
           CASE m.milestone WHEN 'next_response' THEN t.stopped_at END AS stop_expected
    FROM milestones m
    LEFT JOIN cases c ON c.case_id = m.case_id
    LEFT JOIN turns t ON t.case_id = m.case_id AND t.n = m.turn
),
judged AS (
    SELECT *,
           CASE WHEN (started_at IS DISTINCT FROM start_expected) THEN 'started_at'
                WHEN until IS NOT NULL OR disabled_at IS NOT NULL THEN NULL
                WHEN (completed_at IS DISTINCT FROM end_expected)
                     AND NOT coalesce(milestone = 'assign' AND completed_at IS NULL AND stopped_at <= end_expected, false)
                THEN 'completed_at'
                WHEN milestone = 'next_response' AND (stopped_at IS DISTINCT FROM stop_expected) THEN 'stopped_at' END AS what
    FROM compared
)
SELECT case_id, milestone, n, what,
       CASE what WHEN 'started_at' THEN started_at WHEN 'completed_at' THEN completed_at ELSE stopped_at END AS in_milestones,
       CASE what WHEN 'started_at' THEN start_expected WHEN 'completed_at' THEN end_expected ELSE stop_expected END AS in_facts
FROM judged
WHERE what IS NOT NULL
