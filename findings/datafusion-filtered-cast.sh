#!/bin/bash
# In DataFusion a CAST fails on rows that a subquery has filtered out before.
#
# Expected: a query that first takes the rows whose field is a number (`WHERE kind = 'number'`), in a subquery or a WITH,
#   and then compares CAST(value AS INT), never casts the other rows, as in DuckDB and SQLite.
# Seen: datafusion 55.0.0 (Python) and 55.2 (Rust) on 2026-11-28. The filters of all levels become one, whose parts are
#   evaluated for whole batches: the first row with text ends the query. A division by zero does the same. Not even
#   `CASE WHEN kind = 'number' THEN CAST(value AS INT) > 10 ELSE false END` is safe: it is rewritten to AND. A CASE that
#   gives the number and try_cast are safe in both engines; FILTER of an aggregate is in DataFusion, not in DuckDB.
# For Casebook: `field_values` has numbers beside texts; `docs/sql.md` states to use try_cast.
# Source: observed
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'datafusion==55.0.0' 'duckdb==2.0.1' 'pyarrow==26.0.1'

cat >expected <<'END'
datafusion 55.0.0, duckdb 2.0.1
datafusion: condition beside it: error
datafusion: subquery: error
datafusion: WITH: error
datafusion: division: error
datafusion: CASE of the condition: error
datafusion: CASE of the number: 1
datafusion: aggregate: 1
datafusion: try_cast: 1
duckdb: condition beside it: 1
duckdb: subquery: 1
duckdb: WITH: 1
duckdb: division: 1
duckdb: CASE of the condition: 1
duckdb: CASE of the number: 1
duckdb: aggregate: error
duckdb: try_cast: 1
END

venv/bin/python - >seen <<'END'
import datafusion
import duckdb

FIELDS = "(VALUES ('number', '7', 1), ('text', 'blue', 0), ('number', '70', 2)) AS fields(kind, value, parts)"
QUESTIONS = {
    "condition beside it": f"SELECT count(*) FROM {FIELDS} WHERE kind = 'number' AND CAST(value AS INT) > 10",
    "subquery": f"SELECT count(*) FROM (SELECT * FROM {FIELDS} WHERE kind = 'number') WHERE CAST(value AS INT) > 10",
    "WITH": f"WITH numbers AS (SELECT CAST(value AS INT) AS n FROM {FIELDS} WHERE kind = 'number') SELECT count(*) FROM numbers WHERE n > 10",
    "division": f"SELECT count(*) FROM (SELECT * FROM {FIELDS} WHERE kind = 'number') WHERE 10 / parts > 5",
    "CASE of the condition": f"SELECT count(*) FROM {FIELDS} WHERE CASE WHEN kind = 'number' THEN CAST(value AS INT) > 10 ELSE false END",
    "CASE of the number": f"SELECT count(*) FROM {FIELDS} WHERE CASE WHEN kind = 'number' THEN CAST(value AS INT) END > 10",
    "aggregate": f"SELECT CAST(max(CAST(value AS INT)) FILTER (WHERE kind = 'number') > 10 AS INT) FROM {FIELDS}",
    "try_cast": f"SELECT count(*) FROM {FIELDS} WHERE kind = 'number' AND try_cast(value AS INT) > 10",
}

frames, ducks = datafusion.SessionContext(), duckdb.connect()
engines = {"datafusion": lambda sql: frames.sql(sql).collect()[0].column(0)[0].as_py(), "duckdb": lambda sql: ducks.sql(sql).fetchall()[0][0]}
print(f"datafusion {datafusion.__version__}, duckdb {duckdb.__version__}")
for name, ask in engines.items():
    for question, sql in QUESTIONS.items():
        try:
            answer = ask(sql)
        except Exception as error:
            answer = "error" if "cast" in str(error).lower() or "divide by zero" in str(error).lower() else error
        print(f"{name}: {question}: {answer}")
END

echo "DataFusion casts and divides in rows that an inner filter has removed."
cat seen
diff expected seen || { echo "The behaviour has changed: < expected, > seen."; exit 1; }
