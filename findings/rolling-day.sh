#!/bin/bash
# The messages of the last day, for each message: pandas, polars and SQL give three different counts.
#
# Expected: a rolling window of one day over times has one meaning, at least for messages of one customer at 09:00,
#   09:00 and 09:00 of the next day, one each.
# Seen: pandas 3.1.1, polars 2.1.0, duckdb 2.0.1 and datafusion 55.0.0 on 2026-11-27. pandas gives 1, 2, 1: rows at
#   the same instant count in the order in which they stand, and the start of the window is excluded. polars gives 2,
#   2, 1: rows at the same instant count together. DuckDB and DataFusion give 2, 2, 3 for RANGE BETWEEN INTERVAL '1
#   day' PRECEDING AND CURRENT ROW: the start of the window is included, so the window is longer than a day.
# For Casebook: `repeat_contacts` and similar figures state whether an instant exactly one window earlier counts, and
#   whether events at the same instant see each other. SQL needs the interval less a millisecond for a window without
#   its start.
# Source: https://pandas.pydata.org/docs/reference/api/pandas.DataFrame.rolling.html (closed)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  'pandas==3.1.1' 'polars==2.1.0' 'duckdb==2.0.1' 'datafusion==55.0.0' 'pyarrow==26.0.1'

cat >expected <<'END'
pandas 1, 2, 1
polars 2, 2, 1
duckdb 2, 2, 3
datafusion 2, 2, 3
END

venv/bin/python - >seen <<'END'
import datetime
import datafusion
import duckdb
import pandas
import polars

sent_at = [datetime.datetime(2026, 3, 2, 9), datetime.datetime(2026, 3, 2, 9), datetime.datetime(2026, 3, 3, 9)]
messages = polars.DataFrame({"sent_at": sent_at, "n": [1, 1, 1]})
query = """SELECT sum(n) OVER (ORDER BY sent_at RANGE BETWEEN INTERVAL '1 day' PRECEDING AND CURRENT ROW) AS day
    FROM messages ORDER BY sent_at"""

series = pandas.Series([1, 1, 1], index=pandas.DatetimeIndex(sent_at))
context = datafusion.SessionContext()
context.from_arrow(messages.to_arrow(), name="messages")
counts = {
    "pandas": series.rolling("1D").sum(),
    "polars": messages.rolling("sent_at", period="1d").agg(polars.col("n").sum())["n"],
    "duckdb": [row[0] for row in duckdb.sql(query).fetchall()],
    "datafusion": context.sql(query).to_pydict()["day"],
}
for library, days in counts.items():
    print(library, ", ".join(str(int(day)) for day in days))
END

echo "A rolling day differs in its start and in rows at the same instant."
cat seen
diff expected seen || { echo "The behaviour has changed: < expected, > seen."; exit 1; }
