-- check: resolutions_in_order
-- title: Resolutions, reopenings and closings in order
-- meaning: A case is resolved and reopened in turn and not before its creation; it stands resolved exactly where the last resolution was not reopened, and it closes not before that.
-- when it speaks: a row is a resolution (or a case without one) with the value it has and the one it contradicts. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH placed AS (
    SELECT r.*, c.created_at, c.status AS case_status, c.closes_at AS case_closes_at, c.closed_at AS case_closed_at,
           c.deleted_at,
           row_number() OVER same_case AS place,
           lag(r.reopened_at) OVER same_case AS before_reopened_at,
           lead(r.resolved_at) OVER same_case IS NULL AS is_last
    FROM resolutions r LEFT JOIN cases c ON c.case_id = r.case_id
    WINDOW same_case AS (PARTITION BY r.case_id ORDER BY r.n)
)
SELECT case_id, n, 'n' AS what, CAST(n AS text) AS value, CAST(place AS text) AS expected FROM placed WHERE n <> place
UNION ALL
SELECT case_id, n, 'resolved_at is before', CAST(resolved_at AS text),
       CAST(coalesce(before_reopened_at, created_at) AS text) FROM placed
WHERE coalesce(resolved_at < CASE WHEN place = 1 THEN created_at ELSE before_reopened_at END, true)
UNION ALL
SELECT case_id, n, 'reopened_at is before resolved_at', CAST(reopened_at AS text), CAST(resolved_at AS text) FROM placed
WHERE reopened_at < resolved_at
UNION ALL
SELECT case_id, n, 'closed_at is not between', CAST(closed_at AS text), CAST(resolved_at AS text) FROM placed
WHERE closed_at < resolved_at OR closed_at > reopened_at
UNION ALL
SELECT case_id, n, 'status of the case', case_status, CASE WHEN reopened_at IS NULL THEN 'resolved' ELSE 'open' END
FROM placed
WHERE is_last AND (reopened_at IS NULL) <> (case_status IN ('done', 'spam'))
UNION ALL
SELECT case_id, n, 'closes_at', CAST(case_closes_at AS text), CAST(resolved_at AS text) FROM placed
WHERE is_last AND reopened_at IS NULL AND coalesce(case_closes_at < resolved_at, true)
UNION ALL
SELECT case_id, n, 'closed_at', CAST(closed_at AS text), CAST(case_closed_at AS text) FROM placed
WHERE is_last AND reopened_at IS NULL AND (closed_at IS DISTINCT FROM case_closed_at)
UNION ALL
SELECT case_id, NULL, 'closed_at of the case', CAST(closed_at AS text), CAST(closes_at AS text) FROM cases
WHERE (closed_at IS DISTINCT FROM CASE WHEN closes_at > deleted_at THEN NULL ELSE closes_at END)
UNION ALL
SELECT case_id, NULL, 'closes_at of an open case', CAST(closes_at AS text), NULL FROM cases
WHERE closes_at IS NOT NULL AND status NOT IN ('done', 'spam')
UNION ALL
SELECT c.case_id, NULL, 'no resolution', c.status, 'open'
FROM cases c LEFT ANTI JOIN resolutions r ON r.case_id = c.case_id
WHERE c.status IN ('done', 'spam')
