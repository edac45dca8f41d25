-- check: ledger_as_periods
-- title: Statuses of the ledger as in periods
-- meaning: An interval of the ledger lies within one unbroken time in its status in `periods`; it is a gap exactly where that status is Done or Spam.
-- when it speaks: a row is an interval with its status and the one in `periods`, or with the end of the time in that status. Run `casebook replay --full`; if the row stays, report it with the events of the case and its policy.
SELECT l.case_id, l.milestone, l.n, l.since, l.until, l.label, l.status AS in_ledger, p.status AS in_periods,
       p.status_until AS stay_until
FROM ledger l
LEFT JOIN periods p ON p.case_id = l.case_id AND p.since <= l.since AND (p.until IS NULL OR p.until > l.since)
WHERE (l.status IS DISTINCT FROM p.status)
   OR l.until > p.status_until
   OR (l.label = 'gap') <> (l.status IN ('done', 'spam'))
