-- metric: messages_received
-- title: Messages received
-- meaning: Messages of customers, also those before a case and after it closed.
-- unit: messages
-- kind: flow
-- aggregate: count
-- date: when the message was received
-- agent: the assignee then
-- excludes: none
-- bots: do not matter
-- reopenings: do not matter
-- spam: counted like any case
-- deletion: stays counted
-- pauses: do not matter
-- example: two messages while Ana has the case, one after it closed unassigned: 3, of them 2 for Ana
-- differs: systems that count conversations would give 1
SELECT m.case_id, m.time AS at, p.assignee AS agent, 1 AS value, m.kind
FROM messages m
LEFT JOIN periods p ON p.case_id = m.case_id AND p.since <= m.time AND (p.until IS NULL OR p.until > m.time)
WHERE m.direction = 'received'
