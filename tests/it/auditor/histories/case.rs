//! Bodies of case events.

use super::{any_of, body as event, maybe, members, one_of};
use proptest::prelude::*;
use serde_json::{Value, json};

fn by() -> BoxedStrategy<Value> {
    let known = any_of(json!(["ana", "ben", "sue", "robo"]));
    maybe(6, prop_oneof![12 => known, 1 => any_of(json!(["zed", "zoe", null]))])
}

fn about(kind: &'static str, pairs: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    members(pairs).prop_map(move |data| event(kind, "", data)).boxed()
}

fn of(value: Value) -> BoxedStrategy<Value> {
    any_of(value)
}

fn text() -> BoxedStrategy<Value> {
    let texts = json!([
        "I want a refund!",
        "Money -- back now",
        "refundable test",
        "返金してください",
        "今すぐ返金!",
        "thanks",
        "Thanks for the REFUND",
        "a test refund, thanks",
        "refund_id",
        "!?",
        ""
    ]);
    maybe(7, of(texts))
}

/// A creation.
pub fn creation() -> impl Strategy<Value = Value> {
    let priorities = json!(["urgent", "high", "medium", "low", "low", "blocker", null]);
    about(
        "case.created",
        vec![
            ("customer", of(json!(["z", "z", "y"]))),
            ("profile", maybe(8, of(json!(["fb", "fb", "x", null])))),
            ("platform", maybe(3, of(json!(["facebook", "x"])))),
            ("origin", maybe(2, of(json!(["manual", "automatic", "listening", "direct"])))),
            ("priority", maybe(6, of(priorities))),
            ("sentiment", maybe(3, of(json!(["positive", "negative", "neutral", "none"])))),
            ("language", maybe(4, of(json!(["en", "es"])))),
            ("text", text()),
            ("message", maybe(4, of(json!(["w1", "w2"])))),
            ("fields", maybe(4, fields())),
            ("by", by()),
        ],
    )
}

fn fields() -> impl Strategy<Value = Value> {
    prop::collection::vec(field_and_value(), 0..=2).prop_map(|pairs| {
        let mut object = json!({});
        for (field, value) in pairs {
            object[field] = value;
        }
        object
    })
}

/// A field and mostly a value of its kind, right or nearly so.
fn field_and_value() -> impl Strategy<Value = (&'static str, Value)> {
    let values = json!({
        "topic": ["a", "b", "zz", "", null],
        "tags": [["a"], ["b", "a"], ["a", "zz"], [], null],
        "note": ["a", "", 5, null],
        "amount": [123, -5, 999_999_999, 1_000_000_000, "012345678", "1234567890", 1.5, null],
        "day": ["2026-03-01", "2026-02-30", "2026-3-01", "", null],
        "other": ["a", 5],
    });
    let fields = one_of(&["topic", "tags", "note", "amount", "day", "other"]);
    let any = || of(json!(["a", ["a"], 123, "2026-03-01", null]));
    fields.prop_flat_map(move |field| (Just(field), prop_oneof![5 => of(values[field].clone()), 1 => any()]))
}

