//! People by pseudonyms: every output of `--anonymize` is searched for the names, ids and addresses of a desk in which each of them
//! has the same letters in it.

use std::collections::BTreeMap;
use std::path::Path;

use casebook::facts::tables::DESK_EVENTS;
use casebook::query::database::table_names;
use casebook::query::{memory, people};
use casebook::report::format::FORMATS;
use casebook::store::engine::Resources;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::project::{Project, Ran, rows_of, unpacked};

/// Is in every text of the desk that names a person. A pseudonym has none of these letters.
const MARK: &str = "loulou";

/// A generated desk with these people, and events that name some more in other ways.
fn lines() -> String {
    let made = Project::new().run(&["generate", "--cases", "80", "--seed", "3"]).stdout;
    let mut events: Vec<Value> = made.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let is_user = |event: &&Value| event["type"].as_str() == Some("user.updated");
    let users: Vec<String> =
        events.iter().filter(is_user).map(|event| event["subject"].as_str().unwrap().to_owned()).collect();
    for event in &mut events {
        renamed(event, &users);
    }
    let mut text: String = events.iter().map(|event| format!("{event}\n")).collect();
    let more = [
        (
            "customer.updated",
            "loulou-cu-000001",
            json!({"name": "Loulou Uno", "email": "loulou@mail.example", "phone": "+420 777 123 456"}),
        ),
        ("profile.updated", "lumen-x", json!({"visible_to": ["loulou-ana", "shop"]})),
        ("group.updated", "shop", json!({"members": ["loulou-josh", "loulou-ghost"]})),
        ("view.updated", "mine", json!({"name": "Loulou's", "visibility": {"users": ["loulou-ana"]}})),
        ("salesforce.connected", "c1", json!({"user": "loulou-ana"})),
        (
            "message.noted",
            "C-000002",
            json!({"message": "n-1", "by": "loulou-phantom", "mentions": ["loulou-ana"],
            "text": "Ask Loulou-Ana or Ana Loulouova, write to loulou.unknown@x.example or @loulou_unknown, call +420 777 123 456",
            "odd": "loulou"}),
        ),
        ("case.field_changed", "C-000002", json!({"field": "order", "value": "loulou-cu-000002", "by": "loulou-ana"})),
        (
            "case.field_changed",
            "C-000003",
            json!({"field": "undefined", "value": ["loulou-ana", "x"], "by": "loulou-ana"}),
        ),
        (
            "survey.answered",
            "C-000002",
            json!({"survey": "s", "kind": "csat", "score": 5, "comment": "thanks to @loulou-ana"}),
        ),
    ];
    for (number, (kind, subject, data)) in more.iter().enumerate() {
        let event = json!({"id": format!("more-{number}"), "source": "t", "type": kind, "subject": subject,
                           "time": "2026-05-20T10:00:00Z", "data": data});
        text.push_str(&format!("{event}\n"));
    }
    text + r#"{"id":"bad","source":"t","type":"case.assigned","subject":"C-000002","time":"loulou","data":{"agent":"loulou-ana"}}"#
}

/// Gives the users and customers of an event other ids and names.
fn renamed(event: &mut Value, users: &[String]) {
    let kind = event["type"].as_str().unwrap().to_owned();
    let subject = event["subject"].as_str().unwrap().to_owned();
    if kind.starts_with("user.") || kind.starts_with("customer.") {
        event["subject"] = format!("{MARK}-{subject}").into();
    }
    if kind == "user.updated" {
        let name = event["data"]["name"].as_str().unwrap();
        event["data"]["name"] = format!("{name} Loulouova").into();
        event["data"]["email"] = format!("{subject}@{MARK}.example").into();
    }
    let Some(data) = event["data"].as_object_mut() else { return };
    for (name, value) in data.iter_mut() {
        match name.as_str() {
            "by" | "agent" | "user" | "customer" => *value = format!("{MARK}-{}", value.as_str().unwrap()).into(),
            "customer_name" => *value = format!("Loulou {}", value.as_str().unwrap()).into(),
            "mentions" | "members" => {
                let all = value.as_array().unwrap().iter();
                *value = all.map(|user| format!("{MARK}-{}", user.as_str().unwrap())).collect::<Vec<_>>().into();
            }
            "text" => {
                let text = value.as_str().unwrap().to_owned();
                let text =
                    users.iter().fold(text, |text, user| text.replace(&format!("@{user}"), &format!("@{MARK}-{user}")));
                *value = format!("{text} Loulou María G.").into();
            }
            _ => {}
        }
    }
    if kind == "customer.updated" {
        data["name"] = format!("Loulou {}", data["name"].as_str().unwrap()).into();
    }
}

