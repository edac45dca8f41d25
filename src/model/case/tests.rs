//! The life cycle by example: lines of events, and a line of what happened.

use super::*;
use crate::model::desk::DeskEvent;
use crate::model::event::{Answer, MessageKind, Sentiment};

const MINUTE: i64 = 60_000;

fn desk_event(minute: i64, kind: EventType, subject: &'static str, data: &'static str) -> DeskEvent<'static> {
    let data = Json::parse(data).unwrap();
    DeskEvent { time: Instant(minute * MINUTE), source: "s", id: "d", kind, subject, data }
}

/// A desk of those events that outlives every test.
fn replayed<const N: usize>(events: [DeskEvent<'static>; N]) -> &'static Desk {
    Box::leak(Box::new(Desk::replay(events)))
}

fn desk() -> Desk {
    let event = desk_event;
    Desk::replay([
        event(0, EventType::SettingsUpdated, "settings", r#"{"grace_period":"1h","unassign_on":["offline"]}"#),
        event(0, EventType::UserUpdated, "ana", "{}"),
        event(0, EventType::UserUpdated, "robo", r#"{"bot":true}"#),
        event(500, EventType::UserPresenceChanged, "eve", r#"{"presence":"offline"}"#),
    ])
}

/// Reads `10 assigned ana` and the like: minute, word, argument, and after it the status that a message sets or who did
/// anything else.
fn event(line: &'static str) -> CaseEvent<'static> {
    let mut words = line.split(' ');
    let time = Instant(words.next().unwrap().parse::<i64>().unwrap() * MINUTE);
    let (word, argument, third) = (words.next().unwrap(), words.next().unwrap_or(""), words.next());
    let message = Message {
        message: "m",
        kind: MessageKind::Public,
        text: None,
        sentiment: None,
        language: None,
        set_status: third.and_then(Status::parse),
        bot: false,
        mentions: None,
    };
    let given = Some(argument).filter(|given| !given.is_empty());
    let creation = Creation { customer: "c", message: Some("m"), ..Creation::default() };
    let (kind, by, body) = match word {
        "created" => (EventType::CaseCreated, third, EventBody::Created(Creation { profile: given, ..creation })),
        // A creation with fields: `created_with {"tier":"gold"}`.
        "created_with" => (EventType::CaseCreated, third, EventBody::Created(Creation { fields: given, ..creation })),
        "profile" => (EventType::CaseProfileAssigned, third, EventBody::ProfileAssigned { profile: argument }),
        "assigned" => (EventType::CaseAssigned, third, EventBody::Assigned { agent: argument, automatic: false }),
        "automatic" => (EventType::CaseAssigned, third, EventBody::Assigned { agent: argument, automatic: true }),
        "unassigned" => (EventType::CaseUnassigned, given, EventBody::Unassigned),
        "priority" => {
            (EventType::CasePriorityChanged, third, EventBody::PriorityChanged(Priority::parse(argument).unwrap()))
        }
        "sentiment" => {
            (EventType::CaseSentimentChanged, third, EventBody::SentimentChanged(Sentiment::parse(argument).unwrap()))
        }
        // `field tier "gold"`: the value is JSON, `clear` none.
        "field" => {
            let value = third.filter(|value| *value != "clear");
            (EventType::CaseFieldChanged, None, EventBody::FieldChanged { field: argument, value })
        }
        "received" => (EventType::MessageReceived, None, EventBody::Message(message)),
        "sent" => (EventType::MessageSent, given, EventBody::Message(message)),
        "noted" => (EventType::MessageNoted, given, EventBody::Message(message)),
        "status" => (EventType::CaseStatusChanged, third, EventBody::StatusChanged(Status::parse(argument).unwrap())),
        "closed" => (EventType::CaseClosed, given, EventBody::Closed),
        "survey" => (EventType::SurveySent, third, EventBody::SurveySent { survey: argument }),
        "answered" => {
            let score = third.and_then(|score| score.parse().ok());
            let answer = Answer { survey: argument, kind: Some("csat"), score, comment: None };
            (EventType::SurveyAnswered, None, EventBody::SurveyAnswered(answer))
        }
        "deleted" => (EventType::CaseDeleted, given, EventBody::Deleted),
        other => panic!("no word `{other}`"),
    };
    CaseEvent { case_id: "C", time, sequence: 0, source: "s", id: line, kind, by, body }
}

fn history(lines: &'static str) -> History<'static> {
    static DESK: std::sync::LazyLock<Desk> = std::sync::LazyLock::new(desk);
    Case::replay("C", lines.split(", ").map(event), &DESK)
}

/// Periods as `minute status assignee`.
fn periods(lines: &'static str) -> String {
    let text = |period: &rows::Period<'_>| {
        let minute = period.since.0 / MINUTE;
        format!("{minute} {} {}", period.standing.status.name(), period.standing.assignee.unwrap_or("-"))
    };
    history(lines).periods.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn rules(lines: &'static str) -> String {
    rules_at(Box::leak(Box::new(desk())), lines)
}

fn rules_at(desk: &'static Desk, lines: &'static str) -> String {
    let history = Case::replay("C", lines.split(", ").map(event), desk);
    history.findings.iter().map(|finding| finding.rule.name()).collect::<Vec<_>>().join(", ")
}

fn check_rules(desk: &'static Desk, cases: &[(&'static str, &str)]) {
    for (lines, expected) in cases {
        assert_eq!(rules_at(desk, lines), *expected, "{lines}");
    }
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
        let text = |turn: &rows::Turn<'_>| {
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
fn a_case_blocks_others_until_the_event_that_closes_it() {
    let lines = |closing: &'static str| {
        let mut events: Vec<CaseEvent<'_>> = ["1 created", closing].map(event).to_vec();
        events[0].body = EventBody::Created(Creation { customer: "c", profile: Some("p"), ..Creation::default() });
        let desk = desk();
        let history = Case::replay("C", events.clone(), &desk);
        (history.open_spans[0].until.map(LogPosition::to_text), events[1].position().to_text())
    };
    // A creation of the same instant comes before the closing event: the case is still in its way.
    let (until, closing) = lines("9 status spam");
    assert_eq!(until, Some(closing));
    let (until, _) = lines("9 status done");
    assert_eq!(until, Some(LogPosition::Before(Instant(69 * MINUTE)).to_text()));
}

#[test]
fn who_assigns_a_profile_holds_the_case() {
    let cases = [
        ("1 created p, 2 assigned ana, 3 profile q ben", "profile_by_other"),
        ("1 created p, 2 assigned ana, 3 profile p ben", "profile_by_other"),
        ("1 created p, 2 assigned ana, 3 profile q robo", "profile_by_other"),
        ("1 created p, 2 assigned ana, 3 status done, 4 profile q ben", "profile_by_other"),
        ("1 created p, 2 assigned ana, 3 profile q ana", ""),
        ("1 created p, 2 assigned ana, 3 profile q", ""),
        ("1 created p, 2 profile q ben", ""),
        ("1 profile q ben", "no_case_yet"),
    ];
    check_rules(Box::leak(Box::new(desk())), &cases);
}

#[test]
fn a_reply_needs_a_profile_once_the_log_names_any() {
    let named = replayed([
        desk_event(5, EventType::ProfileUpdated, "p", "{}"),
        desk_event(6, EventType::ProfileRemoved, "p", "{}"),
    ]);
    let cases = [
        ("1 created, 4 sent ana", ""),
        ("1 created, 5 sent ana", "reply_without_profile"),
        ("1 created, 9 sent ana", "reply_without_profile"),
        ("1 created, 9 sent", "reply_without_profile"),
        ("1 created, 7 status spam, 9 sent ana", "reply_without_profile, reply_in_resolved_case"),
        ("1 created q, 9 sent ana", ""),
        ("1 created, 8 profile q, 9 sent ana", ""),
        ("1 created, 9 noted ana", ""),
        ("1 created, 9 received", ""),
        ("9 sent ana", "message_before_case"),
    ];
    check_rules(named, &cases);
}

#[test]
fn roles_and_visibility_permit_acts() {
    let profile = |data| desk_event(0, EventType::ProfileUpdated, "p", data);
    let desk = replayed([
        profile(r#"{"visible_to":["ben","vip"]}"#),
        desk_event(0, EventType::UserUpdated, "none", r#"{"role":"none","groups":["vip"]}"#),
        desk_event(0, EventType::UserUpdated, "ana", "{}"),
        desk_event(0, EventType::UserUpdated, "ben", "{}"),
        desk_event(0, EventType::UserUpdated, "sue", r#"{"role":"supervisor"}"#),
        desk_event(0, EventType::UserUpdated, "adm", r#"{"role":"admin"}"#),
        // One is in a group that no event names, one in a named group, one in a group that has the profile.
        desk_event(0, EventType::UserUpdated, "eve", r#"{"groups":["vip"]}"#),
        desk_event(0, EventType::UserUpdated, "kim", r#"{"groups":["sales"]}"#),
        desk_event(0, EventType::GroupUpdated, "sales", r#"{"members":["kim","zed"],"profiles":["p"]}"#),
        desk_event(50, EventType::GroupRemoved, "sales", "{}"),
        desk_event(60, EventType::UserRemoved, "sue", "{}"),
        desk_event(90, EventType::ProfileUpdated, "p", r#"{"visible_to":[]}"#),
    ]);
    let cases = [
        ("1 created p, 2 status done none", "not_permitted"),
        ("1 created, 2 status done none", "not_permitted"),
        ("1 noted none", "not_permitted, message_before_case"),
        ("1 status done none", "no_case_yet"),
        ("1 created p, 2 status done ana", "not_permitted"),
        ("1 created p, 2 status new ana", "not_permitted"),
        ("1 created p, 2 status done zoe", "not_permitted"),
        ("1 created p, 2 status done ben", ""),
        ("1 created p, 2 status done eve", ""),
        ("1 created p, 2 status done kim", ""),
        ("1 created p, 2 status done zed", ""),
        ("1 created p, 51 status done kim", "not_permitted"),
        ("1 created p, 2 status done sue", ""),
        ("1 created p, 61 status done sue", "not_permitted"),
        ("1 created p, 2 status done adm", ""),
        ("1 created p, 91 status done ben", "not_permitted"),
        ("1 created p ana", "not_permitted"),
        ("1 created q ana", ""),
        ("1 created q, 2 profile p ana", "not_permitted"),
        ("1 created p, 2 profile q ana, 3 status done ana", ""),
        ("1 created p, 2 status done", ""),
    ];
    check_rules(desk, &cases);
}

#[test]
fn automatic_assignments_look_at_the_user() {
    let desk = replayed([
        desk_event(0, EventType::UserUpdated, "ana", r#"{"auto_assign":true,"capacity":2}"#),
        desk_event(0, EventType::UserUpdated, "ben", "{}"),
        desk_event(50, EventType::UserRemoved, "ben", "{}"),
    ]);
    let cases = [
        ("1 created, 2 automatic ana", ""),
        ("1 created, 2 automatic ben", "not_auto_assignable"),
        ("1 created, 2 assigned ben", ""),
        ("1 created, 2 assigned ben, 3 automatic ben", ""),
        ("1 created, 2 automatic zoe", ""),
        ("1 created, 51 automatic ben", ""),
        ("1 automatic ben", "no_case_yet"),
    ];
    check_rules(desk, &cases);
    let noted = |lines: &'static str| -> Vec<(&str, i64)> {
        let history = Case::replay("C", lines.split(", ").map(event), desk);
        history.automatic_assignments.iter().map(|noted| (noted.agent, noted.capacity)).collect()
    };
    assert_eq!(noted("1 created, 2 automatic ana, 3 automatic ana, 4 automatic ben"), [("ana", 2), ("ben", 5)]);
    assert_eq!(noted("1 created, 2 assigned ana, 3 automatic zoe"), []);
}

#[test]
fn mandatory_fields_have_values_when_a_case_is_done() {
    let desk = replayed([
        desk_event(0, EventType::FieldUpdated, "tier", r#"{"enabled":true,"mandatory":true}"#),
        desk_event(0, EventType::FieldUpdated, "off", r#"{"mandatory":true}"#),
        desk_event(0, EventType::FieldUpdated, "free", r#"{"enabled":true}"#),
        desk_event(50, EventType::FieldRemoved, "tier", "{}"),
    ]);
    let cases = [
        ("1 created, 2 status done", "mandatory_field_empty"),
        ("1 created, 2 closed", "mandatory_field_empty"),
        ("1 created, 2 status done, 3 closed", "mandatory_field_empty"),
        ("1 created, 2 status spam", ""),
        ("1 created, 2 status spam, 3 status done", ""),
        ("1 created, 2 status pending", ""),
        ("1 created, 51 status done", ""),
        ("1 created, 2 field tier \"gold\", 3 status done", ""),
        ("1 created, 2 field tier \"\", 3 status done", "mandatory_field_empty"),
        ("1 created, 2 field tier [], 3 status done", "mandatory_field_empty"),
        ("1 created, 2 field tier 0, 3 status done", ""),
        ("1 created, 2 field tier 1, 3 field tier clear, 4 status done", "mandatory_field_empty"),
        ("1 created_with {\"tier\":\"gold\"}, 3 status done", ""),
        ("1 created_with {\"tier\":null}, 3 status done", "mandatory_field_empty"),
        (
            "1 created, 2 status done, 3 status open, 4 status done",
            "mandatory_field_empty, reopened_after_close, mandatory_field_empty",
        ),
    ];
    check_rules(desk, &cases);
}

#[test]
fn values_that_a_field_does_not_allow() {
    let desk = replayed([
        desk_event(0, EventType::FieldUpdated, "tier", r#"{"kind":"single","values":["gold"]}"#),
        desk_event(0, EventType::FieldUpdated, "size", r#"{"kind":"number"}"#),
        desk_event(50, EventType::FieldRemoved, "tier", "{}"),
    ]);
    let cases = [
        ("1 created, 2 field tier \"gold\"", ""),
        ("1 created, 2 field tier \"tin\"", "invalid_field_value"),
        ("1 created, 2 field tier clear", ""),
        ("1 created, 51 field tier \"tin\"", ""),
        ("1 created, 2 field other {}", ""),
        ("1 created, 2 field size 123456789", ""),
        ("1 created, 2 field size \"123456789\"", ""),
        ("1 created, 2 field size 1234567890", "invalid_field_value"),
        ("1 field tier \"tin\"", "no_case_yet"),
        ("1 created_with {\"tier\":\"tin\",\"size\":\"x\"}", "invalid_field_value"),
        ("1 created_with {\"tier\":\"gold\",\"size\":null}", ""),
    ];
    check_rules(desk, &cases);
}

#[test]
fn a_case_weighs_on_its_assignee_while_it_is_open() {
    // Spans as `user since until`, the minutes of their positions.
    let spans = |lines: &'static str| {
        let minute = |position: LogPosition<'_>| match position {
            LogPosition::Before(time) => (time.0 / MINUTE).to_string(),
            LogPosition::Of(order) => (order.time.0 / MINUTE).to_string(),
        };
        let span = |span: &span::LoadSpan<'_>| {
            format!("{} {} {}", span.user, minute(span.since), span.until.map_or("-".to_owned(), minute))
        };
        history(lines).load_spans.iter().map(span).collect::<Vec<_>>().join(", ")
    };
    let cases = [
        ("1 created, 2 assigned ana", "ana 2 -"),
        ("1 created, 2 assigned ana, 3 assigned ben, 4 unassigned", "ana 2 3, ben 3 4"),
        ("1 created, 2 assigned ana, 3 status done, 4 received, 5 status spam", "ana 2 3, ana 4 5"),
        ("1 created, 2 assigned ana, 3 status pending, 4 priority high", "ana 2 -"),
        ("1 created, 2 assigned ana, 5 deleted", "ana 2 5"),
        ("1 created, 2 assigned eve", "eve 2 500"),
        ("1 created, 2 status done, 3 assigned ana", ""),
    ];
    for (lines, expected) in cases {
        assert_eq!(spans(lines), expected, "{lines}");
    }
    // A presence takes effect before the case events of its instant.
    let until = history("1 created, 2 assigned eve, 500 priority high").load_spans[0].until;
    assert_eq!(until, Some(LogPosition::Before(Instant(500 * MINUTE))));
}

#[test]
fn an_escalated_message_is_locked_until_the_case_closes() {
    let locks = |lines: &'static str| {
        let minute = |time: Instant| (time.0 / MINUTE).to_string();
        let lock = |version: &crate::model::versions::Version<()>| {
            format!("{} {}", minute(version.since), version.until.map_or("-".to_owned(), minute))
        };
        history(lines).locks().iter().map(lock).collect::<Vec<_>>().join(", ")
    };
    let cases = [
        ("1 created", "1 -"),
        ("1 created, 2 status done", "1 62"),
        ("1 created, 2 status done, 61 received", "1 -"),
        ("1 created, 2 status done, 62 received", "1 62"),
        ("1 created, 2 status spam", "1 2"),
        ("1 created, 2 status done, 3 status spam", "1 3"),
        ("1 created, 2 status done, 3 closed", "1 3"),
        ("1 created, 2 status done, 99 status open", "1 62, 99 -"),
        ("1 created, 2 status spam, 2 status open", "1 -"),
        ("1 created, 2 status done, 3 deleted", "1 3"),
        ("1 created, 2 status done, 99 deleted", "1 62"),
        ("1 created, 1 deleted", ""),
        ("2 received", ""),
    ];
    for (lines, expected) in cases {
        assert_eq!(locks(lines), expected, "{lines}");
    }
}

#[test]
fn the_last_answer_to_a_survey_counts() {
    let surveys = |lines: &'static str| {
        let minute = |time: Instant| (time.0 / MINUTE).to_string();
        let text = |survey: &survey::AnsweredSurvey<'_>| {
            let sent = survey.sent_at.map_or("-".to_owned(), minute);
            format!("{} {} {} {sent}", survey.answer.survey, minute(survey.answered_at), survey.answer.score.unwrap())
        };
        history(lines).surveys.answered().map(text).collect::<Vec<_>>().join(", ")
    };
    let cases = [
        ("1 created, 2 survey a, 3 survey a, 4 answered a 5", "a 4 5 3"),
        ("1 created, 4 answered a 5, 5 survey a", "a 4 5 -"),
        ("1 created, 2 survey a, 3 answered a 5, 4 survey a, 5 answered a 1", "a 5 1 4"),
        ("1 created, 2 survey a, 3 answered b 5, 4 answered a 1", "b 3 5 -, a 4 1 2"),
        ("1 answered a 5, 2 created", ""),
        ("1 created, 2 deleted, 3 answered a 5", ""),
    ];
    for (lines, expected) in cases {
        assert_eq!(surveys(lines), expected, "{lines}");
    }
    let score = history("1 created, 2 answered b 5, 3 answered a 1, 4 answered b 4").surveys.last_score();
    assert_eq!(score, Some(4.0));
}

#[test]
fn field_values_are_texts_as_they_are_and_anything_else_as_json() {
    let history = history("1 created, 2 field a \"5\", 2 field b 5, 2 field c [\"x\"], 3 field a clear");
    let shown: Vec<(&str, &str)> = history
        .field_values
        .iter()
        .skip(1)
        .map(|(name, all)| (name.as_ref(), all.iter().last().unwrap().value.as_ref()))
        .collect();
    assert_eq!(shown, [("a", "5"), ("b", "5"), ("c", "[\"x\"]")]);
}

#[test]
fn a_message_that_comes_again_under_another_identity_changes_nothing() {
    let repeated = |lines: &'static str| {
        let history = history(lines);
        (history.messages.len(), history.noted.message_repeated, history.findings.len())
    };
    let cases = [
        ("1 created, 2 received, 2 received, 2 received", (1, 2, 0)),
        ("1 created, 2 received, 2 sent ana, 2 noted ana", (3, 0, 0)),
        ("1 created, 2 received, 3 received", (2, 0, 0)),
        ("1 created, 2 assigned ana, 3 sent eve, 3 sent eve", (1, 1, 1)),
        ("2 received, 2 received, 2 created, 2 received", (1, 2, 1)),
        ("1 created, 2 status done, 3 received, 3 status done, 3 received", (1, 1, 0)),
        ("1 created, 2 received, 2 deleted, 2 received", (1, 0, 1)),
    ];
    for (lines, expected) in cases {
        assert_eq!(repeated(lines), expected, "{lines}");
    }
    assert_eq!(periods("1 created, 2 status done, 3 received, 3 status done, 3 received"), "1 new -, 2 done -");
}

#[test]
fn many_messages_of_one_instant_take_no_quadratic_time() {
    let ids: Vec<String> = (0..100_000).map(|number| format!("m{number}")).collect();
    let desk = desk();
    let mut case = Case::new("C");
    for id in ids.iter().chain(&ids) {
        let mut event = event("1 received");
        if let EventBody::Message(message) = &mut event.body {
            message.message = id;
        }
        case.apply(&event, &desk);
    }
    let history = case.finish(&desk);
    assert_eq!((history.messages.len(), history.noted.message_repeated), (100_000, 100_000));
}
