-- check: turns_and_messages
-- title: Turns as the messages ask and answer them
-- meaning: Every answer is a person's message in the unresolved case, and every question after the first a customer's message; no such reply is inside an open turn, and after the first response no customer message is between two turns.
-- when it speaks: a row is a turn's answer or question without its message, or a message that should have answered or asked, with the end of the turn before it. Run `casebook replay --full`; if the row stays, report it with the events of the case.
WITH replies AS (
    SELECT DISTINCT case_id, time, coalesce(by, '') AS by FROM messages
    WHERE direction = 'sent' AND NOT bot AND place = 'in_case'
),
questions AS (
    SELECT DISTINCT case_id, time, kind FROM messages
    WHERE direction = 'received' AND place IN ('in_case', 'resolved')
),
moments AS (
    SELECT case_id, time AS at, 0 AS rank, NULL AS n FROM replies
    UNION ALL
    SELECT case_id, time, 1, NULL FROM questions
    UNION ALL
    SELECT case_id, asked_at, 2, n FROM turns
),
-- The last turn that was asked before, not at, the instant of a message: a turn sorts after the messages of its instant.
placed AS (
    SELECT case_id, at, rank,
           max(n) OVER (PARTITION BY case_id ORDER BY at, rank ROWS UNBOUNDED PRECEDING) AS n
    FROM moments
),
beside AS (
    SELECT p.case_id, p.at, p.rank, p.n, coalesce(t.answered_at, t.stopped_at) AS ended_at, f.asked_at AS next_asked_at
    FROM placed p
    JOIN turns t ON t.case_id = p.case_id AND t.n = p.n
    LEFT JOIN turns f ON f.case_id = p.case_id AND f.n = p.n + 1
    WHERE p.rank < 2
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
SELECT case_id, n, CASE rank WHEN 0 THEN 'reply that answers nothing' ELSE 'message that asks nothing' END, at, ended_at
FROM beside
WHERE (rank = 0 AND (ended_at IS NULL OR ended_at > at))
   OR (rank = 1 AND ended_at < at AND (next_asked_at IS NULL OR next_asked_at > at))
