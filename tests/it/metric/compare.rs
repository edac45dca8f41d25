//! Numbers beside those of an earlier range.

use serde_json::{Value, json};

use super::{answer, ask, event};
use crate::project::{Project, Ran};

/// January has two cases of x, February one of x and one by email, February of the year before one by fax. Replies come
/// after 10 minutes in January, after 20 (x) and 30 (email) in February. The January case and one of February are done.
fn desk() -> Project {
    let case = |id: &str, time: &str, platform: &str| {
        let data = format!(r#"{{"customer":"of-{id}","platform":"{platform}"}}"#);
        event(&format!("{id}-1"), "case.created", id, time, &data)
    };
    let reply = |id: &str, n: u8, time: &str| {
        let data = format!(r#"{{"message":"{id}-m{n}","by":"ana"}}"#);
        event(&format!("{id}-r{n}"), "message.sent", id, time, &data)
    };
    let done = |id: &str, time: &str| {
        event(&format!("{id}-d"), "case.status_changed", id, time, r#"{"status":"done","by":"ana"}"#)
    };
    let lines = [
        case("Y", "2025-02-05T09:00:00Z", "fax"),
        case("J", "2026-01-05T09:00:00Z", "x"),
        reply("J", 1, "2026-01-05T09:10:00Z"),
        done("J", "2026-01-05T10:00:00Z"),
        case("K", "2026-01-31T09:00:00Z", "x"),
        case("F", "2026-02-05T09:00:00Z", "x"),
        reply("F", 1, "2026-02-05T09:20:00Z"),
        reply("F", 2, "2026-02-05T09:30:00Z"),
        done("F", "2026-02-05T10:00:00Z"),
        case("G", "2026-02-05T12:00:00Z", "email"),
        reply("G", 1, "2026-02-05T12:30:00Z"),
        done("G", "2026-02-05T13:00:00Z"),
    ];
    let project = Project::new();
    project.write("events.ndjson", lines.join("\n"));
    project.ingest(&["events.ndjson"], 0);
    project
}

/// The members of a row whose names begin with that of the aggregation.
fn of(row: &Value, aggregation: &str) -> Value {
    let members = row.as_object().unwrap().iter().filter(|(name, _)| name.starts_with(aggregation));
    Value::Object(members.map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn caption(ran: &Ran) -> Vec<&str> {
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stderr.lines().collect()
}

#[test]
fn each_group_stands_beside_itself_in_the_ranges_before() {
    let project = desk();
    let rows = answer(&project, "created_cases --range 2026-02 --by platform --compare previous,year");
    assert_eq!(
        rows,
        json!([
            {"platform": "email", "count": 1, "count_previous": 0, "count_previous_change": 1, "count_previous_percent": null,
             "count_year_before": 0, "count_year_before_change": 1, "count_year_before_percent": null,
             "contributions": 1, "cases": 1, "contributions_previous": 0, "cases_previous": 0,
             "contributions_year_before": 0, "cases_year_before": 0},
            {"platform": "fax", "count": 0, "count_previous": 0, "count_previous_change": 0, "count_previous_percent": null,
             "count_year_before": 1, "count_year_before_change": -1, "count_year_before_percent": -100.0,
             "contributions": 0, "cases": 0, "contributions_previous": 0, "cases_previous": 0,
             "contributions_year_before": 1, "cases_year_before": 1},
            {"platform": "x", "count": 1, "count_previous": 2, "count_previous_change": -1, "count_previous_percent": -50.0,
             "count_year_before": 0, "count_year_before_change": 1, "count_year_before_percent": null,
             "contributions": 1, "cases": 1, "contributions_previous": 2, "cases_previous": 2,
             "contributions_year_before": 0, "cases_year_before": 0},
        ])
    );
    let rows =
        answer(&project, "first_response_time --range 2026-02 --by platform --compare previous --show median,count");
    let minute = 60_000.0;
    assert_eq!(
        of(&rows[0], "median"),
        json!({"median": 30.0 * minute, "median_previous": null, "median_previous_change": null, "median_previous_percent": null})
    );
    assert_eq!(
        of(&rows[1], "median"),
        json!({"median": 20.0 * minute, "median_previous": 10.0 * minute, "median_previous_change": 10.0 * minute,
               "median_previous_percent": 100.0})
    );
    assert_eq!(of(&rows[0], "count")["count_previous"], json!(0));
}

#[test]
fn a_share_moves_by_points_and_stocks_and_ratios_are_compared_too() {
    let project = desk();
    let first = |words: &str| answer(&project, words)[0].clone();
    assert_eq!(
        of(&first("one_touch_cases --range 2026-02 --compare previous"), "share"),
        json!({"share": 0.5, "share_previous": 1.0, "share_previous_points": -50.0})
    );
    // Y, K and at the end of February nothing more.
    assert_eq!(
        of(&first("backlog --range 2026-02 --compare previous,year"), "count"),
        json!({"count": 2, "count_previous": 2, "count_previous_change": 0, "count_previous_percent": 0.0,
               "count_year_before": 1, "count_year_before_change": 1, "count_year_before_percent": 100.0})
    );
    // 2 unresolved by 2 resolutions in 28 days, then by 1 in 31.
    assert_eq!(
        of(&first("days_to_clear --range 2026-02 --compare previous"), "ratio"),
        json!({"ratio": 28.0, "ratio_previous": 62.0, "ratio_previous_change": -34.0,
               "ratio_previous_percent": -34.0 * 100.0 / 62.0})
    );
}

/// January has three days more than February, and March three days more than February.
#[test]
fn the_first_day_stands_beside_the_first_and_days_without_a_partner_are_rows_too() {
    let project = desk();
    let words = "created_cases --range 2026-02 --grain day --compare previous";
    let rows = answer(&project, words);
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 31);
    let number = |row: &Value, name: &str| row[name].as_i64().unwrap_or(0);
    let sum = |name: &str| rows.iter().map(|row| number(row, name)).sum::<i64>();
    assert_eq!([sum("count"), sum("count_previous")], [2, 2]);
    assert_eq!(
        [&rows[4]["bucket"], &rows[4]["bucket_previous"], &rows[4]["count"], &rows[4]["count_previous_change"]],
        [&json!("2026-02-05T00:00:00.000Z"), &json!("2026-01-05T00:00:00.000Z"), &json!(2), &json!(1)]
    );
    assert_eq!(
        rows[30],
        json!({"bucket": null, "bucket_previous": "2026-01-31T00:00:00.000Z", "count": null, "count_previous": 1,
               "count_previous_change": null, "count_previous_percent": null, "contributions": null, "cases": null,
               "contributions_previous": 1, "cases_previous": 1})
    );
    let notes = ask(&project, words);
    let expected = "note: the first day stands beside the first, the second beside the second, and so on; January 2026 has 3 days more, in rows without a day";
    assert!(caption(&notes).contains(&expected), "{}", notes.stderr);

    let words = "created_cases --range 2026-03 --grain day --compare previous";
    let rows = answer(&project, words);
    assert_eq!(rows.as_array().unwrap().len(), 31);
    assert_eq!(
        [&rows[30]["count"], &rows[30]["bucket_previous"], &rows[30]["count_previous"]],
        [&json!(0), &Value::Null, &Value::Null]
    );
    let notes = ask(&project, words);
    assert!(
        notes.stderr.contains("February 2026 has 3 days fewer, so the last rows have no day_previous"),
        "{}",
        notes.stderr
    );
}

#[test]
fn the_caption_names_the_ranges_and_what_is_not_comparable() {
    let project = desk();
    let ran = ask(&project, "created_cases --range 2026-02 --compare previous,year --as-of 2026-02-10");
    assert_eq!(
        caption(&ran),
        [
            "Created cases: February 2026, as of 2026-02-10 00:00:00.000 UTC; 2 contributions of 2 cases",
            "previous: January 2026 (the month before), as of 2026-01-31 23:59:59.999 UTC; 2 contributions of 2 cases",
            "note: February 2026 is not over: it is counted up to its as-of, January 2026 whole",
            "year: February 2025 (the year before), as of 2025-02-28 23:59:59.999 UTC; 1 contributions of 1 cases",
            "note: February 2026 is not over: it is counted up to its as-of, February 2025 whole",
            "note: the log begins at 2025-02-05 09:00:00.000 UTC, so it holds only a part of February 2025",
        ]
    );
    let ran = ask(&project, "backlog --range 2026-02 --compare previous --as-of 2026-02-10");
    assert!(ran.stderr.contains("it is read at its as-of, January 2026 at its end"), "{}", ran.stderr);
    let ran = ask(&project, "backlog --range 2025-01 --compare previous");
    assert!(ran.stderr.contains("so it holds nothing of December 2024"), "{}", ran.stderr);
}

#[test]
fn people_read_changes_in_the_unit_of_the_number() {
    let project = desk();
    let table = |words: &str| {
        let arguments: Vec<&str> = ["metric"].into_iter().chain(words.split(' ')).collect();
        let ran = project.run(&arguments);
        let row = ran.stdout.lines().nth(3).unwrap_or_default().to_owned();
        row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
    };
    let cells = table("first_response_time --range 2026-02 --where platform=x --compare previous");
    assert_eq!(cells[1..5], ["20m", "10m", "+10m", "+100.0 %"]);
    let cells = table("one_touch_cases --range 2026-02 --compare previous");
    assert_eq!(cells[1..4], ["50.0 %", "100.0 %", "−50.0 points"]);
    let cells = table("created_cases --range 2026-02 --by platform --compare year");
    assert_eq!(cells[1..6], ["email", "1", "0", "+1", "–"]);
}

#[test]
fn a_comparison_that_cannot_be_made_names_the_next_step() {
    let project = desk();
    let cases = [
        (
            "backlog --range 2026-02 --compare prevous",
            "--compare: `prevous` is not a comparison\nhint: did you mean `previous`?",
        ),
        ("backlog --range 2026-02 --compare week", "hint: write `previous` or `year`"),
        ("backlog --range 2026-02 --compare year,year", "--compare: `year` is asked for twice"),
        (
            "backlog --range 2026-02 --compare year --cases",
            "leave `--compare` out; `--range 2025-02` lists those of then",
        ),
        ("backlog --compare year", "add --range"),
        ("--compare year", "--compare: numbers need a metric"),
        ("backlog --range soon --compare year", "--range: `soon` is not a range"),
        ("backlog --range 2026 --grain dai", "--grain: `dai` is not a grain"),
        ("backlog --range 2026 --show mediann", "--show: `mediann` is not an aggregation"),
        ("backlog --range 2026 --by agnt", "--by: `agnt` is not a dimension"),
    ];
    for (words, expected) in cases {
        let ran = ask(&project, words);
        assert!(ran.code == 2 && ran.stderr.contains(expected), "{words}: {}", ran.stderr);
    }
}

#[test]
fn a_table_of_a_dashboard_has_what_was_before_and_the_change() {
    let project = desk();
    let page = |widget: &str, more: &[&str]| {
        let head = "title = \"T\"\nrange = \"2026-02\"\n[[row]]\n[[row.widget]]\ntitle = \"W\"\n";
        project.write("dashboards/mine.toml", format!("{head}{widget}"));
        let arguments: Vec<&str> =
            ["report", "mine", "--format", "html", "-o", "pages"].iter().chain(more).copied().collect();
        let ran = project.run(&arguments);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        std::fs::read_to_string(project.path("pages/mine.html")).unwrap()
    };
    let table = "metrics = [{ metric = \"created_cases\" }, { metric = \"one_touch_cases\" }]\nchart = \"table\"\n\
                 by = \"platform\"\ncompare = \"previous\"\n";
    let text = page(table, &[]);
    for expected in [
        "Created cases, the month before",
        "Created cases, change",
        "−1",
        "+1",
        "One-touch cases, change",
        "−100.0 points",
    ] {
        assert!(text.contains(expected), "no `{expected}` in {text}");
    }
    assert!(!text.contains("is not over"));
    let text = page(table, &["--as-of", "2026-02-10"]);
    assert!(text.contains("February 2026 is not over: it is counted up to its as-of, January 2026 whole."), "{text}");
    let text = page("metric = \"created_cases\"\nchart = \"line\"\ngrain = \"day\"\ncompare = \"previous\"\n", &[]);
    assert!(text.contains("January 2026 has 3 days more, not drawn."), "{text}");
}
