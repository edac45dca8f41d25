-- metric: repeat_contacts
-- title: Repeated contacts
-- meaning: Cases whose customer had created another case with the same profile in the 7 days before; the profile is that at the creation, and a case created without one does not count.
-- unit: cases
-- kind: flow
-- aggregate: count
-- date: when the case was created
-- agent: the assignee then
-- excludes: none
-- bots: cases created by a bot count
-- reopenings: a reopening is no new contact
-- spam: counted like any case
-- deletion: stays counted
-- pauses: do not matter
-- example: cases on 1, 5 and 20 May: 1, that of 5 May
-- differs: help desks that count reopened cases as repeated contacts mix two things
SELECT case_id, created_at AS at, agent, 1 AS value
FROM (
  -- Of cases that were created at one instant none is before another.
  SELECT case_id, created_at, agent,
         max(CASE WHEN before < created_at THEN before END) OVER (PARTITION BY customer, profile, created_at) AS before
  FROM (
    SELECT c.case_id, c.customer, c.created_at, p.profile, p.assignee AS agent,
           lag(c.created_at) OVER (PARTITION BY c.customer, p.profile ORDER BY c.created_at) AS before
    FROM cases c
    JOIN periods p ON p.case_id = c.case_id AND p.since = c.created_at
    WHERE c.created_at >= $from - INTERVAL '7 days' AND c.created_at < $to AND p.profile IS NOT NULL
  ) AS contacts
) AS repeated
WHERE before >= created_at - INTERVAL '7 days'
