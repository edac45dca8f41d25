#!/bin/bash
# Packages for business hours count the night of a clock change as any other night, or fail on it.
#
# Expected: a desk that is open from 00:00 to 06:00 in Prague works 5 hours on 29 March 2026, 7 on 25 October and 6 on
#   any other day, and a package that takes instants with a zone counts them so.
# Seen: businesstimedelta 1.0.1, business_duration 0.68 and pandas 3.1.1 on 2026-11-27. businesstimedelta counts 5, 7
#   and 6, but a rule without a zone is one in UTC, whatever the zone of the instants: Friday 16:00 to Monday 10:00 in
#   Prague with hours from 09:00 to 17:00 are 3 hours, not 2. business_duration counts 6 each time. Listing the
#   business hours of pandas is an error on both nights, and 6 of them, added at midnight, end with the shift that has
#   5 or 7.
# For Casebook: a comparison of business time with a peer names the peer's rule for clock changes; the expected values
#   of our tests are computed by hand (3.4 of the specification), not with these packages.
# Source: observed; https://github.com/seppemans/businesstimedelta (rules), documentation of
#   pandas.offsets.CustomBusinessHour
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check \
  'businesstimedelta==1.0.1' 'business_duration==0.68' 'pandas==3.1.1' 'pytz==2026.6'

cat >expected <<'END'
2026-03-29: elapsed 5, businesstimedelta 5, business_duration 6.0, pandas ValueError, midnight + 6: 2026-03-30 00:00
2026-10-25: elapsed 7, businesstimedelta 7, business_duration 6.0, pandas ValueError, midnight + 6: 2026-10-26 00:00
2026-06-07: elapsed 6, businesstimedelta 6, business_duration 6.0, pandas 6, midnight + 6: 2026-06-08 00:00
businesstimedelta without a zone, Friday 16:00 to Monday 10:00 of 09:00 to 17:00: 3
END

venv/bin/python - >seen <<'END'
import datetime
import zoneinfo
import pandas
import pytz
from business_duration import businessDuration
from businesstimedelta import WorkDayRule

ZONE = zoneinfo.ZoneInfo("Europe/Prague")
OPEN, CLOSE, WEEK = datetime.time(0), datetime.time(6), list(range(7))
night = pandas.offsets.CustomBusinessHour(start="00:00", end="06:00", weekmask="Mon Tue Wed Thu Fri Sat Sun")
rule = WorkDayRule(start_time=OPEN, end_time=CLOSE, working_days=WEEK, tz=pytz.timezone("Europe/Prague"))

for year, month, day in [(2026, 3, 29), (2026, 10, 25), (2026, 6, 7)]:
    midnight = datetime.datetime(year, month, day, tzinfo=ZONE)
    closing, noon = midnight.replace(hour=6), midnight.replace(hour=12)
    elapsed = int((closing.timestamp() - midnight.timestamp()) / 3600)
    by_rule = rule.difference(midnight, noon).hours
    by_duration = businessDuration(midnight, noon, OPEN, CLOSE, weekendlist=[], unit="hour")
    try:
        listed = len(pandas.date_range(midnight, closing, freq=night, inclusive="left"))
    except ValueError as error:
        listed = type(error).__name__
    later = pandas.Timestamp(midnight) + 6 * night
    print(f"{midnight:%Y-%m-%d}: elapsed {elapsed}, businesstimedelta {by_rule}, business_duration {by_duration}, "
          f"pandas {listed}, midnight + 6: {later:%Y-%m-%d %H:%M}")

office = WorkDayRule(start_time=datetime.time(9), end_time=datetime.time(17), working_days=WEEK[:5])
friday, monday = datetime.datetime(2026, 6, 5, 16, tzinfo=ZONE), datetime.datetime(2026, 6, 8, 10, tzinfo=ZONE)
hours = office.difference(friday, monday).hours
print(f"businesstimedelta without a zone, Friday 16:00 to Monday 10:00 of 09:00 to 17:00: {hours}")
END

echo "Of three packages one counts the elapsed hours of a night with a clock change, and only if its rule has a zone."
cat seen
diff expected seen || { echo "The behaviour has changed: < expected, > seen."; exit 1; }
