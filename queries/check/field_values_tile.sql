-- check: field_values_tile
-- title: Values of fields do not overlap
-- meaning: The values of a case's field follow each other without overlap or empty time, within the life of the case, and adjacent values differ; the sentiment has no gap, and `cases.sentiment` is its last value.
-- when it speaks: a row is a value of a field and the instant that it contradicts. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH several AS (
    SELECT case_id, field FROM field_values GROUP BY case_id, field HAVING count(*) > 1
),
placed AS (
    SELECT v.case_id, v.field, v.since, v.until, v.value,
           lead(v.since) OVER same_field AS next_since,
           lead(v.value) OVER same_field AS next_value,
           row_number() OVER same_field AS place
    FROM field_values v LEFT SEMI JOIN several s ON s.case_id = v.case_id AND s.field = v.field
    WINDOW same_field AS (PARTITION BY v.case_id, v.field ORDER BY v.since, v.until NULLS LAST)
    UNION ALL
    SELECT v.case_id, v.field, v.since, v.until, v.value, NULL, NULL, 1
    FROM field_values v LEFT ANTI JOIN several s ON s.case_id = v.case_id AND s.field = v.field
),
judged AS (
    SELECT v.*, c.created_at, c.deleted_at, c.sentiment,
           CASE WHEN v.field IS NULL THEN 'has no name'
                WHEN coalesce(v.since < c.created_at, true) THEN 'begins before the case'
                WHEN v.until <= v.since THEN 'is empty'
                WHEN v.next_since IS NOT NULL AND coalesce(v.until > v.next_since, true) THEN 'ends behind the next'
                WHEN v.until = v.next_since AND v.value = v.next_value THEN 'is the same as the next'
                WHEN c.deleted_at IS NOT NULL AND coalesce(v.until > c.deleted_at, true) THEN 'ends behind the deletion'
                WHEN v.field = 'sentiment' AND ((v.until IS DISTINCT FROM coalesce(v.next_since, c.deleted_at))
                                                OR (v.place = 1 AND v.since > c.created_at)) THEN 'leaves a gap'
                WHEN v.field = 'sentiment' AND v.next_since IS NULL AND c.deleted_at IS NULL
                     AND (v.value IS DISTINCT FROM c.sentiment) THEN 'differs from cases.sentiment' END AS what
    FROM placed v LEFT JOIN cases c ON c.case_id = v.case_id
)
SELECT case_id, field, what, created_at, since, until, next_since, deleted_at, value, next_value, sentiment
FROM judged
WHERE what IS NOT NULL
