//! Bodies of rank 0: users, groups, profiles, fields, calendars, policies, settings.

use super::{any_of, body as event, maybe, members};
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};

fn about(kind: &'static str, names: Value, pairs: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let whole = (any_of(names), members(pairs));
    whole.prop_map(move |(name, data)| event(kind, name.as_str().unwrap_or_default(), data)).boxed()
}

fn users() -> Value {
    json!(["ana", "ana", "ben", "sue", "robo"])
}

fn user() -> BoxedStrategy<Value> {
    let role = maybe(4, any_of(json!(["agent", "agent", "supervisor", "admin", "none"])));
    about(
        "user.updated",
        users(),
        vec![
            ("name", maybe(3, any_of(json!(["Ana", "Ben"])))),
            ("role", role),
            ("team", maybe(3, any_of(json!(["north", "south", null])))),
            ("capacity", maybe(5, any_of(json!([0, 1, 2])))),
            ("auto_assign", maybe(4, any_of(json!([true, false])))),
            ("bot", maybe(2, any_of(json!([true, false])))),
            ("skills", maybe(2, any_of(json!([["s1"], ["s2", "s1"], []])))),
            ("groups", maybe(2, any_of(json!([["g"], ["g", "h"], []])))),
        ],
    )
}

fn robo() -> BoxedStrategy<Value> {
    Just(event("user.updated", "robo", json!({"bot": true}))).boxed()
}

fn sue() -> BoxedStrategy<Value> {
    Just(event("user.updated", "sue", json!({"role": "supervisor"}))).boxed()
}

fn group() -> BoxedStrategy<Value> {
    about(
        "group.updated",
        json!(["g", "h"]),
        vec![
            ("members", maybe(6, any_of(json!([["ana"], ["ana", "ben"], ["zed"], []])))),
            ("skills", maybe(4, any_of(json!([["s1"], ["s3"]])))),
            ("profiles", maybe(4, any_of(json!([["fb"], ["x"], []])))),
        ],
    )
}

fn profile() -> BoxedStrategy<Value> {
    about(
        "profile.updated",
        json!(["fb", "fb", "x"]),
        vec![
            ("platform", maybe(6, any_of(json!(["facebook", "x"])))),
            ("visible_to", maybe(3, any_of(json!([["ana"], ["ben", "robo"], ["g"], ["h", "sue"], []])))),
            ("calendar", maybe(5, any_of(json!(["k", "l", "k", null, "nowhere"])))),
        ],
    )
}

fn field() -> BoxedStrategy<Value> {
    let kinds = json!({"topic": "single", "tags": "multi", "note": "text", "amount": "number", "day": "date"});
    let common = members(vec![
        ("mandatory", maybe(5, any_of(json!([true, true, false])))),
        ("enabled", maybe(8, any_of(json!([true, true, false])))),
        ("values", maybe(4, any_of(json!([["a", "b"], ["a"]])))),
    ]);
    let names = any_of(json!(["topic", "tags", "note", "amount", "day"]));
    (names, common)
        .prop_map(move |(name, mut data)| {
            let name = name.as_str().unwrap_or_default();
            data["kind"] = kinds[name].clone();
            event("field.updated", name, data)
        })
        .boxed()
}

/// Hours of one day: whole days, split and touching ones, and any around the times at which clocks change.
fn hours() -> BoxedStrategy<Value> {
    let usual = json!([
        [["09:00", "17:00"]],
        [["00:00", "24:00"]],
        [["09:00", "12:00"], ["13:00", "17:00"]],
        [["22:00", "24:00"]],
        [["00:00", "02:30"], ["02:30", "04:00"]],
    ]);
    // Where a clock change skips a closing, the hours after it lie within those before it.
    let entangled =
        json!([["00:00", "00:30"], ["01:00", "01:10"], ["01:30", "02:15"], ["02:30", "02:40"], ["03:00", "03:10"]]);
    let times = vec!["00:00", "00:30", "01:00", "02:00", "02:15", "02:30", "02:45", "03:10", "23:00", "23:30", "24:00"];
    let nightly = prop_oneof![subsequence(times.clone(), 2), subsequence(times.clone(), 4), subsequence(times, 6)];
    let nightly = nightly.prop_map(|times| json!(times.chunks_exact(2).collect::<Vec<_>>()));
    prop_oneof![3 => any_of(usual), 1 => Just(entangled), 3 => nightly].boxed()
}

