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
  SELECT c.case_id, c.created_at, p.profile, p.assignee AS agent,
         max(c.created_at) OVER (
           PARTITION BY c.customer, p.profile ORDER BY c.created_at
           RANGE BETWEEN INTERVAL '7 days' PRECEDING AND INTERVAL '1 millisecond' PRECEDING
         ) AS before
  FROM cases c
  JOIN periods p ON p.case_id = c.case_id AND p.since = c.created_at
) AS contacts
WHERE before IS NOT NULL AND profile IS NOT NULL
