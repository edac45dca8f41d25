-- metric: first_resolution_time_business
-- title: First resolution time, business hours
-- meaning: Time from the creation of a case to its first resolution, in business hours.
-- unit: ms
-- kind: flow
-- aggregate: median
-- date: when the case was first resolved
-- agent: the assignee then
-- excludes: spam
-- bots: resolutions by bots count
-- reopenings: do not change the first resolution
-- spam: a first resolution to Spam is left out and counted as left out
-- deletion: stays counted
-- pauses: time outside business hours is left out, pauses are not
-- example: office 09:00 to 17:00; created 16:00, done 10:00 on the next day: 2 h
-- differs: Zendesk applies the schedule of the last event to the whole life; here each instant has the calendar in force then
SELECT case_id, resolved_at AS at, agent, business_ms AS value,
       CASE WHEN status = 'spam' THEN 'spam' END AS excluded
FROM resolutions
WHERE n = 1
