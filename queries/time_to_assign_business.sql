-- metric: time_to_assign_business
-- title: Time to assign, business hours
-- meaning: Business hours from the creation of a case to its first assignment to a person.
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
-- pauses: time outside business hours is left out, pauses are not
-- example: open until 17:00: created 16:50, to Ana the next day at 09:20: 30 min for Ana
-- differs: Zendesk applies the schedule of the last event to the whole life; here each instant has the calendar in force then
SELECT case_id, assigned_at AS at, agent, elapsed_business_ms AS value
FROM assignments
WHERE is_first
