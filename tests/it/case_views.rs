//! Views of cases against a plain reading of 7.3 in SQL and of 3.6 by what `case` explains, on random histories.

use std::collections::{BTreeMap, BTreeSet};

use casebook::explain::current::Current;
use casebook::model::event::EventType;
use casebook::model::view::{Sort, ViewConditions};
use casebook::query::case_views::{ViewQuestion, cases_of, views_of};
use casebook::query::database::Database;
use casebook::query::rights::Viewer;
use casebook::timeline;
use casebook::timeline::rows::CaseRows;
use proptest::strategy::{Strategy, ValueTree};
use serde_json::{Value, json};

use crate::audit::{histories_asked, runner};
use crate::auditor::histories::busy_history;
use crate::plain_metrics::compare::open;
use crate::project::{Project, Row, rows_of};

/// Custom views: id, data, and the same conditions in SQL over the columns of `cases`.
fn custom() -> Vec<(&'static str, Value, &'static str)> {
    let overdue = "case_id IN (SELECT case_id FROM milestones WHERE until IS NULL AND milestone IN ('first_response', 'resolution') \
         AND outcome(completed_at, stopped_at, disabled_at, due_at, $as_of) IN ('overdue', 'late'))";
    vec![
        ("all", json!({"name": "All", "visibility": "everybody"}), "true"),
        (
            "mine",
            json!({"visibility": {"users": ["ana"]}, "conditions": {"status": ["open", "done"], "assignee": ["ben", null]}}),
            "status IN ('open', 'done') AND (assignee = 'ben' OR assignee IS NULL)",
        ),
        (
            "grouped",
            json!({"visibility": {"groups": ["g"]}, "sort": "priority_highest",
                   "conditions": {"priority": ["urgent", "high"], "profile": ["fb", null]}}),
            "priority IN ('urgent', 'high') AND (profile = 'fb' OR profile IS NULL)",
        ),
        (
            "late",
            json!({"visibility": {"users": ["ben"], "groups": []}, "sort": "time_left_longest",
                   "conditions": {"milestone": ["first_response", "resolution"], "outcome": ["overdue", "late"]}}),
            overdue,
        ),
        (
            "old",
            json!({"conditions": {"age": {"min": "1h", "below": "2d"}, "sentiment": ["negative", "none"], "policy": [null]}}),
            "$as_of >= created_at + INTERVAL '1 hour' AND $as_of < created_at + INTERVAL '48 hours' \
             AND sentiment IN ('negative', 'none') AND policy IS NULL",
        ),
    ]
}

/// The custom views as events before everything else.
fn events(of_history: &[Value]) -> Vec<Value> {
    let first = of_history.iter().filter_map(|line| line["time"].as_str()).min().unwrap_or("2026-01-01T00:00:00Z");
    let view = |(id, data, _): (&str, Value, &str)| json!({"id": format!("view-{id}"), "source": "v", "type": "view.updated", "subject": id, "time": first, "data": data});
    custom().into_iter().map(view).collect()
}

async fn rows(database: &Database, sql: &str) -> Vec<Row> {
    let as_of = database.as_of().to_string();
    let sql = sql.replace("$as_of", &format!("TIMESTAMPTZ '{as_of}'"));
    let batches = database.session().sql(&sql).await.unwrap().collect().await.unwrap();
    batches.iter().flat_map(rows_of).collect()
}

async fn ids(database: &Database, condition: &str) -> BTreeSet<String> {
    let sql = format!("SELECT case_id FROM cases WHERE deleted_at IS NULL AND ({condition})");
    rows(database, &sql).await.iter().map(|row| row["case_id"].as_str().unwrap().to_owned()).collect()
}

/// Who a user is, by the tables.
struct Person {
    user: &'static str,
    is_agent: bool,
    is_admin: bool,
    groups: BTreeSet<String>,
}

