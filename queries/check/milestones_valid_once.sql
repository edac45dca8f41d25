-- check: milestones_valid_once
-- title: At most one valid instance at any instant
-- meaning: The instances of a milestone (of a next response: those of a turn) are numbered in order, and one is valid no longer than until the next begins; each has a target, lies within its policy, and ends at most once.
-- when it speaks: a row is an instance with its value and the value that it contradicts; attainment counts a milestone twice or not at all. Run `casebook replay --full`; if the row stays, report it with the events of the case and its policy.
WITH placed AS (
    SELECT case_id, milestone, n, turn, since, until, policy, policy_version, started_at, target_ms, due_at,
           completed_at, stopped_at, disabled_at,
           row_number() OVER same_milestone AS place,
           lead(since) OVER same_milestone AS following_since,
           lead(turn) OVER same_milestone AS following_turn
    FROM milestones
    WINDOW same_milestone AS (PARTITION BY case_id, milestone ORDER BY n)
),
beside AS (
    SELECT p.*, c.policy AS case_policy, c.policy_version AS chosen_at,
           CASE WHEN (p.following_turn IS NOT DISTINCT FROM p.turn) THEN p.following_since END AS next_since
    FROM placed p LEFT JOIN cases c ON c.case_id = p.case_id
),
judged AS (
    SELECT *,
           CASE WHEN n <> place THEN 'n is not ' || CAST(place AS text)
                WHEN next_since IS NOT NULL AND coalesce(until > next_since, true) THEN 'valid beside the next'
                WHEN until < since OR since < started_at THEN 'valid before its beginning'
                WHEN coalesce(target_ms <= 0, true) THEN 'without a target'
                WHEN due_at <= started_at THEN 'due at its beginning'
                WHEN (policy IS DISTINCT FROM case_policy) OR policy_version < chosen_at THEN 'not of the policy of its case'
                WHEN CAST(completed_at IS NOT NULL AS int) + CAST(stopped_at IS NOT NULL AS int)
                     + CAST(disabled_at IS NOT NULL AS int) > 1 THEN 'ended more than once' END AS what
    FROM beside
)
SELECT case_id, milestone, n, what, started_at, since, until, next_since, target_ms, due_at, policy, case_policy,
       policy_version, chosen_at, completed_at, stopped_at, disabled_at
FROM judged
WHERE what IS NOT NULL
