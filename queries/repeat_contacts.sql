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
WITH recent AS (
  SELECT case_id, customer, created_at
  FROM cases
  WHERE created_at >= $from - INTERVAL '7 days' AND created_at < $to
)
SELECT case_id, created_at AS at, agent, 1 AS value
FROM (
  -- Of cases that were created at one instant none is before another.
  SELECT c.case_id, c.created_at, p.assignee AS agent,
         count(*) OVER (PARTITION BY c.customer, p.profile ORDER BY c.created_at
                        RANGE BETWEEN INTERVAL '7 days' PRECEDING AND INTERVAL '1 millisecond' PRECEDING) AS before
  FROM recent c
  JOIN (SELECT customer FROM recent GROUP BY customer HAVING count(*) > 1) AS several ON several.customer = c.customer
  JOIN periods p ON p.case_id = c.case_id AND p.since = c.created_at
  WHERE p.since >= $from - INTERVAL '7 days' AND p.since < $to AND p.profile IS NOT NULL
) AS contacts
WHERE before > 0
