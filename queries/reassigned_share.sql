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
SELECT known.case_id, resolved_at AS at, agent, CASE WHEN assigned > 1 THEN 1 ELSE 0 END AS value,
       CASE WHEN status = 'spam' THEN 'spam' END AS excluded
FROM (
  SELECT *, row_number() OVER (PARTITION BY case_id ORDER BY n DESC) AS back
  FROM resolutions
  WHERE resolved_at >= $from AND resolved_at < $to AND resolved_at <= $as_of
) AS known
LEFT JOIN (
  SELECT case_id, count(*) AS assigned
  FROM assignments
  WHERE assigned_at <= $as_of
  GROUP BY case_id
) AS handed ON handed.case_id = known.case_id
WHERE back = 1
