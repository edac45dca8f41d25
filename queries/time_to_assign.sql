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
SELECT case_id, at, agent, value
FROM (
  SELECT a.case_id, a.assigned_at AS at, a.agent,
         CAST(a.assigned_at AS BIGINT) - CAST(c.created_at AS BIGINT) AS value,
         row_number() OVER (PARTITION BY a.case_id ORDER BY a.n) AS nth
  FROM assignments a
  JOIN cases c ON c.case_id = a.case_id AND c.first_assigned_at = a.assigned_at
  LEFT JOIN users u ON u."user" = a.agent AND u.since <= a.assigned_at AND (u.until IS NULL OR u.until > a.assigned_at)
  WHERE u.bot IS NOT TRUE
) AS first_assignments
WHERE nth = 1
