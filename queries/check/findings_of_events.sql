-- check: findings_of_events
-- title: Findings name events
-- meaning: A finding names an event of the log, its instant, type and case; an event has at most one finding per rule, and a rejected event has no other finding (2.7).
-- when it speaks: a row is a finding and what is wrong with it. Run `casebook replay --full`; if the row stays, report it.
WITH counted AS (
    SELECT *,
           count(*) OVER (PARTITION BY source, id, rule) AS times,
           count(*) OVER (PARTITION BY source, id) AS findings_of_event
    FROM findings
),
judged AS (
    SELECT f.case_id, f.time, f.source, f.id, f.rule,
           CASE WHEN e.id IS NULL THEN 'no such event'
                WHEN e.time <> f.time THEN 'time'
                WHEN e.type <> f.type THEN 'type'
                WHEN (e.case_id IS DISTINCT FROM f.case_id) THEN 'case_id'
                WHEN f.times > 1 THEN 'times'
                WHEN f.effect = 'rejected' AND f.findings_of_event > 1 THEN 'findings of a rejected event' END AS what,
           e.time AS event_time, e.type AS event_type, e.case_id AS event_case_id, f.type, f.times, f.findings_of_event
    FROM counted f LEFT JOIN events e ON e.source = f.source AND e.id = f.id
)
SELECT case_id, source, id, rule, what,
       CASE what WHEN 'time' THEN CAST(time AS text) WHEN 'type' THEN type WHEN 'case_id' THEN case_id
                 WHEN 'times' THEN CAST(times AS text)
                 WHEN 'findings of a rejected event' THEN CAST(findings_of_event AS text) END AS in_findings,
       CASE what WHEN 'time' THEN CAST(event_time AS text) WHEN 'type' THEN event_type
                 WHEN 'case_id' THEN event_case_id WHEN 'times' THEN '1'
                 WHEN 'findings of a rejected event' THEN '1' END AS expected
FROM judged
WHERE what IS NOT NULL
