-- check: messages_from_events
-- title: Every message is a row
-- meaning: At every instant a case has as many messages of each direction as events that were not rejected, with the same ids.
-- when it speaks: a row is a message that occurs more often in the events or in `messages`. A rejected event removes one message of its instant and direction, whichever it was. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH both AS (
    SELECT case_id, time, substr(type, 9) AS direction, message, 1 AS in_events, 0 AS in_messages, 0 AS rejected FROM events
    WHERE type IN ('message.received', 'message.sent', 'message.noted')
    UNION ALL
    SELECT case_id, time, direction, message, 0, 1, 0 FROM messages
    UNION ALL
    SELECT case_id, time, substr(type, 9), NULL, 0, 0, 1 FROM findings
    WHERE effect = 'rejected' AND type IN ('message.received', 'message.sent', 'message.noted')
),
by_message AS (
    SELECT case_id, time, direction, message,
           sum(in_events) AS in_events, sum(in_messages) AS in_messages, sum(rejected) AS rejected
    FROM both
    GROUP BY case_id, time, direction, message
    HAVING sum(in_events) <> sum(in_messages) OR sum(rejected) > 0
)
SELECT case_id, time, direction, min(message) AS message,
       sum(in_events) - sum(rejected) AS in_events, sum(in_messages) AS in_messages
FROM by_message
GROUP BY case_id, time, direction
HAVING sum(in_events) - sum(rejected) <> sum(in_messages) OR bool_or(in_messages > in_events)
