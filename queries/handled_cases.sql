-- metric: handled_cases
-- title: Handled cases
-- meaning: Cases on which a user did anything: a message, a note, a change of status, an assignment, a change of a field.
-- unit: cases
-- kind: flow
-- aggregate: count
-- date: when the user acted
-- agent: who acted
-- excludes: none
-- bots: what bots do counts, for the bot
-- reopenings: do not matter
-- spam: counted like any case
-- deletion: stays counted
-- pauses: do not matter
-- example: Ana replies twice to one case and closes another: 2 for Ana
-- differs: help desks that count only replies leave out who sorted and assigned
SELECT case_id, time AS at, by AS agent, 1 AS value, case_id AS key
FROM messages
WHERE direction IN ('sent', 'noted') AND by IS NOT NULL
UNION ALL
SELECT e.case_id, e.time AS at, e.by AS agent, 1 AS value, e.case_id AS key
FROM events e
LEFT ANTI JOIN findings f ON f.source = e.source AND f.id = e.id AND f.effect = 'rejected'
WHERE e.by IS NOT NULL AND e.case_id IS NOT NULL AND e.type IN (
  'case.status_changed', 'case.assigned', 'case.unassigned', 'case.field_changed', 'case.priority_changed',
  'case.sentiment_changed', 'case.profile_assigned', 'case.closed')
