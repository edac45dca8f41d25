-- check: messages_from_events
-- title: Every message is a row
-- meaning: `messages` has one row for each case, instant, direction and message id of an event that was not rejected; a message that came again under another identity adds none (`message_repeated`).
-- when it speaks: a row is a message that occurs more often in the events or in `messages`. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH rejected AS (
    SELECT source, id FROM findings
    WHERE effect = 'rejected' AND type IN ('message.received', 'message.sent', 'message.noted')
),
both AS (
    SELECT e.case_id, e.time, substr(e.type, 9) AS direction, e.message, 1 AS in_events, 0 AS in_messages
    FROM events e LEFT ANTI JOIN rejected r ON r.source = e.source AND r.id = e.id
    WHERE e.type IN ('message.received', 'message.sent', 'message.noted')
    UNION ALL
    SELECT case_id, time, direction, message, 0, 1 FROM messages
)
SELECT case_id, time, direction, message, max(in_events) AS in_events, sum(in_messages) AS in_messages
FROM both
GROUP BY case_id, time, direction, message
HAVING max(in_events) <> sum(in_messages)
