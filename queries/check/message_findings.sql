-- check: message_findings
-- title: Findings as the places of messages
-- meaning: A case has one finding for each message before it, received when it was closed, or sent when it was resolved, and for each reopening after its closing.
-- when it speaks: a row is a case and a rule, with the number of findings and the number that follows from `messages` or `resolutions`. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH both AS (
    SELECT case_id, rule, 1 AS in_findings, 0 AS in_tables FROM findings
    WHERE rule IN ('message_before_case', 'message_after_close', 'reply_in_resolved_case', 'reopened_after_close')
    UNION ALL
    SELECT case_id, 'message_before_case', 0, 1 FROM messages WHERE place = 'before_case'
    UNION ALL
    SELECT case_id, 'message_after_close', 0, 1 FROM messages WHERE place = 'after_close' AND direction = 'received'
    UNION ALL
    SELECT case_id, 'reply_in_resolved_case', 0, 1 FROM messages
    WHERE place IN ('after_close', 'resolved') AND direction = 'sent'
    UNION ALL
    SELECT case_id, 'reopened_after_close', 0, 1 FROM resolutions
    WHERE reopened_at IS NOT NULL AND closed_at IS NOT NULL
)
SELECT case_id, rule, sum(in_findings) AS in_findings, sum(in_tables) AS in_tables
FROM both
GROUP BY case_id, rule
HAVING sum(in_findings) <> sum(in_tables)
