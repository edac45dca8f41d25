-- check: first_response
-- title: First response from the events
-- meaning: `cases.first_response_at` and its author are those of a `message.sent` of a person while the case was not resolved, and no such message is earlier. A message that came again under another identity does not count.
-- when it speaks: a row is a case, the value of `cases` and the first reply that the events show. A reply at an instant at which another event may have resolved or reopened the case is accepted in both orders; cases that the log deletes at any time are left out, because their `data` reads as null. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH silent AS (SELECT case_id FROM events WHERE data IS NULL AND case_id IS NOT NULL),
-- Only messages that came again are sorted: all of them, with what they state, take much memory.
repeated AS (
    SELECT case_id, message, time FROM events WHERE type = 'message.sent' GROUP BY case_id, message, time HAVING count(*) > 1
),
again AS (
    SELECT source, id
    FROM (
        SELECT e.source, e.id,
               row_number() OVER (PARTITION BY e.case_id, e.message, e.time ORDER BY e.sequence, e.source, e.id) AS nth
        FROM events e JOIN repeated r ON r.case_id = e.case_id AND r.message = e.message AND r.time = e.time
        WHERE e.type = 'message.sent'
    ) AS copies
    WHERE nth > 1
),
stated AS (
    SELECT e.case_id, e.time AS at,
           e.type <> 'message.sent' AS may_switch,
           e.type = 'message.sent' AND NOT coalesce(u.bot, false)
               AND (json_text(e.data, 'bot') IS DISTINCT FROM 'true') AS is_reply,
           e.time = c.first_response_at AND (e.by IS NOT DISTINCT FROM c.first_response_by) AS is_named
    FROM events e
    JOIN cases c ON c.case_id = e.case_id
    LEFT JOIN users u ON u."user" = e.by AND u.since <= e.time AND (u.until IS NULL OR u.until > e.time)
    LEFT ANTI JOIN again a ON a.source = e.source AND a.id = e.id
    WHERE e.type IN ('message.sent', 'message.received', 'case.created', 'case.status_changed', 'case.closed')
      AND c.case_id NOT IN (SELECT case_id FROM silent) AND e.time >= c.created_at
),
replies AS (
    SELECT case_id, at, bool_or(may_switch) AS is_unsure, bool_or(is_reply AND is_named) AS is_named
    FROM stated
    GROUP BY case_id, at
    HAVING bool_or(is_reply)
),
moments AS (
    SELECT case_id, at, NULL AS since, is_unsure, is_named FROM replies
    UNION ALL
    SELECT case_id, since AS at, since, NULL, NULL FROM periods
),
placed AS (
    SELECT case_id, at, is_unsure, is_named, max(since) OVER (PARTITION BY case_id ORDER BY at) AS since FROM moments
),
found AS (
    SELECT m.case_id,
           min(m.at) FILTER (WHERE NOT m.is_unsure AND p.status NOT IN ('done', 'spam')) AS sure_at,
           bool_or(m.is_named AND (m.is_unsure OR p.status NOT IN ('done', 'spam'))) AS is_stated
    FROM placed m JOIN periods p ON p.case_id = m.case_id AND p.since = m.since
    WHERE m.is_unsure IS NOT NULL
    GROUP BY m.case_id
)
SELECT c.case_id, c.first_response_at AS in_cases, c.first_response_by AS by_in_cases, f.sure_at AS from_events
FROM cases c LEFT JOIN found f ON f.case_id = c.case_id
WHERE c.case_id NOT IN (SELECT case_id FROM silent)
  AND ((c.first_response_at IS NULL AND f.sure_at IS NOT NULL)
       OR c.first_response_at > f.sure_at
       OR (c.first_response_at IS NOT NULL AND NOT coalesce(f.is_stated, false)))
