-- metric: deleted_cases
-- title: Deleted cases
-- meaning: Cases that were deleted; status, priority and profile are those just before.
-- unit: cases
-- kind: flow
-- aggregate: count
-- date: when the case was deleted
-- agent: the assignee just before
-- excludes: none
-- bots: deletions by bots count
-- reopenings: do not matter
-- spam: counted like any case
-- deletion: this is what is counted
-- pauses: do not matter
-- example: open with Ana, deleted 10:00: 1 for Ana at 10:00, with the status open
-- differs: most help desks forget deleted cases, so that earlier figures change
SELECT case_id, deleted_at AS at, assignee AS agent, 1 AS value, status, priority, profile
FROM cases
WHERE deleted_at IS NOT NULL
