//! What a user may see (7.1, 9.6). Every hidden thing of the desk has a marker in its texts and ids. Each attempt is made on
//! the whole log and on one that lacks almost all that is hidden: what it gives must have no marker, and must be the same.

mod assistants;
mod attempts;
mod bytes;
mod desk;
mod http;
mod http_attempts;
mod wire;
mod wire_attempts;

use std::collections::BTreeMap;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use casebook::log::Log;
use casebook::query::database::{Database, table_names};
use casebook::query::rights::Viewer;
use casebook::query::sql::{self, Script};
use casebook::replay::{self, ReplayScope};
use casebook::store::Store;
use casebook::store::engine::Resources;
use futures::StreamExt;
use serde_json::Value;

use crate::project::Project;
use attempts::{ATTEMPTS, OF_TABLES};
use desk::{HIDDEN_FROM_ALL, HIDDEN_FROM_ANA, all, hidden_count, without_hidden};

const RESOURCES: Resources = Resources { memory_bytes: 256 << 20, threads: 2 };

/// A project with these events.
fn project(lines: &[Value]) -> Project {
    let project = Project::new();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    project.write("events.ndjson", text + desk::BROKEN_LINE);
    project.ingest(&["events.ndjson"], 1);
    project
}

async fn database(project: &Project) -> Database {
    let log = Log::open(&Store::open(&project.path("store")).unwrap()).await.unwrap();
    replay::refresh(&log, RESOURCES, ReplayScope::REFRESH).await.unwrap();
    Database::present(&log, RESOURCES).await.unwrap()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(work)
}

fn viewer(user: &str) -> Viewer {
    Viewer::User(user.to_owned())
}

/// The lines of an answer in an order of their own, or what is wrong.
async fn answer(database: &Database, text: &str) -> Vec<String> {
    match rows(database, text).await {
        Ok(mut rows) => {
            rows.sort();
            rows
        }
        Err(error) => vec![error],
    }
}

async fn rows(database: &Database, text: &str) -> Result<Vec<String>, String> {
    let script = Script { name: "query".to_owned(), text: text.to_owned(), reader: "`casebook sql`" };
    let shown = |error: casebook::error::Error| format!("{error} {}", error.hint().unwrap_or_default());
    let session = sql::session(database);
    let mut rows = Vec::new();
    for plan in sql::plans(&session, &script).await.map_err(shown)? {
        let mut stream = sql::run(&session, plan, &script).await.map_err(shown)?;
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(|error| error.to_string())?;
            let options = FormatOptions::default();
            let columns: Vec<ArrayFormatter<'_>> =
                batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
            for row in 0..batch.num_rows() {
                let values = columns.iter().map(|column| column.value(row).to_string());
                rows.extend(values.collect::<Vec<_>>().join(" | ").lines().map(str::to_owned));
            }
        }
    }
    Ok(rows)
}

fn attempts() -> Vec<String> {
    let of_tables = OF_TABLES.iter().flat_map(|attempt| {
        table_names().into_iter().chain(["desk_events"]).map(move |table| {
            let left_out = if ["events", "quarantine"].contains(&table) { " EXCEPT (ingested_at)" } else { "" };
            attempt.replace("{table}", table).replace("{columns}", &format!("*{left_out}"))
        })
    });
    ATTEMPTS.iter().map(|attempt| (*attempt).to_owned()).chain(of_tables).collect()
}

#[test]
fn two_hundred_attempts_show_nothing_that_is_hidden() {
    assert!(attempts().len() >= 200, "{}", attempts().len());
    assert_nothing_shows("ana", HIDDEN_FROM_ANA);
}

