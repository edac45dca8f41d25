-- metric: resolution_time_business
-- title: Resolution time, business hours
-- meaning: Time from the creation of a case to its last resolution, without the time in which it was resolved, in business hours.
-- unit: ms
-- kind: flow
-- aggregate: median
-- date: when the case was last resolved
-- agent: the assignee then
-- excludes: spam
-- bots: resolutions by bots count
-- reopenings: the time between a resolution and a reopening is left out
-- spam: a last resolution to Spam is left out and counted as left out
-- deletion: stays counted
-- pauses: time outside business hours is left out, pauses are not
-- example: office 09:00 to 17:00; created 16:00, done 10:00 on the next day: 2 h
-- differs: Zendesk applies the schedule of the last event to the whole life; here each instant has the calendar in force then
SELECT case_id, resolved_at AS at, agent, business_ms AS value, CASE WHEN status = 'spam' THEN 'spam' END AS excluded
FROM resolutions
WHERE resolved_at <= $as_of AND (next_resolved_at IS NULL OR next_resolved_at > $as_of)
