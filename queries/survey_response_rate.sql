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
SELECT sent.case_id, sent.at, CASE WHEN answers.survey IS NULL THEN 0 ELSE 1 END AS value, sent.kind
FROM (
  SELECT e.case_id, e.survey, min(e.time) AS at, min(e.kind) AS kind
  FROM events e
  LEFT ANTI JOIN findings f ON f.source = e.source AND f.id = e.id AND f.effect = 'rejected'
  WHERE e.type = 'survey.sent'
  GROUP BY e.case_id, e.survey
) AS sent
LEFT JOIN (
  SELECT DISTINCT e.case_id, e.survey
  FROM events e
  LEFT ANTI JOIN findings f ON f.source = e.source AND f.id = e.id AND f.effect = 'rejected'
  WHERE e.type = 'survey.answered' AND e.time <= $as_of
) AS answers ON answers.case_id = sent.case_id AND answers.survey = sent.survey