impl Person {
    async fn read(database: &Database, user: &'static str) -> Option<Person> {
        let of_user = format!("SELECT role, groups FROM users WHERE \"user\" = '{user}' AND until IS NULL");
        let found = rows(database, &of_user).await;
        let row = found.first()?;
        let groups = format!("SELECT \"group\" FROM groups WHERE until IS NULL AND array_has(members, '{user}')");
        let mut own: BTreeSet<String> = texts(&row["groups"]).collect();
        own.extend(rows(database, &groups).await.iter().map(|row| row["group"].as_str().unwrap().to_owned()));
        let role = row["role"].as_str().unwrap();
        let (is_agent, is_admin) = (role == "agent", role == "admin");
        (role != "none").then_some(Person { user, is_agent, is_admin, groups: own })
    }

    fn has(&self, view: &Value) -> bool {
        let visibility = &view["visibility"];
        let in_group = texts(&visibility["groups"]).any(|group| self.groups.contains(&group));
        !self.is_agent
            || *visibility == "everybody"
            || texts(&visibility["users"]).any(|user| user == self.user)
            || in_group
    }

    /// The condition that the profile is visible.
    async fn visible(&self, database: &Database) -> String {
        let mut hidden = vec!["''".to_owned()];
        for row in rows(database, "SELECT profile, visible_to FROM profiles WHERE until IS NULL").await {
            let profile = row["profile"].as_str().unwrap();
            let listed: Vec<String> = texts(&row["visible_to"]).collect();
            let of_groups =
                format!("SELECT \"group\" FROM groups WHERE until IS NULL AND array_has(profiles, '{profile}')");
            let of_groups = rows(database, &of_groups).await;
            let sees = row["visible_to"].is_null()
                || listed.iter().any(|name| name == self.user || self.groups.contains(name))
                || of_groups.iter().any(|row| self.groups.contains(row["group"].as_str().unwrap()));
            if !sees && !self.is_admin {
                hidden.push(format!("'{profile}'"));
            }
        }
        format!("(profile IS NULL OR profile NOT IN ({}))", hidden.join(", "))
    }
}

fn texts(list: &Value) -> impl Iterator<Item = String> + '_ {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned)
}

/// The conditions of each view that a person has.
async fn conditions(database: &Database, person: &Person) -> BTreeMap<String, String> {
    let user = person.user;
    let own: Vec<(&str, &str)> =
        custom().iter().filter(|(_, view, _)| person.has(view)).map(|(id, _, sql)| (*id, *sql)).collect();
    let in_custom =
        own.iter().map(|(_, sql)| format!("({sql})")).chain(["false".to_owned()]).collect::<Vec<_>>().join(" OR ");
    let may_see = match person.is_agent {
        true => format!("{} AND (assignee = '{user}' OR {in_custom})", person.visible(database).await),
        false => person.visible(database).await,
    };
    let is_new = "status = 'new' AND assignee IS NULL";
    let with_status = |status: &str| format!("status = '{status}' AND assignee = '{user}'");
    let notes = "SELECT case_id, json_text(data, 'mentions') AS names FROM events WHERE type = 'message.noted'";
    let notes = rows(database, notes).await;
    let is_mentioned = |row: &&Row| {
        let names: Value = serde_json::from_str(row["names"].as_str().unwrap_or("[]")).unwrap();
        texts(&names).any(|name| name == user)
    };
    let mentioned = notes.iter().filter(is_mentioned).filter_map(|row| row["case_id"].as_str());
    let mentioned: Vec<String> = mentioned.map(|case| format!("'{case}'")).chain(["''".to_owned()]).collect();
    let built_in = [
        (
            "inbox",
            match person.is_agent {
                true => format!("assignee = '{user}' OR {in_custom}"),
                false => format!("status NOT IN ('done', 'spam') OR {in_custom}"),
            },
        ),
        ("new", if person.is_agent { format!("{is_new} AND ({in_custom})") } else { is_new.to_owned() }),
        ("my-open", with_status("open")),
        ("my-pending", with_status("pending")),
        ("my-on-hold", with_status("on_hold")),
        ("done", if person.is_agent { with_status("done") } else { "status = 'done'".to_owned() }),
        ("my-mentions", format!("case_id IN ({})", mentioned.join(", "))),
        ("spam", if person.is_agent { "false".to_owned() } else { "status = 'spam'".to_owned() }),
    ];
    let all = built_in.into_iter().chain(own.into_iter().map(|(id, sql)| (id, sql.to_owned())));
    all.map(|(view, sql)| (view.to_owned(), format!("({may_see}) AND ({sql})"))).collect()
}

