//! A generator of the events of a customer-care desk that does not exist, for demonstrations and tests.
//!
//! It is a discrete-event simulation: customers write at the usual hours of their days and weeks, agents work in shifts and
//! take waiting cases at their own speed, and on one day there is an outage. Every event is written when it happens, so the
//! output is in time order, and memory holds only the cases to which something can still happen.
//!
//! The same plan gives the same bytes on every machine: all random numbers come from the seed, and nothing reads a clock, a
//! time zone file or the order of a hash map. The period ends at a fixed instant, 2026-06-01T00:00:00Z.

mod agenda;
mod agent_state;
mod arrivals;
mod case;
mod customer;
mod desk;
mod event;
mod plan;
mod profile;
mod random;
mod rhythm;
mod simulation;
mod text;
mod work;

use std::io::{self, Write};

pub use plan::{Plan, Summary};
use simulation::Simulation;

/// Writes the events of a plan as CloudEvents, one JSON object a line, in time order.
///
/// The first events, an hour before the period begins, state what the desk is: calendars, settings, users, profiles, fields,
/// policies. Cases that are open when the period ends stay so. `out` is buffered here.
///
/// # Errors
///
/// Only what `out` returns.
pub fn write_events(plan: &Plan, out: &mut impl Write) -> io::Result<Summary> {
    Simulation::new(plan, out).run()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use serde_json::Value;

    use super::*;

    fn written(plan: &Plan) -> (Vec<u8>, Summary) {
        let mut bytes = Vec::new();
        let summary = write_events(plan, &mut bytes).unwrap();
        (bytes, summary)
    }

    fn events(plan: &Plan) -> Vec<Value> {
        let (bytes, _) = written(plan);
        String::from_utf8(bytes).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn month() -> Plan {
        Plan { cases: 600, seed: 3, days: 30 }
    }

    #[test]
    fn same_seed_same_bytes() {
        assert_eq!(written(&month()), written(&month()));
    }

    #[test]
    fn other_seed_other_bytes() {
        assert_ne!(written(&month()).0, written(&Plan { seed: 4, ..month() }).0);
    }

    #[test]
    fn the_summary_counts_what_was_written() {
        let (bytes, summary) = written(&month());
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(summary.events, text.lines().count() as u64);
        assert_eq!(summary.cases, 600);
        assert_eq!(text.matches(r#""type":"case.created""#).count(), 600);
        assert!(summary.first < summary.last);
    }

    #[test]
    fn times_never_go_back_and_end_with_the_period() {
        let events = events(&month());
        let times: Vec<&str> = events.iter().map(|event| event["time"].as_str().unwrap()).collect();
        assert!(times.is_sorted());
        assert!(times.first().unwrap().starts_with("2026-05-01T23:00:00.") && times.last() < Some(&"2026-06-01"));
    }

    #[test]
    fn nothing_after_deletion() {
        let mut deleted = BTreeSet::new();
        for event in events(&Plan { cases: 3_000, ..month() }) {
            let subject = event["subject"].as_str().unwrap().to_owned();
            assert!(!deleted.contains(&subject), "{event}");
            if event["type"] == "case.deleted" {
                deleted.insert(subject);
            }
        }
        assert!(!deleted.is_empty());
    }

    #[test]
    fn identities_are_unique() {
        let events = events(&month());
        let ids: BTreeSet<&str> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), events.len());
    }

    #[test]
    fn agents_act_only_between_online_and_offline() {
        let mut online: BTreeMap<String, bool> = BTreeMap::new();
        for event in events(&month()) {
            if event["type"] == "user.presence_changed" {
                let is_online = event["data"]["presence"] == "online";
                online.insert(event["subject"].as_str().unwrap().to_owned(), is_online);
            } else if event["type"] == "message.sent" && event["data"]["bot"].is_null() {
                assert_eq!(online.get(event["data"]["by"].as_str().unwrap()), Some(&true), "{event}");
            }
        }
    }

    #[test]
    fn extreme_plans_come_to_an_end() {
        for (cases, days) in [(0, 0), (0, 91), (1, 1), (200, 1), (10, u32::MAX)] {
            let (_, summary) = written(&Plan { cases, seed: 1, days });
            assert_eq!(summary.cases, cases, "{days} days");
        }
    }
}
