-- metric: reassigned_share
-- title: Reassigned share
-- meaning: Share of the cases resolved in the range that had more than one assignment.
-- unit: share
-- kind: flow
-- aggregate: share
-- date: when the case was last resolved in the range
-- agent: the assignee then
-- excludes: spam
-- bots: assignments to bots count
-- reopenings: do not matter
-- spam: a last resolution to Spam is left out and counted as left out
-- deletion: stays counted
-- pauses: do not matter
-- example: Ana alone: no; Ana, then Ben: yes; a bot, then Ana: yes
-- differs: Zendesk counts group and agent stations separately

-- The last resolution of the range.
SELECT r.case_id, r.resolved_at AS at, r.agent, CASE WHEN a.case_id IS NULL THEN 0 ELSE 1 END AS value,
       CASE WHEN r.status = 'spam' THEN 'spam' END AS excluded
FROM resolutions r
LEFT JOIN assignments a ON a.case_id = r.case_id AND a.n = 2 AND a.assigned_at <= $as_of
WHERE r.resolved_at >= $from AND r.resolved_at < $to AND r.resolved_at <= $as_of
  AND (r.next_resolved_at IS NULL OR r.next_resolved_at >= $to OR r.next_resolved_at > $as_of)
