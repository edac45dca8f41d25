-- metric: messages_received
-- title: Messages received
-- meaning: Messages of customers, also those before a case and after it closed.
-- unit: messages
-- kind: flow
-- aggregate: count
-- date: when the message was received
-- agent: assignee_then
-- excludes: none
-- bots: do not matter
-- reopenings: do not matter
-- spam: counted like any case
-- deletion: stays counted
-- pauses: do not matter
-- example: two messages while Ana has the case, one after it closed unassigned: 3, of them 2 for Ana
-- differs: systems that count conversations would give 1
SELECT case_id, time AS at, 1 AS value, kind
FROM messages
WHERE direction = 'received'
