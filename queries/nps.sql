-- metric: nps
-- title: Net promoter score
-- meaning: Share of the scores 9 and 10 less the share of the scores up to 6.
-- unit: share
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
-- example: 10, 9, 7, 3: 25 %
-- differs: usually shown times 100, without a sign of percent
SELECT case_id, answered_at AS at, agent, CASE WHEN score >= 9 THEN 1 WHEN score <= 6 THEN -1 ELSE 0 END AS value
FROM surveys
WHERE kind = 'nps'