/// Makes every attempt as that user, on the whole log and on one without what has these markers.
fn assert_nothing_shows(user: &str, markers: &[&str]) {
    let (whole, reduced) = (project(&all()), project(&without_hidden(markers)));
    let mut complaints = Vec::new();
    run(async {
        let whole = database(&whole).await.seen_by(&viewer(user)).await.unwrap();
        let reduced = database(&reduced).await.seen_by(&viewer(user)).await.unwrap();
        for attempt in &attempts() {
            let (seen, expected) = (answer(&whole, attempt).await, answer(&reduced, attempt).await);
            complaints.extend(found(attempt, &seen, markers));
            // What is measured differs from run to run.
            let (seen, expected) = (without_value(seen), without_value(expected));
            if !attempt.contains("ANALYZE") && seen != expected {
                complaints.push(format!("{attempt}: {seen:?} instead of {expected:?}"));
            }
        }
    });
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// An error about a value that cannot be read names one of several: which one, follows from the order of the rows.
fn without_value(lines: Vec<String>) -> Vec<String> {
    let cut = |line: String| match ["'", "Syntax("].iter().filter_map(|mark| line.find(mark)).min() {
        Some(at) if line.starts_with("Arrow error: ") => line[..at].to_owned(),
        _ => line,
    };
    lines.into_iter().map(cut).collect()
}

/// The lines that have a marker which the attempt itself did not write there, a file, or the number of hidden cases.
fn found(attempt: &str, lines: &[String], markers: &[&str]) -> Vec<String> {
    let count = hidden_count().to_string();
    let is_shown = |line: &&String| {
        let text = line.to_lowercase();
        let mut unwritten = markers.iter().filter(|marker| !attempt.to_lowercase().contains(**marker));
        let has_marker = unwritten.any(|marker| text.contains(marker));
        let has_file = attempt.starts_with("EXPLAIN") && (text.contains("parquet") || text.contains("store/"));
        let has_count = match attempt.contains("ANALYZE") {
            // Not the digits of a measured time.
            true => [",", "]"].iter().any(|end| text.contains(&format!("={count}{end}"))),
            false => text.split(|letter: char| !letter.is_ascii_digit()).any(|number| number == count),
        };
        has_marker || has_file || has_count
    };
    lines.iter().filter(is_shown).map(|line| format!("{attempt}: {line}")).collect()
}

fn check(attempt: &str, lines: &[String], markers: &[&str]) {
    let found = found(attempt, lines, markers);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_supervisor_sees_all_cases_of_visible_profiles_and_nothing_of_others() {
    assert_nothing_shows("sue", HIDDEN_FROM_ALL);
    let whole = project(&all());
    run(async {
        let sue = database(&whole).await.seen_by(&viewer("sue")).await.unwrap();
        let zebras = answer(&sue, "SELECT count(*) FROM cases WHERE starts_with(case_id, 'zebra')").await;
        assert_eq!(zebras, [desk::ZEBRAS.to_string()]);
    });
}

#[test]
fn no_column_of_any_table_has_a_marker() {
    let whole = project(&all());
    run(async {
        let owner = database(&whole).await;
        let ana = owner.seen_by(&viewer("ana")).await.unwrap();
        let (mut hidden, mut shown) = (BTreeMap::new(), 0);
        for table in table_names().into_iter().chain(["desk_events"]) {
            for row in answer(&ana, &format!("SELECT * FROM {table}")).await {
                check(table, &[row], HIDDEN_FROM_ANA);
                shown += 1;
            }
            let all = answer(&owner, &format!("SELECT * FROM {table}")).await;
            let marked = all.iter().filter(|row| HIDDEN_FROM_ANA.iter().any(|marker| row.contains(marker))).count();
            hidden.insert(table, marked);
        }
        let across =
            "SELECT DISTINCT rule FROM findings WHERE rule IN ('second_open_case', 'over_capacity') ORDER BY rule";
        assert_eq!(answer(&owner, across).await, ["over_capacity", "second_open_case"]);
        assert!(answer(&ana, across).await.is_empty());
        // The search would find what is there: the tables have hidden rows, and ana sees others.
        assert!(shown > 100, "{shown}");
        for table in ["cases", "events", "messages", "customers", "findings", "milestones", "quarantine", "surveys"] {
            assert!(hidden[table] > 0, "{table}");
        }
    });
}

#[test]
fn an_admin_sees_what_the_owner_sees() {
    let whole = project(&all());
    run(async {
        let owner = database(&whole).await;
        let admin = owner.seen_by(&viewer("adm")).await.unwrap();
        assert!(!admin.rights().is_limited());
        for table in table_names() {
            let sql = format!("SELECT * FROM {table}");
            assert_eq!(answer(&admin, &sql).await, answer(&owner, &sql).await, "{table}");
        }
    });
}

#[test]
fn who_is_no_user_may_see_nothing_and_rights_are_never_widened() {
    let whole = project(&all());
    run(async {
        let owner = database(&whole).await;
        for (user, why) in [("unheard", "no such user"), ("nix", "`none`"), ("gone", "no such user")] {
            let error = owner.seen_by(&viewer(user)).await.map(drop).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
        let ana = owner.seen_by(&viewer("ana")).await.unwrap();
        assert!(ana.seen_by(&Viewer::Owner).await.is_err() && ana.seen_by(&viewer("adm")).await.is_err());
        let same = ana.seen_by(&viewer("ana")).await.unwrap();
        let count = "SELECT count(*) FROM cases";
        assert_eq!(answer(&same, count).await, answer(&ana, count).await);
        assert_eq!(answer(&same.showing(same.people().clone()), count).await, answer(&ana, count).await);
    });
}

const METRICS: [&str; 12] = [
    "created_cases",
    "backlog",
    "first_response_time",
    "resolution_time",
    "time_to_assign",
    "messages_received",
    "messages_sent",
    "sla_attainment",
    "sla_overdue",
    "reopenings",
    "csat",
    "resolved_cases",
];

#[test]
fn the_figures_of_an_agent_are_those_of_a_log_of_their_cases() {
    let (whole, reduced) = (project(&all()), project(&without_hidden(HIDDEN_FROM_ANA)));
    let mut numbers = 0;
    for metric in METRICS {
        let arguments =
            ["metric", metric, "--range", "2026-03", "--grain", "week", "--by", "agent", "--as-user", "ana"];
        let arguments = [&arguments[..], &["--format", "csv", "--as-of", "2026-03-20"]].concat();
        let (seen, expected) = (whole.run(&arguments), reduced.run(&arguments));
        assert_eq!((seen.code, &seen.stdout), (0, &expected.stdout), "{metric}: {}", seen.stderr);
        assert!(!seen.stdout.contains("zebra") && !seen.stdout.contains("okapi"), "{metric}: {}", seen.stdout);
        numbers += seen.stdout.lines().count();
    }
    assert!(numbers > 40, "{numbers}");
}

#[test]
fn every_command_that_reads_facts_takes_the_same_way() {
    let whole = project(&all());
    whole.write(
        "dashboards/small.toml",
        "title = \"Small\"\n[[tab]]\ntitle = \"One\"\n[[tab.row]]\n[[tab.row.widget]]\ntitle = \"By customer\"\nchart = \"table\"\nmetric = \"created_cases\"\nby = [\"customer\"]\n",
    );
    let commands: [&[&str]; 8] = [
        &["cases", "--format", "csv"],
        &["sql", "SELECT * FROM messages"],
        &["case", "ana-1", "--with-text"],
        &["case", "ana-1", "--format", "json", "--with-text"],
        &["view", "inbox"],
        &["view"],
        &["metric", "created_cases", "--range", "2026-03", "--cases"],
        &["report", "overview", "--range", "2026-03", "--format", "html,csv,json", "-o", "out"],
    ];
    for command in commands {
        let ran = whole.run(&[command, &["--as-user", "ana"]].concat());
        assert_eq!(ran.code, 0, "{command:?}: {}", ran.stderr);
        check(&command.join(" "), &[ran.stdout.replace("store/", ""), ran.stderr], HIDDEN_FROM_ANA);
    }
    let mut files = 0;
    for file in std::fs::read_dir(whole.path("out")).unwrap() {
        let path = file.unwrap().path();
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).to_lowercase();
        assert!(HIDDEN_FROM_ANA.iter().all(|marker| !text.contains(marker)), "{}", path.display());
        files += 1;
    }
    assert!(files > 2, "{files}");
    let verified = whole.run(&["verify", "out/overview.manifest.json"]);
    assert_eq!(verified.code, 0, "{} {}", verified.stdout, verified.stderr);
}

#[test]
fn a_case_that_may_not_be_seen_is_as_one_that_is_not_there() {
    let whole = project(&all());
    let refused = |id: &str| {
        let ran = whole.run(&["case", id, "--as-user", "ana"]);
        (ran.code, ran.stdout, ran.stderr.replace(id, "ID"))
    };
    let hidden = refused("zebra-1");
    assert_eq!((hidden.0, &hidden), (2, &refused("none-1")));
    assert_eq!(refused("okapi-1"), hidden);
    let other = whole.run(&["view", "inbox", "--user", "ben", "--as-user", "ana"]);
    assert_eq!((other.code, other.stderr.contains("only their own views")), (2, true), "{}", other.stderr);
}
