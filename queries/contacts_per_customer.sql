-- metric: contacts_per_customer
-- title: Contacts per customer
-- meaning: Cases that were created, divided by the customers who had one.
-- unit: cases
-- kind: flow
-- aggregate: per_key
-- date: when the case was created
-- agent: none
-- excludes: none
-- bots: cases created by a bot count
-- reopenings: do not matter
-- spam: counted like any case
-- deletion: stays counted
-- pauses: do not matter
-- example: one customer with three cases, another with one: 2
-- differs: help desks that divide by all customers ever seen give a smaller number
SELECT case_id, created_at AS at, CAST(NULL AS VARCHAR) AS agent, 1 AS value, customer AS key
FROM cases
