//! Compares every metric with a plain reading of its definition, on random histories.
//!
//! The auditor derives the facts from the events as of the report; a function a metric goes through them, written from the words
//! of section 5 and of the metric's header, not from its SQL. Its contributions are cut and aggregated one by one, and must be
//! what the program lists and answers over the whole log.
//!
//! A history has many cases on one desk, so that a database serves many questions. Where program and reading differ, the
//! history is shrunk and kept in `tests/found/`. There are 3 histories, the same ones each time; `CASEBOOK_HISTORIES` asks for others, one for each 100.

pub mod compare;
mod definitions;
mod dimension;
mod found;
mod identities;
mod known;
mod people;
mod processing;
mod question;
mod service_level;
mod volume;

use std::collections::BTreeSet;
use std::path::Path;

use casebook::metric::catalogue::Catalogue;
use casebook::metric::range::Range;
use casebook::model::time::Instant;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use serde_json::Value;

use crate::audit::{histories_asked, keep, runner};
use crate::auditor::histories::busy_history;
use crate::auditor::instant;

use compare::{Ask, differences, open};
use definitions::DEFINITIONS;
use known::{History, Known};

/// How many ranges are asked of one history; of each, every metric is asked in one way.
const ASKS: usize = 12;

/// A range that holds some of the history, as of its end or of an instant within it.
fn ask(lines: &[Value]) -> impl Strategy<Value = Ask> {
    let of_cases = lines.iter().filter(|line| line["type"].as_str().is_some_and(|kind| kind.starts_with("case.")));
    let of_cases: Vec<i64> = of_cases.map(|line| instant(line["time"].as_str().unwrap())).collect();
    let times = if of_cases.is_empty() { vec![0] } else { of_cases };
    let changes = lines.iter().filter(|line| line["type"] == "case.status_changed");
    let changes: Vec<i64> = changes.map(|line| instant(line["time"].as_str().unwrap())).collect();
    let changes = if changes.is_empty() { times.clone() } else { changes };
    let base = Timestamp::from_millisecond(times.iter().copied().min().unwrap_or(0)).unwrap();
    let base = TimeZone::UTC.to_datetime(base).date();
    let zones = select(vec!["UTC", "Asia/Tokyo", "Europe/Prague", "America/Santiago", "Australia/Lord_Howe"]);
    let days = prop_oneof![1 => Just(1i64), 3 => 2..8i64, 3 => Just(40i64)];
    let as_of = prop_oneof![2 => Just(i64::MAX), 3 => select(times), 3 => select(changes)];
    let odd_ms = prop_oneof![3 => Just(0i64), 1 => Just(-1), 1 => Just(1)];
    (-1..3i64, days, zones, as_of, odd_ms, 0..10_000usize).prop_map(move |(first, days, zone, as_of, odd_ms, salt)| {
        let first = base.saturating_add(first.days());
        let range = format!("{first}..{}", first.saturating_add(days.days()));
        let end = Range::parse(&range, &TimeZone::get(zone).unwrap(), Instant(0)).unwrap().to.0 - 1;
        Ask { range, zone, as_of: as_of.saturating_add(odd_ms).min(end), salt }
    })
}

#[test]
fn every_metric_has_a_plain_reading() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let catalogue = runtime.block_on(Catalogue::load(Path::new("no such project"))).unwrap();
    let listed: BTreeSet<&str> = catalogue.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(listed, DEFINITIONS.iter().map(|definition| definition.0).collect());
}

#[tokio::test]
async fn random_histories_give_the_metrics_of_their_plain_reading() {
    let catalogue = Catalogue::load(Path::new("no such project")).await.unwrap();
    let mut runner = runner(histories_asked());
    for tried in 1..=(histories_asked() / 100).max(1) {
        let lines = busy_history().new_tree(&mut runner).unwrap().current();
        let database = open(&lines).await;
        let history = History::of(lines);
        for _ in 0..ASKS {
            let ask = ask(&history.lines).new_tree(&mut runner).unwrap().current();
            let found = differences(&database, &catalogue, &Known::of(&history, ask.as_of), &ask, None).await;
            if let Some((metric, _)) = found.first() {
                let texts: Vec<&str> = found.iter().map(|(_, text)| text.as_str()).collect();
                let all = texts.join("\n");
                let (lines, text) = shrink(&catalogue, history.lines, &ask, metric).await;
                let written: String = lines.iter().map(|line| format!("{line}\n")).collect();
                let kept = keep(&lines);
                panic!("{all}\n\nhistory {tried}, kept as {}, {ask:?}\n{written}{text}", kept.display());
            }
        }
    }
}

/// The history without the events that the difference of a metric does not need.
async fn shrink(catalogue: &Catalogue, mut lines: Vec<Value>, ask: &Ask, metric: &str) -> (Vec<Value>, String) {
    let mut text = String::new();
    let mut size = lines.len() / 2;
    while size > 0 {
        let mut start = 0;
        while start < lines.len() {
            let mut fewer = lines.clone();
            fewer.drain(start..(start + size).min(fewer.len()));
            let (database, fewer) = (open(&fewer).await, History::of(fewer));
            let found = differences(&database, catalogue, &Known::of(&fewer, ask.as_of), ask, Some(metric)).await;
            match found.into_iter().next() {
                Some((_, difference)) => (lines, text) = (fewer.lines, difference),
                None => start += size,
            }
        }
        size /= 2;
    }
    (lines, text)
}
