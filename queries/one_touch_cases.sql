-- metric: one_touch_cases
-- title: One-touch cases
-- meaning: Share of resolved cases with exactly one message of a person and no reopening.
-- unit: share
-- kind: flow
-- aggregate: share
-- date: when the case was last resolved
-- agent: the assignee then
-- excludes: spam
-- bots: their messages are not counted
-- reopenings: a case that was reopened is no one-touch case
-- spam: a last resolution to Spam is left out and counted as left out
-- deletion: stays counted
-- pauses: do not matter
-- example: one reply and done: yes; two replies: no; one reply, reopened, done: no
-- differs: Zendesk counts comments of agents and looks at the present only
SELECT known.case_id, resolved_at AS at, agent,
       CASE WHEN sent = 1 AND reopened = 0 THEN 1 ELSE 0 END AS value,
       CASE WHEN status = 'spam' THEN 'spam' END AS excluded
FROM (
  SELECT *, row_number() OVER (PARTITION BY case_id ORDER BY n DESC) AS back,
         max(CASE WHEN reopened_at <= $as_of THEN 1 ELSE 0 END) OVER (PARTITION BY case_id) AS reopened
  FROM resolutions
  WHERE resolved_at <= $as_of
) AS known
LEFT JOIN (
  SELECT case_id, count(*) AS sent
  FROM messages
  WHERE direction = 'sent' AND NOT bot AND time <= $as_of
  GROUP BY case_id
) AS replies ON replies.case_id = known.case_id
WHERE back = 1
