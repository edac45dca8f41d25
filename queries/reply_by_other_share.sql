-- metric: reply_by_other_share
-- title: Replies by others
-- meaning: Share of the replies that were not sent by the assignee of the case; a reply in a case without an assignee is by another.
-- unit: share
-- kind: flow
-- aggregate: share
-- date: when the message was sent
-- agent: the sender
-- excludes: sender unknown
-- bots: their messages are not counted
-- reopenings: do not matter
-- spam: counted like any case
-- deletion: stays counted
-- pauses: do not matter
-- example: Ana has the case and replies, Ben replies once: 50 %
-- differs: most help desks credit the assignee and cannot see this
SELECT m.case_id, m.time AS at, m.by AS agent, CASE WHEN p.assignee IS DISTINCT FROM m.by THEN 1 ELSE 0 END AS value, m.kind,
       CASE WHEN m.by IS NULL THEN 'sender unknown' END AS excluded
FROM messages m
LEFT JOIN periods p ON p.case_id = m.case_id AND p.since <= m.time AND (p.until IS NULL OR p.until > m.time)
WHERE m.direction = 'sent' AND NOT m.bot
