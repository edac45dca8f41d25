-- check: milestones_as_facts
-- title: Promises kept when the facts say so
-- meaning: The last instance of a milestone, unless it was disabled, is completed exactly at the first assignment, first response, answer of its turn or last resolution of its case, and its clock starts with the creation or question.
-- when it speaks: a row is an instance, when it was completed and when `cases` or `turns` say so. An assignment of a resolved case completes nothing. Run `casebook replay --full`; if the row stays, report it with the events of the case and its policy.
WITH compared AS (
    SELECT m.case_id, m.milestone, m.n, m.started_at, m.completed_at, m.stopped_at, m.disabled_at, m.until,
           CASE m.milestone WHEN 'next_response' THEN t.asked_at ELSE c.created_at END AS start_expected,
           CASE m.milestone WHEN 'assign' THEN c.first_assigned_at WHEN 'first_response' THEN c.first_response_at
                            WHEN 'next_response' THEN t.answered_at WHEN 'resolution' THEN c.resolved_at END AS end_expected,
           CASE m.milestone WHEN 'next_response' THEN t.stopped_at END AS stop_expected
    FROM milestones m
    LEFT JOIN cases c ON c.case_id = m.case_id
    LEFT JOIN turns t ON t.case_id = m.case_id AND t.n = m.turn
)
SELECT case_id, milestone, n, 'started_at' AS what, started_at AS in_milestones, start_expected AS in_facts FROM compared
WHERE (started_at IS DISTINCT FROM start_expected)
UNION ALL
SELECT case_id, milestone, n, 'completed_at', completed_at, end_expected FROM compared
WHERE until IS NULL AND disabled_at IS NULL AND (completed_at IS DISTINCT FROM end_expected)
  AND NOT coalesce(milestone = 'assign' AND completed_at IS NULL AND stopped_at <= end_expected, false)
UNION ALL
SELECT case_id, milestone, n, 'stopped_at', stopped_at, stop_expected FROM compared
WHERE milestone = 'next_response' AND until IS NULL AND disabled_at IS NULL AND (stopped_at IS DISTINCT FROM stop_expected)
