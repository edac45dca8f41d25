-- check: turns_in_order
-- title: Turns follow each other
-- meaning: The first turn is asked at the creation, answered by the first response and never stopped; each later one begins after the end of the one before, ends at most once, and its elapsed time is the time between question and answer.
-- when it speaks: a row is a turn with its value and the value that it should have; response times are wrong there. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH placed AS (
    SELECT t.*, c.created_at, c.first_response_at, c.first_response_by,
           b.case_id IS NULL AS is_first, coalesce(b.answered_at, b.stopped_at) AS before_ended_at
    FROM turns t
    LEFT JOIN cases c ON c.case_id = t.case_id
    LEFT JOIN turns b ON b.case_id = t.case_id AND b.n = t.n - 1
),
judged AS (
    SELECT *, CAST(answered_at AS bigint) - CAST(asked_at AS bigint) AS elapsed_expected_ms,
           CASE WHEN is_first <> (n = 1) THEN 'n does not follow another'
                WHEN n = 1 AND (asked_at IS DISTINCT FROM created_at) THEN 'not asked at the creation'
                WHEN n = 1 AND ((answered_at IS DISTINCT FROM first_response_at)
                                OR (answered_by IS DISTINCT FROM first_response_by)) THEN 'not answered by the first response'
                WHEN stopped_at IS NOT NULL AND (n = 1 OR answered_at IS NOT NULL OR stopped_at < asked_at)
                THEN 'stopped, though first, answered or not yet asked'
                WHEN n > 1 AND coalesce(before_ended_at > asked_at, true) THEN 'asked before the one before had ended'
                WHEN (elapsed_ms IS DISTINCT FROM CAST(answered_at AS bigint) - CAST(asked_at AS bigint)) OR elapsed_ms < 0
                THEN 'elapsed_ms' END AS what
    FROM placed
)
SELECT case_id, n, what, asked_at, created_at, before_ended_at, answered_at, answered_by, first_response_at,
       first_response_by, stopped_at, elapsed_ms, elapsed_expected_ms
FROM judged
WHERE what IS NOT NULL
UNION ALL
SELECT case_id, n, 'n is there more than once', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM turns
GROUP BY case_id, n
HAVING count(*) > 1
UNION ALL
SELECT c.case_id, 1, 'the case has no turn', NULL, c.created_at, NULL, NULL, NULL, c.first_response_at,
       c.first_response_by, NULL, NULL, NULL
FROM cases c LEFT ANTI JOIN turns t ON t.case_id = c.case_id
