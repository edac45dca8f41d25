#!/bin/bash
# An axis of dates drawn by plotters labels the day of the autumn clock change twice, and its months are 35 days.
#
# Expected: a week with one label per day has each date once, and `monthly()` puts the labels at the first of each
#   month.
# Seen: plotters 0.3.7 with chrono-tz 0.10.4 on 2026-11-27. Labels of instants in Europe/Prague are 24 elapsed hours
#   apart: from 25 October 2026 on they are at 23:00, so that day is labelled twice and each later label is an hour
#   before its day. In spring they are at 01:00. `monthly()` over a year with 12 labels has one each 35 days (1
#   January, 5 February, 12 March); with 6 labels one each 63 days. Over three years the same axis has first days of
#   quarters.
# For Casebook: charts compute the positions and labels of their dates from local calendar days and months and give
#   them to plotters as numbers; the axes of plotters for dates are not used.
# Source: observed; https://docs.rs/plotters/0.3.7/plotters/coord/types/struct.RangedDateTime.html
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mkdir src
cat >Cargo.toml <<'END'
[package]
name = "axis"
version = "0.0.0"
edition = "2024"

[dependencies]
chrono = "=0.4.45"
chrono-tz = "=0.10.4"
plotters = { version = "=0.3.7", default-features = false, features = ["svg_backend", "chrono"] }
END

cat >expected <<'END'
labels of the week: 23 Oct, 24 Oct, 25 Oct, 25 Oct, 26 Oct, 27 Oct, 28 Oct, 29 Oct
autumn: 24 Oct 00:00, 25 Oct 00:00, 25 Oct 23:00, 26 Oct 23:00
spring: 28 Mar 00:00, 29 Mar 00:00, 30 Mar 01:00, 31 Mar 01:00
months of 2026: 01-01, 02-05, 03-12, 04-16, 05-21, 06-25, 07-30, 09-03, 10-08, 11-12, 12-17
END

cat >src/main.rs <<'END'
use chrono::{DateTime, NaiveDate, TimeZone};
use chrono_tz::{Europe::Prague, Tz};
use plotters::coord::{ranged1d::Ranged, types::RangedDateTime};
use plotters::prelude::*;

fn midnight(month: u32, day: u32) -> DateTime<Tz> {
    Prague.with_ymd_and_hms(2026, month, day, 0, 0, 0).unwrap()
}

/// The labels that stand in a drawn chart.
fn drawn() -> Vec<String> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (900, 300)).into_drawing_area();
    let mut builder = ChartBuilder::on(&area);
    let week = midnight(10, 23)..midnight(10, 30);
    let mut chart = builder.x_label_area_size(30).build_cartesian_2d(week, 0..10).unwrap();
    let label = |at: &DateTime<Tz>| at.format("%d %b").to_string();
    chart.configure_mesh().x_labels(8).x_label_formatter(&label).draw().unwrap();
    drop((chart, builder));
    drop(area);
    svg.lines().map(|line| line.trim().to_owned()).filter(|line| line.ends_with(" Oct")).collect()
}

fn main() {
    println!("labels of the week: {}", drawn().join(", "));
    for (name, from, to) in [("autumn", (10, 24), (10, 27)), ("spring", (3, 28), (3, 31))] {
        let end = midnight(to.0, to.1) + chrono::TimeDelta::hours(12);
        let axis: RangedDateTime<_> = (midnight(from.0, from.1)..end).into();
        let points = axis.key_points(5);
        let points: Vec<_> = points.iter().map(|at| at.format("%d %b %H:%M").to_string()).collect();
        println!("{name}: {}", points.join(", "));
    }
    let date = |month, day| NaiveDate::from_ymd_opt(2026, month, day).unwrap();
    let months = (date(1, 1)..date(12, 31)).monthly().key_points(12);
    let months: Vec<_> = months.iter().map(|day| day.format("%m-%d").to_string()).collect();
    println!("months of 2026: {}", months.join(", "));
}
END
CARGO_TARGET_DIR="$work/target" cargo run --quiet >seen

echo "plotters adds elapsed time to label dates: a day twice after a clock change, and months of 35 days."
cat seen
diff expected seen || { echo "The behaviour has changed: < expected, > seen."; exit 1; }
