#!/bin/bash
# The pattern for the last day of the month has no run in December in the Rust crate cronexpr.
#
# Expected: `L` as the day of the month is the last day of every month, twelve runs a year.
# Seen: cronexpr 1.7.0 with jiff 0.2.46 on 2026-11-27. `0 9 L * *` has eleven runs in each year; 31 December is
#   missing. The pattern for December alone, `0 9 L 12 *`, is accepted, and asking for its next run is the error
#   "failed to find next timestamp in four years". The last Monday of December, `0 9 * 12 1L`, is missing, too. `0 9
#   31 12 *` is found.
# For Casebook: reports at the end of a month are a usual schedule. Tests of schedules count the runs of a whole year
#   for every kind of pattern, not only the next run.
# Source: observed; documentation of the syntax: https://docs.rs/cronexpr/1.7.0/cronexpr/
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
cronexpr = "=1.7.0"
jiff = "=0.2.46"
END

cat >expected <<'END'
0 9 L * *: 11 runs in 2026; after November: 2027-01-31
0 9 L 12 *: 0 runs in 2026; after November: failed to find next timestamp in four years
0 9 L 11 *: 1 runs in 2026; after November: 2027-11-30
0 9 * 12 1L: 0 runs in 2026; after November: failed to find next timestamp in four years
0 9 31 12 *: 1 runs in 2026; after November: 2026-12-31
END

cat >src/main.rs <<'END'
fn main() {
    let instants = ["2026-01-01T00:00:00Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"];
    let [start, december, end] = instants.map(|at| at.parse::<jiff::Timestamp>().unwrap());
    for pattern in ["0 9 L * *", "0 9 L 12 *", "0 9 L 11 *", "0 9 * 12 1L", "0 9 31 12 *"] {
        let crontab = cronexpr::parse_crontab(&format!("{pattern} UTC")).unwrap();
        let runs = crontab.iter_after(start).unwrap().map_while(Result::ok);
        let runs = runs.take_while(|run| run.timestamp() < end).count();
        let next = match crontab.find_next(december) {
            Ok(run) => run.date().to_string(),
            Err(error) => error.to_string().split(';').next().unwrap().to_owned(),
        };
        println!("{pattern}: {runs} runs in 2026; after November: {next}");
    }
}
END
CARGO_TARGET_DIR="$work/target" cargo run --quiet >seen

echo "cronexpr 1.7.0 has no last day of December."
cat seen
diff expected seen || { echo "The behaviour has changed: < expected, > seen."; exit 1; }
