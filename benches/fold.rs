//! The model alone: events in memory, one thread, all clocks of every case; and the same without policies.
//!
//! ```text
//! cargo bench --locked --bench fold [-- CASES]
//! ```
//!
//! Prints events per second, the best of five rounds: without and with the rows of the ledger. The ratio of the two desks is
//! the cost of the clocks.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints, and a failure may end it")]

use std::time::{Duration, Instant};

use casebook::generate::{Plan, write_events};
use casebook::log::rows::{Arrival, EventRowsBuilder};
use casebook::model::case::Case;
use casebook::model::case::history::History;
use casebook::model::desk::Desk;
use casebook::model::event::CaseEvent;
use casebook::replay::input::{CaseColumns, desk_events};
use casebook::replay::select::plain_rows;
use casebook::wire::line;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: u32 = 5;

fn main() {
    let cases = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(100_000);
    let mut bytes = Vec::new();
    write_events(&Plan { cases, ..Plan::default() }, &mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let mut rows = EventRowsBuilder::new(Arrival { ingested_at: casebook::model::time::Instant(0), batch: 0 });
    for line in text.lines() {
        rows.push(&line::parse(line.as_bytes()).unwrap(), 0, 0);
    }
    let log = rows.finish().unwrap();
    let columns = CaseColumns::new(&log).unwrap();
    let mut events: Vec<CaseEvent<'_>> =
        (0..log.num_rows()).filter(|row| columns.is_of_a_case(*row)).filter_map(|row| columns.event(row)).collect();
    events.sort_by(|left, right| (left.case_id, left.order()).cmp(&(right.case_id, right.order())));
    let plain = plain_rows(&log).unwrap();
    let of_the_desk = desk_events(&plain).unwrap();
    let with_policies = Desk::replay(of_the_desk.iter().cloned());
    let about_policies = |name: &str| name.starts_with("policy.");
    let without = of_the_desk.iter().filter(|event| !about_policies(event.kind.name())).cloned();
    let without_policies = Desk::replay(without);
    println!("{} events of {cases} cases, one thread, best of {ROUNDS}", events.len());
    let fold = report("fold with all clocks", &events, &with_policies, forget);
    report("  and the ledger's intervals", &events, &with_policies, ledger);
    let bare = report("fold without policies", &events, &without_policies, forget);
    println!("clocks cost {:.2} times the fold without policies", fold.as_secs_f64() / bare.as_secs_f64());
}

fn forget(_: History<'_>) {}

fn ledger(history: History<'_>) {
    for instance in history.clocks.iter().flat_map(|clocks| &clocks.instances) {
        let until = instance.end.map_or(history.last_event_at, |(time, _)| time);
        let timeline = history.clocks.as_ref().map(|clocks| &clocks.timeline);
        std::hint::black_box(timeline.map(|timeline| timeline.entries(instance.started_at, until)));
    }
}

fn report(name: &str, events: &[CaseEvent<'_>], desk: &Desk, take: fn(History<'_>)) -> Duration {
    let round = || {
        let begun = Instant::now();
        for case in events.chunk_by(|left, right| left.case_id == right.case_id) {
            let Some(first) = case.first() else { continue };
            take(std::hint::black_box(Case::replay(first.case_id, case, desk)));
        }
        begun.elapsed()
    };
    let best = (0..ROUNDS).map(|_| round()).min().unwrap_or_default();
    println!("{name:<30} {:>10.0} events/s  {:>8.3} s", events.len() as f64 / best.as_secs_f64(), best.as_secs_f64());
    best
}
