-- metric: sla_at_risk
-- title: Milestones at risk
-- meaning: Running milestones of which more than 75 % of the target is counted.
-- unit: milestones
-- kind: stock
-- aggregate: count
-- date: the end of each bucket
-- agent: assignee_then
-- excludes: none
-- bots: what a bot does completes no milestone but the resolution
-- reopenings: begin a new instance of the milestone; the one before no longer counts
-- spam: counted like any case
-- deletion: stops the clock, so that nothing is at risk
-- pauses: left out, as the policy states
-- example: 1 h promised: at risk from 46 min on, overdue after 1 h
-- differs: most help desks warn a fixed time before the due time, however long the target is
WITH running AS (
  SELECT case_id, milestone, n, since, until, policy, policy_version, target_ms, due_at, completed_at, stopped_at, disabled_at
  FROM milestones
  WHERE since <= $at AND (until IS NULL OR until > $at)
    AND outcome(completed_at, stopped_at, disabled_at, due_at, $at) = 'running'
),
counted AS (
  SELECT r.case_id, r.milestone, r.n, max(l.until) AS known_until,
         sum(CASE WHEN l.label = 'counted' THEN CAST(least(l.until, $at) AS BIGINT) - CAST(l.since AS BIGINT) ELSE 0 END) AS ms
  FROM running r
  JOIN ledger l ON l.case_id = r.case_id AND l.milestone = r.milestone AND l.n = r.n AND l.since < $at
  GROUP BY r.case_id, r.milestone, r.n
)
SELECT r.case_id, r.since, least(r.until, r.completed_at, r.stopped_at, r.disabled_at) AS until, 1 AS value, r.milestone, r.policy
FROM running r
LEFT JOIN counted c ON c.case_id = r.case_id AND c.milestone = r.milestone AND c.n = r.n
LEFT JOIN policies p ON p.policy = r.policy AND p.since = r.policy_version
WHERE 4 * CASE
    -- After the last event of the case the ledger ends; what is left of the target then follows from the due time.
    -- The target is the last one in force. With `--as-of` it is the one of that instant.
    WHEN r.due_at IS NULL OR c.known_until >= $at THEN coalesce(c.ms, 0)
    ELSE r.target_ms - business_ms(p.calendar, $at, r.due_at)
  END > 3 * r.target_ms
