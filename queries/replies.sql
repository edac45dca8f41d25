-- metric: replies
-- title: Replies
-- meaning: Messages that people sent to customers.
-- unit: messages
-- kind: flow
-- aggregate: count
-- date: when the message was sent
-- agent: the sender
-- excludes: none
-- bots: their messages are not counted here
-- reopenings: do not matter
-- spam: counted like any case
-- deletion: stays counted
-- pauses: do not matter
-- example: Ana replies twice, a bot once: 2 for Ana
-- differs: notes are not replies and do not count
SELECT case_id, time AS at, by AS agent, 1 AS value, kind
FROM messages
WHERE direction = 'sent' AND NOT bot
