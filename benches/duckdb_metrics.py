#!/usr/bin/env python3
"""The questions of `benches/metrics` in SQL for DuckDB, the quickest that was found for each.

    benches/duckdb_metrics.py PROJECT THREADS [METRIC CUT]

Without a metric it answers questions that come as JSON lines `[metric, cut]` on standard input, each once, and prints seconds
and rows. With one it answers that question and ends, so that a whole process can be measured.

A metric's contributions come from its own file `queries/NAME.sql`, or from CONTRIBUTIONS where other SQL is quicker for
DuckDB. The tables of cases have `case_number` in the place of `case_id`, because it is quicker to join and to count.
"""

import dataclasses
import json
import pathlib
import re
import sys
import time

from peer import files_of_facts, files_of_log

QUERIES = pathlib.Path(__file__).resolve().parent.parent / "queries"
CUTS = ["platform and day", "agent", "uncut"]
NAMES = sorted(file.stem for file in QUERIES.glob("*.sql"))
NOT_COMPARED = {"sla_at_risk": "it counts business hours to a due time, and DuckDB has no function that knows the calendars"}

# The range, as of its last millisecond, in UTC, where days are all as long.
RANGE = "2026-05"
FROM, TO, DAYS, DAY_MS = "2026-05-01 00:00:00+00", "2026-06-01 00:00:00+00", 31, 86_400_000
PARAMETERS = {"from": FROM, "to": TO, "as_of": "2026-05-31 23:59:59.999+00", "at": "2026-05-31 23:59:59.999+00"}

# Instants as DuckDB keeps them: truncating to a day of the time zone takes three times as long.
FUNCTIONS = """
CREATE MACRO ms(instant) AS epoch_us(instant) // 1000;
CREATE MACRO day_of(instant) AS (epoch_us(instant) - epoch_us($from)) // 86_400_000_000;
"""
CASE_TABLES = ["cases", "periods", "assignments", "turns", "milestones", "resolutions", "messages", "surveys"]

UNRESOLVED = "status IN ('new', 'open', 'pending', 'on_hold')"
LAST = "resolved_at >= $from AND resolved_at < $to AND (next_resolved_at IS NULL OR next_resolved_at > $as_of)"
VALID = "since <= $as_of AND (until IS NULL OR until > $as_of)"
# Late, missed or overdue, as the function `outcome` of Casebook decides it.
BREACHED = """due_at < CASE WHEN completed_at <= $as_of THEN completed_at WHEN stopped_at <= $as_of THEN stopped_at
                       WHEN disabled_at <= $as_of THEN NULL ELSE $as_of END"""
REPLIES = f"""
    SELECT r.case_id, r.resolved_at AS at, r.agent, {{value}} AS value
    FROM (SELECT * FROM resolutions WHERE status <> 'spam' AND {LAST}) AS r
    LEFT JOIN (
      SELECT case_id, count(*) AS sent FROM messages
      WHERE direction = 'sent' AND NOT bot AND time <= $as_of AND case_id IN (SELECT case_id FROM resolutions WHERE {LAST})
      GROUP BY case_id
    ) AS replies ON replies.case_id = r.case_id"""
STAYS = """
    SELECT case_id, until AS at, until, {value} AS value
    FROM periods WHERE until >= $from AND until < $to AND status_until = until"""
# Events without those that a finding rejected. Few cases have one, so that the ids of the other events need not be read.
REJECTED = "(FROM findings WHERE effect = 'rejected' AND case_id IS NOT NULL)"
COUNTED_EVENTS = f"""(
          SELECT * FROM events WHERE {{which}} AND case_id NOT IN (SELECT case_id FROM {REJECTED})
          UNION ALL
          SELECT e.* FROM (SELECT * FROM events WHERE {{which}} AND case_id IN (SELECT case_id FROM {REJECTED})) e
          ANTI JOIN {REJECTED} f ON f.source = e.source AND f.id = e.id)"""
ACTS = """"by" IS NOT NULL AND time >= $from AND time < $to AND type IN (
          'case.status_changed', 'case.assigned', 'case.unassigned', 'case.field_changed', 'case.priority_changed',
          'case.sentiment_changed', 'case.profile_assigned', 'case.closed')"""

