-- check: cases_from_events
-- title: Cases as their events begin and end them
-- meaning: Each case with a `case.created` is one row of `cases`, created at the first such event and with its customer; it is deleted at the first `case.deleted` after that.
-- when it speaks: a row is a value of `cases` and the value of the events. An event at the instant of the creation may come before or after it, so a deletion at that instant is accepted in both orders. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH born AS (
    SELECT case_id, min(time) AS created_at FROM events WHERE type = 'case.created' GROUP BY case_id
),
rows_of_cases AS (
    SELECT case_id, min(created_at) AS created_at, count(*) AS rows FROM cases GROUP BY case_id
),
stated AS (
    SELECT c.case_id,
           min(c.customer) AS customer,
           min(e.customer) FILTER (WHERE e.type = 'case.created' AND e.time = c.created_at) AS a_customer,
           bool_or(e.type = 'case.created' AND e.time = c.created_at AND e.customer = c.customer) AS has_customer,
           min(c.deleted_at) AS deleted_at,
           min(e.time) FILTER (WHERE e.type = 'case.deleted' AND e.time > c.created_at) AS surely_deleted_at,
           bool_or(e.type = 'case.deleted' AND e.time = c.deleted_at) AS has_deletion
    FROM cases c JOIN events e ON e.case_id = c.case_id
    WHERE e.type IN ('case.created', 'case.deleted') AND e.time >= c.created_at
    GROUP BY c.case_id
)
SELECT coalesce(b.case_id, c.case_id) AS case_id, 'created_at' AS what,
       CAST(b.created_at AS text) AS from_events, CAST(c.created_at AS text) AS in_cases
FROM born b FULL JOIN rows_of_cases c ON c.case_id = b.case_id
WHERE (b.created_at IS DISTINCT FROM c.created_at)
UNION ALL
SELECT case_id, 'rows', '1', CAST(rows AS text) FROM rows_of_cases WHERE rows > 1
UNION ALL
SELECT case_id, 'customer', a_customer, customer FROM stated WHERE NOT coalesce(has_customer, false)
UNION ALL
SELECT case_id, 'deleted_at', CAST(surely_deleted_at AS text), CAST(deleted_at AS text) FROM stated
WHERE (deleted_at IS NULL AND surely_deleted_at IS NOT NULL)
   OR (deleted_at IS NOT NULL AND NOT coalesce(has_deletion, false))
   OR deleted_at > surely_deleted_at
