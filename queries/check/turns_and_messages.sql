-- check: turns_and_messages
-- title: Turns as the messages ask and answer them
-- meaning: Every answer is a person's message in the unresolved case, and every question after the first a customer's message; no such reply is inside an open turn, and after the first response no customer message is between two turns.
-- when it speaks: a row is a turn's answer or question without its message, or a message that should have answered or asked, with the end of the turn before it. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH replies AS (
    SELECT case_id, time, coalesce(by, '') AS by FROM messages
    WHERE direction = 'sent' AND NOT bot AND place = 'in_case'
),
questions AS (
    SELECT case_id, time, kind FROM messages
    WHERE direction = 'received' AND place IN ('in_case', 'resolved')
),
-- The times between two turns, and after the last.
between_turns AS (
    SELECT t.case_id, t.n, coalesce(t.answered_at, t.stopped_at) AS ended_at, f.asked_at AS next_asked_at
    FROM turns t LEFT JOIN turns f ON f.case_id = t.case_id AND f.n = t.n + 1
    WHERE coalesce(t.answered_at, t.stopped_at) IS NOT NULL
)
SELECT t.case_id, t.n, 'answer without a reply' AS what, t.answered_at AS at, NULL AS turn_ended_at
FROM turns t LEFT ANTI JOIN replies r
  ON r.case_id = t.case_id AND r.time = t.answered_at AND r.by = coalesce(t.answered_by, '')
WHERE t.answered_at IS NOT NULL
UNION ALL
SELECT t.case_id, t.n, 'question without a message', t.asked_at, NULL
FROM turns t LEFT ANTI JOIN questions q ON q.case_id = t.case_id AND q.time = t.asked_at AND q.kind = t.kind
WHERE t.n > 1
UNION ALL
SELECT t.case_id, t.n, 'reply that answers nothing', r.time, coalesce(t.answered_at, t.stopped_at)
FROM replies r JOIN turns t ON t.case_id = r.case_id AND t.asked_at < r.time
WHERE coalesce(t.answered_at, t.stopped_at) IS NULL OR coalesce(t.answered_at, t.stopped_at) > r.time
UNION ALL
SELECT b.case_id, b.n, 'message that asks nothing', q.time, b.ended_at
FROM questions q JOIN between_turns b ON b.case_id = q.case_id AND b.ended_at < q.time
WHERE b.next_asked_at IS NULL OR b.next_asked_at > q.time
