-- check: field_values_tile
-- title: Values of fields do not overlap
-- meaning: The values of a case's field follow each other without overlap or empty time, within the life of the case, and adjacent values differ; the sentiment has no gap, and `cases.sentiment` is its last value.
-- when it speaks: a row is a value of a field and the instant that it contradicts. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH placed AS (
    SELECT v.*, c.created_at, c.deleted_at, c.sentiment,
           lead(v.since) OVER same_field AS next_since,
           lead(v.value) OVER same_field AS next_value,
           row_number() OVER same_field AS place
    FROM field_values v LEFT JOIN cases c ON c.case_id = v.case_id
    WINDOW same_field AS (PARTITION BY v.case_id, v.field ORDER BY v.since, v.until NULLS LAST)
),
judged AS (
    SELECT *,
           CASE WHEN coalesce(since < created_at, true) THEN 'begins before the case'
                WHEN until <= since THEN 'is empty'
                WHEN next_since IS NOT NULL AND coalesce(until > next_since, true) THEN 'ends behind the next'
                WHEN until = next_since AND value = next_value THEN 'is the same as the next'
                WHEN deleted_at IS NOT NULL AND coalesce(until > deleted_at, true) THEN 'ends behind the deletion'
                WHEN field = 'sentiment' AND ((until IS DISTINCT FROM coalesce(next_since, deleted_at))
                                              OR (place = 1 AND since > created_at)) THEN 'leaves a gap'
                WHEN field = 'sentiment' AND next_since IS NULL AND deleted_at IS NULL
                     AND (value IS DISTINCT FROM sentiment) THEN 'differs from cases.sentiment' END AS what
    FROM placed
)
SELECT case_id, field, what, created_at, since, until, next_since, deleted_at, value, next_value, sentiment
FROM judged
WHERE what IS NOT NULL