fn project() -> Project {
    let project = Project::new();
    project.write("events.ndjson", lines());
    project.ingest(&["events.ndjson"], 1);
    project
}

fn run(project: &Project, arguments: &[&str]) -> Ran {
    let ran = project.run(arguments);
    assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
    ran
}

/// Asserts that no person is named in what a run printed.
fn assert_no_person(what: &str, ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        assert_free_of_people(what, text.as_bytes());
    }
}

fn assert_free_of_people(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    for mark in [MARK, "777 123 456", "777%20123"] {
        if let Some(at) = text.find(mark) {
            let around: String = text[..at].chars().rev().take(120).collect::<Vec<_>>().into_iter().rev().collect();
            panic!("{what} names a person: {around}{}", text[at..].chars().take(60).collect::<String>());
        }
    }
}

/// The values of a Parquet file as text.
fn values_of(path: &Path) -> String {
    let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap()).unwrap().build().unwrap();
    reader.flat_map(|batch| rows_of(&batch.unwrap())).map(|row| Value::Object(row).to_string()).collect()
}

/// The files of a folder, by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap())).collect()
}

fn assert_files_free_of_people(folder: &Path) {
    for (name, bytes) in files(folder) {
        assert_free_of_people(&name, name.as_bytes());
        assert_free_of_people(&name, &bytes);
        if name.ends_with(".xlsx") {
            assert_free_of_people(&name, unpacked(&folder.join(&name)).as_bytes());
        }
        if name.ends_with(".parquet") {
            assert_free_of_people(&name, values_of(&folder.join(&name)).as_bytes());
        }
    }
}

/// Every number of a report, sorted: pseudonyms change the order of equal rows, and so which cases of equal groups are listed.
fn numbers(page: &Value, all: &mut Vec<String>) {
    match page {
        Value::Number(number) => all.push(number.to_string()),
        Value::Array(items) => items.iter().for_each(|item| numbers(item, all)),
        Value::Object(members) => {
            let members = members.iter().filter(|(name, _)| *name != "listed");
            members.for_each(|(_, member)| numbers(member, all));
        }
        _ => {}
    }
}

fn numbers_of(folder: &Path, board: &str) -> Vec<String> {
    let page: Value = serde_json::from_slice(&std::fs::read(folder.join(format!("{board}.json"))).unwrap()).unwrap();
    let mut all = Vec::new();
    numbers(&page["tabs"], &mut all);
    all.sort();
    all
}

#[test]
fn no_file_of_any_board_names_a_person_and_the_figures_are_the_same() {
    let project = project();
    let all: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    let all = all.join(",");
    let boards = run(&project, &["report"]).stdout;
    let report = |board: &str, format: &str, more: &[&str]| {
        let ask = ["report", board, "--range", "2026-05", "--format", format, "--where", "agent!=loulou-ana"];
        run(&project, &[&ask[..], more].concat())
    };
    for board in boards.lines() {
        let formats = if board == "agents" { all.as_str() } else { "json,csv,parquet" };
        report(board, "json,csv", &["-o", "plain"]);
        let ran = report(board, formats, &["-o", "once", "--anonymize"]);
        assert_no_person(board, &Ran { stdout: String::new(), ..ran });
        assert_eq!(numbers_of(&project.path("plain"), board), numbers_of(&project.path("once"), board), "{board}");
    }
    report("agents", &all, &["-o", "twice", "--anonymize"]);
    assert_files_free_of_people(&project.path("once"));
    let once = files(&project.path("once"));
    for (name, bytes) in files(&project.path("twice")) {
        assert!(once.get(&name) == Some(&bytes), "{name}: the same question gives the same bytes");
    }
    let plain = std::fs::read_to_string(project.path("plain/agents.json")).unwrap();
    assert!(plain.contains("loulou-josh"), "the search finds people where they are shown");
    let shown = std::fs::read_to_string(project.path("once/agents.json")).unwrap();
    assert!(shown.contains("agent is not agent-") && shown.contains(" --anonymize --cases"), "{shown}");
    assert!(shown.contains("Users and customers are shown by pseudonyms."), "{shown}");
}

