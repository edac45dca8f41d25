#!/bin/bash
# The joined column of DataFusion's RIGHT and FULL JOIN … USING is empty in the rows that only the right side has.
#
# Expected: in `agents RIGHT JOIN cases USING (agent)` the one column `agent` has the value of whichever side has a row,
#   as the SQL standard has it (COALESCE of both), and PostgreSQL, SQLite and DuckDB do.
# Seen: datafusion 55.0.0 (Python) and 55.2 (Rust) on 2026-11-28. The column is that of the left side, also with
#   SELECT *, NATURAL and FULL: rows of the right side alone have NULL, and counts by the column put them all together.
#   With ON and the column of the right side the value is there.
# For Casebook: its own SQL joins with ON, or USING only from the left; no RIGHT or FULL JOIN … USING in `queries/`.
# Source: observed
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'datafusion==55.0.0' 'duckdb==2.0.1' 'pyarrow==26.0.1'

cat >expected <<'END'
datafusion 55.0.0, duckdb 2.0.1
datafusion: RIGHT JOIN USING: ana 1, None 2
datafusion: FULL JOIN USING: ana 1, eva 0, None 2
datafusion: NATURAL RIGHT JOIN: ana 1, None 2
datafusion: RIGHT JOIN ON: ana 1, ben 1, jan 1
duckdb: RIGHT JOIN USING: ana 1, ben 1, jan 1
duckdb: FULL JOIN USING: ana 1, ben 1, eva 0, jan 1
duckdb: NATURAL RIGHT JOIN: ana 1, ben 1, jan 1
duckdb: RIGHT JOIN ON: ana 1, ben 1, jan 1
END

venv/bin/python - >seen <<'END'
import datafusion
import duckdb

AGENTS = "(VALUES ('ana', 'Ana'), ('eva', 'Eva')) AS agents(agent, name)"
CASES = "(VALUES ('ana', 'C-1'), ('ben', 'C-2'), ('jan', 'C-3')) AS cases(agent, case_id)"
JOINS = {
    "RIGHT JOIN USING": ("agent", f"{AGENTS} RIGHT JOIN {CASES} USING (agent)"),
    "FULL JOIN USING": ("agent", f"{AGENTS} FULL JOIN {CASES} USING (agent)"),
    "NATURAL RIGHT JOIN": ("agent", f"{AGENTS} NATURAL RIGHT JOIN {CASES}"),
    "RIGHT JOIN ON": ("cases.agent", f"{AGENTS} RIGHT JOIN {CASES} ON agents.agent = cases.agent"),
}

frames, ducks = datafusion.SessionContext(), duckdb.connect()
engines = {
    "datafusion": lambda sql: [tuple(row.values()) for batch in frames.sql(sql).collect() for row in batch.to_pylist()],
    "duckdb": lambda sql: ducks.sql(sql).fetchall(),
}
print(f"datafusion {datafusion.__version__}, duckdb {duckdb.__version__}")
for name, ask in engines.items():
    for join, (agent, tables) in JOINS.items():
        rows = ask(f"SELECT {agent} AS a, count(case_id) AS n FROM {tables} GROUP BY {agent} ORDER BY a NULLS LAST")
        print(f"{name}: {join}:", ", ".join(f"{agent} {count}" for agent, count in rows))
END

echo "DataFusion's RIGHT and FULL JOIN USING lose the joined value of rows that only the right side has."
cat seen
diff expected seen || { echo "The behaviour has changed: < expected, > seen."; exit 1; }
