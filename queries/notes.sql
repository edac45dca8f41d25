-- metric: notes
-- title: Notes
-- meaning: Internal notes on cases.
-- unit: notes
-- kind: flow
-- aggregate: count
-- date: when the note was written
-- agent: the author
-- excludes: none
-- bots: their notes count, for the bot
-- reopenings: do not matter
-- spam: counted like any case
-- deletion: stays counted
-- pauses: do not matter
-- example: Ana writes two notes and a reply: 2 for Ana
-- differs: help desks that count notes as replies have no such number
SELECT case_id, time AS at, by AS agent, 1 AS value
FROM messages
WHERE direction = 'noted'
