#!/bin/bash
# The Rust crate cron lists runs in the repeated hour out of order, and a scheduler that steps gets other runs.
#
# Expected: `schedule.after(instant)` lists later runs in ascending order, and asking again after each run for the
#   next one gives the same list.
# Seen: cron 0.17.0 with chrono-tz 0.10.4 on 2026-11-27, Europe/Prague, 25 October 2026, where 02:00 to 03:00 occurs
#   twice. The list of a pattern for each half hour goes 02:00 summer, 02:00 winter, 02:30 summer, 02:30 winter: the
#   third is half an hour before the second. Stepping from run to run omits the repeated 02:00 and 02:30 of that
#   pattern. Of `0,30 2 * * *` it returns both, so a report at fixed times is made twice.
# For Casebook: 6.5 of the specification has each local time once. What a library lists is sorted and checked against
#   the last run before it is used; "the next run" is never the first entry of a list alone.
# Source: https://github.com/zslayton/cron/pull/115 and https://github.com/zslayton/cron/pull/145
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mkdir src
cat >Cargo.toml <<'END'
[package]
name = "runs"
version = "0.0.0"
edition = "2024"

[dependencies]
chrono = "=0.4.45"
chrono-tz = "=0.10.4"
cron = "=0.17.0"
END

cat >expected <<'END'
0 */30 * * * * listed: 02:00+02:00 02:00+01:00 02:30+02:00 02:30+01:00 03:00+01:00
0 */30 * * * * stepped: 02:00+02:00 02:30+02:00 03:00+01:00 03:30+01:00 04:00+01:00
0 0,30 2 * * * listed: 02:00+02:00 02:00+01:00 02:30+02:00 02:30+01:00 02:00+01:00
0 0,30 2 * * * stepped: 02:00+02:00 02:30+02:00 02:00+01:00 02:30+01:00 02:00+01:00
END

cat >src/main.rs <<'END'
use chrono::TimeZone;

fn main() {
    for pattern in ["0 */30 * * * *", "0 0,30 2 * * *"] {
        let schedule: cron::Schedule = pattern.parse().unwrap();
        let before = chrono_tz::Europe::Prague.with_ymd_and_hms(2026, 10, 25, 1, 59, 0).unwrap();
        let listed: Vec<_> = schedule.after(&before).take(5).collect();
        let next = |run: &_| schedule.after(run).next();
        let stepped: Vec<_> = std::iter::successors(next(&before), next).take(5).collect();
        for (how, runs) in [("listed", listed), ("stepped", stepped)] {
            let runs: Vec<_> = runs.iter().map(|run| run.format("%H:%M%:z").to_string()).collect();
            println!("{pattern} {how}: {}", runs.join(" "));
        }
    }
}
END
CARGO_TARGET_DIR="$work/target" cargo run --quiet >seen

echo "cron 0.17.0 lists the runs of a repeated hour out of order, and stepping gives other runs than listing."
cat seen
diff expected seen || { echo "The behaviour has changed: < expected, > seen."; exit 1; }
