-- metric: resolved_cases
-- title: Resolved cases
-- meaning: Cases that were resolved, to Done or Spam; a case counts once however often it was resolved in the range.
-- unit: cases
-- kind: flow
-- aggregate: count
-- date: when the case was resolved
-- agent: the assignee then
-- excludes: none
-- bots: resolutions by bots count
-- reopenings: do not take a resolution back
-- spam: counted; cut by `resolution` to separate Done and Spam
-- deletion: stays counted
-- pauses: do not matter
-- example: done Monday, reopened Tuesday, done Wednesday: 1 on Monday, 1 on Wednesday, 1 in the week
-- differs: Emplifi and Chatwoot count the resolution events; here cases are counted, and reopened ones stay
SELECT case_id, resolved_at AS at, agent, 1 AS value, case_id AS key
FROM resolutions
