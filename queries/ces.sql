-- metric: ces
-- title: Customer effort score
-- meaning: Mean of the scores.
-- unit: points
-- kind: flow
-- aggregate: mean
-- date: when the survey was answered
-- agent: the assignee when the survey was sent
-- excludes: none
-- bots: surveys of cases held by a bot count, for the bot
-- reopenings: do not matter; a survey that is answered again counts with its last answer, at that time
-- spam: counted like any case
-- deletion: stays counted
-- pauses: do not matter
-- example: 5, 6, 7: 6
-- differs: some systems publish the share of high scores
SELECT case_id, answered_at AS at, agent, score AS value
FROM surveys
WHERE kind = 'ces'
