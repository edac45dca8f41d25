-- check: resolutions_in_order
-- title: Resolutions, reopenings and closings in order
-- meaning: A case is resolved and reopened in turn and not before its creation; it is resolved exactly where the last resolution was not reopened, and it does not close before that.
-- when it speaks: a row is a resolution (or a case without one) with its value and the value that it contradicts. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH placed AS (
    SELECT r.*, c.created_at, c.status AS case_status, c.closes_at AS case_closes_at, c.closed_at AS case_closed_at,
           c.deleted_at, b.case_id IS NULL AS is_first, b.reopened_at AS before_reopened_at, f.case_id IS NULL AS is_last
    FROM resolutions r
    LEFT JOIN cases c ON c.case_id = r.case_id
    LEFT JOIN resolutions b ON b.case_id = r.case_id AND b.n = r.n - 1
    LEFT JOIN resolutions f ON f.case_id = r.case_id AND f.n = r.n + 1
),
judged AS (
    SELECT *,
           CASE WHEN is_first <> (n = 1) THEN 'n does not follow another'
                WHEN coalesce(resolved_at < CASE WHEN n = 1 THEN created_at ELSE before_reopened_at END, true)
                THEN 'resolved before the creation or the reopening before'
                WHEN reopened_at < resolved_at THEN 'reopened before it was resolved'
                WHEN closed_at < resolved_at OR closed_at > reopened_at THEN 'closed while open'
                WHEN is_last AND (reopened_at IS NULL) <> (case_status IN ('done', 'spam')) THEN 'the status of the case'
                WHEN is_last AND reopened_at IS NULL AND coalesce(case_closes_at < resolved_at, true)
                THEN 'closes_at of the case'
                WHEN is_last AND reopened_at IS NULL AND (closed_at IS DISTINCT FROM case_closed_at)
                THEN 'closed_at of the case' END AS what
    FROM placed
)
SELECT case_id, n, what, created_at, before_reopened_at, resolved_at, reopened_at, closed_at, case_status,
       case_closes_at, case_closed_at, deleted_at
FROM judged
WHERE what IS NOT NULL
UNION ALL
SELECT case_id, n, 'n is there more than once', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM resolutions
GROUP BY case_id, n
HAVING count(*) > 1
UNION ALL
SELECT case_id, NULL, 'closed_at of the case', created_at, NULL, resolved_at, NULL, NULL, status,
       closes_at AS case_closes_at, closed_at AS case_closed_at, deleted_at
FROM cases
WHERE (closed_at IS DISTINCT FROM CASE WHEN closes_at > deleted_at THEN NULL ELSE closes_at END)
   OR (closes_at IS NOT NULL AND status NOT IN ('done', 'spam'))
UNION ALL
SELECT c.case_id, NULL, 'resolved without a resolution', c.created_at, NULL, c.resolved_at, NULL, NULL, c.status,
       c.closes_at AS case_closes_at, c.closed_at AS case_closed_at, c.deleted_at
FROM cases c LEFT ANTI JOIN resolutions r ON r.case_id = c.case_id
WHERE c.status IN ('done', 'spam')
