-- check: resolutions_from_events
-- title: Resolutions and reopenings are events
-- meaning: At each resolution an event of its author set that status or closed the case; at each reopening the customer wrote or an event set an open status.
-- when it speaks: a row is a resolution or reopening for which the log has no such event. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH stated AS (
    SELECT DISTINCT case_id, time,
           CASE type WHEN 'case.closed' THEN 'done' WHEN 'message.received' THEN 'open'
                     ELSE CASE WHEN status IN ('done', 'spam') THEN status ELSE 'open' END END AS status,
           CASE WHEN type = 'message.received' OR status NOT IN ('done', 'spam') THEN '' ELSE coalesce(by, '') END AS by
    FROM events
    WHERE type IN ('case.status_changed', 'case.closed', 'message.received')
),
facts AS (
    SELECT case_id, n, resolved_at AS at, status, coalesce(by, '') AS by FROM resolutions
    UNION ALL
    SELECT case_id, n, reopened_at, 'open', '' FROM resolutions WHERE reopened_at IS NOT NULL
)
SELECT f.case_id, f.n, f.at, f.status AS in_resolutions, f.by, NULL AS in_events
FROM facts f LEFT ANTI JOIN stated s
  ON s.case_id = f.case_id AND s.time = f.at AND s.status = f.status AND s.by = f.by
