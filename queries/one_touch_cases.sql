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

-- A resolution after the first one follows a reopening.
SELECT r.case_id, r.resolved_at AS at, r.agent,
       CASE WHEN sent = 1 AND r.n = 1 AND (r.reopened_at IS NULL OR r.reopened_at > $as_of) THEN 1 ELSE 0 END AS value,
       CASE WHEN r.status = 'spam' THEN 'spam' END AS excluded
FROM resolutions r
LEFT JOIN (
  SELECT case_id, count(*) AS sent
  FROM messages
  WHERE direction = 'sent' AND NOT bot AND time <= $as_of
  GROUP BY case_id
) AS replies ON replies.case_id = r.case_id
WHERE r.resolved_at <= $as_of AND (r.next_resolved_at IS NULL OR r.next_resolved_at > $as_of)
