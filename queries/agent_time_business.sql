-- metric: agent_time_business
-- title: Time with an agent, business hours
-- meaning: Business hours for which each agent had a case in the status Open.
-- unit: ms
-- kind: flow
-- aggregate: sum
-- date: the end of the period
-- agent: the assignee of the period
-- excludes: not over
-- bots: time with a bot counts, for the bot
-- reopenings: the time in which a case is resolved is left out
-- spam: does not count: Spam is resolved
-- deletion: ends the period
-- pauses: pending and on hold time is left out, and time outside business hours
-- example: open until 17:00: Ana 16:00 to 18:00: 1 h for Ana
-- differs: Zendesk applies the schedule of the last event to the whole life; here each instant has the calendar in force then
SELECT case_id, least(coalesce(until, $as_of), $as_of) AS at, assignee AS agent,
       CASE WHEN until <= $as_of THEN business_ms END AS value,
       CASE WHEN until IS NULL OR until > $as_of THEN 'not over' END AS excluded,
       status, priority, profile
FROM periods
WHERE status = 'open' AND assignee IS NOT NULL AND since <= $as_of