# Contributions in other SQL than in the metric's file: only what counts, and only what the range needs.
CONTRIBUTIONS = {
    "created_cases": "SELECT case_id, created_at AS at, 1 AS value, platform AS platform FROM cases",
    "cases_by_policy": "SELECT case_id, created_at AS at, 1 AS value, platform AS platform FROM cases",
    "deleted_cases": "SELECT case_id, deleted_at AS at, assignee AS agent, 1 AS value, platform AS platform FROM cases",
    "contacts_per_customer": """
        SELECT case_id, created_at AS at, NULL AS agent, 1 AS value, customer AS key, platform AS platform FROM cases""",
    "repeat_contacts": """
        SELECT case_id, created_at AS at, agent, 1 AS value, platform AS platform
        FROM (
          SELECT c.case_id, c.created_at, c.platform, p.assignee AS agent,
                 lag(c.created_at) OVER (PARTITION BY c.customer, p.profile ORDER BY c.created_at) AS before
          FROM cases c JOIN periods p ON p.case_id = c.case_id AND p.since = c.created_at
          WHERE c.created_at >= $from - INTERVAL 7 DAY AND c.created_at < $to AND p.profile IS NOT NULL
            AND p.since >= $from - INTERVAL 7 DAY AND p.since < $to
        )
        WHERE before >= created_at - INTERVAL 7 DAY""",
    "spam_cases": """
        SELECT case_id, resolved_at AS at, agent, 1 AS value, case_id AS key FROM resolutions WHERE status = 'spam'
        UNION ALL
        SELECT p.case_id, p.since AS at, p.assignee AS agent, 1 AS value, p.case_id AS key
        FROM (FROM periods WHERE status = 'spam' AND since >= $from AND since < $to) p
        ANTI JOIN (FROM periods WHERE status = 'spam') b ON b.case_id = p.case_id AND b.until = p.since
        ANTI JOIN (FROM resolutions WHERE status = 'spam') r ON r.case_id = p.case_id AND r.resolved_at = p.since""",
    # Neither the turns of a case nor its periods overlap, so that a case is there once.
    "waiting_for_us": f"""
        SELECT p.case_id, greatest(p.since, t.asked_at) AS since, least(p.until, t.ended_at) AS until, p.assignee AS agent, 1 AS value
        FROM (SELECT *, coalesce(answered_at, stopped_at) AS ended_at FROM turns) t JOIN periods p ON p.case_id = t.case_id
        WHERE {UNRESOLVED} AND p.since < $to AND t.asked_at < $to AND (p.until IS NULL OR p.until > $first)
          AND (t.ended_at IS NULL OR t.ended_at > $first)""",
    "backlog_age": f"""
        SELECT p.case_id, p.since, p.until, p.assignee AS agent, ms(c.created_at) AS value, c.platform AS platform
        FROM periods p JOIN cases c ON c.case_id = p.case_id
        WHERE {UNRESOLVED.replace("status", "p.status")}""",
    "time_in_status": STAYS.format(value="ms(until) - ms(status_since)"),
    "time_in_status_business": STAYS.format(value="status_business_ms"),
    "one_touch_cases": REPLIES.format(
        value="CASE WHEN sent = 1 AND r.n = 1 AND (r.reopened_at IS NULL OR r.reopened_at > $as_of) THEN 1 ELSE 0 END"),
    "touches": REPLIES.format(value="coalesce(sent, 0)"),
    "cases_within_sla": f"""
        SELECT case_id, resolved_at AS at, agent,
               CASE WHEN case_id IN (SELECT case_id FROM milestones WHERE {VALID} AND {BREACHED}) THEN 0 ELSE 1 END AS value
        FROM resolutions WHERE {LAST}""",
    "sla_attainment": f"""
        SELECT case_id, CASE WHEN completed_at <= $as_of THEN completed_at
                             WHEN stopped_at <= $as_of THEN CASE WHEN due_at < stopped_at THEN stopped_at END
                             WHEN disabled_at <= $as_of THEN NULL WHEN due_at < $as_of THEN due_at END AS at,
               CASE WHEN completed_at <= $as_of OR stopped_at <= $as_of THEN assignee_at_end ELSE assignee_at_due END AS agent,
               CASE WHEN completed_at <= $as_of AND (due_at IS NULL OR due_at >= completed_at) THEN 1 ELSE 0 END AS value
        FROM milestones WHERE {VALID}""",
    "sla_breaches": f"SELECT case_id, due_at AS at, assignee_at_due AS agent, 1 AS value FROM milestones WHERE {VALID} AND {BREACHED}",
    "sla_late_by": f"""
        SELECT case_id, coalesce(completed_at, stopped_at) AS at, assignee_at_end AS agent,
               ms(coalesce(completed_at, stopped_at)) - ms(due_at) AS value
        FROM milestones
        WHERE {VALID} AND due_at < CASE WHEN completed_at <= $as_of THEN completed_at WHEN stopped_at <= $as_of THEN stopped_at END""",
    # Without a known capacity none is exceeded. Most steps cancel each other: a case that changes stays with its agent.
    "over_capacity_time": f"""
        WITH known AS (FROM users WHERE capacity IS NOT NULL AND since < $to AND (until IS NULL OR until > $from)),
        held AS (
          SELECT assignee, ms(greatest(since, $from)) AS since, ms(until) AS until FROM periods
          WHERE {UNRESOLVED} AND since < $to AND (until IS NULL OR until > $from) AND assignee IN (SELECT "user" FROM known)
        ),
        steps AS (
          SELECT assignee AS agent, since AS t, CAST(1 AS DOUBLE) AS load FROM held
          UNION ALL SELECT assignee, until, -1 FROM held WHERE until < ms($to)
          UNION ALL SELECT DISTINCT "user", ms($from), -1e9 FROM known
          UNION ALL SELECT "user", ms(greatest(since, $from)), 1e9 - capacity FROM known
          UNION ALL SELECT "user", ms(until), capacity - 1e9 FROM known WHERE until < $to
        ),
        levels AS (
          SELECT agent, t AS since, lead(t) OVER w AS until, sum(load) OVER w AS excess
          FROM (SELECT agent, t, sum(load) AS load FROM steps GROUP BY agent, t HAVING sum(load) <> 0)
          WINDOW w AS (PARTITION BY agent ORDER BY t)
        )
        SELECT NULL AS case_id, make_timestamptz(since * 1000) AS since, make_timestamptz(until * 1000) AS until, agent, 1 AS value
        FROM levels WHERE excess > 0""",
    # The events of a case that was never created are rejected, unless they are messages.
    "handled_cases": f"""
        SELECT case_id, time AS at, "by" AS agent, 1 AS value, case_id AS key
        FROM messages WHERE direction IN ('sent', 'noted') AND "by" IS NOT NULL
        UNION ALL
        SELECT c.case_number, e.time, e."by", 1, c.case_number
        FROM {COUNTED_EVENTS.format(which=ACTS)} e JOIN case_ids c ON c.case_id = e.case_id""",
    "survey_response_rate": f"""
        SELECT case_id, min(time) FILTER (type = 'survey.sent') AS at, max(CASE type WHEN 'survey.answered' THEN 1 ELSE 0 END) AS value
        FROM {COUNTED_EVENTS.format(which="type IN ('survey.sent', 'survey.answered') AND time <= $as_of")}
        GROUP BY case_id, survey""",
    "workload_time": f"""
        SELECT p.case_id, greatest(p.since, u.since) AS since, least(p.until, u.until) AS until, p.assignee AS agent, 1 AS value
        FROM (FROM periods WHERE {UNRESOLVED} AND since < $to AND (until IS NULL OR until > $from)) p
        JOIN users u ON u."user" = p.assignee AND u.capacity IS NOT NULL""",
}
# Those whose case is a text, because events have no number of it.
BY_ID = {"survey_response_rate"}

