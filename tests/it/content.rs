//! What schedules send: the same bytes as the commands give for the same question, and what is wrong with what is written.

use std::path::Path;
use std::sync::Arc;

use casebook::metric::catalogue::Catalogue;
use casebook::model::time::Instant;
use casebook::schedule::content::{Content, merged};
use casebook::schedule::parcel::{Rendered, RenderedFile, Role};
use casebook::schedule::sources::Sources;
use casebook::store::Store;
use casebook::store::engine::Resources;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use crate::project::Project;

const RESOURCES: Resources = Resources { memory_bytes: 512 << 20, threads: 2 };
/// A Monday after the month that the generated desk is asked about.
const MONDAY: &str = "2026-06-01T06:00:00Z";

fn desk() -> Project {
    let project = Project::new();
    let made = project.run(&["generate", "--cases", "300", "--seed", "3"]);
    project.write("events.ndjson", made.stdout);
    project.ingest(&["events.ndjson"], 0);
    project
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(work)
}

pub fn sources(project: &Project) -> Sources {
    let folder = project.path("");
    let catalogue = block_on(Catalogue::load(&folder)).unwrap();
    Sources::new(&folder, &Store::open(&project.path("store")).unwrap(), RESOURCES, Arc::new(catalogue))
}

#[derive(Deserialize)]
struct Sent {
    send: Vec<Content>,
}

/// The contents of a file with `[[send]]`.
fn contents(text: &str) -> Vec<Content> {
    toml::from_str::<Sent>(text).unwrap().send
}

fn content(text: &str) -> Content {
    contents(&format!("[[send]]\n{text}")).remove(0)
}

fn prague() -> TimeZone {
    TimeZone::get("Europe/Prague").unwrap()
}

fn render(sources: &Sources, text: &str) -> Rendered {
    block_on(content(text).render(sources, Instant::parse(MONDAY).unwrap(), &prague())).unwrap()
}

fn file<'r>(rendered: &'r Rendered, name: &str) -> &'r RenderedFile {
    let names: Vec<&str> = rendered.files.iter().map(|file| file.name.as_str()).collect();
    rendered.files.iter().find(|file| file.name == name).unwrap_or_else(|| panic!("no {name} in {names:?}"))
}

pub fn mail(rendered: &Rendered, role: Role) -> String {
    let mail = rendered.files.iter().find(|file| file.role == role).unwrap();
    String::from_utf8(mail.bytes.clone()).unwrap()
}

