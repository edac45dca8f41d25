-- check: ledger_as_periods
-- title: Statuses of the ledger as in periods
-- meaning: An interval of the ledger lies within one unbroken time in its status in `periods`; it is a gap exactly where that status is Done or Spam.
-- when it speaks: a row is an interval with its status and the one in `periods`, or with the end of the time in that status. Run `casebook replay --full`; if the row stays, report it with the events of the case and its policy.
WITH changes AS (
    SELECT case_id, since, status, coalesce(status <> lag(status) OVER (PARTITION BY case_id ORDER BY since), true) AS is_new
    FROM periods
),
stays AS (
    SELECT s.case_id, s.since, s.status,
           coalesce(lead(s.since) OVER (PARTITION BY s.case_id ORDER BY s.since), c.deleted_at) AS until
    FROM changes s LEFT JOIN cases c ON c.case_id = s.case_id
    WHERE s.is_new
),
moments AS (
    SELECT case_id, since AS at, milestone, n, label, status, until, NULL AS since FROM ledger
    UNION ALL
    SELECT case_id, since AS at, NULL, NULL, NULL, NULL, NULL, since FROM stays
),
placed AS (
    SELECT case_id, at, milestone, n, label, status, until,
           max(since) OVER (PARTITION BY case_id ORDER BY at) AS since
    FROM moments
)
SELECT m.case_id, m.milestone, m.n, m.at AS since, m.until, m.label, m.status AS in_ledger, s.status AS in_periods,
       s.until AS stay_until
FROM placed m LEFT JOIN stays s ON s.case_id = m.case_id AND s.since = m.since
WHERE m.milestone IS NOT NULL
  AND ((m.status IS DISTINCT FROM s.status)
       OR m.until > s.until
       OR (m.label = 'gap') <> (m.status IN ('done', 'spam')))
