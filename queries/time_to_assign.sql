-- metric: time_to_assign
-- title: Time to assign
-- meaning: Time from the creation of a case to its first assignment to a person.
-- unit: ms
-- kind: flow
-- aggregate: median
-- date: when the case was assigned
-- agent: the agent assigned
-- excludes: none
-- bots: an assignment to a bot is left out
-- reopenings: only the first assignment counts
-- spam: counted like any case
-- deletion: stays counted
-- pauses: not left out
-- example: created 09:00, to a bot 09:01, to Ana 09:20: 20 min for Ana
-- differs: GLPI counts every edit as taking over; Sprout starts its clocks here
SELECT case_id, assigned_at AS at, agent, elapsed_ms AS value
FROM assignments
WHERE is_first
