-- metric: reopened_share
-- title: Reopened share
-- meaning: Share of the cases resolved in the range that were reopened by its end.
-- unit: share
-- kind: flow
-- aggregate: share
-- date: when the case was last resolved in the range
-- agent: the assignee then
-- excludes: spam
-- bots: reopenings by bots count
-- reopenings: this is what is measured
-- spam: a last resolution to Spam is left out and counted as left out
-- deletion: stays counted
-- pauses: do not matter
-- example: three cases done in May, one of them reopened on 30 May: 33.3 %
-- differs: systems that divide reopenings by resolutions can exceed 100 %
SELECT case_id, resolved_at AS at, agent, reopened AS value,
       CASE WHEN status = 'spam' THEN 'spam' END AS excluded
FROM (
  SELECT *, row_number() OVER (PARTITION BY case_id ORDER BY n DESC) AS back,
         max(CASE WHEN reopened_at < $to AND reopened_at <= $as_of THEN 1 ELSE 0 END) OVER (PARTITION BY case_id) AS reopened
  FROM resolutions
  WHERE resolved_at >= $from AND resolved_at < $to AND resolved_at <= $as_of
) AS known
WHERE back = 1