# The period from which the agent of `assignee_then` is taken, where it is known to begin or to end at the instant.
PERIOD_THEN = {
    "reopenings": "p.since = f.instant",
    "time_in_status": "p.since = f.until",
    "time_in_status_business": "p.since = f.until",
}


@dataclasses.dataclass
class Contributions:
    """The contributions of a metric and how they become a number."""

    metric: str
    header: dict
    aggregate: str
    sql: str

    def have(self, column):
        return re.search(rf"\bAS {column}\b", self.sql) is not None

    def of_cases(self):
        return re.search(r"\bNULL( AS VARCHAR\))? AS case_id\b", self.sql) is None

    def counts_cases(self):
        return self.aggregate == "count" and self.have("key")

    def number(self, read="ms($at)"):
        """The number of a group. `read` is when a stock is read."""
        if self.metric == "backlog_age":
            # The median of the ages is the age of the median.
            return f"{read} - quantile_cont(value, 0.5)"
        return {
            "count": "count(DISTINCT key)" if self.have("key") else "count(*)",
            "sum": "sum(value)",
            "hours": "sum(value) / 3600000",
            "mean": "avg(value)",
            "share": "avg(value)",
            "median": "quantile_cont(value, 0.5)",
            "per_key": "count(*) / count(DISTINCT key)",
            "per_day": f"count(*) / {DAYS}",
        }[self.aggregate]


