-- metric: resolutions
-- title: Resolutions
-- meaning: Changes from an open status to Done or Spam; each one counts, also several of one case.
-- unit: resolutions
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
-- example: done Monday, reopened Tuesday, done Wednesday: 2 in the week
-- differs: Emplifi and Chatwoot report this number as resolved conversations
SELECT case_id, resolved_at AS at, agent, 1 AS value
FROM resolutions
