-- check: milestones_as_facts
-- title: Milestones completed as the facts show
-- meaning: The last instance of a milestone, unless it was disabled, is completed exactly at the first assignment, first response, answer of its turn or last resolution of its case, and its clock starts with the creation or question.
-- when it speaks: a row is an instance with its completion and the one of `cases` or `turns`. An assignment of a resolved case completes nothing. An instance that a resolution ended is left out where the case was reopened and may have lost its target. Run `casebook replay --full`; if the row stays, report it with the events of the case and its policy.
WITH steady_policies AS (
    SELECT subject AS policy FROM events WHERE type IN ('policy.updated', 'policy.removed')
    GROUP BY subject HAVING count(*) = 1
),
changed_cases AS (
    SELECT c.case_id FROM cases c LEFT ANTI JOIN steady_policies p ON p.policy = c.policy
    UNION
    SELECT case_id FROM events WHERE type = 'case.priority_changed'
),
-- After these resolutions the case was reopened, perhaps without a target: then the old instance stays valid (3.3).
reopened AS (
    SELECT DISTINCT r.case_id, r.resolved_at
    FROM resolutions r LEFT SEMI JOIN changed_cases c ON c.case_id = r.case_id
    WHERE r.reopened_at IS NOT NULL
),
compared AS (
    SELECT m.case_id, m.milestone, m.n, m.started_at, m.completed_at, m.stopped_at, m.disabled_at, m.until,
           CASE m.milestone WHEN 'next_response' THEN t.asked_at ELSE c.created_at END AS start_expected,
           CASE m.milestone WHEN 'assign' THEN c.first_assigned_at WHEN 'first_response' THEN c.first_response_at
                            WHEN 'next_response' THEN t.answered_at WHEN 'resolution' THEN c.resolved_at END AS end_expected,
           CASE m.milestone WHEN 'next_response' THEN t.stopped_at END AS stop_expected,
           m.milestone <> 'next_response' AND r.case_id IS NOT NULL AS may_be_left
    FROM milestones m
    LEFT JOIN cases c ON c.case_id = m.case_id
    LEFT JOIN turns t ON t.case_id = m.case_id AND t.n = m.turn
    LEFT JOIN reopened r ON r.case_id = m.case_id AND r.resolved_at = coalesce(m.completed_at, m.stopped_at)
),
judged AS (
    SELECT *,
           CASE WHEN (started_at IS DISTINCT FROM start_expected) THEN 'started_at'
                WHEN until IS NOT NULL OR disabled_at IS NOT NULL THEN NULL
                WHEN (completed_at IS DISTINCT FROM end_expected) AND NOT may_be_left
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