def contributions(metric, aggregate=None):
    lines = (QUERIES / f"{metric}.sql").read_text().splitlines()
    header = {}
    while lines and lines[0].startswith("-- "):
        key, value = lines.pop(0)[3:].split(": ", 1)
        header[key] = value
    sql = CONTRIBUTIONS.get(metric) or "\n".join(lines)
    return Contributions(metric, header, aggregate or header.get("aggregate"), in_words_of_duckdb(sql))


def in_words_of_duckdb(sql):
    """`at` and `by` are reserved words, an instant is no number, and an anti join is never a left one."""
    sql = re.sub(r"(?<!\$)\bat\b", "instant", sql).replace("LEFT ANTI JOIN", "ANTI JOIN")
    sql = re.sub(r"\bby AS agent", '"by" AS agent', sql)
    return re.sub(r"CAST\(((?:(?!CAST\().)+?) AS BIGINT\)", r"ms(\1)", sql)


def parameters(sql):
    for name, value in PARAMETERS.items():
        sql = re.sub(rf"\${name}\b", f"TIMESTAMPTZ '{value}'", sql)
    return sql


def query(metric, cut):
    """The SQL of a question. A row is its groups (day from 0, platform; or agent) and one number."""
    of = contributions(metric)
    return parameters(ratio(of.header, cut) if of.header["kind"] == "ratio" else answer(of, cut))


def answer(of, cut):
    if of.header["kind"] == "stock":
        # Only times that are not over by the first read.
        of.sql = of.sql.replace("$first", "$from" if cut == "platform and day" else "$at")
        return stock_of_days(of) if cut == "platform and day" else stock(of, cut)
    return flow(of, cut) if of.have("instant") else spread(of, cut)


def grouped(of, cut, f, number, day, when="f.instant"):
    """Contributions `f` in groups."""
    group, join = {"uncut": ("", ""), "agent": agent(of, when), "platform": platform(of), "platform and day": platform(of)}[cut]
    group = f"{day}, {group}" if cut == "platform and day" else group
    return f"SELECT {group}{', ' if group else ''}{number} FROM {f} {join}{' GROUP BY ALL' if group else ''}"


def platform(of):
    if of.have("platform"):
        return "f.platform", ""
    if not of.of_cases():
        return "NULL AS platform", ""
    if of.metric in BY_ID:
        return "platform", "LEFT JOIN case_ids c ON c.case_id = f.case_id"
    return "platform", "LEFT JOIN (SELECT case_id, platform FROM cases) AS c ON c.case_id = f.case_id"


def agent(of, when):
    """By the rule of the header. The period of a contribution is found by its begin where it is known to begin then."""
    rule = of.header["agent"]
    if rule not in ("assignee_then", "assignee_as_of"):
        return "f.agent", ""
    when = "$as_of" if rule == "assignee_as_of" else when
    then = PERIOD_THEN.get(of.metric) or f"p.since <= {when} AND (p.until IS NULL OR p.until > {when})"
    if of.metric in BY_ID:
        return "p.assignee", f"LEFT JOIN case_ids c ON c.case_id = f.case_id LEFT JOIN periods p ON p.case_id = c.case_number AND {then}"
    return "p.assignee", f"LEFT JOIN periods p ON p.case_id = f.case_id AND {then}"


def flow(of, cut):
    """What counts at an instant. Where cases are counted they are made different first, which is quicker than
    `count(DISTINCT)`."""
    excluded = " AND excluded IS NULL" if of.have("excluded") else ""
    f = f"(SELECT * FROM ({of.sql}) WHERE instant >= $from AND instant < $to{excluded}) AS f"
    if of.counts_cases() and cut == "uncut":
        return f"SELECT count(*) FROM (SELECT DISTINCT key FROM {f})"
    if of.counts_cases() and cut == "platform and day":
        f = f"(SELECT DISTINCT day_of(instant) AS day, case_id FROM {f}) AS f"
        return grouped(of, cut, f, "count(*)", "day")
    return grouped(of, cut, f, of.number(), "day_of(f.instant) AS day")


def stock(of, cut):
    """What is there at the end of the range."""
    f = f"(SELECT * FROM ({of.sql}) WHERE since <= $at AND (until IS NULL OR until > $at)) AS f"
    return grouped(of, cut, f, of.number(), None, "$at")


