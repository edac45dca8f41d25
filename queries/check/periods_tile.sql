-- check: periods_tile
-- title: Periods tile
-- meaning: The periods of a case begin with its creation, end with its deletion or never, meet without gap or overlap, are longer than nothing, and neighbours differ (2.8). Only a case deleted at its creation has none.
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
)
SELECT case_id, 'since' AS what, since AS in_periods, created_at AS expected FROM placed
WHERE n = 1 AND (since IS DISTINCT FROM created_at)
UNION ALL
SELECT case_id, 'until', until, coalesce(next_since, deleted_at) FROM placed
WHERE (until IS DISTINCT FROM coalesce(next_since, deleted_at))
UNION ALL
SELECT case_id, 'empty: until is not behind since', until, since FROM placed WHERE until <= since
UNION ALL
SELECT case_id, 'says the same as the one before', since, NULL FROM placed WHERE n > 1 AND repeats
UNION ALL
SELECT c.case_id, 'no period', NULL, c.created_at
FROM cases c LEFT ANTI JOIN periods p ON p.case_id = c.case_id
WHERE (c.deleted_at IS DISTINCT FROM c.created_at)
