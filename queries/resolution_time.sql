-- metric: resolution_time
-- title: Resolution time
-- meaning: Time from the creation of a case to its last resolution, without the time in which it was resolved.
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
-- pauses: not left out
-- example: created 09:00, done 10:00, reopened 15:00, done 16:00: 2 h
-- differs: Frappe books the resolved time as time on hold; Chatwoot adds a value at every resolution
SELECT case_id, resolved_at AS at, agent, active_ms AS value, CASE WHEN status = 'spam' THEN 'spam' END AS excluded
FROM resolutions
WHERE resolved_at <= $as_of AND (next_resolved_at IS NULL OR next_resolved_at > $as_of)
