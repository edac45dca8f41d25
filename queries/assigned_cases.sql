-- metric: assigned_cases
-- title: Assigned cases
-- meaning: Cases that were assigned to a user; a case counts once for each agent it was assigned to, and once where the figure is not cut by agent.
-- unit: cases
-- kind: flow
-- aggregate: count
-- date: when the case was assigned
-- agent: the agent assigned
-- excludes: none
-- bots: assignments to bots count, for the bot
-- reopenings: no new assignment by themselves
-- spam: counted like any case
-- deletion: stays counted
-- pauses: do not matter
-- example: assigned to Ana 09:00, to Ben 10:00, to Ana 11:00: 1 for Ana, 1 for Ben, 1 in all
-- differs: systems that count assignment events would give 3
SELECT case_id, assigned_at AS at, agent, 1 AS value, case_id AS key
FROM assignments