pub fn calendar() -> BoxedStrategy<Value> {
    let elsewhere = any_of(json!(["America/Denver", "Asia/Kathmandu", "America/Santiago", "UTC"]));
    let zones = prop_oneof![5 => Just(json!("local")), 1 => elsewhere];
    let week = (hours(), hours(), maybe(8, hours())).prop_map(|(work, saturday, sunday)| {
        let mut week = json!({"sat": saturday});
        for day in ["mon", "tue", "wed", "thu", "fri"] {
            week[day] = work.clone();
        }
        if sunday != json!("absent") {
            week["sun"] = sunday;
        }
        week
    });
    let week = prop_oneof![20 => week, 1 => Just(json!({})), 1 => Just(json!({"wed": [["10:00", "10:15"]]}))];
    let holiday = (-1..4i64, maybe(5, hours())).prop_map(|(date, hours)| {
        let mut holiday = json!({ "date": date, "name": "Founders" });
        if hours != json!("absent") {
            holiday["hours"] = hours;
        }
        holiday
    });
    let holidays = prop::collection::vec(holiday, 1..=3).prop_map(|mut holidays| {
        holidays.sort_by_key(|holiday| holiday["date"].as_i64());
        holidays.dedup_by_key(|holiday| holiday["date"].clone());
        json!(holidays)
    });
    about(
        "calendar.updated",
        json!(["k", "k", "l"]),
        vec![("time_zone", zones.boxed()), ("hours", week.boxed()), ("holidays", maybe(8, holidays))],
    )
}

/// The targets of one priority; `{}` has none.
fn targets() -> BoxedStrategy<Value> {
    any_of(json!([
        {"assign": "15m", "first_response": "1h", "next_response": "30m", "resolution": "4h"},
        {"assign": "30m", "first_response": "2h", "next_response": "1h", "resolution": "1d"},
        {"first_response": "30m", "next_response": "15m"},
        {"resolution": "2h"},
        {"assign": "45m", "resolution": "1h 30m"},
        {"next_response": "1m 30s"},
        {"first_response": "4h", "resolution": "2d 12h"},
        {},
    ]))
}

/// Conditions of every kind; an empty list is no condition.
fn conditions() -> BoxedStrategy<Value> {
    let lists = json!([
        {"profile": ["fb"]}, {"profile": ["x", "y"]}, {"profile": []},
        {"platform": ["facebook"]}, {"platform": ["facebook", "x"]}, {"platform": [], "language": ["en", "es"]},
        {"language": ["en"]}, {"language": [], "sentiment": ["positive", "neutral"]},
        {"sentiment": ["none", "negative"]}, {"sentiment": ["neutral"]},
    ]);
    let texts = json!([
        {"any": ["refund", "money back"]}, {"any": ["返金", "thanks"]}, {"any": ["refund"], "none": ["test", "返金"]},
        {"any": ["!?"]}, {"any": [], "all": ["thanks", "refund"]}, {"all": ["now", "money back"]},
        {"all": ["返金"]}, {"all": ["thanks"]}, {"all": ["test", "thanks"], "none": []},
        {"none": ["test"]}, {"none": ["thanks", "!?"]},
    ]);
    let both = (any_of(lists.clone()), any_of(texts.clone())).prop_map(|(mut conditions, text)| {
        conditions["text"] = text;
        conditions
    });
    let text = any_of(texts).prop_map(|text| json!({ "text": text }));
    prop_oneof![2 => any_of(lists), 3 => text, 1 => both].boxed()
}

fn policy() -> BoxedStrategy<Value> {
    policy_with(maybe(2, conditions()))
}

fn policy_with(conditions: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let all = [targets(), targets(), targets()];
    let all = all.prop_map(|[high, medium, low]| {
        json!({"urgent": {"assign": "1m", "first_response": "15m", "next_response": "15m", "resolution": "1h"},
               "high": high, "medium": medium, "low": low})
    });
    let pauses = json!([["on_hold"], ["pending", "on_hold"], ["new"], [], ["open"]]);
    about(
        "policy.updated",
        json!(["p", "p", "p", "q"]),
        vec![
            ("name", Just(json!("P")).boxed()),
            ("position", any_of(json!([1, 2]))),
            ("enabled", maybe(9, any_of(json!([true, true, true, true, false])))),
            ("conditions", conditions),
            ("targets", all.boxed()),
            ("calendar", maybe(6, any_of(json!(["k", "k", "l", "nowhere", null])))),
            ("pause_on", maybe(6, any_of(pauses))),
        ],
    )
}

