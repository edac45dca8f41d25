-- metric: waiting_for_us
-- title: Waiting for us
-- meaning: Unresolved cases whose customer has not had a reply to the last question; a new case waits from its creation on.
-- unit: cases
-- kind: stock
-- aggregate: count
-- date: the end of each bucket
-- agent: the assignee then
-- excludes: none
-- bots: their messages are no reply
-- reopenings: a case without a first response waits again; a later question that a resolution ended does not
-- spam: does not count: Spam is resolved
-- deletion: leaves the stock at that instant
-- pauses: pending and on hold cases count while a question is open
-- example: asked 10:00, answered 10:30: 1 at 10:15, 0 at 10:45
-- differs: Chatwoot calls this unattended, and lets a reply of a bot end it
SELECT p.case_id, greatest(p.since, t.asked_at) AS since, least(p.until, t.answered_at, t.stopped_at) AS until,
       p.assignee AS agent, 1 AS value, p.case_id AS key, p.status, p.priority, p.profile
FROM turns t
JOIN periods p ON p.case_id = t.case_id
  AND (coalesce(t.answered_at, t.stopped_at) IS NULL OR p.since < coalesce(t.answered_at, t.stopped_at))
  AND (p.until IS NULL OR p.until > t.asked_at)
WHERE p.status IN ('new', 'open', 'pending', 'on_hold')
  -- Only what is part of the stock when it is read.
  AND p.since <= $last_read AND (p.until IS NULL OR p.until > $first_read)
  AND t.asked_at <= $last_read AND (coalesce(t.answered_at, t.stopped_at) IS NULL OR coalesce(t.answered_at, t.stopped_at) > $first_read)
