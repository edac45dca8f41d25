-- metric: bot_messages_sent
-- title: Messages sent by bots
-- meaning: Messages that bots sent to customers.
-- unit: messages
-- kind: flow
-- aggregate: count
-- date: when the message was sent
-- agent: the bot
-- excludes: none
-- bots: only their messages count
-- reopenings: do not matter
-- spam: counted like any case
-- deletion: stays counted
-- pauses: do not matter
-- example: a bot greets, Ana replies: 1 for the bot
-- differs: help desks that count bots as agents add these to the messages sent
SELECT case_id, time AS at, by AS agent, 1 AS value, kind
FROM messages
WHERE direction = 'sent' AND bot
