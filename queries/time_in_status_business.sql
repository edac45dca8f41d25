-- metric: time_in_status_business
-- title: Time in a status, business hours
-- meaning: Business hours of each unbroken stay of a case in a status; cut by `status`.
-- unit: ms
-- kind: flow
-- aggregate: median
-- date: the end of the stay
-- agent: assignee_then
-- excludes: not over
-- bots: changes by bots count
-- reopenings: end a stay in Done or Spam
-- spam: stays in Spam are measured, too
-- deletion: ends the stay
-- pauses: time outside business hours is left out, pauses are not
-- example: open from 09:00 to 17:00: pending from 16:00 to the next day at 10:00: 2 h pending
-- differs: Zendesk applies the schedule of the last event to the whole life; here each instant has the calendar in force then

-- Of a stay that is over its last period, of another the period as of the report.
SELECT case_id, coalesce(ended_at, $as_of) AS at, CASE WHEN ended_at IS NOT NULL THEN status_business_ms END AS value, status,
       CASE WHEN ended_at IS NULL THEN 'not over' END AS excluded
FROM (SELECT *, CASE WHEN status_until <= $as_of THEN status_until END AS ended_at FROM periods) AS judged
WHERE since <= $as_of AND (ended_at = until OR ended_at IS NULL AND (until IS NULL OR until > $as_of))