#[test]
fn a_report_by_pseudonyms_is_verified_with_the_key_of_its_project() {
    let project = project();
    let ask =
        ["report", "agents", "--range", "2026-05", "--format", "csv", "--where", "agent!=loulou-ana", "--anonymize"];
    run(&project, &[&ask[..], &["-o", "pages"]].concat());
    let manifest = std::fs::read_to_string(project.path("pages/agents.manifest.json")).unwrap();
    assert_free_of_people("the manifest", manifest.as_bytes());
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    assert_eq!([&manifest["question"]["anonymize"], &manifest["question"]["with_text"]], [true, false]);
    let verified = run(&project, &["verify", "pages/agents.manifest.json"]);
    assert!(!verified.stderr.contains("note:"), "{}", verified.stderr);
    let late = json!({"id": "late", "source": "t", "type": "message.sent", "subject": "C-000002",
                      "time": "2026-05-21T10:00:00Z", "data": {"message": "l", "by": "loulou-josh"}});
    project.write("late.ndjson", late.to_string());
    project.ingest(&["late.ndjson"], 0);
    let restated = project.run(&["restate", "pages/agents.manifest.json"]);
    assert!(restated.stdout.contains("agent=agent-"), "{}{}", restated.stdout, restated.stderr);
    assert_no_person("restate", &restated);
    std::fs::remove_file(project.path("store/pseudonyms.key")).unwrap();
    let ran = project.run(&["verify", "pages/agents.manifest.json"]);
    assert!(ran.code == 1 && ran.stdout.contains("the store has another key of pseudonyms"), "{}", ran.stdout);
}

#[test]
fn no_metric_case_or_table_names_a_person() {
    let project = project();
    let month = ["--range", "2026-05"];
    let metrics: [&[&str]; 6] = [
        &["created_cases", "--by", "agent,customer"],
        &["first_response_time", "--by", "agent", "--cases"],
        &["handled_cases", "--by", "agent", "--format", "json"],
        &["created_cases", "--by", "field.order,field.undefined", "--format", "csv"],
        &["created_cases", "--cases", "--format", "ndjson", "--by", "customer"],
        &["csat", "--by", "customer", "--where", "customer=loulou-cu-000001,loulou-none"],
    ];
    for with_text in [&[][..], &["--with-text"]] {
        for metric in metrics {
            let ran = run(&project, &[&["metric"], metric, &month, &["--anonymize"], with_text].concat());
            assert_no_person(metric[0], &ran);
        }
        for case in ["C-000001", "C-000002", "C-000003"] {
            for format in ["table", "json"] {
                let ran = run(&project, &[&["case", case, "--format", format, "--anonymize"], with_text].concat());
                assert_no_person(case, &ran);
            }
        }
        let mut tables = table_names();
        tables.push(DESK_EVENTS.name);
        let all: Vec<String> = tables.iter().map(|table| format!("SELECT * FROM {table}")).collect();
        let all = all.join(";\n");
        for format in ["csv", "ndjson"] {
            let ran = run(&project, &[&["sql", &all, "--format", format, "--anonymize"], with_text].concat());
            assert_no_person(format, &ran);
        }
        for table in ["events", "cases", "groups", "findings"] {
            let query = format!("SELECT * FROM {table}");
            run(&project, &[&["sql", &query, "-o", "t.parquet", "--anonymize"], with_text].concat());
            assert_free_of_people(table, values_of(&project.path("t.parquet")).as_bytes());
        }
    }
    let plain = run(&project, &["sql", "SELECT * FROM users", "--format", "csv"]);
    assert!(plain.stdout.contains("loulou-ana,"), "{}", plain.stdout);
}