async fn listed(database: &Database, view: &str, user: &str, sort: Option<Sort>) -> Vec<Row> {
    let (view, user, conditions) = (view.to_owned(), user.to_owned(), ViewConditions::default());
    rows_of(&cases_of(database, &ViewQuestion { view, user, sort, conditions }).await.unwrap())
}

#[tokio::test]
async fn built_in_views_are_those_of_a_plain_reading() {
    let mut runner = runner(histories_asked());
    let (mut compared, mut cases) = (0, 0);
    for _ in 0..(histories_asked() / 75).max(1) {
        let lines = busy_history().new_tree(&mut runner).unwrap().current();
        let database = open(&[events(&lines), lines].concat()).await;
        for user in ["ana", "ben", "sue", "robo"] {
            let Some(person) = Person::read(&database, user).await else {
                assert!(views_of(&database, user).await.is_err());
                continue;
            };
            let expected = conditions(&database, &person).await;
            let views = views_of(&database, user).await.unwrap();
            assert_eq!(
                views.iter().map(|view| &view.name).collect::<BTreeSet<_>>(),
                expected.keys().collect(),
                "{user}"
            );
            let own = database.seen_by(&Viewer::User(user.to_owned())).await.unwrap();
            for view in views {
                let found = listed(&database, &view.name, user, None).await;
                let found: BTreeSet<String> =
                    found.iter().map(|row| row["case_id"].as_str().unwrap().to_owned()).collect();
                assert_eq!(found, ids(&database, &expected[&view.name]).await, "{} of {user}", view.name);
                assert_eq!(view.cases, found.len(), "{} of {user}", view.name);
                // What a user sees as themself is what others see of them.
                assert_eq!(listed(&own, &view.name, user, None).await.len(), found.len());
                compared += 1;
                cases += found.len();
            }
        }
    }
    assert!(compared > 40 && cases > 200, "{compared} {cases}");
}

#[tokio::test]
async fn headers_are_those_of_the_explained_case() {
    let mut runner = runner(histories_asked());
    let mut kinds = BTreeMap::new();
    for _ in 0..(histories_asked() / 75).max(1) {
        let lines = busy_history().new_tree(&mut runner).unwrap().current();
        let chief = json!({"id": "chief", "source": "v", "type": "user.updated", "subject": "chief",
            "time": "2026-01-01T00:00:00Z", "data": {"role": "admin"}});
        let database = open(&[events(&lines), vec![chief], lines].concat()).await;
        let desk = timeline::desk(&database).await.unwrap();
        for row in listed(&database, "all", "chief", None).await {
            let case = row["case_id"].as_str().unwrap();
            let rows = CaseRows::read(&database.session(), case).await.unwrap();
            let explanation = timeline::explanation(&rows, &desk, Some(database.as_of())).unwrap();
            let (kind, milestone, ms, due_at) = match explanation.current {
                None => (Value::Null, Value::Null, Value::Null, None),
                Some(Current::Left { milestone, left_ms, due_at, .. }) => {
                    (json!("left"), json!(milestone.name()), json!(left_ms), due_at)
                }
                Some(Current::Overdue { milestone, for_ms, due_at, .. }) => {
                    (json!("overdue"), json!(milestone.name()), json!(for_ms), Some(due_at))
                }
                Some(Current::Completed { milestone, .. }) => {
                    (json!("completed"), json!(milestone.name()), Value::Null, None)
                }
                Some(Current::Closed { resolution_ms, .. }) => {
                    (json!("closed"), json!("resolution"), json!(resolution_ms), None)
                }
            };
            assert_eq!((&row["header"], &row["milestone"], &row["shown_ms"]), (&kind, &milestone, &ms), "{case}");
            if let Some(due_at) = due_at {
                assert_eq!(row["due_at"], json!(due_at.to_string()), "{case}");
            }
            let colour = explanation.current.as_ref().and_then(Current::verdict);
            let expected = colour.map_or("grey", |good| if good { "green" } else { "red" });
            assert_eq!(row["colour"].as_str().unwrap_or("grey"), expected, "{case}");
            *kinds.entry(kind.to_string()).or_insert(0) += 1;
        }
    }
    assert!(["\"left\"", "\"overdue\"", "\"closed\""].iter().all(|kind| kinds.contains_key(*kind)), "{kinds:?}");
}

