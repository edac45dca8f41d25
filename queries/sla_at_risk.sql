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

-- The targets that were in force for an instance, each from a change of the priority or a version of the policy on: those of
-- its begin, then each change that the settings of that instant did not ignore (`keep`).
WITH instances AS (
  SELECT case_id, milestone, n, since, started_at, policy, completed_at, stopped_at, disabled_at, due_at, stock_reads(since, ended_at) AS reads
  FROM (SELECT *, least(until, completed_at, stopped_at, disabled_at) AS ended_at FROM milestones) AS ended
  -- What is over before the first reading, before the functions.
  WHERE since <= $last_read AND (until IS NULL OR until > $first_read) AND (completed_at IS NULL OR completed_at > $first_read)
    AND (stopped_at IS NULL OR stopped_at > $first_read) AND (disabled_at IS NULL OR disabled_at > $first_read)
    AND stock_reads(since, ended_at)[1] IS NOT NULL
),
priorities AS (
  SELECT case_id, milestone, n, priority, changed_at AS since,
         lead(changed_at) OVER (PARTITION BY case_id, milestone, n ORDER BY changed_at) AS until
  FROM (
    SELECT i.case_id, i.milestone, i.n, p.since AS changed_at, p.priority,
           lag(p.priority) OVER (PARTITION BY i.case_id, i.milestone, i.n ORDER BY p.since) AS before
    FROM instances i
    JOIN periods p ON p.case_id = i.case_id AND (p.until IS NULL OR p.until > i.since)
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
  SELECT i.case_id, i.milestone, i.n, v.targets, v.since,
         lead(v.since) OVER (PARTITION BY i.case_id, i.milestone, i.n ORDER BY v.since) AS until
  FROM instances i
  JOIN versions v ON v.policy = i.policy AND (v.until IS NULL OR v.until > i.since)
  LEFT JOIN settings s ON s.since <= v.since AND (s.until IS NULL OR s.until > v.since)
  WHERE v.since <= i.since OR json_text(s.sla, 'policy_edit') IS DISTINCT FROM 'keep'
),
targets AS (
  SELECT case_id, milestone, n, since, until, 86400000 * coalesce(CAST(regexp_match(target, '(\d+)d')[1] AS BIGINT), 0)
              + 3600000 * coalesce(CAST(regexp_match(target, '(\d+)h')[1] AS BIGINT), 0)
              + 60000 * coalesce(CAST(regexp_match(target, '(\d+)m')[1] AS BIGINT), 0)
              + 1000 * coalesce(CAST(regexp_match(target, '(\d+)s')[1] AS BIGINT), 0) AS ms
  FROM (
    SELECT p.case_id, p.milestone, p.n, greatest(p.since, v.since) AS since, least(p.until, v.until) AS until,
           json_text(json_text(v.targets, p.priority), p.milestone) AS target
    FROM priorities p
    JOIN promises v ON v.case_id = p.case_id AND v.milestone = p.milestone AND v.n = p.n
  ) AS promised
  WHERE until IS NULL OR until > since
),
running AS (
  SELECT case_id, milestone, n, at, started_at, policy
  FROM (
    SELECT case_id, milestone, n, unnest(reads) AS at, started_at, policy, completed_at, stopped_at, disabled_at, due_at
    FROM instances
  ) AS read
  WHERE outcome(completed_at, stopped_at, disabled_at, due_at, at) = 'running'
),
counted AS (
  SELECT r.case_id, r.milestone, r.n, r.policy, r.at,
         sum(business_ms(v.calendar, greatest(r.started_at, p.since, v.since), least(p.until, v.until, r.at))) AS ms
  FROM running r
  JOIN periods p ON p.case_id = r.case_id AND p.since < r.at AND (p.until IS NULL OR p.until > r.started_at)
  JOIN versions v ON v.policy = r.policy AND v.since < least(p.until, r.at) AND (v.until IS NULL OR v.until > greatest(p.since, r.started_at))
  WHERE p.status NOT IN ('done', 'spam') AND array_has(v.pause_on, p.status) IS NOT TRUE
  GROUP BY r.case_id, r.milestone, r.n, r.policy, r.at
)
SELECT r.case_id, r.at, 1 AS value, r.milestone, r.policy
FROM counted r
JOIN targets t ON t.case_id = r.case_id AND t.milestone = r.milestone AND t.n = r.n AND t.since <= r.at AND (t.until IS NULL OR t.until > r.at)
WHERE 4 * r.ms > 3 * t.ms
