-- check: stays_and_neighbours
-- title: Stays in a status, neighbouring resolutions, first assignments
-- meaning: What a period states of the unbroken stay in its status, a resolution of the ones before and after it, and an assignment of being the first to a person, follows from the other rows of the case; business hours are not negative and not longer than the time.
-- when it speaks: a row is a period, a resolution or an assignment and what is wrong with it; times in a status and last resolutions are wrong there. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH periods_placed AS (
    SELECT p.case_id, p.since, p.until, p.status, p.status_since, p.status_until, p.business_ms, p.status_business_ms,
           b.status AS status_before, b.status_since AS status_since_before
    FROM periods b RIGHT JOIN periods p ON b.case_id = p.case_id AND b.until = p.since
),
resolutions_placed AS (
    SELECT r.case_id, r.resolved_at, r.previous_resolved_at, r.next_resolved_at, r.elapsed_ms, r.business_ms,
           r.elapsed_business_ms, b.resolved_at AS before_it, f.resolved_at AS after_it
    FROM resolutions r
    LEFT JOIN resolutions b ON b.case_id = r.case_id AND b.n = r.n - 1
    LEFT JOIN resolutions f ON f.case_id = r.case_id AND f.n = r.n + 1
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
                WHEN business_ms < 0 OR business_ms > CAST(until AS BIGINT) - CAST(since AS BIGINT)
                     OR (business_ms IS NULL) <> (until IS NULL) THEN 'business_ms'
                WHEN status_since = since AND (status_until IS NOT DISTINCT FROM until)
                     AND business_ms IS NOT NULL AND (status_business_ms IS DISTINCT FROM business_ms)
                THEN 'status_business_ms' END AS what
    FROM periods_placed
    UNION ALL
    -- Of the other stays, which have several periods.
    SELECT case_id, min(since), 'period',
           CASE WHEN min(since) <> status_since THEN 'status_until of the period before'
                WHEN (min(status_until) IS DISTINCT FROM CASE WHEN count(until) = count(*) THEN max(until) END)
                  OR (max(status_until) IS DISTINCT FROM min(status_until)) OR count(status_until) NOT IN (0, count(*))
                THEN 'status_until'
                WHEN count(business_ms) = count(*) AND (max(status_business_ms) IS DISTINCT FROM sum(business_ms))
                  OR (max(status_business_ms) IS DISTINCT FROM min(status_business_ms))
                THEN 'status_business_ms' END
    FROM periods
    WHERE status_since <> since OR (status_until IS DISTINCT FROM until)
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