def stock_of_days(of):
    """What is there at the end of each day, by platform. Times that begin and end on the same days are counted together
    first, where that is possible; then each is repeated for its days."""
    days = f"greatest(day_of(since), 0) AS first, least(coalesce(day_of(until), {DAYS}), {DAYS}) AS last"
    times = f"SELECT *, {days} FROM ({of.sql}) WHERE since < $to AND (until IS NULL OR until >= $from AND until > since)"
    f = f"(FROM ({times}) WHERE first < last) AS f"
    group, join = platform(of)
    if of.number() != "count(*)":
        repeated = f"SELECT {group}, unnest(range(first, last)) AS day, value FROM {f} {join}"
        return f"SELECT day, platform, {of.number(f'ms($from) + (day + 1) * {DAY_MS} - 1')} FROM ({repeated}) GROUP BY day, platform"
    counted = f"SELECT {group}, first, last, count(*) AS n FROM {f} {join} GROUP BY ALL"
    return f"SELECT day, platform, sum(n) FROM ({counted}) JOIN range({DAYS}) AS d(day) ON first <= day AND day < last GROUP BY day, platform"


def spread(of, cut):
    """What has a value in each millisecond: the sum of all within the range, or within each day, found as above."""
    f = f"""(SELECT *, ms(greatest(since, $from)) - ms($from) AS s, ms(coalesce(least(until, $to), $to)) - ms($from) AS e
        FROM ({of.sql}) WHERE since < $to AND (until IS NULL OR until > $from AND until > since)) AS f"""
    if cut != "platform and day":
        hours = " / 3600000" if of.aggregate == "hours" else ""
        return grouped(of, cut, f, f"sum(value * (e - s)){hours}", None)
    group, join = platform(of)
    return f"""
        SELECT day, platform, sum(CASE WHEN day = last THEN es ELSE n * (day + 1) * {DAY_MS} END
                                  - CASE WHEN day = first THEN ss ELSE n * day * {DAY_MS} END)
        FROM (SELECT {group}, s // {DAY_MS} AS first, e // {DAY_MS} AS last, sum(value) AS n, sum(value * s) AS ss, sum(value * e) AS es
              FROM {f} {join} GROUP BY ALL)
        JOIN range({DAYS}) AS d(day) ON first <= day AND day <= last GROUP BY ALL"""


def ratio(header, cut):
    """One metric divided by another, group by group."""
    cut = "platform" if cut == "platform and day" and header["numerator"].endswith("@end") else cut
    sides = []
    for side in (header["numerator"], header["denominator"]):
        metric, _, aggregate = side.removesuffix("@end").partition(":")
        sides.append(answer(contributions(metric, aggregate), cut))
    groups = "".join(f"{name}, " for name in {"platform and day": ["day", "platform"], "uncut": []}.get(cut, [cut]))
    top, bottom = (f"SELECT {groups}{columns} FROM ({sql}) AS t({groups}x)" for sql, columns in zip(sides, ["x AS x, NULL AS y", "NULL, x"]))
    return f"SELECT {groups}max(x) / nullif(max(y), 0) FROM ({top} UNION ALL {bottom}) GROUP BY ALL"




def connect(project, threads):
    """A connection with a view of each table, and the functions."""
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = 'UTC'; SET threads = {threads}")
    store = pathlib.Path(project) / "store"
    views = {table: ("* EXCLUDE (case_id, case_number), case_number AS case_id", files_of_facts(store, table)) for table in CASE_TABLES}
    views |= {table: ("*", files_of_facts(store, table)) for table in ["presence", "users"]}
    views["case_ids"] = "*", files_of_facts(store, "cases")
    # Replay writes the findings that cases show by themselves apart from the others.
    views["findings"] = "*", files_of_facts(store, "case_findings") + files_of_facts(store, "other_findings")
    views["events"] = "*", files_of_log(store)
    for name, (columns, files) in views.items():
        connection.execute(f"CREATE VIEW {name} AS SELECT {columns} FROM read_parquet({files})")
    connection.execute(parameters(FUNCTIONS))
    return connection


def ask(connection, metric, cut):
    """Seconds, and rows of groups and a number."""
    sql = query(metric, cut)
    begun = time.monotonic()
    rows = connection.execute(sql).fetchall()
    return time.monotonic() - begun, rows


def main():
    project, threads, *question = sys.argv[1:]
    connection = connect(project, threads)
    if question:
        return print(ask(connection, *question))
    for line in sys.stdin:
        print(json.dumps(ask(connection, *json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
