-- check: case_counts
-- title: Counts of a case as the rows of its tables
-- meaning: The numbers of messages, assignments, reopenings and resolutions in `cases`, and the last of each, are those of the tables with the rows themselves.
-- when it speaks: a row is a case with the values of `cases` and those of its tables, in the order received, sent, by bots, notes, last received, last sent, assignments, reopenings, first and last resolution. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH counted AS (
    SELECT case_id,
           count(*) FILTER (WHERE direction = 'received') AS received,
           count(*) FILTER (WHERE direction = 'sent' AND NOT bot) AS sent,
           count(*) FILTER (WHERE direction = 'sent' AND bot) AS by_bots,
           count(*) FILTER (WHERE direction = 'noted') AS notes,
           max(time) FILTER (WHERE direction = 'received') AS last_received_at,
           max(time) FILTER (WHERE direction = 'sent' AND NOT bot) AS last_sent_at
    FROM messages GROUP BY case_id
),
assigned AS (
    SELECT case_id, count(*) AS assignments FROM assignments GROUP BY case_id
),
resolved AS (
    SELECT case_id, count(reopened_at) AS reopenings, min(resolved_at) AS first_resolved_at,
           max(resolved_at) FILTER (WHERE reopened_at IS NULL) AS resolved_at,
           max(by) FILTER (WHERE reopened_at IS NULL) AS resolved_by
    FROM resolutions GROUP BY case_id
)
SELECT c.case_id,
       concat_ws(' ', c.messages_received, c.messages_sent, c.bot_messages_sent, c.notes,
                 coalesce(CAST(c.last_customer_message_at AS text), '-'),
                 coalesce(CAST(c.last_agent_message_at AS text), '-'),
                 c.assignments, c.reopenings, coalesce(CAST(c.first_resolved_at AS text), '-'),
                 coalesce(CAST(c.resolved_at AS text), '-'), coalesce(c.resolved_by, '-')) AS in_cases,
       concat_ws(' ', coalesce(m.received, 0), coalesce(m.sent, 0), coalesce(m.by_bots, 0), coalesce(m.notes, 0),
                 coalesce(CAST(m.last_received_at AS text), '-'), coalesce(CAST(m.last_sent_at AS text), '-'),
                 coalesce(a.assignments, 0), coalesce(r.reopenings, 0),
                 coalesce(CAST(r.first_resolved_at AS text), '-'), coalesce(CAST(r.resolved_at AS text), '-'),
                 coalesce(r.resolved_by, '-')) AS in_tables
FROM cases c
LEFT JOIN counted m ON m.case_id = c.case_id
LEFT JOIN assigned a ON a.case_id = c.case_id
LEFT JOIN resolved r ON r.case_id = c.case_id
WHERE (c.messages_received IS DISTINCT FROM coalesce(m.received, 0)) OR (c.messages_sent IS DISTINCT FROM coalesce(m.sent, 0))
   OR (c.bot_messages_sent IS DISTINCT FROM coalesce(m.by_bots, 0)) OR (c.notes IS DISTINCT FROM coalesce(m.notes, 0))
   OR (c.last_customer_message_at IS DISTINCT FROM m.last_received_at)
   OR (c.last_agent_message_at IS DISTINCT FROM m.last_sent_at)
   OR (c.assignments IS DISTINCT FROM coalesce(a.assignments, 0)) OR (c.reopenings IS DISTINCT FROM coalesce(r.reopenings, 0))
   OR (c.first_resolved_at IS DISTINCT FROM r.first_resolved_at) OR (c.resolved_at IS DISTINCT FROM r.resolved_at)
   OR (c.resolved_by IS DISTINCT FROM r.resolved_by)
