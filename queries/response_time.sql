-- metric: response_time
-- title: Response time
-- meaning: Time from each unanswered question of a customer to a person's reply; the creation is the first question.
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
-- example: asked 10:00 and 10:01, Ben replies 10:30: 30 min for Ben at 10:30
-- differs: Zammad keeps only the longest turn of a case; Chatwoot lets a bot's reply end a turn
SELECT case_id, answered_at AS at, answered_by AS agent, active_ms AS value, kind
FROM turns
WHERE answered_at IS NOT NULL
