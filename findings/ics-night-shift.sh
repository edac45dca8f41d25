#!/bin/bash
# A night shift whose first night is that of a clock change loses or gains an hour every night in ical.js.
#
# Expected: an event from 22:00 to 06:00 ends at 06:00, as its DTEND states, and so does each repetition of it. (By
#   the letter of RFC 5545 the elapsed time repeats: if the first night has 7 hours, the later ones end at 05:00.)
# Seen: ical.js 2.2.1 and recurring-ical-events 3.8.2 on 2026-11-27. If the first night is that of the spring change,
#   ical.js ends every shift at 05:00, also the first one, whose DTEND is 06:00. If it is that of the autumn change,
#   every shift ends at 07:00. ical.js measures the elapsed 7 or 9 hours and adds them to the local time. With any
#   other first night the end is 06:00, also on the night of the change. recurring-ical-events gives 06:00 in all
#   three.
# For Casebook: working hours of a desk are local times of a day, never a start and a duration (3.4 of the
#   specification). If hours are ever read from iCalendar, take the local times of DTSTART and DTEND.
# Source: RFC 5545, 3.8.5.3; another library that had to choose: https://github.com/ical-org/ical.net/issues/660
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm install --silent --no-audit --no-fund 'ical.js@2.2.1'
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'recurring-ical-events==3.8.2' 'icalendar==7.3.2'

for first in 20260327-20260328 20260328-20260329 20261024-20261025; do
  printf '%s\r\n' BEGIN:VCALENDAR VERSION:2.0 PRODID:shifts BEGIN:VTIMEZONE TZID:Europe/Prague \
    BEGIN:DAYLIGHT TZOFFSETFROM:+0100 TZOFFSETTO:+0200 DTSTART:19810329T020000 \
    'RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU' END:DAYLIGHT \
    BEGIN:STANDARD TZOFFSETFROM:+0200 TZOFFSETTO:+0100 DTSTART:19961027T030000 \
    'RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU' END:STANDARD END:VTIMEZONE \
    BEGIN:VEVENT UID:night DTSTAMP:20260101T000000Z SUMMARY:night \
    "DTSTART;TZID=Europe/Prague:${first%-*}T220000" "DTEND;TZID=Europe/Prague:${first#*-}T060000" \
    'RRULE:FREQ=DAILY;COUNT=3' END:VEVENT END:VCALENDAR >"$first.ics"
done

cat >expected <<'END'
ical.js, first night 20260327-20260328: 22:00-06:00 22:00-06:00 22:00-06:00
ical.js, first night 20260328-20260329: 22:00-05:00 22:00-05:00 22:00-05:00
ical.js, first night 20261024-20261025: 22:00-07:00 22:00-07:00 22:00-07:00
recurring-ical-events, first night 20260327-20260328: 22:00-06:00 22:00-06:00 22:00-06:00
recurring-ical-events, first night 20260328-20260329: 22:00-06:00 22:00-06:00 22:00-06:00
recurring-ical-events, first night 20261024-20261025: 22:00-06:00 22:00-06:00 22:00-06:00
END

cat >shifts.mjs <<'END'
import ICAL from "ical.js";
import { readFileSync } from "node:fs";

for (const first of process.argv.slice(2)) {
  const calendar = new ICAL.Component(ICAL.parse(readFileSync(`${first}.ics`, "utf8")));
  const event = new ICAL.Event(calendar.getFirstSubcomponent("vevent"));
  const shifts = [];
  const starts = event.iterator();
  for (let start = starts.next(); start; start = starts.next()) {
    const { startDate, endDate } = event.getOccurrenceDetails(start);
    shifts.push(`${startDate.toString().slice(11, 16)}-${endDate.toString().slice(11, 16)}`);
  }
  console.log(`ical.js, first night ${first}: ${shifts.join(" ")}`);
}
END
cat >shifts.py <<'END'
import sys
import icalendar
import recurring_ical_events

for first in sys.argv[1:]:
    calendar = icalendar.Calendar.from_ical(open(f"{first}.ics").read())
    events = recurring_ical_events.of(calendar).between((2026, 1, 1), (2027, 1, 1))
    shifts = [f"{event['DTSTART'].dt:%H:%M}-{event['DTEND'].dt:%H:%M}" for event in events]
    print(f"recurring-ical-events, first night {first}: {' '.join(shifts)}")
END
{
  node shifts.mjs 20260327-20260328 20260328-20260329 20261024-20261025
  venv/bin/python shifts.py 20260327-20260328 20260328-20260329 20261024-20261025
} >seen

echo "ical.js 2.2.1 ends a repeated night shift an hour early or late if its first night has a clock change."
cat seen
diff expected seen || { echo "The behaviour has changed: < expected, > seen."; exit 1; }