fn event(kind: &str, subject: &str, time: &str, data: Value) -> Value {
    json!({"id": format!("{kind} {subject} {time}"), "source": "s", "type": kind, "subject": subject,
           "time": time, "data": data})
}

/// Two hours of a Friday and six of the Monday after it.
#[tokio::test]
async fn the_time_left_is_that_of_the_hours_of_the_calendar() {
    let day = json!([["09:00", "17:00"]]);
    let hours = json!({"mon": day, "tue": day, "wed": day, "thu": day, "fri": day});
    let policy =
        json!({"position": 1, "enabled": true, "calendar": "office", "targets": {"medium": {"first_response": "8h"}}});
    let database = open(&[
        event("user.updated", "chief", "2026-03-02T00:00:00Z", json!({"role": "admin"})),
        event("calendar.updated", "office", "2026-03-02T00:00:00Z", json!({"time_zone": "UTC", "hours": hours})),
        event("policy.updated", "p", "2026-03-02T00:00:00Z", policy),
        event("case.created", "a", "2026-03-06T15:00:00Z", json!({"customer": "kim", "priority": "medium"})),
        event("user.presence_changed", "chief", "2026-03-06T20:00:00Z", json!({"presence": "online"})),
    ])
    .await;
    let rows = listed(&database, "new", "chief", None).await;
    let left = json!({"header": "left", "shown_ms": 6 * 3_600_000, "due_at": "2026-03-09T15:00:00.000Z"});
    for (member, expected) in left.as_object().unwrap() {
        assert_eq!(&rows[0][member], expected, "{member}: {:?}", rows[0]);
    }
}

/// Cases whose keys of every sort differ, and two that differ in nothing but their ids.
fn sorted_desk() -> Vec<Value> {
    let event = |kind: &str, subject: &str, time: &str, data: Value| {
        event(kind, subject, &format!("2026-03-02T{time}:00Z"), data)
    };
    let targets = json!({"first_response": "2h", "resolution": "9h"});
    let policy =
        json!({"position": 1, "enabled": true, "targets": {"urgent": targets, "high": targets, "medium": targets}});
    let mut lines = vec![
        event("user.updated", "sue", "00:00", json!({"role": "supervisor"})),
        event("user.updated", "ana", "00:00", json!({})),
        event("policy.updated", "p", "00:00", policy),
        event("view.updated", "own", "00:00", json!({"sort": "priority_lowest", "conditions": {"status": ["new"]}})),
    ];
    for (case, created, message, priority) in [
        ("a", "09:00", "11:30", "medium"),
        ("b", "08:00", "11:50", "urgent"),
        ("c", "10:30", "11:10", "high"),
        ("d", "11:00", "11:20", "low"),
        ("e", "11:00", "11:20", "low"),
    ] {
        lines.push(event("case.created", case, created, json!({"customer": case, "priority": priority})));
        lines.push(event("message.received", case, message, json!({"message": case})));
    }
    lines.push(event("message.noted", "d", "11:40", json!({"message": "n1", "mentions": ["sue"]})));
    lines.push(event("message.noted", "a", "11:45", json!({"message": "n2", "mentions": ["ana", "sue"]})));
    lines.push(event("user.presence_changed", "ana", "12:00", json!({"presence": "online"})));
    lines
}

