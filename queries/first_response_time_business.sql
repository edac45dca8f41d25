-- metric: first_response_time_business
-- title: First response time, business hours
-- meaning: Time from the creation of a case to the first reply of a person, in business hours.
-- unit: ms
-- kind: flow
-- aggregate: median
-- date: when the reply was sent
-- agent: who sent the reply
-- excludes: none
-- bots: their messages are no reply
-- reopenings: the time in which a case is resolved is left out
-- spam: counted like any case
-- deletion: stays counted
-- pauses: time outside business hours is left out, pauses are not
-- example: office 09:00 to 17:00; created 16:30, Ana replies 09:30 on the next day: 1 h
-- differs: Zendesk applies the schedule of the last event to the whole life; here each instant has the calendar in force then
SELECT case_id, answered_at AS at, answered_by AS agent, business_ms AS value
FROM turns
WHERE n = 1 AND answered_at IS NOT NULL
