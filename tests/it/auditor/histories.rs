//! Random histories: small vocabularies, times on a coarse grid around clock changes, legal and illegal orders.
//!
//! A history is a list of drafts (a slot of the grid and a body). Ids, instants and dates are written at the end, so that a
//! shrunk history is readable.

mod case;
#[cfg(test)]
mod coverage;
mod desk;

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

/// An event without identity, whose time is a slot of the grid.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Quarters of an hour since the base of the history.
    slot: i64,
    odd_ms: i64,
    sequence: i64,
    source: &'static str,
    body: Value,
}

/// Where and when a history happens: some hours before the clock changes there, both ways, and an ordinary Monday.
#[derive(Clone, Copy, Debug)]
struct Base {
    time: &'static str,
    zone: &'static str,
}

const BASES: [Base; 9] = [
    Base { time: "2026-03-02T08:00:00Z", zone: "Asia/Kathmandu" },
    Base { time: "2026-03-28T21:00:00Z", zone: "Europe/Prague" },
    Base { time: "2026-10-24T21:00:00Z", zone: "Europe/Prague" },
    Base { time: "2026-10-03T12:00:00Z", zone: "Australia/Lord_Howe" },
    Base { time: "2026-04-04T12:00:00Z", zone: "Australia/Lord_Howe" },
    // In these two it is midnight that is skipped, and that or the hour before it that is repeated.
    Base { time: "2026-09-06T00:00:00Z", zone: "America/Santiago" },
    Base { time: "2026-04-05T00:00:00Z", zone: "America/Santiago" },
    Base { time: "2026-03-28T21:00:00Z", zone: "Atlantic/Azores" },
    Base { time: "2026-10-24T21:00:00Z", zone: "Atlantic/Azores" },
];

/// A history of one to four cases and their desk, in the wire format, in any order, with exact duplicates.
pub fn history() -> impl Strategy<Value = Vec<Value>> {
    history_of(prop::collection::vec(case_drafts(), 1..=4).boxed(), 12)
}

/// A history of many cases of some customers on one desk. They begin within days; some exactly a week after others.
pub fn busy_history() -> impl Strategy<Value = Vec<Value>> {
    let later = prop_oneof![4 => Just(0i64), 3 => 0..96i64, 2 => select(vec![671i64, 672, 673]), 1 => 0..800i64];
    let surveys = prop::collection::vec(draft((13..15u8).prop_flat_map(case::body_of).boxed(), during()), 0..=4);
    let case = (case_drafts(), surveys, later, one_of(&["z", "y", "x", "w", "v"]));
    let moved = case.prop_map(|(drafts, surveys, later, customer)| {
        let mut drafts = [drafts, surveys].concat();
        for draft in &mut drafts {
            draft.slot += later;
            if draft.body["type"] == "case.created" {
                draft.body["data"]["customer"] = json!(customer);
            }
        }
        drafts
    });
    history_of(prop::collection::vec(moved, 15..=40).boxed(), 24)
}

fn history_of(cases: BoxedStrategy<Vec<Vec<Draft>>>, changes_max: usize) -> impl Strategy<Value = Vec<Value>> {
    let setup = prop::collection::vec(draft(desk::body().boxed(), before()), 0..=14);
    let basics = prop::collection::vec(draft(desk::basic().boxed(), before()), 4..=12);
    let changes = prop::collection::vec(draft(desk::body().boxed(), during()), 0..=changes_max);
    let repeats = prop::collection::vec(any::<Index>(), 0..=2);
    (select(&BASES[..]), setup, basics, changes, cases, repetitions(), repeats).prop_map(
        |(base, setup, basics, changes, cases, repetitions, repeats)| {
            let mut drafts = [basics, setup, changes].concat();
            for (number, case) in cases.into_iter().enumerate() {
                drafts.extend(case.into_iter().map(|draft| of_case(draft, number)));
            }
            let mut lines = with_repetitions(written(drafts, base), repetitions);
            for repeat in repeats {
                lines.push(lines[repeat.index(lines.len())].clone());
            }
            lines
        },
    )
}

