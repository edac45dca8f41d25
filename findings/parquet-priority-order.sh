#!/bin/bash
# The order of an ordered category in a Parquet file reaches only the library that wrote it.
#
# Expected: pandas, polars and Arrow have ordered dictionaries, and Arrow's schema is stored in the file with its
#   `ordered` flag. So the highest of low and high is high for every reader, or a reader refuses to compare.
# Seen: pandas 3.1.1, polars 2.1.0, duckdb 2.0.1, datafusion 55.0.0 on 2026-11-27. The file of pandas: pandas finds
#   high, polars, DuckDB and DataFusion find low (alphabetical). The file of a polars Enum: pandas and polars find
#   high, DuckDB and DataFusion low. polars takes a pandas frame in memory as alphabetical, DuckDB takes it in its
#   order, and with a polars frame it is the other way round. No reader gives an error.
# For Casebook: exports state priorities as text and never rely on a stored order. A figure such as the highest
#   priority of a customer needs a number beside the word, and docs have to name it.
# Source: observed; https://arrow.apache.org/docs/format/Columnar.html (dictionaries), polars' documentation of Enum
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  'pandas==3.1.1' 'pyarrow==26.0.1' 'polars==2.1.0' 'duckdb==2.0.1' 'datafusion==55.0.0'

cat >expected <<'END'
pandas 3.1.1, polars 2.1.0, duckdb 2.0.1, datafusion 55.0.0
highest of low and high in pandas.parquet: pandas high, polars low, duckdb low, datafusion low
highest of low and high in polars.parquet: pandas high, polars high, duckdb low, datafusion low
frame of pandas in memory: polars low, duckdb high
frame of polars in memory: pandas high, duckdb low
END

venv/bin/python - >seen <<'END'
import datafusion
import duckdb
import pandas
import polars

levels = ["low", "medium", "high", "urgent"]
of_pandas = pandas.DataFrame({"priority": pandas.Categorical(["low", "high"], levels, ordered=True)})
of_polars = polars.DataFrame({"priority": ["low", "high"]}, schema={"priority": polars.Enum(levels)})
of_pandas.to_parquet("pandas.parquet")
of_polars.write_parquet("polars.parquet")


def duck(source):
    return duckdb.sql(f"SELECT CAST(max(priority) AS text) AS highest FROM {source}").fetchall()[0][0]


def fusion(path):
    context = datafusion.SessionContext()
    context.register_parquet("cases", path)
    return context.sql("SELECT max(priority) AS highest FROM cases").to_pydict()["highest"][0]


versions = [f"{library.__name__} {library.__version__}" for library in (pandas, polars, duckdb, datafusion)]
print(", ".join(versions))
for path in ("pandas.parquet", "polars.parquet"):
    by_pandas = pandas.read_parquet(path)["priority"].max()
    by_polars = polars.read_parquet(path)["priority"].max()
    by_duckdb, by_fusion = duck(f"'{path}'"), fusion(path)
    print(f"highest of low and high in {path}: pandas {by_pandas}, polars {by_polars}, "
          f"duckdb {by_duckdb}, datafusion {by_fusion}")
by_polars, by_pandas = polars.from_pandas(of_pandas)["priority"].max(), of_polars.to_pandas()["priority"].max()
print(f"frame of pandas in memory: polars {by_polars}, duckdb {duck('of_pandas')}")
print(f"frame of polars in memory: pandas {by_pandas}, duckdb {duck('of_polars')}")
END

echo "An ordered priority is compared by its order or by the alphabet, depending on who wrote and who reads."
cat seen
diff expected seen || { echo "The behaviour has changed: < expected, > seen."; exit 1; }
