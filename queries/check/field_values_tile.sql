-- check: field_values_tile
-- title: Values of fields do not overlap
-- meaning: The values of a case's field follow each other without overlap or empty time, within the life of the case, and neighbours that meet differ; the sentiment has no gap, and `cases.sentiment` is its last value.
-- when it speaks: a row is a value of a field and the instant that it contradicts. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH placed AS (
    SELECT v.*, c.created_at, c.deleted_at, c.sentiment,
           lead(v.since) OVER same_field AS next_since,
           lead(v.value) OVER same_field AS next_value,
           row_number() OVER same_field AS place
    FROM field_values v LEFT JOIN cases c ON c.case_id = v.case_id
    WINDOW same_field AS (PARTITION BY v.case_id, v.field ORDER BY v.since, v.until NULLS LAST)
)
SELECT case_id, field, 'since is before the creation' AS what, since AS at, created_at AS expected FROM placed
WHERE coalesce(since < created_at, true)
UNION ALL
SELECT case_id, field, 'until is not behind since', until, since FROM placed WHERE until <= since
UNION ALL
SELECT case_id, field, 'until is behind the next', until, next_since FROM placed
WHERE next_since IS NOT NULL AND coalesce(until > next_since, true)
UNION ALL
SELECT case_id, field, 'says the same as the next', until, next_since FROM placed WHERE until = next_since AND value = next_value
UNION ALL
SELECT case_id, field, 'until is behind the deletion', until, deleted_at FROM placed
WHERE deleted_at IS NOT NULL AND coalesce(until > deleted_at, true)
UNION ALL
SELECT case_id, field, 'gap in the sentiment', until, coalesce(next_since, deleted_at) FROM placed
WHERE field = 'sentiment' AND (until IS DISTINCT FROM coalesce(next_since, deleted_at))
UNION ALL
SELECT case_id, field, 'gap in the sentiment', since, created_at FROM placed
WHERE field = 'sentiment' AND place = 1 AND since > created_at
UNION ALL
SELECT case_id, field, 'cases.sentiment is ' || sentiment, since, NULL FROM placed
WHERE field = 'sentiment' AND next_since IS NULL AND deleted_at IS NULL AND (value IS DISTINCT FROM sentiment)
