-- metric: spam_cases
-- title: Spam cases
-- meaning: Cases that became Spam, from an open status or from Done; a case counts once however often it did in the range.
-- unit: cases
-- kind: flow
-- aggregate: count
-- date: when the case became Spam
-- agent: the assignee then
-- excludes: none
-- bots: changes by bots count
-- reopenings: a case that leaves Spam and comes back counts once in a range
-- spam: this is what is counted
-- deletion: stays counted
-- pauses: do not matter
-- example: marked as Spam Monday, reopened, Spam again Friday: 1 in the week
-- differs: most help desks remove spam from their figures and publish no number of it
SELECT case_id, resolved_at AS at, agent, 1 AS value, case_id AS key
FROM resolutions
WHERE status = 'spam'
UNION ALL
-- From Done, which is no new resolution. Of several changes at one instant the last one counts.
SELECT p.case_id, p.since AS at, p.assignee AS agent, 1 AS value, p.case_id AS key
FROM periods p
LEFT ANTI JOIN resolutions r ON r.case_id = p.case_id AND r.resolved_at = p.since AND r.status = 'spam'
WHERE p.status = 'spam' AND p.since = p.status_since