/// A history of one case whose clocks run under a policy and a calendar that change: fewer kinds of events, and more of those
/// in 3.3 to 3.6. Half of the histories have few instants, so that much happens at once. A late event, where there is one,
/// extends the ledgers beyond the clock change.
pub fn clock_history() -> impl Strategy<Value = Vec<Value>> {
    let first = (desk::calendar_of_clocks(), desk::policy_of_calendar(), desk::settings());
    let first = first.prop_map(|(calendar, policy, settings)| vec![calendar, policy, settings]);
    let first = first.prop_map(|bodies| bodies.into_iter().map(draft_before).collect::<Vec<Draft>>());
    let changes = prop::collection::vec(draft(desk::clock_body().boxed(), during()), 0..=8);
    let creation = draft(case::creation().boxed(), early());
    let events = prop::collection::vec(draft(case::clock_body().boxed(), during()), 0..=24);
    let late = prop::collection::vec(draft(case::body_of(6), (150..250i64).boxed()), 0..=1);
    let all = (changes, creation, events, late, any::<bool>());
    let all = all.prop_map(|(changes, creation, events, late, crowds)| {
        let of_one_case = |drafts: Vec<Draft>| drafts.into_iter().map(|draft| of_case(draft, 0)).collect::<Vec<_>>();
        let drafts = [changes, of_one_case(vec![creation]), of_one_case(events)].concat();
        let drafts = if crowds { crowded(drafts, 6) } else { drafts };
        [drafts, of_one_case(late)].concat()
    });
    (select(&BASES[..]), first, all, repetitions())
        .prop_map(|(base, first, all, repetitions)| with_repetitions(written([first, all].concat(), base), repetitions))
}

/// A history of which policy each of several cases gets (3.1, 3.2): conditions of every kind, and little else.
pub fn choice_history() -> impl Strategy<Value = Vec<Value>> {
    let desk = prop::collection::vec(draft(desk::choice_body().boxed(), before()), 2..=8);
    let changes = prop::collection::vec(draft(desk::choice_body().boxed(), early()), 0..=3);
    let cases = prop::collection::vec(draft(case::creation().boxed(), early()), 2..=8);
    (desk, changes, cases).prop_map(|(desk, changes, cases)| {
        let cases = cases.into_iter().enumerate().map(|(number, draft)| of_case(draft, number));
        written([desk, changes, cases.collect()].concat(), BASES[0])
    })
}

/// A history of people: groups, visibility, presence, and what they fill in, like and delete. It has few instants, so that much
/// happens at once, and no policy.
pub fn people_history() -> impl Strategy<Value = Vec<Value>> {
    let first = prop::collection::vec(draft(desk::people_body().boxed(), before()), 2..=8);
    let changes = prop::collection::vec(draft(desk::people_body().boxed(), during()), 0..=16);
    let case = (case::creation(), prop::collection::vec(draft(case::people_body().boxed(), during()), 0..=16));
    let cases = prop::collection::vec(case, 1..=3);
    (first, changes, cases, repetitions()).prop_map(|(first, changes, cases, repetitions)| {
        let cases = cases.into_iter().enumerate().flat_map(|(number, (creation, events))| {
            let all = [vec![Draft { slot: 0, ..draft_before(creation) }], events].concat();
            all.into_iter().map(move |draft| of_case(draft, number))
        });
        let drafts = [first, crowded([changes, cases.collect()].concat(), 12)].concat();
        with_repetitions(written(drafts, BASES[0]), repetitions)
    })
}

/// A message that comes again under another identity: which one, and the sequence and members that differ.
type Repetition = (Index, (i64, Value));

fn repetitions() -> impl Strategy<Value = Vec<Repetition>> {
    let sequence = prop_oneof![3 => Just(0i64), 1 => select(vec![-1i64, 1])];
    let members = json!([{}, {}, {"by": "ben"}, {"by": "zed"}, {"by": "robo"}, {"bot": true}, {"text": "again"}]);
    prop::collection::vec((any::<Index>(), (sequence, any_of(members))), 0..=3)
}

/// Adds messages again under other identities, some with other members and some in another order.
fn with_repetitions(mut lines: Vec<Value>, repetitions: Vec<Repetition>) -> Vec<Value> {
    let is_message =
        |line: &&Value| ["message.received", "message.sent", "message.noted"].iter().any(|kind| line["type"] == *kind);
    let messages: Vec<Value> = lines.iter().filter(is_message).cloned().collect();
    for (number, (message, (sequence, members))) in repetitions.into_iter().enumerate().filter(|_| !messages.is_empty())
    {
        let mut line = message.get(&messages).clone();
        line["id"] = json!(format!("r{number}"));
        if sequence != 0 {
            line["sequence"] = json!(sequence);
        }
        let kind = line["type"].as_str().unwrap_or_default().to_owned();
        let has_member = |name: &str| kind == "message.sent" || (kind == "message.noted" && name != "bot");
        for (name, value) in members.as_object().into_iter().flatten().filter(|(name, _)| has_member(name)) {
            line["data"][name] = value.clone();
        }
        lines.push(line);
    }
    lines
}

/// Moves drafts to that many instants, an hour from one to the next.
fn crowded(mut drafts: Vec<Draft>, instants: i64) -> Vec<Draft> {
    for draft in &mut drafts {
        draft.slot = draft.slot.rem_euclid(instants) * 4;
    }
    drafts
}

fn written(drafts: Vec<Draft>, base: Base) -> Vec<Value> {
    drafts.iter().enumerate().map(|(n, draft)| line(base, n, draft)).collect()
}

