-- metric: first_resolution_time
-- title: First resolution time
-- meaning: Time from the creation of a case to its first resolution.
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
-- pauses: not left out
-- example: created Monday 09:00, done Monday 17:00, reopened, done Friday: 8 h on Monday
-- differs: Chatwoot counts every resolution from the creation, so a case solved twice adds two long values
SELECT case_id, resolved_at AS at, agent, elapsed_ms AS value,
       CASE WHEN status = 'spam' THEN 'spam' END AS excluded
FROM resolutions
WHERE n = 1
