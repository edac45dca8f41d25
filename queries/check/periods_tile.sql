-- check: periods_tile
-- title: Periods tile
-- meaning: The periods of a case begin with its creation, end with its deletion or never, follow each other without gap or overlap, are not empty, and adjacent ones differ (2.8). Only a case deleted at its creation has none.
-- when it speaks: a row is a period and the instant at which it should begin or end; stocks such as the backlog are wrong there. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH placed AS (
    SELECT p.*, c.created_at, c.deleted_at,
           row_number() OVER same_case AS n,
           lead(p.since) OVER same_case AS next_since,
           lag(p.status) OVER same_case = p.status
               AND (lag(p.assignee) OVER same_case IS NOT DISTINCT FROM p.assignee)
               AND lag(p.priority) OVER same_case = p.priority
               AND (lag(p.profile) OVER same_case IS NOT DISTINCT FROM p.profile) AS repeats
    FROM periods p LEFT JOIN cases c ON c.case_id = p.case_id
    WINDOW same_case AS (PARTITION BY p.case_id ORDER BY p.since, p.until NULLS LAST)
),
judged AS (
    SELECT *, coalesce(next_since, deleted_at) AS end_expected,
           CASE WHEN n = 1 AND (since IS DISTINCT FROM created_at) THEN 'does not begin with the case'
                WHEN (until IS DISTINCT FROM coalesce(next_since, deleted_at)) THEN 'does not end with the next or the case'
                WHEN until <= since THEN 'is empty'
                WHEN n > 1 AND repeats THEN 'is the same as the one before' END AS what
    FROM placed
)
SELECT case_id, what, since, created_at, until, end_expected FROM judged WHERE what IS NOT NULL
UNION ALL
SELECT c.case_id, 'the case has no period', NULL, c.created_at, NULL, c.deleted_at
FROM cases c LEFT ANTI JOIN periods p ON p.case_id = c.case_id
WHERE (c.deleted_at IS DISTINCT FROM c.created_at)
