#!/bin/bash
# DuckDB compares an ENUM with a quoted word as text, but sorts and aggregates it by its own order.
#
# Expected: a column of an ENUM type has one order, that of its declaration. A quoted word takes the type of the
#   column that it is compared with, as it does for dates and numbers, so `priority >= 'high'` is high and urgent.
# Seen: duckdb 2.0.1 on 2026-11-27. ORDER BY and max follow the declaration. `priority >= 'high'` compares text and
#   returns every priority, `priority > 'medium'` returns urgent only. With a cast of the word both are right. CASE
#   and coalesce with a word turn the column into text, so a later ORDER BY is alphabetical, too.
# For Casebook: a query for DuckDB over priorities lists the wanted ones (`IN ('high', 'urgent')`) and never compares
#   with < or >.
# Source: https://github.com/duckdb/duckdb/issues/16623 (open), https://github.com/duckdb/duckdb/issues/14938
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'duckdb==2.0.1'

cat >expected <<'END'
duckdb 2.0.1
order by: low, medium, high, urgent
max: urgent
>= 'high': low, medium, high, urgent
>= 'high'::level: high, urgent
> 'medium': urgent
> 'medium'::level: high, urgent
between 'low' and 'medium': low, medium
order by coalesce(priority, 'medium'): high, low, medium, urgent
END

venv/bin/python - >seen <<'END'
import duckdb

connection = duckdb.connect()
connection.execute("CREATE TYPE level AS ENUM ('low', 'medium', 'high', 'urgent')")
connection.execute("CREATE TABLE cases (priority level)")
connection.execute("INSERT INTO cases VALUES ('urgent'), ('low'), ('high'), ('medium')")


def column(rest):
    return ", ".join(row[0] for row in connection.execute(f"SELECT priority FROM cases {rest}").fetchall())


print("duckdb", duckdb.__version__)
print("order by:", column("ORDER BY priority"))
print("max:", connection.execute("SELECT max(priority) FROM cases").fetchone()[0])
for condition in [">= 'high'", ">= 'high'::level", "> 'medium'", "> 'medium'::level", "between 'low' and 'medium'"]:
    print(f"{condition}:", column(f"WHERE priority {condition} ORDER BY priority"))
print("order by coalesce(priority, 'medium'):", column("ORDER BY coalesce(priority, 'medium')"))
END

echo "DuckDB sorts an ENUM by its declaration and compares it with a quoted word as text."
cat seen
diff expected seen || { echo "The behaviour has changed: < expected, > seen."; exit 1; }
