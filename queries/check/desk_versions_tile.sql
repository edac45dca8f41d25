-- check: desk_versions_tile
-- title: Versions of users, profiles and presence do not overlap
-- meaning: The versions of one user, one profile and one presence follow each other without overlap, and none is empty.
-- when it speaks: a row is a version and the beginning of the next one; joins by instant count twice there. `case_id` is null, because the row belongs to no case. Run `casebook replay --full`; if the row stays, report it.
WITH versions AS (
    SELECT 'users' AS what, "user" AS name, since, until FROM users
    UNION ALL
    SELECT 'profiles', profile, since, until FROM profiles
    UNION ALL
    SELECT 'presence', "user", since, until FROM presence
),
placed AS (
    SELECT *, lead(since) OVER (PARTITION BY what, name ORDER BY since, until NULLS LAST) AS next_since FROM versions
)
SELECT NULL AS case_id, what, name, since, until, next_since
FROM placed
WHERE until <= since OR (next_since IS NOT NULL AND coalesce(until > next_since, true))
