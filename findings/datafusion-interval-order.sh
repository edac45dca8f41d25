#!/bin/bash
# DataFusion takes 36 hours for shorter than a day: intervals are compared months first, then days, then the rest.
#
# Expected: `resolved_at - created_at > INTERVAL '1 day'` holds for a case that took 36 hours, as in PostgreSQL and
#   DuckDB, where a day of an interval counts as 24 hours and a month as 30 days when intervals are compared.
# Seen: datafusion 55.0.0 (Python) and 55.2 (Rust) on 2026-11-28. The difference of two timestamps has no days, so it is
#   below any interval of a day or more, however long it is: no case is ever longer than a day, and all are shorter. The
#   same interval written in hours is compared rightly. ORDER BY and max() have the same order.
# For Casebook: durations are columns of milliseconds (`_ms`). `docs/sql.md` states how to compare a difference.
# Source: observed; the order of interval values in arrow-rs (`IntervalMonthDayNano` derives its order from its parts)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'datafusion==55.0.0' 'duckdb==2.0.1' 'pyarrow==26.0.1'

cat >expected <<'END'
datafusion 55.0.0, duckdb 2.0.1
datafusion: longer than INTERVAL '1 day': none
datafusion: longer than INTERVAL '24 hours': 36 hours, 30 days
datafusion: in the order of the targets: 36 hours, 1 day, 40 days, 1 month
duckdb: longer than INTERVAL '1 day': 36 hours, 30 days
duckdb: longer than INTERVAL '24 hours': 36 hours, 30 days
duckdb: in the order of the targets: 1 day, 36 hours, 1 month, 40 days
END

venv/bin/python - >seen <<'END'
import datafusion
import duckdb

CASES = """(VALUES (1, '2 hours', TIMESTAMP '2026-03-02T02:00:00'), (2, '36 hours', TIMESTAMP '2026-03-03T12:00:00'),
    (3, '30 days', TIMESTAMP '2026-04-01T00:00:00')) AS cases(id, took, resolved_at)"""
TARGETS = """(VALUES ('36 hours', INTERVAL '36 hours'), ('1 day', INTERVAL '1 day'), ('1 month', INTERVAL '1 month'),
    ('40 days', INTERVAL '40 days')) AS targets(name, target)"""

frames, ducks = datafusion.SessionContext(), duckdb.connect()
engines = {
    "datafusion": lambda sql: [row for batch in frames.sql(sql).collect() for row in batch.column(0).to_pylist()],
    "duckdb": lambda sql: [row[0] for row in ducks.sql(sql).fetchall()],
}
print(f"datafusion {datafusion.__version__}, duckdb {duckdb.__version__}")
for name, ask in engines.items():
    for day in ("1 day", "24 hours"):
        longer = f"SELECT took FROM {CASES} WHERE resolved_at - TIMESTAMP '2026-03-02T00:00:00' > INTERVAL '{day}' ORDER BY id"
        print(f"{name}: longer than INTERVAL '{day}':", ", ".join(ask(longer)) or "none")
    print(f"{name}: in the order of the targets:", ", ".join(ask(f"SELECT name FROM {TARGETS} ORDER BY target")))
END

echo "In DataFusion a difference of two timestamps is shorter than a day, whatever it is."
cat seen
diff expected seen || { echo "The behaviour has changed: < expected, > seen."; exit 1; }
