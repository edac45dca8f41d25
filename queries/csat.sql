-- metric: csat
-- title: Customer satisfaction
-- meaning: Share of the scores 4 and 5 of 5.
-- unit: share
-- kind: flow
-- aggregate: share
-- date: when the survey was answered
-- agent: the assignee when the survey was sent
-- excludes: none
-- bots: surveys of cases held by a bot count, for the bot
-- reopenings: do not matter; a survey that is answered again counts with its last answer, at that time
-- spam: counted like any case
-- deletion: stays counted
-- pauses: do not matter
-- example: 5, 4, 2: 66.7 %
-- differs: Frappe shows the mean of the stars
SELECT case_id, answered_at AS at, agent, CASE WHEN score >= 4 THEN 1 ELSE 0 END AS value
FROM surveys
WHERE kind = 'csat'
