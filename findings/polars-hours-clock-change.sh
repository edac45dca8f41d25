#!/bin/bash
# After a clock change polars' windows of six hours stay an hour off for the rest of the data.
#
# Expected: `group_by_dynamic(every="6h")` of instants in Europe/Prague has windows from 00:00, 06:00, 12:00 and
#   18:00, as `dt.truncate("6h")` does, and rows of earlier days do not change the windows of later days.
# Seen: polars 2.1.0 on 2026-11-27. Up to the spring change both agree. On 29 March, where 02:00 is skipped, the
#   window of 00:00 lasts six elapsed hours until 07:00, and all later windows start at 01:00, 07:00, 13:00 and 19:00,
#   on 30 March, too. Without the rows before the change the same rows are in windows from 00:00, 06:00, 12:00 and
#   18:00. truncate keeps those starts throughout; its window of 00:00 has five hours on 29 March.
# For Casebook: buckets of hours follow local times and never depend on the rows. A comparison with polars by hours
#   uses truncate, not group_by_dynamic.
# Source: observed; days with an offset: https://github.com/pola-rs/polars/issues/15966 (open)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'polars==2.1.0'

cat >expected <<'END'
polars 2.1.0
group_by_dynamic from 28 March: 28 12:00, 28 18:00, 29 00:00, 29 07:00, 29 13:00, 29 19:00, 30 01:00, 30 07:00, 30 13:00
truncate from 28 March: 28 12:00, 28 18:00, 29 00:00, 29 06:00, 29 12:00, 29 18:00, 30 00:00, 30 06:00, 30 12:00
group_by_dynamic from 29 March, 12:00: 29 12:00, 29 18:00, 30 00:00, 30 06:00, 30 12:00
truncate from 29 March, 12:00: 29 12:00, 29 18:00, 30 00:00, 30 06:00, 30 12:00
END

venv/bin/python - >seen <<'END'
import datetime
import polars

print("polars", polars.__version__)
first, last = datetime.datetime(2026, 3, 28, 11), datetime.datetime(2026, 3, 30, 15)
hours = polars.datetime_range(first, last, "1h", time_zone="UTC", eager=True)
cases = polars.DataFrame({"created_at": hours.dt.convert_time_zone("Europe/Prague")})
change_over = polars.datetime(2026, 3, 29, 12, time_zone="Europe/Prague")

for name, rows in [("28 March", cases), ("29 March, 12:00", cases.filter(polars.col("created_at") >= change_over))]:
    grouped = rows.group_by_dynamic("created_at", every="6h").agg(polars.len())["created_at"]
    cut = rows["created_at"].dt.truncate("6h").unique().sort()
    print(f"group_by_dynamic from {name}:", ", ".join(grouped.dt.strftime("%d %H:%M")))
    print(f"truncate from {name}:", ", ".join(cut.dt.strftime("%d %H:%M")))
END

echo "group_by_dynamic keeps windows that a clock change has shifted, and earlier rows decide about later windows."
cat seen
diff expected seen || { echo "The behaviour has changed: < expected, > seen."; exit 1; }
