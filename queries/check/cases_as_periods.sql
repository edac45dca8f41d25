-- check: cases_as_periods
-- title: Cases as their last period
-- meaning: Status, assignee, priority and profile of a case are those of its last period; its state at the end and the time of its resolution agree.
-- when it speaks: a row is a case with both sides. Deleted cases are left out, because a change at the instant of the deletion has no period. Run `casebook replay --full`; if the row stays, report it with the events of the case.
SELECT c.case_id,
       concat_ws(', ', c.status, coalesce(c.assignee, '-'), c.priority, coalesce(c.profile, '-')) AS in_cases,
       concat_ws(', ', p.status, coalesce(p.assignee, '-'), p.priority, coalesce(p.profile, '-')) AS in_periods
FROM cases c LEFT JOIN periods p ON p.case_id = c.case_id AND p.until IS NULL
WHERE c.deleted_at IS NULL
  AND ((c.status IS DISTINCT FROM p.status) OR (c.assignee IS DISTINCT FROM p.assignee)
       OR (c.priority IS DISTINCT FROM p.priority) OR (c.profile IS DISTINCT FROM p.profile))
