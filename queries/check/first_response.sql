-- check: first_response
-- title: First response from the events
-- meaning: `cases.first_response_at` and its author are those of a `message.sent` of a person while the case was not resolved, and no such message is earlier. A message that came again under another identity does not count.
-- when it speaks: a row is a case, the value of `cases` and the first reply that the events show. A reply at an instant at which another event may have resolved or reopened the case is accepted in both orders; cases that the log deletes at any time are left out, because their `data` reads as null. Run `casebook replay --full`; if the row stays, report it with the events of the case.

-- Only messages that came again are sorted: all of them, with what they state, take much memory.
WITH repeated AS (
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
           e.type = 'message.sent' AND e.data IS NULL AS is_silent,
           e.time = c.first_response_at AND (e.by IS NOT DISTINCT FROM c.first_response_by) AS is_named
    FROM again a
    RIGHT ANTI JOIN events e ON e.source = a.source AND e.id = a.id
    JOIN cases c ON c.case_id = e.case_id
    LEFT JOIN users u ON u."user" = e.by AND u.since <= e.time AND (u.until IS NULL OR u.until > e.time)
    WHERE e.type IN ('message.sent', 'message.received', 'case.created', 'case.status_changed', 'case.closed')
      AND e.time >= c.created_at AND (c.first_response_at IS NULL OR e.time <= c.first_response_at)
),
replies AS (
    SELECT case_id, at, bool_or(may_switch) AS is_unsure, bool_or(is_reply AND is_named) AS is_named,
           bool_or(is_silent) AS is_silent
    FROM stated
    GROUP BY case_id, at
    HAVING bool_or(is_reply)
),
found AS (
    SELECT r.case_id,
           min(r.at) FILTER (WHERE NOT r.is_unsure AND p.status NOT IN ('done', 'spam')) AS sure_at,
           bool_or(r.is_named AND (r.is_unsure OR p.status NOT IN ('done', 'spam'))) AS is_stated,
           bool_or(r.is_silent) AS is_silent
    FROM replies r
    LEFT JOIN periods p ON p.case_id = r.case_id AND p.since <= r.at AND (p.until IS NULL OR p.until > r.at)
    GROUP BY r.case_id
)
SELECT c.case_id, c.first_response_at AS in_cases, c.first_response_by AS by_in_cases, f.sure_at AS from_events
FROM cases c LEFT JOIN found f ON f.case_id = c.case_id
WHERE NOT coalesce(f.is_silent, false)
  AND ((c.first_response_at IS NULL AND f.sure_at IS NOT NULL)
       OR c.first_response_at > f.sure_at
       OR (c.first_response_at IS NOT NULL AND NOT coalesce(f.is_stated, false)))
