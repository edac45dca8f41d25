#!/bin/bash
# `0 9 * * 1` is a report on Monday, Tuesday or Sunday, depending on the library.
#
# Expected: the five fields of cron have one meaning: 1 is Monday, and a day of the month beside a weekday means
#   either.
# Seen: croniter 7.0.0, APScheduler 3.11.3 and the crate cron 0.17.0 on 2026-11-27. Weekday 1 is Monday for croniter,
#   Tuesday for APScheduler's `from_crontab` (0 is Monday) and Sunday for cron (1 to 7 from Sunday). `0 9 1 * 1` is
#   each first of a month and each Monday for croniter; for the other two it is a first that is their weekday 1. No
#   library refuses the patterns. Names of weekdays, as in `0 9 * * mon`, have one meaning in all three.
# For Casebook: `schedules.toml` recommends names of weekdays, the next runs of a schedule are shown with their
#   weekday, and a pattern with both a day of the month and a weekday is refused or explained.
# Source: https://github.com/agronholm/apscheduler/issues/286, https://github.com/agronholm/apscheduler/issues/1102
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check 'croniter==7.0.0' 'APScheduler==3.11.3'

mkdir src
cat >Cargo.toml <<'END'
[package]
name = "runs"
version = "0.0.0"
edition = "2024"

[dependencies]
chrono = "=0.4.45"
cron = "=0.17.0"
END

cat >expected <<'END'
croniter 0 9 * * 1: Mon 2026-11-02, Mon 2026-11-09
croniter 0 9 1 * 1: Sun 2026-11-01, Mon 2026-11-02
croniter 0 9 * * mon: Mon 2026-11-02, Mon 2026-11-09
APScheduler 0 9 * * 1: Tue 2026-11-03, Tue 2026-11-10
APScheduler 0 9 1 * 1: Tue 2026-12-01, Tue 2027-06-01
APScheduler 0 9 * * mon: Mon 2026-11-02, Mon 2026-11-09
cron 0 9 * * 1: Sun 2026-11-01, Sun 2026-11-08
cron 0 9 1 * 1: Sun 2026-11-01, Sun 2027-08-01
cron 0 9 * * mon: Mon 2026-11-02, Mon 2026-11-09
END

cat >runs.py <<'END'
import datetime
from apscheduler.triggers.cron import CronTrigger
from croniter import croniter

START = datetime.datetime(2026, 11, 1, tzinfo=datetime.timezone.utc)
PATTERNS = ["0 9 * * 1", "0 9 1 * 1", "0 9 * * mon"]


def show(library, pattern, runs):
    print(f"{library} {pattern}: " + ", ".join(f"{run:%a %Y-%m-%d}" for run in runs))


for pattern in PATTERNS:
    following = croniter(pattern, START)
    show("croniter", pattern, [following.get_next(datetime.datetime) for _ in range(2)])
for pattern in PATTERNS:
    trigger = CronTrigger.from_crontab(pattern, timezone="UTC")
    first = trigger.get_next_fire_time(None, START)
    show("APScheduler", pattern, [first, trigger.get_next_fire_time(first, first)])
END
cat >src/main.rs <<'END'
use chrono::TimeZone;

fn main() {
    let start = chrono::Utc.with_ymd_and_hms(2026, 11, 1, 0, 0, 0).unwrap();
    for pattern in ["0 9 * * 1", "0 9 1 * 1", "0 9 * * mon"] {
        // The crate has a field for seconds before the five.
        let schedule: cron::Schedule = format!("0 {pattern}").parse().unwrap();
        let runs: Vec<_> = schedule.after(&start).take(2).map(|run| run.format("%a %Y-%m-%d").to_string()).collect();
        println!("cron {pattern}: {}", runs.join(", "));
    }
}
END
venv/bin/python runs.py >seen
CARGO_TARGET_DIR="$work/target" cargo run --quiet >>seen

echo "Weekday 1 of a cron pattern is Monday, Tuesday or Sunday, and two kinds of day mean either or both."
cat seen
diff expected seen || { echo "The behaviour has changed: < expected, > seen."; exit 1; }
