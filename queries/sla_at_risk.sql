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

-- Running at the instant, each with the priority and the version of its policy that settle its target: those of its begin,
-- then each change that the settings of that instant did not ignore (`keep`). What changes after the instant is not looked at.
WITH running AS (
  SELECT case_id, milestone, n, since, least(until, completed_at, stopped_at, disabled_at) AS until, started_at, policy
  FROM milestones
  WHERE since <= $at AND (until IS NULL OR until > $at)
    AND outcome(completed_at, stopped_at, disabled_at, due_at, $at) = 'running'
),
priorities AS (
  SELECT case_id, milestone, n, priority, row_number() OVER (PARTITION BY case_id, milestone, n ORDER BY changed_at DESC) AS back
  FROM (
    SELECT r.case_id, r.milestone, r.n, p.since AS changed_at, p.priority,
           lag(p.priority) OVER (PARTITION BY r.case_id, r.milestone, r.n ORDER BY p.since) AS before
    FROM running r
    JOIN periods p ON p.case_id = r.case_id AND p.since <= $at AND (p.until IS NULL OR p.until > r.since)
  ) AS changes
  LEFT JOIN settings s ON s.since <= changed_at AND (s.until IS NULL OR s.until > changed_at)
  WHERE before IS NULL OR before <> priority AND json_text(s.sla, 'priority_change') IS DISTINCT FROM 'keep'
),
-- A removed policy keeps its last version.
versions AS (
  SELECT policy, since, lead(since) OVER (PARTITION BY policy ORDER BY since) AS until, targets, calendar, pause_on
  FROM policies
),
promises AS (
  SELECT r.case_id, r.milestone, r.n, v.targets,
         row_number() OVER (PARTITION BY r.case_id, r.milestone, r.n ORDER BY v.since DESC) AS back
  FROM running r
  JOIN versions v ON v.policy = r.policy AND v.since <= $at AND (v.until IS NULL OR v.until > r.since)
  LEFT JOIN settings s ON s.since <= v.since AND (s.until IS NULL OR s.until > v.since)
  WHERE v.since <= r.since OR json_text(s.sla, 'policy_edit') IS DISTINCT FROM 'keep'
),
targets AS (
  SELECT r.*, 86400000 * coalesce(CAST(regexp_match(target, '(\d+)d')[1] AS BIGINT), 0)
              + 3600000 * coalesce(CAST(regexp_match(target, '(\d+)h')[1] AS BIGINT), 0)
              + 60000 * coalesce(CAST(regexp_match(target, '(\d+)m')[1] AS BIGINT), 0)
              + 1000 * coalesce(CAST(regexp_match(target, '(\d+)s')[1] AS BIGINT), 0) AS target_ms
  FROM (
    SELECT r.*, json_text(json_text(v.targets, p.priority), r.milestone) AS target
    FROM running r
    JOIN priorities p ON p.case_id = r.case_id AND p.milestone = r.milestone AND p.n = r.n AND p.back = 1
    JOIN promises v ON v.case_id = r.case_id AND v.milestone = r.milestone AND v.n = r.n AND v.back = 1
  ) AS r
),
counted AS (
  SELECT r.case_id, r.milestone, r.n,
         sum(business_ms(v.calendar, greatest(r.started_at, p.since, v.since), least(p.until, v.until, $at))) AS ms
  FROM running r
  JOIN periods p ON p.case_id = r.case_id AND p.since < $at AND (p.until IS NULL OR p.until > r.started_at)
  JOIN versions v ON v.policy = r.policy AND v.since < least(p.until, $at) AND (v.until IS NULL OR v.until > greatest(p.since, r.started_at))
  WHERE p.status NOT IN ('done', 'spam') AND array_has(v.pause_on, p.status) IS NOT TRUE
  GROUP BY r.case_id, r.milestone, r.n
)
SELECT r.case_id, r.since, r.until, 1 AS value, r.milestone, r.policy
FROM targets r
JOIN counted c ON c.case_id = r.case_id AND c.milestone = r.milestone AND c.n = r.n
WHERE 4 * c.ms > 3 * r.target_ms
