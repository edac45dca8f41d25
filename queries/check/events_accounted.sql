-- check: events_accounted
-- title: Every event belongs to a case or to a finding
-- meaning: An event before the creation of its case, without a creation, or after its deletion has the finding of 2.7 for that; no other event has it. A message that came before under another identity has none (`message_repeated`).
-- when it speaks: a row is an event, the finding that it should have and the one it has. Events at the instant of the creation or deletion may come before or after it and are left out. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH placed AS (
    SELECT e.case_id, e.time, e.source, e.id, e.type, e.message, e.sequence,
           e.time = c.created_at OR e.time = c.deleted_at AS at_a_border,
           CASE WHEN e.time > c.deleted_at THEN 'after_deletion'
                WHEN c.case_id IS NOT NULL AND e.time >= c.created_at THEN NULL
                WHEN e.type IN ('message.received', 'message.sent', 'message.noted') THEN 'message_before_case'
                ELSE 'no_case_yet' END AS expected
    FROM events e LEFT JOIN cases c ON c.case_id = e.case_id
    WHERE e.case_id IS NOT NULL
),
found AS (
    SELECT source, id, rule FROM findings
    WHERE rule IN ('after_deletion', 'message_before_case', 'no_case_yet')
),
candidates AS (
    SELECT p.*, f.rule AS finding_found,
           row_number() OVER (PARTITION BY p.case_id, p.type, p.message, p.time ORDER BY p.sequence, p.source, p.id) AS nth
    FROM placed p LEFT JOIN found f ON f.source = p.source AND f.id = p.id
    WHERE p.expected = 'message_before_case' OR (p.expected IS DISTINCT FROM f.rule)
),
judged AS (
    SELECT *, CASE WHEN expected = 'message_before_case' AND nth > 1 THEN NULL ELSE expected END AS finding_expected
    FROM candidates
)
SELECT case_id, time, source, id, type, finding_expected, finding_found
FROM judged
WHERE (finding_expected IS DISTINCT FROM finding_found) AND NOT coalesce(at_a_border, false)
