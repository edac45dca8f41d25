#!/bin/bash
# A repetition with an end in UTC loses its last day, or gets a day too many, in the npm package rrule.
#
# Expected: RFC 5545 requires UNTIL in UTC when DTSTART has a zone, and includes it. A shift at 09:00 in Prague with
#   UNTIL=20260330T070000Z, the instant of 09:00 on 30 March, occurs on that day for the last time.
# Seen: rrule 2.8.1 and python-dateutil 2.9.0.post0 on 2026-11-27. rrule compares the digits of UNTIL with local time:
#   the last shift is 29 March. In New York, where local digits are smaller than those of UTC, a shift after UNTIL is
#   added. Only in UTC are the days right. python-dateutil gives the right days in all three zones.
# For Casebook: what rrule wrote or read is not a reference for shifts or schedules. `schedules.toml` has a zone and
#   no end; a later end would be a local date.
# Source: https://github.com/jkbrzt/rrule/issues/596 (open); RFC 5545, 3.3.10
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm install --silent --no-audit --no-fund 'rrule@2.8.1'
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'python-dateutil==2.9.0.post0'

cat >rules.json <<'END'
[
  ["Etc/UTC", "20260327T090000", "20260330T090000Z"],
  ["Europe/Prague", "20260327T090000", "20260330T070000Z"],
  ["America/New_York", "20260327T090000", "20260330T100000Z"]
]
END

cat >expected <<'END'
rrule, Etc/UTC until 20260330T090000Z: 27, 28, 29, 30 March
rrule, Europe/Prague until 20260330T070000Z: 27, 28, 29 March
rrule, America/New_York until 20260330T100000Z: 27, 28, 29, 30 March
python-dateutil, Etc/UTC until 20260330T090000Z: 27, 28, 29, 30 March
python-dateutil, Europe/Prague until 20260330T070000Z: 27, 28, 29, 30 March
python-dateutil, America/New_York until 20260330T100000Z: 27, 28, 29 March
END

cat >days.cjs <<'END'
const { rrulestr } = require("rrule");

for (const [zone, start, until] of require("./rules.json")) {
  const rule = rrulestr(`DTSTART;TZID=${zone}:${start}\nRRULE:FREQ=DAILY;UNTIL=${until}`);
  const days = rule.all().map((day) => day.getUTCDate());
  console.log(`rrule, ${zone} until ${until}: ${days.join(", ")} March`);
}
END
cat >days.py <<'END'
import datetime
import json
import zoneinfo
from dateutil.rrule import rrulestr

for zone, start, until in json.load(open("rules.json")):
    local = datetime.datetime.strptime(start, "%Y%m%dT%H%M%S").replace(tzinfo=zoneinfo.ZoneInfo(zone))
    days = [str(day.day) for day in rrulestr(f"FREQ=DAILY;UNTIL={until}", dtstart=local)]
    print(f"python-dateutil, {zone} until {until}: {', '.join(days)} March")
END
{
  TZ=UTC node days.cjs
  venv/bin/python days.py
} >seen

echo "rrule 2.8.1 compares the UTC digits of UNTIL with local time."
cat seen
diff expected seen || { echo "The behaviour has changed: < expected, > seen."; exit 1; }
