//! The life cycle by example: events in, a line of what happened out.

use super::*;
use crate::model::desk::DeskEvent;
use crate::model::event::MessageKind;

const MINUTE: i64 = 60_000;

fn desk() -> Desk {
    let event = |time: i64, kind, subject, data| DeskEvent {
        time: Instant(time * MINUTE),
        source: "s",
        id: "d",
        kind,
        subject,
        data: Json::parse(data).unwrap(),
    };
    Desk::replay([
        event(0, EventType::SettingsUpdated, "settings", r#"{"grace_period":"1h","unassign_on":["offline"]}"#),
        event(0, EventType::UserUpdated, "ana", "{}"),
        event(0, EventType::UserUpdated, "robo", r#"{"bot":true}"#),
        event(500, EventType::UserPresenceChanged, "eve", r#"{"presence":"offline"}"#),
    ])
}

/// Reads `10 assigned ana` and the like: minute, act, argument.
fn event(line: &'static str) -> CaseEvent<'static> {
    let mut words = line.split(' ');
    let time = Instant(words.next().unwrap().parse::<i64>().unwrap() * MINUTE);
    let (act, argument) = (words.next().unwrap(), words.next().unwrap_or(""));
    let message = Message {
        message: "m",
        kind: MessageKind::Public,
        text: None,
        sentiment: None,
        language: None,
        set_status: words.next().and_then(Status::parse),
        bot: false,
        mentions: None,
    };
    let by = Some(argument).filter(|by| !by.is_empty());
    let (kind, by, act) = match act {
        "created" => (EventType::CaseCreated, None, Act::Created(Creation { customer: "c", ..Creation::default() })),
        "assigned" => (EventType::CaseAssigned, None, Act::Assigned { agent: argument, automatic: false }),
        "unassigned" => (EventType::CaseUnassigned, None, Act::Unassigned),
        "priority" => (EventType::CasePriorityChanged, None, Act::PriorityChanged(Priority::parse(argument).unwrap())),
        "received" => (EventType::MessageReceived, None, Act::Message(message)),
        "sent" => (EventType::MessageSent, by, Act::Message(message)),
        "status" => (EventType::CaseStatusChanged, None, Act::StatusChanged(Status::parse(argument).unwrap())),
        "closed" => (EventType::CaseClosed, None, Act::Closed),
        "deleted" => (EventType::CaseDeleted, None, Act::Deleted),
        other => panic!("no act `{other}`"),
    };
    CaseEvent { case_id: "C", time, sequence: 0, source: "s", id: line, kind, by, act }
}

fn history(lines: &'static str) -> History<'static> {
    static DESK: std::sync::LazyLock<Desk> = std::sync::LazyLock::new(desk);
    Case::replay("C", lines.split(", ").map(event), &DESK)
}

/// Periods as `minute status assignee`.
fn periods(lines: &'static str) -> String {
    let text = |period: &history::Period<'_>| {
        let minute = period.since.0 / MINUTE;
        format!("{minute} {} {}", period.standing.status.name(), period.standing.assignee.unwrap_or("-"))
    };
    history(lines).periods.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn rules(lines: &'static str) -> String {
    history(lines).findings.iter().map(|finding| finding.rule.name()).collect::<Vec<_>>().join(", ")
}

#[test]
fn automatic_transitions() {
    let cases = [
        ("1 created, 2 assigned ana, 3 unassigned", "1 new -, 2 open ana, 3 new -"),
        ("1 created, 2 assigned ana, 3 sent ana pending, 4 received", "1 new -, 2 open ana, 3 pending ana, 4 open ana"),
        ("1 created, 2 status pending, 3 unassigned", "1 new -, 2 pending -, 3 new -"),
        ("1 created, 2 status on_hold, 3 received", "1 new -, 2 on_hold -"),
        ("1 created, 2 status done, 61 received", "1 new -, 2 done -, 61 new -"),
        ("1 created, 2 assigned ana, 3 status done, 4 received", "1 new -, 2 open ana, 3 done ana, 4 open ana"),
        ("1 created, 2 status done, 62 received", "1 new -, 2 done -"),
        ("1 created, 2 status done, 99 status open", "1 new -, 2 done -, 99 open -"),
        ("1 created, 2 closed, 3 received", "1 new -, 2 done -"),
        ("1 created, 2 assigned eve", "1 new -, 2 open eve, 500 new -"),
        ("1 created, 2 assigned eve, 3 status done", "1 new -, 2 open eve, 3 done eve"),
        ("1 created, 500 assigned eve", "1 new -, 500 open eve"),
    ];
    for (lines, expected) in cases {
        assert_eq!(periods(lines), expected, "{lines}");
    }
}

#[test]
fn periods_are_never_empty_and_never_alike() {
    assert_eq!(periods("1 created, 1 assigned ana, 2 priority high, 2 priority medium"), "1 open ana");
    assert_eq!(periods("1 created, 5 deleted"), "1 new -");
    assert_eq!(periods("1 created, 1 deleted"), "");
}

#[test]
fn findings() {
    let cases = [
        ("1 received, 2 created", "message_before_case"),
        ("1 status open, 2 created", "no_case_yet"),
        ("1 created, 2 created", "created_twice"),
        ("1 created, 2 deleted, 3 received", "after_deletion"),
        ("1 created, 2 status spam, 3 received", "message_after_close"),
        ("1 created, 2 status done, 3 sent ana", "reply_in_resolved_case"),
        ("1 created, 2 assigned ana, 3 sent ben", "reply_by_other"),
        ("1 created, 2 assigned ana, 3 sent robo", ""),
        ("1 created, 2 status done, 99 status new", "reopened_after_close"),
        ("1 created, 2 status done, 3 status new", ""),
    ];
    for (lines, expected) in cases {
        assert_eq!(rules(lines), expected, "{lines}");
    }
}

#[test]
fn turns_open_with_a_question_and_end_with_a_reply_or_a_resolution() {
    let minutes = |lines| {
        let minute = |time: Option<Instant>| time.map_or("-".to_owned(), |time| (time.0 / MINUTE).to_string());
        let text = |turn: &Turn<'_>| {
            format!("{} {} {}", turn.asked_at.0 / MINUTE, minute(turn.answered_at), minute(turn.stopped_at))
        };
        history(lines).turns.iter().map(text).collect::<Vec<_>>().join(", ")
    };
    let cases = [
        ("1 created, 2 sent robo, 3 received, 4 sent ana", "1 4 -"),
        ("1 created, 2 sent ana, 3 received, 4 received, 5 sent ana", "1 2 -, 3 5 -"),
        ("1 created, 2 sent ana, 3 received, 4 status done, 5 received, 6 sent ana", "1 2 -, 3 - 4, 5 6 -"),
        ("1 created, 2 status done, 3 received, 4 sent ana", "1 4 -"),
        ("1 created, 2 sent ana, 3 received, 4 deleted", "1 2 -, 3 - 4"),
    ];
    for (lines, expected) in cases {
        assert_eq!(minutes(lines), expected, "{lines}");
    }
}

#[test]
fn resolved_time_is_not_active() {
    let history = history("1 created, 10 status done, 30 received, 40 sent ana");
    assert_eq!(history.active_ms(Instant(MINUTE), Instant(40 * MINUTE)), 19 * MINUTE);
    assert_eq!(history.active_ms(Instant(15 * MINUTE), Instant(20 * MINUTE)), 0);
}

#[test]
fn spam_in_the_grace_period_closes_at_once() {
    let closed = |lines| history(lines).closed_at.map(|time| time.0 / MINUTE);
    assert_eq!(closed("1 created, 2 status done, 10 status spam"), Some(10));
    assert_eq!(closed("1 created, 2 status done, 99 status spam, 120 status done"), Some(62));
    assert_eq!(closed("1 created, 2 status done, 10 deleted"), None);
}

#[test]
fn a_case_stands_in_the_way_until_the_event_that_closes_it() {
    let lines = |closing: &'static str| {
        let mut events: Vec<CaseEvent<'_>> = ["1 created", closing].map(event).to_vec();
        events[0].act = Act::Created(Creation { customer: "c", profile: Some("p"), ..Creation::default() });
        let until = Case::replay("C", events.clone(), &desk()).open_spans[0].until.clone();
        (until, events[1].order().to_bytes())
    };
    // A creation of the same instant comes before the closing event: the case is still in its way.
    let (until, closing) = lines("9 status spam");
    assert_eq!(until, Some(closing));
    let (until, _) = lines("9 status done");
    assert_eq!(until, Some(instant_bytes(Instant(69 * MINUTE))));
}
