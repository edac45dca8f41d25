-- metric: sla_at_risk
-- title: Milestones at risk
-- meaning: Running milestones of which more than 75 % of the target is counted.
-- unit: milestones
-- kind: stock
-- aggregate: count
-- date: the end of each bucket
-- agent: assignee_then
-- excludes: none
-- bots: their messages answer nothing and an assignment to a bot does not count; a bot can assign a person, and resolve
-- reopenings: the resolution, and an assignment or first response not done by then, begin a new instance; then the one before no longer counts
-- spam: counted like any case
-- deletion: stops the clock, so that nothing is at risk
-- pauses: left out, as the policy states
-- example: 1 h promised: at risk after 45 min, overdue after 1 h
-- differs: most help desks warn a fixed time before the due time, however long the target is
WITH running AS (
  SELECT m.case_id, m.milestone, m.n, m.since, m.until, m.policy, m.due_at, m.completed_at, m.stopped_at, m.disabled_at,
         p.calendar, json_text(json_text(p.targets, s.priority), m.milestone) AS target
  FROM milestones m
  JOIN periods s ON s.case_id = m.case_id AND s.since <= $at AND (s.until IS NULL OR s.until > $at)
  LEFT JOIN (
    SELECT policy, calendar, targets, row_number() OVER (PARTITION BY policy ORDER BY since DESC) AS back
    FROM policies
    WHERE since <= $at
  ) p ON p.policy = m.policy AND p.back = 1
  WHERE m.since <= $at AND (m.until IS NULL OR m.until > $at)
    AND outcome(m.completed_at, m.stopped_at, m.disabled_at, m.due_at, $at) = 'running'
),
-- The target in force then, by the priority of then: the one in `milestones` is that of the end of the clock.
targets AS (
  SELECT *, 86400000 * coalesce(CAST(regexp_match(target, '(\d+)d')[1] AS BIGINT), 0)
            + 3600000 * coalesce(CAST(regexp_match(target, '(\d+)h')[1] AS BIGINT), 0)
            + 60000 * coalesce(CAST(regexp_match(target, '(\d+)m')[1] AS BIGINT), 0)
            + 1000 * coalesce(CAST(regexp_match(target, '(\d+)s')[1] AS BIGINT), 0) AS target_ms
  FROM running
  WHERE target IS NOT NULL
),
counted AS (
  SELECT r.case_id, r.milestone, r.n, max(l.until) AS known_until,
         sum(CASE WHEN l.label = 'counted' THEN CAST(least(l.until, $at) AS BIGINT) - CAST(l.since AS BIGINT) ELSE 0 END) AS ms
  FROM targets r
  JOIN ledger l ON l.case_id = r.case_id AND l.milestone = r.milestone AND l.n = r.n AND l.since < $at
  GROUP BY r.case_id, r.milestone, r.n
)
SELECT r.case_id, r.since, least(r.until, r.completed_at, r.stopped_at, r.disabled_at) AS until, 1 AS value, r.milestone, r.policy
FROM targets r
LEFT JOIN counted c ON c.case_id = r.case_id AND c.milestone = r.milestone AND c.n = r.n
WHERE 4 * CASE
    -- After the last event of the case the ledger ends; what is left of the target then follows from the due time.
    WHEN r.due_at IS NULL OR c.known_until >= $at THEN coalesce(c.ms, 0)
    ELSE r.target_ms - business_ms(r.calendar, $at, r.due_at)
  END > 3 * r.target_ms
