-- metric: first_response_time
-- title: First response time
-- meaning: Time from the creation of a case to the first reply of a person.
-- unit: ms
-- kind: flow
-- aggregate: median
-- date: when the reply was sent
-- agent: who sent the reply
-- excludes: none
-- bots: their messages are no reply
-- reopenings: the time in which a case is resolved is left out
-- spam: counted like any case
-- deletion: stays counted
-- pauses: not left out
-- example: created 09:00, bot 09:01, Ana 09:20: 20 min for Ana at 09:20
-- differs: Chatwoot starts at the bot's hand-over; Zendesk counts public comments only
SELECT case_id, answered_at AS at, answered_by AS agent, active_ms AS value
FROM turns
WHERE n = 1 AND answered_at IS NOT NULL
