-- view: user_skills
-- One row per time for which a user had a skill of their own or through a group.
-- The skills that count for a user (7.2). Of a skill that is their own, `group` is null; one that comes through two groups
-- has a row for each.
WITH held AS (
    SELECT "user", since, until, unnest(skills) AS skill, CAST(NULL AS TEXT) AS "group" FROM users
    UNION ALL
    SELECT members."user", greatest(members.since, sharing.since), least(members.until, sharing.until),
           sharing.skill, sharing."group"
    FROM (SELECT "user", since, until, unnest(groups) AS "group" FROM users) AS members
    JOIN (SELECT "group", since, until, unnest(skills) AS skill FROM groups) AS sharing
      ON members."group" = sharing."group"
     AND (sharing.until IS NULL OR members.since < sharing.until)
     AND (members.until IS NULL OR sharing.since < members.until)
),
-- Adjacent versions are one time: it begins at a version before which there is none that ends there.
begun AS (
    SELECT *, CASE WHEN lag(until) OVER (PARTITION BY "user", skill, "group" ORDER BY since) = since
                   THEN 0 ELSE 1 END AS begins
    FROM held
),
numbered AS (
    SELECT *, sum(begins) OVER (PARTITION BY "user", skill, "group" ORDER BY since) AS nth FROM begun
)
SELECT "user", min(since) AS since,
       CASE WHEN count(until) = count(*) THEN max(until) END AS until, skill, "group"
FROM numbered
GROUP BY "user", skill, "group", nth
