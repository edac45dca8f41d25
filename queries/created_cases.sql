-- metric: created_cases
-- title: Created cases
-- meaning: Cases that were created.
-- unit: cases
-- kind: flow
-- aggregate: count
-- date: when the case was created
-- agent: assignee_as_of
-- excludes: none
-- bots: cases created by a bot count
-- reopenings: a reopening creates nothing
-- spam: counted like any case
-- deletion: stays counted
-- pauses: do not matter
-- example: created Monday 09:00, assigned to Ana on Tuesday: 1 on Monday, for Ana
-- differs: many help desks drop spam and merged cases; here nothing is dropped silently
SELECT case_id, created_at AS at, 1 AS value
FROM cases