#[test]
fn texts_are_withheld_unless_they_are_asked_for() {
    let project = project();
    let sql = "SELECT count(text) AS texts, count(*) AS messages FROM messages WHERE direction = 'noted'";
    let ask = |more: &[&str]| run(&project, &[&["sql", sql, "--format", "csv"], more].concat()).stdout;
    let withheld = ask(&["--anonymize"]);
    assert!(withheld.contains("\n0,"), "{withheld}");
    assert_eq!(ask(&["--anonymize", "--with-text"]), ask(&[]));
    let note = "SELECT text FROM messages WHERE message = 'n-1'";
    let shown = run(&project, &["sql", note, "--format", "csv", "--anonymize", "--with-text"]).stdout;
    let users = run(
        &project,
        &["sql", "SELECT \"user\", name FROM users WHERE team = 'care'", "--anonymize", "--format", "csv"],
    );
    let ana = shown.split(' ').nth(1).unwrap();
    assert!(users.stdout.contains(&format!("{ana},{ana}")), "{}", users.stdout);
    // The number is known of a customer.
    let sql = "SELECT customer FROM customers WHERE name IS NOT NULL AND since >= '2026-05-20'";
    let customer = run(&project, &["sql", sql, "--anonymize", "--format", "csv"]).stdout;
    let customer = customer.lines().nth(1).unwrap();
    assert_eq!(
        shown.lines().last().unwrap(),
        format!("\"Ask {ana} or {ana}, write to [e-mail] or [handle], call {customer}\"")
    );
    // Why a case has its policy follows from its text, whether that is shown or not.
    for case in ["C-000001", "C-000002", "C-000003", "C-000004"] {
        let policy = |more: &[&str]| {
            let ran = run(&project, &[&["case", case, "--format", "json"], more].concat());
            serde_json::from_str::<Value>(&ran.stdout).unwrap()["policy"].take()
        };
        assert_eq!(policy(&[]), policy(&["--anonymize"]));
    }
}

#[test]
fn filters_take_ids_and_pseudonyms() {
    let project = project();
    let csv = |by: &str, more: &[&str]| {
        let ask = ["metric", "created_cases", "--range", "2026", "--format", "csv", "--by", by, "--anonymize"];
        run(&project, &[&ask[..], more].concat())
    };
    for (by, id) in [("agent", "loulou-ana"), ("customer", "loulou-cu-000001"), ("field.order@now", "loulou-cu-000002")]
    {
        let of_id = csv(by, &["--where", &format!("{by}={id}")]);
        assert_no_person(by, &of_id);
        let row = of_id.stdout.lines().nth(1).unwrap_or_else(|| panic!("{by}: {}", of_id.stdout)).to_owned();
        let pseudonym = row.split(',').next().unwrap();
        assert_eq!(csv(by, &["--where", &format!("{by}={pseudonym}")]).stdout, of_id.stdout);
        assert!(csv(by, &[]).stdout.contains(&row), "{row}");
    }
    let none = csv("agent", &["--where", "agent=loulou-nothing"]);
    assert!(none.stderr.contains("nothing in the log has `agent=agent-"), "{}", none.stderr);
    assert_no_person("a filter without rows", &none);
}

#[test]
fn another_project_has_other_pseudonyms_and_a_project_keeps_its_own() {
    let (ours, theirs) = (project(), project());
    let users = |project: &Project| {
        let sql = "SELECT DISTINCT \"user\" FROM users ORDER BY 1";
        let shown = run(project, &["sql", sql, "--format", "csv", "--anonymize"]).stdout;
        shown.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let own = users(&ours);
    assert!(own.len() > 5 && users(&theirs).iter().all(|user| !own.contains(user)));
    run(&ours, &["vacuum"]);
    run(&ours, &["store", "check"]);
    run(&ours, &["replay", "--full"]);
    assert_eq!(users(&ours), own);
}

/// A column or a member that is added states what it holds; until then it is withheld.
#[tokio::test(flavor = "multi_thread")]
async fn every_column_of_texts_states_what_it_holds() {
    let line = br#"{"id":"a","source":"t","type":"case.created","subject":"C","time":"2026-05-01T00:00:00Z","data":{"customer":"c"}}"#;
    let resources = Resources { memory_bytes: 256 << 20, threads: 1 };
    let session = memory::open([&line[..]], resources).await.unwrap();
    let in_memory = table_names().into_iter().filter(|table| !["quarantine", "schedule_runs"].contains(table));
    for table in in_memory {
        let provider = session.table_provider(table).await.unwrap();
        for field in provider.schema().fields() {
            let is_stated = people::holds(table, field.name()).is_some();
            assert!(is_stated || !people::can_name_people(field.data_type()), "`{}` of `{table}`", field.name());
        }
    }
    for field in casebook::log::quarantine::QUARANTINE_SCHEMA.fields() {
        let is_shown = field.name() != "bytes" && people::can_name_people(field.data_type());
        assert!(!is_shown || people::holds("quarantine", field.name()).is_some(), "`{}` of `quarantine`", field.name());
    }
    for field in DESK_EVENTS.schema().fields() {
        let is_stated = people::holds(DESK_EVENTS.name, field.name()).is_some();
        assert!(is_stated || !people::can_name_people(field.data_type()), "`{}` of the desk's events", field.name());
    }
}
