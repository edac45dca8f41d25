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

-- The last resolution of the range; one before it in the range was reopened in between.
SELECT case_id, resolved_at AS at, agent,
       CASE WHEN previous_resolved_at >= $from OR reopened_at < $to AND reopened_at <= $as_of THEN 1 ELSE 0 END AS value,
       CASE WHEN status = 'spam' THEN 'spam' END AS excluded
FROM resolutions
WHERE resolved_at >= $from AND resolved_at < $to AND resolved_at <= $as_of
  AND (next_resolved_at IS NULL OR next_resolved_at >= $to OR next_resolved_at > $as_of)
