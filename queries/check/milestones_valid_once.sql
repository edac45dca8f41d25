-- check: milestones_valid_once
-- title: At most one valid instance at any instant
-- meaning: The instances of a milestone (of a next response, those of a turn) are numbered in order, and one is valid no longer than until the next begins; each has a target, lies within its policy, and ends at most once.
-- when it speaks: a row is an instance with the value it has and the one it contradicts; attainment counts a promise twice or not at all. Run `casebook replay --full`; if the row stays, report it with the events of the case and its policy.
WITH placed AS (
    SELECT m.*, c.policy AS case_policy, c.policy_version AS chosen_at,
           row_number() OVER (PARTITION BY m.case_id, m.milestone ORDER BY m.n) AS place,
           lead(m.since) OVER (PARTITION BY m.case_id, m.milestone, m.turn ORDER BY m.n) AS next_since
    FROM milestones m LEFT JOIN cases c ON c.case_id = m.case_id
)
SELECT case_id, milestone, n, 'n' AS what, CAST(n AS text) AS value, CAST(place AS text) AS expected FROM placed
WHERE n <> place
UNION ALL
SELECT case_id, milestone, n, 'valid beside the next, from', CAST(until AS text), CAST(next_since AS text) FROM placed
WHERE next_since IS NOT NULL AND coalesce(until > next_since, true)
UNION ALL
SELECT case_id, milestone, n, 'until is before since', CAST(until AS text), CAST(since AS text) FROM placed
WHERE until < since
UNION ALL
SELECT case_id, milestone, n, 'since is before started_at', CAST(since AS text), CAST(started_at AS text) FROM placed
WHERE since < started_at
UNION ALL
SELECT case_id, milestone, n, 'target_ms', CAST(target_ms AS text), 'more than 0' FROM placed
WHERE coalesce(target_ms <= 0, true)
UNION ALL
SELECT case_id, milestone, n, 'due_at is not behind started_at', CAST(due_at AS text), CAST(started_at AS text) FROM placed
WHERE due_at <= started_at
UNION ALL
SELECT case_id, milestone, n, 'policy', policy, case_policy FROM placed WHERE (policy IS DISTINCT FROM case_policy)
UNION ALL
SELECT case_id, milestone, n, 'policy_version is before the one chosen', CAST(policy_version AS text), CAST(chosen_at AS text)
FROM placed WHERE policy_version < chosen_at
UNION ALL
SELECT case_id, milestone, n, 'more than one end', CAST(completed_at AS text), CAST(coalesce(stopped_at, disabled_at) AS text)
FROM placed
WHERE CAST(completed_at IS NOT NULL AS int) + CAST(stopped_at IS NOT NULL AS int) + CAST(disabled_at IS NOT NULL AS int) > 1
