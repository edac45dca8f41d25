#!/bin/bash
# pandas reads a JSON column of durations as dates if its name ends in _time and all its values are large.
#
# Expected: numbers in JSON are read as numbers, or the type depends on the name of the column at most.
# Seen: pandas 3.1.1 on 2026-11-27. `first_response_time` in milliseconds stays a number while one value is at most
#   31,536,000 (8 h 45 min 36 s). If every case took longer, all become dates of 1971 or later, and missing ones NaT.
#   The unit is guessed, too: the same 40,000,000 is a day of 1971, or 11:06 of 1 January 1970 beside a large value.
#   Names that end in _ms or continue after _time are not affected.
# For Casebook: durations in machine formats have names that end in `_ms`, in the table of cases, too. A name that
#   ends in `_time` or `_at` is only for instants, as text. `read_json(..., convert_dates=False)` is the reader's
#   remedy.
# Source: https://pandas.pydata.org/docs/reference/api/pandas.read_json.html (keep_default_dates lists the names, not
#   the limit of the values or the guess of the unit)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'pandas==3.1.1'

cat >expected <<'END'
pandas 3.1.1
first_response_time 40000000, 90000000: 1971-04-08 23:06:40, 1972-11-07 16:00:00
first_response_time 40000000, 31536000: 40000000, 31536000
first_response_time 40000000, None: 1971-04-08 23:06:40, NaT
first_response_time 40000000, 10000000000: 1970-01-01 11:06:40, 1970-04-26 17:46:40
first_response_time_ms 40000000, 90000000: 40000000, 90000000
resolution_time_business 40000000, 90000000: 40000000, 90000000
END

venv/bin/python - >seen <<'END'
import io
import json
import pandas

print("pandas", pandas.__version__)
for name, values in [
    ("first_response_time", [40_000_000, 90_000_000]),
    ("first_response_time", [40_000_000, 31_536_000]),
    ("first_response_time", [40_000_000, None]),
    ("first_response_time", [40_000_000, 10_000_000_000]),
    ("first_response_time_ms", [40_000_000, 90_000_000]),
    ("resolution_time_business", [40_000_000, 90_000_000]),
]:
    text = json.dumps([{"case": f"c{number}", name: value} for number, value in enumerate(values)])
    read = pandas.read_json(io.StringIO(text))[name]
    print(f"{name} {', '.join(map(str, values))}: {', '.join(map(str, read))}")
END

echo "Slow response times become dates of the 1970s, faster ones stay numbers."
cat seen
diff expected seen || { echo "The behaviour has changed: < expected, > seen."; exit 1; }
