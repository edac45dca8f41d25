-- metric: touches
-- title: Touches
-- meaning: Messages that people sent to the customer, for each case that was resolved.
-- unit: messages
-- kind: flow
-- aggregate: mean
-- date: when the case was last resolved
-- agent: the assignee then
-- excludes: spam
-- bots: their messages are not counted
-- reopenings: messages of the whole case count
-- spam: a last resolution to Spam is left out and counted as left out
-- deletion: stays counted
-- pauses: do not matter
-- example: a bot greets, Ana replies twice, done: 2
-- differs: help desks that count notes or bots give a larger number
SELECT r.case_id, r.resolved_at AS at, r.agent, coalesce(sent, 0) AS value,
       CASE WHEN r.status = 'spam' THEN 'spam' END AS excluded
FROM resolutions r
LEFT JOIN (
  SELECT case_id, count(*) AS sent
  FROM messages
  WHERE direction = 'sent' AND NOT bot AND time <= $as_of
  GROUP BY case_id
) AS replies ON replies.case_id = r.case_id
WHERE r.resolved_at <= $as_of AND (r.next_resolved_at IS NULL OR r.next_resolved_at > $as_of)
