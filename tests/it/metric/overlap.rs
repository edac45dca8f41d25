//! Rows that have cases in common: nothing is counted twice in silence.

use serde_json::json;

use super::{answer, ask, desk, event};
use crate::project::Project;

/// The notes of an answer.
fn notes(project: &Project, words: &str) -> Vec<String> {
    let ran = ask(project, words);
    assert_eq!(ran.code, 0, "{words}: {}", ran.stderr);
    ran.stderr.lines().filter(|line| line.starts_with("note: ")).map(str::to_owned).collect()
}

fn sum(project: &Project, words: &str, name: &str) -> i64 {
    answer(project, words).as_array().unwrap().iter().map(|row| row[name].as_i64().unwrap_or(0)).sum()
}

/// A is resolved on both days, B on the first: three in the days, two all together.
#[test]
fn counts_of_distinct_cases_that_do_not_add_up_are_given_with_the_whole() {
    let project = desk();
    let days = "resolved_cases --range 2026-03-02..2026-03-04 --grain day";
    assert_eq!(sum(&project, days, "count"), 3);
    assert_eq!(answer(&project, "resolved_cases --range 2026-03-02..2026-03-04")[0]["count"], json!(2));
    let expected = "note: what counts once is in several rows, whose counts add up to 3; all together: count 2";
    assert_eq!(notes(&project, days), [expected]);
    // The whole is that of the filter, and without an overlap there is nothing to note.
    assert_eq!(notes(&project, &format!("{days} --where platform=x")).len(), 1);
    for words in [
        &format!("{days} --where platform=email"),
        "resolved_cases --range 2026-03-02 --by platform",
        "resolved_cases --range 2026-03-02..2026-03-04",
        "created_cases --range 2026-03-02..2026-03-04 --grain day --by platform",
        "first_response_time --range 2026-03 --by agent",
    ] {
        assert_eq!(notes(&project, words), Vec::<String>::new(), "{words}");
    }
    let later = "resolved_cases --range 2026-03-04..2026-03-06 --grain day --compare previous";
    assert!(notes(&project, later).contains(&expected.to_owned()));
}

#[test]
fn a_case_that_several_agents_answered_is_in_each_of_their_rows() {
    let project = desk();
    project.write("more.ndjson", event("a8", "message.sent", "A", "09:40", r#"{"message":"m3","by":"ben"}"#));
    project.ingest(&["more.ndjson"], 0);
    let words = "replies --range 2026-03-02 --by agent";
    assert_eq!([sum(&project, words, "count"), sum(&project, words, "cases")], [3, 3]);
    assert_eq!(
        notes(&project, words),
        ["note: a case is in each row that it contributes to: `cases` adds up to 3, all together there are 2"]
    );
    let later = notes(&project, "replies --range 2026-03-03 --by agent --compare previous");
    assert!(
        later.iter().any(|note| note.contains("`cases_previous` adds up to 3, all together there are 2")),
        "{later:?}"
    );
}

#[test]
fn the_days_of_a_stock_do_not_add_up() {
    let project = desk();
    assert_eq!(
        notes(&project, "backlog --range 2026-03-02..2026-03-05 --grain day"),
        ["note: a stock is read at the end of each day, so the numbers of several days do not add up"]
    );
    assert_eq!(notes(&project, "backlog --range 2026-03 --by status"), Vec::<String>::new());
}

#[test]
fn a_dashboard_states_it_too() {
    let project = desk();
    project.write(
        "dashboards/mine.toml",
        "title = \"T\"\nrange = \"2026-03-02..2026-03-04\"\n[[row]]\n[[row.widget]]\ntitle = \"W\"\nmetric = \"resolved_cases\"\nchart = \"bar\"\ngrain = \"day\"\n",
    );
    let ran = project.run(&["report", "mine", "--format", "html", "--output", "out"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let files = std::fs::read_dir(project.path("out")).unwrap().map(|file| file.unwrap().path());
    let page = files.filter(|path| path.extension().is_some_and(|ending| ending == "html"));
    let text: String = page.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert!(text.contains("What counts once is in several rows, whose counts add up to 3; all together: count 2."));
}