/// Any other event of a case.
pub fn body_of(kind: u8) -> BoxedStrategy<Value> {
    // Some messages have the same id, so that likes and deletions are of several messages, and several are of one.
    let own = || prop_oneof![5 => Just(json!("own")), 1 => of(json!(["n1", "n2"]))].boxed();
    let known = || {
        let of_history = (0..60u8).prop_map(|n| json!(format!("m{n}")));
        prop_oneof![1 => of_history, 1 => of(json!(["n1", "n2"]))].boxed()
    };
    let kinds = || maybe(4, of(json!(["public", "comment", "direct"])));
    let sentiments = json!(["positive", "negative", "neutral", "none"]);
    let statuses = json!(["new", "open", "pending", "on_hold", "done", "done", "done", "spam"]);
    match kind {
        0 => about(
            "case.assigned",
            vec![
                ("agent", of(json!(["ana", "ana", "ben", "robo", "sue", "zed"]))),
                ("by", by()),
                ("automatic", maybe(5, of(json!([true, false])))),
            ],
        ),
        1 => about("case.unassigned", vec![("by", by())]),
        2 => about(
            "case.priority_changed",
            vec![("priority", of(json!(["urgent", "high", "medium", "low"]))), ("by", by())],
        ),
        3 => about(
            "message.received",
            vec![
                ("message", own()),
                ("kind", kinds()),
                ("text", text()),
                ("sentiment", maybe(2, of(sentiments))),
                ("language", maybe(2, of(json!(["en", "es"])))),
            ],
        ),
        4 => about(
            "message.sent",
            vec![
                ("message", own()),
                ("kind", kinds()),
                ("by", by()),
                ("text", text()),
                ("set_status", maybe(4, of(json!(["pending", "on_hold"])))),
                ("bot", maybe(2, of(json!([true, true, false])))),
            ],
        ),
        5 => about("case.status_changed", vec![("status", of(statuses)), ("by", by())]),
        6 => about(
            "message.noted",
            vec![
                ("message", own()),
                ("by", by()),
                ("text", text()),
                ("mentions", maybe(3, of(json!([["ana"], ["zed", "ben"], ["zoe"], []])))),
            ],
        ),
        7 => about("case.closed", vec![("by", by())]),
        8 => about("case.profile_assigned", vec![("profile", of(json!(["fb", "x", "x"]))), ("by", by())]),
        9 => about("case.sentiment_changed", vec![("sentiment", of(sentiments)), ("by", by())]),
        10 => (field_and_value(), by())
            .prop_map(|((field, value), by)| {
                let mut data = json!({ "field": field, "value": value });
                if by != json!("absent") {
                    data["by"] = by;
                }
                event("case.field_changed", "", data)
            })
            .boxed(),
        11 => about("message.liked", vec![("message", known()), ("by", by())]),
        12 => about("message.deleted", vec![("message", known()), ("by", by())]),
        13 => survey("survey.sent"),
        14 => survey("survey.answered"),
        15 => about(
            "salesforce.linked",
            vec![
                ("record", of(json!(["r1", "r2"]))),
                ("object", of(json!(["case", "lead"]))),
                ("token", of(json!(["default"]))),
            ],
        ),
        16 => about("case.deleted", vec![("by", by())]),
        _ => creation().boxed(),
    }
}

/// A survey that is sent or answered. Those of one name have one kind.
fn survey(kind: &'static str) -> BoxedStrategy<Value> {
    let surveys = json!([
        ["v1", "csat", [1, 3, 4, 5]],
        ["v2", "csat", [1, 4]],
        ["v3", "nps", [0, 6, 7, 8, 9, 10]],
        ["v4", "ces", [1, 2.5, 7]],
    ]);
    let survey = of(surveys).prop_flat_map(|survey| (Just(survey.clone()), of(survey[2].clone())));
    (survey, maybe(3, of(json!(["fine"]))), by())
        .prop_map(move |((survey, score), comment, by)| {
            let mut data = json!({ "survey": survey[0], "kind": survey[1] });
            let is_answer = kind == "survey.answered";
            let more =
                if is_answer { [("score", score), ("comment", comment)] } else { [("by", by), ("", json!("absent"))] };
            for (name, value) in more.into_iter().filter(|(_, value)| *value != json!("absent")) {
                data[name] = value;
            }
            event(kind, "", data)
        })
        .boxed()
}

/// The events of a case, those that move clocks most often.
pub fn body() -> impl Strategy<Value = Value> {
    prop_oneof![
        12 => body_of(5),
        10 => body_of(3),
        10 => body_of(4),
        8 => body_of(0),
        8 => body_of(2),
        3 => body_of(1),
        3 => body_of(8),
        2 => body_of(10),
        2 => (6..10u8).prop_flat_map(body_of),
        2 => (11..16u8).prop_flat_map(body_of),
        1 => prop_oneof![2 => body_of(16), 1 => body_of(17)],
    ]
}

/// What people do in a case.
pub fn people_body() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => body_of(0),
        1 => body_of(1),
        2 => (3..5u8).prop_flat_map(body_of),
        3 => body_of(5),
        1 => body_of(8),
        3 => body_of(10),
        4 => (11..15u8).prop_flat_map(body_of),
        1 => body_of(16),
    ]
}

/// The events that move clocks.
pub fn clock_body() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => body_of(5),
        4 => body_of(3),
        4 => body_of(4),
        3 => body_of(0),
        5 => body_of(2),
        1 => body_of(1),
        1 => (7..10u8).prop_flat_map(body_of),
    ]
}
