-- check: backlog_identity
-- title: Backlog at the end = at the start + created + reopened - resolved - deleted
-- meaning: At every instant, and so in every day and range, the unresolved cases of `periods` change by the number that `cases` and `resolutions` create, reopen, resolve and delete (2.8).
-- when it speaks: a row is a case and an instant, with its change of the backlog in `periods` and in the flows. Charts of the backlog and of resolutions contradict each other there. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH changes AS (
    SELECT case_id, since AS at, 1 AS in_periods, 0 AS in_flows FROM periods WHERE status NOT IN ('done', 'spam')
    UNION ALL
    SELECT case_id, until, -1, 0 FROM periods WHERE status NOT IN ('done', 'spam') AND until IS NOT NULL
    UNION ALL
    SELECT case_id, created_at, 0, 1 FROM cases
    UNION ALL
    SELECT case_id, reopened_at, 0, 1 FROM resolutions WHERE reopened_at IS NOT NULL
    UNION ALL
    SELECT case_id, resolved_at, 0, -1 FROM resolutions
    UNION ALL
    SELECT case_id, deleted_at, 0, -1 FROM cases WHERE deleted_at IS NOT NULL AND status NOT IN ('done', 'spam')
)
SELECT case_id, at, sum(in_periods) AS change_in_periods, sum(in_flows) AS change_in_flows
FROM changes
GROUP BY case_id, at
HAVING sum(in_periods) <> sum(in_flows)
