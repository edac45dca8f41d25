-- view: breach_notices
-- One row per breach of a milestone and recipient.
-- Instances that are valid and late, missed or overdue as of the last event of the log. Recipients are the assignee at the due
-- instant and every supervisor of that instant (3.6), each once.
WITH breaches AS (
    SELECT case_id, milestone, n, due_at, assignee_at_due
    FROM milestones
    WHERE until IS NULL
      AND CASE WHEN completed_at IS NOT NULL THEN completed_at > due_at
               WHEN stopped_at IS NOT NULL THEN stopped_at > due_at
               ELSE disabled_at IS NULL AND due_at < $last_event_at END
)
SELECT case_id, milestone, n, due_at, assignee_at_due AS recipient
FROM breaches
WHERE assignee_at_due IS NOT NULL
UNION
SELECT case_id, milestone, n, due_at, "user"
FROM breaches
JOIN users ON role = 'supervisor' AND since <= due_at AND (until IS NULL OR due_at < until)
