-- check: stays_and_neighbours
-- title: Stays in a status, neighbouring resolutions, first assignments
-- meaning: What a period states of the unbroken stay in its status, a resolution of the ones before and after it, and an assignment of being the first to a person, follows from the other rows of the case; business hours are not negative and not longer than the time.
-- when it speaks: a row is a period, a resolution or an assignment and what is wrong with it; times in a status and last resolutions are wrong there. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH periods_placed AS (
    SELECT *,
           lag(status) OVER same_case AS status_before,
           lag(status_since) OVER same_case AS status_since_before,
           lag(status_until) OVER same_case AS status_until_before,
           lead(since) OVER same_case AS next_since
    FROM periods
    WINDOW same_case AS (PARTITION BY case_id ORDER BY since)
),
resolutions_placed AS (
    SELECT *, lag(resolved_at) OVER same_case AS before_it, lead(resolved_at) OVER same_case AS after_it
    FROM resolutions
    WINDOW same_case AS (PARTITION BY case_id ORDER BY n)
),
first_assignments AS (
    SELECT case_id, count(*) AS count, min(assigned_at) AS assigned_at
    FROM assignments
    WHERE is_first
    GROUP BY case_id
),
found AS (
    SELECT case_id, since AS at, 'period' AS row,
           CASE WHEN (status_since IS DISTINCT FROM CASE WHEN status_before = status THEN status_since_before ELSE since END)
                THEN 'status_since'
                WHEN (status_until_before IS DISTINCT FROM CASE WHEN status_before = status THEN status_until
                                                               WHEN status_before IS NOT NULL THEN since END)
                THEN 'status_until of the period before'
                WHEN next_since IS NULL AND (status_until IS DISTINCT FROM until) THEN 'status_until'
                WHEN business_ms < 0 OR business_ms > CAST(until AS BIGINT) - CAST(since AS BIGINT)
                     OR (business_ms IS NULL) <> (until IS NULL) THEN 'business_ms' END AS what
    FROM periods_placed
    UNION ALL
    SELECT case_id, min(since), 'period',
           CASE WHEN count(business_ms) = count(*) AND (max(status_business_ms) IS DISTINCT FROM sum(business_ms))
                  OR (max(status_business_ms) IS DISTINCT FROM min(status_business_ms))
                THEN 'status_business_ms' END
    FROM periods
    GROUP BY case_id, status_since
    UNION ALL
    SELECT case_id, resolved_at, 'resolution',
           CASE WHEN (previous_resolved_at IS DISTINCT FROM before_it) THEN 'previous_resolved_at'
                WHEN (next_resolved_at IS DISTINCT FROM after_it) THEN 'next_resolved_at'
                WHEN elapsed_business_ms < business_ms OR elapsed_business_ms > elapsed_ms THEN 'elapsed_business_ms' END
    FROM resolutions_placed
    UNION ALL
    SELECT a.case_id, a.assigned_at, 'assignment',
           CASE WHEN (a.elapsed_ms IS DISTINCT FROM CAST(a.assigned_at AS BIGINT) - CAST(c.created_at AS BIGINT))
                THEN 'elapsed_ms'
                WHEN a.elapsed_business_ms < 0 OR a.elapsed_business_ms > a.elapsed_ms THEN 'elapsed_business_ms' END
    FROM assignments a JOIN cases c ON c.case_id = a.case_id
    UNION ALL
    SELECT c.case_id, c.first_assigned_at, 'assignment',
           CASE WHEN (f.assigned_at IS DISTINCT FROM c.first_assigned_at) OR f.count > 1 THEN 'is_first' END
    FROM cases c LEFT JOIN first_assignments f ON f.case_id = c.case_id
)
SELECT case_id, at, row, what FROM found WHERE what IS NOT NULL