/// A day before the base.
fn draft_before(body: Value) -> Draft {
    Draft { slot: -96, odd_ms: 0, sequence: 0, source: "s", body }
}

/// Mostly a creation, mostly early, and up to forty other events.
fn case_drafts() -> impl Strategy<Value = Vec<Draft>> {
    let creation = prop::collection::vec(draft(case::creation().boxed(), early()), 1..=1);
    let creation = prop_oneof![30 => creation, 1 => Just(Vec::new())];
    let events = prop::collection::vec(draft(case::body().boxed(), during()), 0..=40);
    let few = prop::collection::vec(draft(case::body().boxed(), during()), 0..=10);
    (creation, prop_oneof![1 => events, 2 => few]).prop_map(|(creation, events)| [creation, events].concat())
}

fn draft(body: BoxedStrategy<Value>, slot: BoxedStrategy<i64>) -> impl Strategy<Value = Draft> {
    let odd_ms = prop_oneof![14 => Just(0i64), 1 => select(vec![1i64, -1, 250, 59_999, 90_000])];
    let sequence = prop_oneof![10 => Just(0i64), 1 => select(vec![-1i64, 1, 2])];
    let source = prop_oneof![8 => Just("s"), 1 => Just("a")];
    let whole = (slot, odd_ms, sequence, source, body);
    whole.prop_map(|(slot, odd_ms, sequence, source, body)| Draft { slot, odd_ms, sequence, source, body })
}

/// The days before the base; few slots, so that ties happen.
fn before() -> BoxedStrategy<i64> {
    prop_oneof![4 => Just(-96i64), 2 => -99..-90i64, 1 => -8..0i64].boxed()
}

fn early() -> BoxedStrategy<i64> {
    prop_oneof![3 => 0..4i64, 2 => 0..24i64, 1 => 0..200i64].boxed()
}

fn during() -> BoxedStrategy<i64> {
    prop_oneof![5 => 0..16i64, 6 => 0..64i64, 3 => 0..300i64, 1 => 0..2000i64].boxed()
}

/// Fills in which case a draft is about.
fn of_case(mut draft: Draft, number: usize) -> Draft {
    draft.body["subject"] = json!(format!("C{}", number + 1));
    draft
}

/// Writes a draft in the wire format. A message without an id gets one of its own, a local calendar the base's zone; a
/// holiday's date is written as days from the base.
fn line(base: Base, number: usize, draft: &Draft) -> Value {
    let start: Timestamp = base.time.parse().expect("a base is an instant");
    let time = start.as_millisecond() + draft.slot * 900_000 + draft.odd_ms;
    let time = Timestamp::from_millisecond(time).expect("a time near a base");
    let mut data = draft.body["data"].clone();
    if data.get("message").is_some_and(|message| message == "own") {
        data["message"] = json!(format!("m{number}"));
    }
    if data.get("time_zone").is_some_and(|zone| zone == "local") {
        data["time_zone"] = json!(base.zone);
    }
    for holiday in data.get_mut("holidays").and_then(Value::as_array_mut).into_iter().flatten() {
        let days = holiday["date"].as_i64().unwrap_or(0);
        let date = TimeZone::UTC.to_datetime(start).date().saturating_add(days.days());
        holiday["date"] = json!(date.to_string());
    }
    let mut line = json!({
        "specversion": "1.0", "id": format!("e{number:03}"), "source": draft.source, "type": draft.body["type"],
        "subject": draft.body["subject"], "time": format!("{time:.3}"),
    });
    if draft.sequence != 0 {
        line["sequence"] = json!(draft.sequence);
    }
    if data.as_object().is_some_and(|data| !data.is_empty()) {
        line["data"] = data;
    }
    line
}

/// A body; the subject of a case's event is filled in later.
fn body(kind: &str, subject: &str, data: Value) -> Value {
    json!({ "type": kind, "subject": subject, "data": data })
}

/// One of some words.
fn one_of(words: &'static [&'static str]) -> impl Strategy<Value = &'static str> + Clone {
    select(words)
}

/// Members that may be there, as a list of (name, value): those drawn as `absent` are left out.
fn members(pairs: Vec<(&'static str, BoxedStrategy<Value>)>) -> impl Strategy<Value = Value> {
    let each: Vec<_> = pairs.into_iter().map(|(name, value)| value.prop_map(move |value| (name, value))).collect();
    each.prop_map(|pairs| {
        let mut object = json!({});
        for (name, value) in pairs.into_iter().filter(|(_, value)| *value != json!("absent")) {
            object[name] = value;
        }
        object
    })
}

/// A value that is present in `often` of ten draws.
fn maybe(often: u32, value: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![often => value, 10 - often => Just(json!("absent"))].boxed()
}

/// One of some JSON values.
fn any_of(values: Value) -> BoxedStrategy<Value> {
    select(values.as_array().cloned().unwrap_or_default()).boxed()
}