#[test]
fn a_board_is_what_report_writes() {
    let project = desk();
    let sources = sources(&project);
    let formats = "html,pdf,xlsx,png,svg,markdown,csv,parquet,json";
    let asked =
        "report overview --range 2026-05 --tz Europe/Prague --where platform=email --hours business --cases 3 -o out";
    let ran = project.run(&[asked.split(' ').collect::<Vec<_>>(), vec!["--format", formats]].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let list: Vec<String> = formats.split(',').map(|format| format!("\"{format}\"")).collect();
    let text = format!(
        "board = \"overview\"\nrange = \"last full month\"\nwhere = [\"platform=email\"]\nhours = \"business\"\ncases = 3\nformats = [{}]",
        list.join(",")
    );
    let rendered = render(&sources, &text);
    let mut compared = 0;
    for path in ran.stdout.lines() {
        let (name, bytes) = (Path::new(path).file_name().unwrap().to_str().unwrap(), std::fs::read(path).unwrap());
        let own = &file(&rendered, name).bytes;
        match name.ends_with(".manifest.json") {
            false => assert!(*own == bytes, "{name}"),
            // It also states how the range was typed.
            true => {
                let [mut own, file]: [Value; 2] = [own, &bytes].map(|bytes| serde_json::from_slice(bytes).unwrap());
                assert_eq!(own["question"]["range"]["typed"].take(), "last full month");
                own["question"]["range"]["typed"] = "2026-05".into();
                assert_eq!(own, file);
            }
        }
        compared += 1;
    }
    assert_eq!(compared, rendered.files.iter().filter(|file| file.role == Role::File).count());
    assert!(rendered.summary.figures.len() > 3 && rendered.summary.figures.len() <= 8, "{:?}", rendered.summary);
    assert_eq!(rendered.summary.range, "May 2026 (Europe/Prague)");
}

#[test]
fn numbers_and_rows_are_what_the_commands_print() {
    let project = desk();
    let sources = sources(&project);
    let metric = "metric first_response_time --range 2026-05 --tz Europe/Prague --by agent --show median,p90 --sort -median --limit 5 --compare previous";
    let rendered = render(
        &sources,
        "metric = \"first_response_time\"\nrange = \"last full month\"\nby = \"agent\"\nshow = [\"median\", \"p90\"]\n\
         sort = [\"-median\"]\nlimit = 5\ncompare = \"previous\"\nname = \"responses\"\n\
         formats = [\"csv\", \"json\", \"ndjson\", \"parquet\", \"xlsx\"]",
    );
    for format in ["csv", "json", "ndjson", "parquet", "xlsx"] {
        let words: Vec<&str> = metric.split(' ').chain(["--format", format, "-o", "out"]).collect();
        assert_eq!(project.run(&words).code, 0);
        let expected = std::fs::read(project.path("out")).unwrap();
        assert!(file(&rendered, &format!("responses.{format}")).bytes == expected, "{format}");
    }
    project.write(
        "exports/closed.sql",
        "SELECT case_id, created_at FROM cases WHERE created_at >= $from AND created_at < $to ORDER BY 1",
    );
    let plain = "SELECT case_id, created_at FROM cases WHERE created_at >= '2026-04-30T22:00:00Z' AND created_at < '2026-05-31T22:00:00Z' ORDER BY 1";
    let rendered =
        render(&sources, "sql = \"exports/closed.sql\"\nrange = \"last full month\"\nformats = [\"csv\", \"parquet\"]");
    for format in ["csv", "parquet"] {
        assert_eq!(project.run(&["sql", plain, "--format", format, "-o", "out"]).code, 0);
        let expected = std::fs::read(project.path("out")).unwrap();
        assert!(file(&rendered, &format!("closed.{format}")).bytes == expected, "{format}");
    }
    let rows = expected_rows(&project, plain);
    assert!(rows > 50);
    assert_eq!(
        (rendered.summary.figures[0].text.as_str(), rendered.summary.figures.len()),
        (rows.to_string().as_str(), 1)
    );
    let text = mail(&rendered, Role::MailText);
    assert!(text.contains(&format!("({} more rows are not shown here)", rows - 50)), "{text}");
}

fn expected_rows(project: &Project, sql: &str) -> usize {
    project.run(&["sql", sql, "--format", "csv"]).stdout.lines().count() - 1
}

#[test]
fn mails_show_the_numbers_and_nothing_from_outside() {
    let project = desk();
    let sources = sources(&project);
    for board in ["overview", "supervisor-weekly", "agents"] {
        let rendered = render(&sources, &format!("board = \"{board}\"\nrange = \"last full month\"\nformats = []"));
        let (html, text) = (mail(&rendered, Role::MailHtml), mail(&rendered, Role::MailText));
        for forbidden in ["<script", "<svg", "http:", "https:", "url(", "<link"] {
            assert!(!html.contains(forbidden), "{board}: {forbidden}");
        }
        assert!(html.len() < 102_000, "{board}: Gmail cuts a mail of {} bytes", html.len());
        assert!(text.lines().all(|line| line.chars().count() <= 78), "{text}");
        let pictures: Vec<&RenderedFile> = rendered.files.iter().filter(|file| file.role == Role::Picture).collect();
        assert_eq!(pictures.len(), html.matches("src=\"cid:").count());
        assert!(pictures.iter().all(|picture| html.contains(&format!("src=\"cid:{}\"", picture.name))));
        assert!(rendered.files.iter().all(|file| file.role != Role::File), "nothing is attached");
        if board == "supervisor-weekly" {
            insta::assert_snapshot!("mail.html", html);
            insta::assert_snapshot!("mail.txt", text);
        }
    }
}

#[test]
fn contents_of_one_run_keep_their_names_apart() {
    let project = desk();
    let sources = sources(&project);
    let board = "board = \"supervisor-weekly\"\nrange = \"last full month\"\nformats = [\"csv\"]";
    let metric = "metric = \"created_cases\"\nrange = \"last full month\"";
    let parts: Vec<Rendered> = [board, metric, board].map(|text| render(&sources, text)).to_vec();
    let both = merged(parts.clone());
    let mut names: Vec<&str> = both.files.iter().map(|file| file.name.as_str()).collect();
    let html = mail(&both, Role::MailHtml);
    for picture in both.files.iter().filter(|file| file.role == Role::Picture) {
        assert_eq!(html.matches(&format!("\"cid:{}\"", picture.name)).count(), 1, "{}", picture.name);
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert_eq!(both.summary.title, "Week of the desk, Created cases, Week of the desk");
    assert_eq!(both.summary.range, "May 2026 (Europe/Prague)");
    assert_eq!(both.summary.figures.len(), 8);
    let text = mail(&both, Role::MailText);
    assert_eq!(text.matches("Week of the desk\n====").count(), 2, "{text}");
    assert_eq!(merged(vec![parts[1].clone()]).files.len(), parts[1].files.len());
}

#[test]
fn what_cannot_be_sent_names_its_key() {
    let unreadable = [
        ("", "it sends nothing: expected `board`, `metric`, `sql` or `breach_notices`"),
        ("board = \"a\"\nmetric = \"b\"", "`board` and `metric` are two contents"),
        ("board = \"a\"\ngrain = \"day\"", "the key `grain` does nothing beside `board`"),
        ("board = \"a\"\ncompare = [\"year\", \"previous\"]", "a dashboard is compared with one range"),
        ("metric = \"a\"", "a metric needs a range"),
        ("metric = \"a\"\nrange = \"2026\"\ncases = 3", "the key `cases` does nothing beside `metric`"),
        ("metric = \"a\"\nrange = \"2026\"\nlimit = 0", "`limit` is a whole number of rows"),
        ("sql = \"a.sql\"\nwhere = \"a=b\"", "the key `where` does nothing beside `sql`"),
        ("breach_notices = false", "write `breach_notices = true`"),
        ("breach_notices = true\nformats = \"csv\"", "the key `formats` does nothing beside `breach_notices`"),
        ("board = \"a\"\nformats = 3", "a text or a list of texts"),
        ("bord = \"a\"", "unknown field `bord`"),
    ];
    for (text, expected) in unreadable {
        let error = toml::from_str::<Sent>(&format!("[[send]]\n{text}")).map(|_| ()).unwrap_err();
        assert!(error.message().contains(expected), "{text}: {error}");
    }
}

#[test]
fn every_fault_is_found_before_anything_is_rendered() {
    let project = Project::new();
    for (name, sql) in [
        ("drop", "DROP TABLE cases"),
        ("two", "SELECT 1; SELECT 2"),
        ("column", "SELECT case_idd FROM cases"),
        ("broken", "SELEC 1"),
        ("plain", "SELECT 1 AS one"),
        ("range", "SELECT case_id FROM cases WHERE created_at >= $from"),
        ("other", "SELECT case_id FROM cases WHERE created_at >= $since"),
        ("into", "SELECT 1 AS one INTO other"),
    ] {
        project.write(&format!("{name}.sql"), sql);
    }
    let sources = sources(&project);
    let wrong: &[(&str, &[&str])] = &[
        ("board = \"overvew\"", &["s: `board`: there is no dashboard `overvew` / did you mean `overview`?"]),
        (
            "board = \"overview\"\nformats = [\"pfd\", \"html\", \"html\"]\nrange = \"lst week\"\nhours = \"office\"\n\
             compare = \"yaer\"\nwhere = [\"platfrm=x\"]\nname = \"a/b\"",
            &[
                "s: `formats`: `html` is named twice",
                "s: `formats`: `pfd` is not a format / the formats of a dashboard are html, pdf, ",
                "s: `name`: `a/b` is not a name for files",
                "s: `hours`: `office` are no hours",
                "s: `compare`: `yaer` is not a comparison / did you mean `year`?",
                "s: `where`: ",
                "s: `range`: `lst week` is not a range",
            ],
        ),
        ("board = \"overview\"\nwidget = \"Bcklog\"\nformats = \"png\"", &["s: `widget`: there is no widget `Bcklog`"]),
        (
            "board = \"supervisor-weekly\"\nwidget = \"Agents in the week\"",
            &["s: `formats`: `html` shows a whole page, not one widget"],
        ),
        (
            "metric = \"backlg\"\nrange = \"2026\"",
            &["s: `metric`: there is no metric `backlg` / did you mean `backlog`?"],
        ),
        ("metric = \"backlog\"\nrange = \"20266\"", &["s: `range`: `20266` is not a range"]),
        ("metric = \"backlog\"\nrange = \"2026\"\nby = \"agnt\"", &["s: `by`: "]),
        (
            "metric = \"backlog\"\nrange = \"2026\"\ngrain = \"dya\"",
            &["s: `grain`: `dya` is not a grain / the grains are hour, day"],
        ),
        ("metric = \"backlog\"\nrange = \"2026\"\nshow = \"hours\"", &["s: `show`: `backlog` is not a time"]),
        ("metric = \"backlog\"\nrange = \"2026\"\nwhere = \"agent\"", &["s: `where`: the filter `agent` has no `=`"]),
        ("metric = \"backlog\"\nrange = \"2026\"\ncompare = \"last\"", &["s: `compare`: `last` is not a comparison"]),
        (
            "metric = \"backlog\"\nrange = \"2026\"\nsort = \"-median\"",
            &["s: `sort`: `median` is not a column of these rows / the columns are count, contributions, cases"],
        ),
        ("metric = \"backlog\"\nrange = \"2026\"\nformats = \"pdf\"", &["s: `formats`: `pdf` is not a format of rows"]),
        ("sql = \"missing.sql\"", &["s: `sql`: "]),
        ("sql = \"drop.sql\"", &["drop.sql: `DROP` is refused: a schedule only reads / write one query"]),
        ("sql = \"into.sql\"", &["into.sql: `SELECT INTO` is refused: a schedule only reads"]),
        ("sql = \"two.sql\"", &["two.sql: expected one query, found 2"]),
        ("sql = \"column.sql\"", &["column.sql:1:8: there is no column `case_idd` / did you mean `case_id`?"]),
        ("sql = \"broken.sql\"", &["broken.sql:1:1: "]),
        ("sql = \"plain.sql\"\nrange = \"2026\"", &["s: `range`: plain.sql uses neither $from nor $to"]),
        ("sql = \"range.sql\"", &["s: `range`: range.sql uses $from or $to, and there is no range"]),
        ("sql = \"other.sql\"", &["other.sql: `$since` is not a parameter"]),
    ];
    let mut complaints = Vec::new();
    for (text, expected) in wrong {
        let faults = block_on(content(text).check(&sources, "s"));
        let found: Vec<String> =
            faults.iter().map(|fault| format!("{fault} / {}", fault.hint().unwrap_or_default())).collect();
        let is_expected = |(found, expected): (&String, &&str)| found.starts_with(expected);
        if found.len() != expected.len() || !found.iter().zip(*expected).all(is_expected) {
            complaints.push(format!("{text}: {found:#?}"));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    let twice =
        contents("[[send]]\nboard = \"overview\"\n[[send]]\nmetric = \"csat\"\nrange = \"2026\"\nname = \"overview\"");
    let faults = Content::check_together(&twice, "s");
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].to_string(), "s: two contents give files that are named `overview`");
}

#[test]
fn equal_contents_have_one_key() {
    let (at, later) = (Instant::parse(MONDAY).unwrap(), Instant::parse("2026-06-08T06:00:00Z").unwrap());
    let key = |text: &str, at, zone: &str| content(text).key(at, &TimeZone::get(zone).unwrap()).unwrap();
    let board = "board = \"overview\"";
    let written = format!("{board}\nformats = [\"html\"]\ncases = 10\nanonymize = false");
    assert_eq!(key(board, at, "UTC"), key(&written, at, "UTC"));
    let others = [
        key(board, at, "Europe/Prague"),
        key(board, later, "UTC"),
        key("board = \"overview\"\ncases = 3", at, "UTC"),
        key("metric = \"csat\"\nrange = \"2026\"", at, "UTC"),
    ];
    assert!(others.iter().all(|other| *other != key(board, at, "UTC")));
}

#[test]
fn a_board_under_a_name_is_verified_by_its_manifest() {
    let project = desk();
    let rendered = render(
        &sources(&project),
        "board = \"supervisor-weekly\"\nname = \"week\"\nformats = [\"csv\", \"xlsx\"]\nanonymize = true",
    );
    for file in rendered.files.iter().filter(|file| file.role == Role::File) {
        assert!(file.name.starts_with("week."), "{}", file.name);
        project.write(&format!("sent/{}", file.name), &file.bytes);
    }
    let ran = project.run(&["verify", "sent/week.manifest.json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn pseudonyms_are_in_the_mail_too_and_all_contents_are_of_one_state() {
    let project = desk();
    let sources = sources(&project);
    let agents = "board = \"agents\"\nrange = \"last full month\"\nformats = []";
    let plain = render(&sources, agents);
    assert!(mail(&plain, Role::MailText).contains("\nmateo "));
    // What comes later is not in what the same sources give.
    let line = r#"{"specversion":"1.0","id":"late","source":"t","type":"case.created","time":"2026-05-20T10:00:00Z","subject":"LATE","data":{"customer":"c","platform":"email"}}"#;
    project.write("late.ndjson", line);
    project.ingest(&["late.ndjson"], 0);
    let anonymized = render(&sources, &format!("{agents}\nanonymize = true"));
    for role in [Role::MailHtml, Role::MailText] {
        assert!(!mail(&anonymized, role).contains("mateo"));
    }
    let log_line = |rendered: &Rendered| {
        let text = mail(rendered, Role::MailText);
        text.lines().find(|line| line.starts_with("Log:")).unwrap().to_owned()
    };
    assert_eq!(log_line(&anonymized), log_line(&plain));
    assert_ne!(log_line(&render(&self::sources(&project), agents)), log_line(&plain));
}
