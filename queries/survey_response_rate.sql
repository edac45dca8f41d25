-- metric: survey_response_rate
-- title: Survey response rate
-- meaning: Share of the surveys that were answered, among those that were sent.
-- unit: share
-- kind: flow
-- aggregate: share
-- date: when the survey was sent
-- agent: assignee_then
-- excludes: none
-- bots: surveys of cases held by a bot count, for the bot
-- reopenings: do not matter
-- spam: counted like any case
-- deletion: stays counted
-- pauses: do not matter
-- example: ten sent in May, four of them answered by now: 40 %
-- differs: systems that divide the answers of a month by the surveys of that month can exceed 100 %
SELECT e.case_id, min(CASE WHEN e.type = 'survey.sent' THEN e.time END) AS at,
       max(CASE WHEN e.type = 'survey.answered' THEN 1 ELSE 0 END) AS value,
       min(CASE WHEN e.type = 'survey.sent' THEN e.kind END) AS kind
FROM events e
LEFT ANTI JOIN findings f ON f.source = e.source AND f.id = e.id AND f.effect = 'rejected'
WHERE e.type = 'survey.sent' OR e.type = 'survey.answered' AND e.time <= $as_of
GROUP BY e.case_id, e.survey
