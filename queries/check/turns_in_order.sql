-- check: turns_in_order
-- title: Turns follow each other
-- meaning: The first turn is asked at the creation, answered by the first response and never stopped; each later one begins behind the end of the one before, ends at most once, and its elapsed time is that between question and answer.
-- when it speaks: a row is a turn with the value it has and the one it should have; response times are wrong there. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH placed AS (
    SELECT t.*, c.created_at, c.first_response_at, c.first_response_by,
           row_number() OVER same_case AS place,
           lag(t.asked_at) OVER same_case AS before_asked_at,
           lag(coalesce(t.answered_at, t.stopped_at)) OVER same_case AS before_ended_at
    FROM turns t LEFT JOIN cases c ON c.case_id = t.case_id
    WINDOW same_case AS (PARTITION BY t.case_id ORDER BY t.n)
)
SELECT case_id, n, 'n' AS what, CAST(n AS text) AS in_turns, CAST(place AS text) AS expected FROM placed
WHERE n <> place
UNION ALL
SELECT case_id, n, 'asked_at', CAST(asked_at AS text), CAST(created_at AS text) FROM placed
WHERE n = 1 AND (asked_at IS DISTINCT FROM created_at)
UNION ALL
SELECT case_id, n, 'answered_at', CAST(answered_at AS text), CAST(first_response_at AS text) FROM placed
WHERE n = 1 AND (answered_at IS DISTINCT FROM first_response_at)
UNION ALL
SELECT case_id, n, 'answered_by', answered_by, first_response_by FROM placed
WHERE n = 1 AND (answered_by IS DISTINCT FROM first_response_by)
UNION ALL
SELECT case_id, n, 'stopped_at', CAST(stopped_at AS text), NULL FROM placed
WHERE stopped_at IS NOT NULL AND (n = 1 OR answered_at IS NOT NULL OR stopped_at < asked_at)
UNION ALL
SELECT case_id, n, 'asked before the one before ended', CAST(asked_at AS text), CAST(before_ended_at AS text) FROM placed
WHERE place > 1 AND (before_ended_at IS NULL OR before_ended_at > asked_at)
UNION ALL
SELECT case_id, n, 'elapsed_ms', CAST(elapsed_ms AS text),
       CAST(CAST(answered_at AS bigint) - CAST(asked_at AS bigint) AS text) FROM placed
WHERE (elapsed_ms IS DISTINCT FROM CAST(answered_at AS bigint) - CAST(asked_at AS bigint)) OR elapsed_ms < 0
UNION ALL
SELECT c.case_id, 1, 'no turn', NULL, '1' FROM cases c LEFT ANTI JOIN turns t ON t.case_id = c.case_id
