-- metric: next_response_time
-- title: Next response time
-- meaning: Time from each later question of a customer to the reply of a person.
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
-- example: first reply 10:00, the customer asks 11:00 and 11:05, Ben replies 11:30: 30 min for Ben
-- differs: Zammad keeps only the longest turn of a case
SELECT case_id, answered_at AS at, answered_by AS agent, active_ms AS value, kind
FROM turns
WHERE n > 1 AND answered_at IS NOT NULL
