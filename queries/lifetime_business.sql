-- metric: lifetime_business
-- title: Lifetime, business hours
-- meaning: Business hours from the creation of a case to its last resolution, resolved time included.
-- unit: ms
-- kind: flow
-- aggregate: median
-- date: when the case was last resolved
-- agent: the assignee then
-- excludes: spam
-- bots: resolutions by bots count
-- reopenings: the whole time to the last resolution counts
-- spam: a last resolution to Spam is left out and counted as left out
-- deletion: stays counted
-- pauses: time outside business hours is left out, pauses are not
-- example: open until 17:00: created 16:00, done 18:00, reopened the next day at 09:00, done 10:00: 2 h
-- differs: Zendesk applies the schedule of the last event to the whole life; here each instant has the calendar in force then
SELECT case_id, resolved_at AS at, agent, elapsed_business_ms AS value, CASE WHEN status = 'spam' THEN 'spam' END AS excluded
FROM resolutions
WHERE resolved_at <= $as_of AND (next_resolved_at IS NULL OR next_resolved_at > $as_of)
