-- check: milestones_valid_once
-- title: At most one valid instance at any instant
-- meaning: The instances of a milestone (of a next response: those of a turn) are numbered in order, and one is valid no longer than until the next begins; each has a target, lies within its policy, and ends at most once.
-- when it speaks: a row is an instance with its value and the value that it contradicts; attainment counts a milestone twice or not at all. Run `casebook replay --full`; if the row stays, report it with the events of the case and its policy.
WITH beside AS (
    SELECT m.case_id, m.milestone, m.n, m.since, m.until, m.policy, m.policy_version, m.started_at, m.target_ms, m.due_at,
           m.completed_at, m.stopped_at, m.disabled_at, c.policy AS case_policy, c.policy_version AS chosen_at,
           b.case_id IS NULL AS is_first, b.turn IS NOT DISTINCT FROM m.turn AS is_after, b.until AS before_until
    FROM milestones b
    RIGHT JOIN milestones m ON b.case_id = m.case_id AND b.milestone = m.milestone AND b.n = m.n - 1
    LEFT JOIN cases c ON c.case_id = m.case_id
),
judged AS (
    SELECT *,
           CASE WHEN is_first <> (n = 1) THEN 'n does not follow another'
                WHEN n > 1 AND is_after AND coalesce(before_until > since, true) THEN 'valid beside the one before'
                WHEN until < since OR since < started_at THEN 'valid before its beginning'
                WHEN coalesce(target_ms <= 0, true) THEN 'without a target'
                WHEN due_at <= started_at THEN 'due at its beginning'
                WHEN (policy IS DISTINCT FROM case_policy) OR policy_version < chosen_at THEN 'not of the policy of its case'
                WHEN CAST(completed_at IS NOT NULL AS int) + CAST(stopped_at IS NOT NULL AS int)
                     + CAST(disabled_at IS NOT NULL AS int) > 1 THEN 'ended more than once' END AS what
    FROM beside
)
SELECT case_id, milestone, n, what, started_at, since, until, before_until, target_ms, due_at, policy, case_policy,
       policy_version, chosen_at, completed_at, stopped_at, disabled_at
FROM judged
WHERE what IS NOT NULL
UNION ALL
SELECT case_id, milestone, n, 'n is there more than once', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       NULL, NULL
FROM milestones
GROUP BY case_id, milestone, n
HAVING count(*) > 1