pub fn settings() -> BoxedStrategy<Value> {
    let switch = || maybe(4, any_of(json!([true, false])));
    let transitions = members(vec![("assign", switch()), ("unassign", switch()), ("customer_reply", switch())]);
    let keep = || maybe(5, any_of(json!(["keep", "retarget"])));
    let sla = members(vec![("priority_change", keep()), ("policy_edit", keep())]);
    let severities = json!([{"reply_by_other": "hidden"}, {"message_before_case": "warning"}, {"no_case_yet": "info"}]);
    about(
        "settings.updated",
        json!(["settings"]),
        vec![
            ("grace_period", maybe(6, any_of(json!(["15m", "1h", "2d", "1h", null])))),
            ("grace_periods", maybe(3, any_of(json!([{"s": "30m"}, {"t": "1d"}, {"s": "2h", "t": null}, {}])))),
            ("unassign_on", maybe(4, any_of(json!([["offline"], ["offline", "away"], []])))),
            ("default_calendar", maybe(3, any_of(json!(["k", "l", null, "nowhere"])))),
            ("transitions", maybe(3, transitions)),
            ("sla", maybe(3, sla)),
            ("findings", maybe(1, any_of(severities))),
        ],
    )
}

fn presence() -> BoxedStrategy<Value> {
    let presences = json!(["online", "away", "offline", "offline"]);
    about("user.presence_changed", users(), vec![("presence", any_of(presences))])
}

fn removal() -> BoxedStrategy<Value> {
    let things = json!([
        ["user", "ana"],
        ["user", "ben"],
        ["group", "g"],
        ["profile", "fb"],
        ["policy", "p"],
        ["policy", "q"],
        ["field", "topic"],
        ["skill", "s1"]
    ]);
    any_of(things)
        .prop_map(|thing| {
            let kind = format!("{}.removed", thing[0].as_str().unwrap_or_default());
            event(&kind, thing[1].as_str().unwrap_or_default(), json!({}))
        })
        .boxed()
}

/// A policy for every case, mostly with the calendar of [`calendar_of_clocks`].
pub fn policy_of_calendar() -> impl Strategy<Value = Value> {
    (policy(), any_of(json!(["k", "k", "k", "k", "l", null]))).prop_map(|(mut policy, calendar)| {
        policy["subject"] = json!("p");
        policy["data"]["enabled"] = json!(true);
        policy["data"]["conditions"] = json!({});
        policy["data"]["calendar"] = calendar;
        policy
    })
}

/// The calendar that most clocks go by.
pub fn calendar_of_clocks() -> impl Strategy<Value = Value> {
    calendar().prop_map(|mut calendar| {
        calendar["subject"] = json!("k");
        calendar
    })
}

/// What the choice of a policy depends on.
pub fn choice_body() -> impl Strategy<Value = Value> {
    let named = (policy_with(maybe(8, conditions())), any_of(json!(["p", "q", "r"])));
    let policy = named.prop_map(|(mut policy, name)| {
        policy["subject"] = name;
        policy
    });
    prop_oneof![6 => policy, 3 => profile(), 1 => removal()]
}

/// What changes under a running clock.
pub fn clock_body() -> impl Strategy<Value = Value> {
    prop_oneof![5 => policy(), 4 => calendar(), 2 => settings(), 1 => presence(), 1 => profile(), 1 => robo()]
}

/// What most desks have.
pub fn basic() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => policy(),
        3 => calendar(),
        3 => settings(),
        2 => user(),
        1 => robo(),
        1 => sue(),
        2 => profile(),
        1 => field(),
    ]
}

/// Any event of rank 0.
pub fn body() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => policy(),
        3 => calendar(),
        3 => settings(),
        3 => presence(),
        2 => user(),
        2 => profile(),
        2 => field(),
        1 => group(),
        1 => removal(),
    ]
}

/// Events about people, profiles and fields.
pub fn people_body() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => user(),
        2 => group(),
        3 => removal(),
        3 => presence(),
        2 => profile(),
        3 => field(),
        2 => settings(),
    ]
}