#[tokio::test]
async fn cases_come_in_the_order_of_each_sort() {
    let database = open(&sorted_desk()).await;
    let order = async |view: &str, sort: Option<Sort>| {
        let rows = listed(&database, view, "sue", sort).await;
        rows.iter().map(|row| row["case_id"].as_str().unwrap().to_owned()).collect::<String>()
    };
    // As of 12:00 a and b are overdue, since 11:00 and 10:00; c is due at 12:30; d and e have no target.
    let expected = [
        (Sort::CreatedOldest, "bacde"),
        (Sort::CreatedNewest, "decab"),
        (Sort::CustomerMessageNewest, "badec"),
        (Sort::CustomerMessageOldest, "cdeab"),
        (Sort::MessageNewest, "badec"),
        (Sort::MessageOldest, "cdeab"),
        (Sort::MentionNewest, "adbce"),
        (Sort::TimeLeftShortest, "bacde"),
        (Sort::TimeLeftLongest, "bacde"),
        (Sort::PriorityHighest, "bcade"),
        (Sort::PriorityLowest, "deacb"),
    ];
    for (sort, cases) in expected {
        assert_eq!(order("inbox", Some(sort)).await, cases, "{}", sort.name());
    }
    assert_eq!(expected.len(), Sort::ALL.len());
    assert_eq!(order("inbox", None).await, "bacde");
    assert_eq!(order("my-mentions", None).await, "ad");
    assert_eq!(order("own", None).await, "deacb");
    let sql = "SELECT string_agg(case_id, '') AS cases FROM view_cases('new', 'sue', 'created_newest')";
    assert_eq!(rows(&database, sql).await[0]["cases"], "decab");
}

#[test]
fn the_command_lists_views_and_cases_at_any_instant_and_a_faulty_view_is_set_aside() {
    let project = Project::new();
    let faulty = json!({"id": "x", "source": "s", "type": EventType::ViewUpdated.name(), "subject": "bad",
        "time": "2026-03-02T00:00:00Z", "data": {"name": "Bad", "conditions": {"owner": ["ana"]}}});
    let lines: String = sorted_desk().iter().chain([&faulty]).map(|line| format!("{line}\n")).collect();
    project.write("events.ndjson", lines);
    let summary = project.ingest(&["events.ndjson"], 1);
    assert_eq!(summary["quarantined"], 1);
    let quarantined = project.run(&["quarantine", "list"]);
    assert!(quarantined.stdout.contains("view \"Bad\": expected one of status, "), "{}", quarantined.stdout);
    let views = project.run(&["view", "--user", "sue", "--format", "csv"]);
    assert_eq!((views.code, views.stdout.lines().count()), (0, 10), "{} {}", views.stdout, views.stderr);
    assert!(
        views.stdout.contains("own,own,false,5") && views.stdout.contains("inbox,Inbox,true,5"),
        "{}",
        views.stdout
    );
    let before = ["view", "inbox", "--user", "sue", "--as-of", "2026-03-02T10:00:00Z", "--format", "csv"];
    let before = project.run(&before);
    assert_eq!(before.stdout.lines().skip(1).map(|line| &line[..1]).collect::<String>(), "ba", "{}", before.stderr);
    for (arguments, expected) in [
        (&["view", "inbox"][..], "views are those of a user"),
        (&["view", "inbx", "--user", "sue"][..], "did you mean `inbox`"),
        (&["view", "inbox", "--user", "unknown"][..], "no such user"),
    ] {
        let ran = project.run(arguments);
        assert_eq!((ran.code, ran.stderr.contains(expected)), (2, true), "{arguments:?}: {}", ran.stderr);
    }
}
