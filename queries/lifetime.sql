-- metric: lifetime
-- title: Lifetime
-- meaning: Time from the creation of a case to its last resolution, resolved time included.
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
-- pauses: not left out
-- example: created 09:00, done 10:00, reopened 15:00, done 16:00: 7 h
-- differs: Zendesk calls this full resolution time
SELECT case_id, resolved_at AS at, agent, elapsed_ms AS value, CASE WHEN status = 'spam' THEN 'spam' END AS excluded
FROM resolutions
WHERE resolved_at <= $as_of AND (next_resolved_at IS NULL OR next_resolved_at > $as_of)
