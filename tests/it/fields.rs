//! Custom fields of several values: a case counts under each of its tags.

use serde_json::{Value, json};

use crate::metric::event;
use crate::project::{Project, Ran};

/// Five cases, all of them done but F. A, B and E have tags, C has none, D has an empty list. `memo` is a text that looks like
/// a list, `mark` is not defined.
fn desk() -> Project {
    let created = |case: &str, fields: &str| {
        let data = format!(r#"{{"customer":"c{case}","fields":{fields}}}"#);
        event(&format!("{case}1"), "case.created", case, "09:00", &data)
    };
    let mut lines = vec![
        event("f1", "field.updated", "memo", "2026-01-01T00:00:00Z", r#"{"kind":"text","enabled":true}"#),
        event("f2", "field.updated", "ids", "2026-01-01T00:00:00Z", r#"{"kind":"multi","enabled":true}"#),
        created("A", r#"{"tags":["parcel","refund","parcel"],"memo":"[\"x\",\"y\"]","mark":"[1]","ids":[7,8]}"#),
        created("B", r#"{"tags":["parcel"],"memo":"[urgent] call","mark":"[urgent] call"}"#),
        created("C", "{}"),
        created("D", r#"{"tags":[]}"#),
        created("E", r#"{"tags":["web, \"mobile\""]}"#),
        event("F1", "case.created", "F", "2026-03-04T09:00:00Z", r#"{"customer":"cF"}"#),
        event("B3", "case.field_changed", "B", "2026-03-03T09:00:00Z", r#"{"field":"tags","value":["lost"]}"#),
    ];
    for (case, minute) in [("A", "10"), ("B", "20"), ("C", "30"), ("D", "40"), ("E", "50")] {
        lines.push(event(
            &format!("{case}2"),
            "case.status_changed",
            case,
            &format!("10:{minute}"),
            r#"{"status":"done"}"#,
        ));
    }
    let project = Project::new();
    project.write("events.ndjson", lines.join("\n"));
    project.ingest(&["events.ndjson"], 0);
    project
}

/// Asks about 2 March, as of its end.
fn ask(project: &Project, words: &[&str]) -> Ran {
    let ran = project.run(&[&["metric"], words, &["--range", "2026-03-02", "--format", "json"]].concat());
    assert_eq!(ran.code, 0, "{words:?}: {}", ran.stderr);
    ran
}

fn rows(ran: &Ran) -> Vec<Value> {
    serde_json::from_str(&ran.stdout).unwrap()
}

/// Group and count of each row.
fn groups(project: &Project, words: &[&str], name: &str) -> Vec<(Value, Value)> {
    let rows = rows(&ask(project, words));
    rows.iter().map(|row| (row[name].clone(), row["count"].clone())).collect()
}

/// The number of cases that pass filters.
fn passing(project: &Project, filters: &[&str]) -> Value {
    let filters: Vec<&str> = filters.iter().flat_map(|filter| ["--where", filter]).collect();
    rows(&ask(project, &[&["created_cases"], filters.as_slice()].concat()))[0]["count"].clone()
}

#[test]
fn a_case_counts_under_each_of_its_tags_and_the_answer_states_the_whole() {
    let project = desk();
    let by_tag = ["created_cases", "--by", "field.tags"];
    let expected = [
        (json!("parcel"), json!(2)),
        (json!("refund"), json!(1)),
        (json!("web, \"mobile\""), json!(1)),
        (Value::Null, json!(2)),
    ];
    assert_eq!(groups(&project, &by_tag, "field.tags"), expected);
    let note =
        "note: a case counts under each of its values of `field.tags`, so the groups do not add up; all together: ";
    let stderr = ask(&project, &by_tag).stderr;
    assert!(stderr.contains(&format!("{note}count 5\n")) && stderr.contains("5 contributions of 5 cases"), "{stderr}");
    let median = ask(&project, &["resolution_time", "--by", "field.tags"]).stderr;
    assert!(median.contains(&format!("{note}median 1h 30m\n")), "{median}");
    let ratio = ask(&project, &["days_to_clear", "--by", "field.tags"]).stderr;
    assert!(ratio.contains(&format!("{note}ratio ")), "{ratio}");
    // As of the end of the range, B has the tag that it got on the next day only in that range.
    let now = ["created_cases", "--by", "field.tags@now"];
    assert_eq!(groups(&project, &now, "field.tags@now"), expected);
    let later = project.run(&[&["metric"], &now[..], &["--range", "2026-03", "--format", "json"]].concat());
    let tags: Vec<Value> = rows(&later).iter().map(|row| row["field.tags@now"].clone()).collect();
    assert_eq!(tags, [json!("lost"), json!("parcel"), json!("refund"), json!("web, \"mobile\""), Value::Null]);
}

#[test]
fn a_filter_finds_a_tag_among_others() {
    let project = desk();
    let cases: &[(&[&str], i64)] = &[
        (&["field.tags=parcel"], 2),
        (&["field.tags=refund"], 1),
        (&["field.tags=refund,parcel"], 2),
        (&["field.tags=parcel", "field.tags=refund"], 1),
        (&["field.tags!=refund"], 4),
        (&["field.tags!=refund,parcel"], 3),
        (&["field.tags="], 2),
        (&["field.tags!="], 3),
        (&["field.tags=parcel,"], 4),
        (&["field.tags!=parcel,"], 1),
        (&["field.tags=web\\, \"mobile\""], 1),
        (&["field.tags@now=parcel"], 2),
        (&["field.ids=7"], 1),
        // Texts, whatever they look like.
        (&["field.memo=[\"x\"\\,\"y\"]"], 1),
        (&["field.memo=[urgent] call"], 1),
        (&["field.mark=[urgent] call"], 1),
        (&["field.mark=[1]"], 1),
    ];
    for (filters, expected) in cases {
        assert_eq!(passing(&project, filters), json!(expected), "{filters:?}");
    }
    for words in [["--by", "field.memo"], ["--by", "field.mark"], ["--where", "field.tags=parcel"]] {
        let ran = ask(&project, &[&["created_cases"][..], &words].concat());
        assert!(!ran.stderr.contains("note:"), "{words:?} {}", ran.stderr);
    }
    let both = project.run(&[
        "metric",
        "created_cases",
        "--range",
        "2026",
        "--where",
        "field.tags=",
        "--where",
        "field.tags=parcel",
    ]);
    assert!(both.code == 2 && both.stderr.contains("nothing passes both"), "{}", both.stderr);
    let unknown = ask(&project, &["created_cases", "--where", "field.tags=parcels"]);
    let note = "note: nothing in the log has `field.tags=parcels`; did you mean `parcel`?";
    assert!(unknown.stderr.contains(note), "{}", unknown.stderr);
    let known = ask(&project, &["created_cases", "--where", "field.tags=lost"]);
    assert!(!known.stderr.contains("note:"), "{}", known.stderr);
}

#[test]
fn the_cases_of_groups_are_listed_once_for_each_group() {
    let project = desk();
    let listed = |words: &[&str]| -> (Vec<String>, String) {
        let ran = ask(&project, &[&["created_cases", "--cases"], words].concat());
        let text = |row: &Value| format!("{} {}", row["case_id"], row["field.tags"]).replace('"', "");
        (rows(&ran).iter().map(text).collect(), ran.stderr)
    };
    let (cases, stderr) = listed(&["--by", "field.tags"]);
    let mut sorted = cases.clone();
    sorted.sort();
    assert_eq!(sorted, ["A parcel", "A refund", "B parcel", "C null", "D null", "E web, \\mobile\\"]);
    assert!(stderr.contains("note: a contribution is listed once for each value of `field.tags`"), "{stderr}");
    let (cases, stderr) = listed(&["--where", "field.tags=parcel,refund"]);
    assert_eq!(cases, ["A null", "B null"]);
    assert!(!stderr.contains("note:"), "{stderr}");
}

#[test]
fn a_report_states_that_groups_have_cases_in_common_and_adds_none_of_them() {
    let project = desk();
    let widget = |title: &str, more: &str| {
        format!("[[row.widget]]\ntitle = \"{title}\"\nmetric = \"created_cases\"\nby = \"field.tags\"\n{more}\n")
    };
    let widgets = widget("Bars", "chart = \"bar\"\ntop = 1") + &widget("Table", "chart = \"table\"");
    project.write("dashboards/tags.toml", format!("title = \"T\"\nrange = \"2026-03-02\"\n[[row]]\n{widgets}"));
    let ran = project.run(&["report", "tags", "-o", "pages"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let page = std::fs::read_to_string(project.path("pages/tags.html")).unwrap();
    let note =
        "A case counts under each of its values of `field.tags`, so the groups do not add up; all together: count 5.";
    assert_eq!(page.matches(note).count(), 2, "{page}");
    assert!(page.contains("3 smaller groups are not drawn") && !page.contains("other ("), "{page}");
}

/// The log knows the field, if not at that moment.
#[test]
fn a_field_that_is_defined_later_has_no_values_before() {
    let project = desk();
    let later = event("g1", "field.updated", "tier", "2026-03-05T00:00:00Z", r#"{"kind":"single","values":["gold"]}"#);
    project.write("later.ndjson", later);
    project.ingest(&["later.ndjson"], 0);
    let asked = |filter: &str| {
        let words = ["created_cases", "--where", filter, "--as-of", "2026-03-04"];
        project.run(&[&["metric"], &words[..], &["--range", "2026-03-02", "--format", "json"]].concat())
    };
    let before = asked("field.tier=gold");
    assert_eq!(before.code, 0, "{}", before.stderr);
    assert_eq!(rows(&before)[0]["count"], json!(0));
    assert!(before.stderr.contains("note: nothing in the log has `field.tier=gold`"), "{}", before.stderr);
    assert_eq!(rows(&asked("field.tier="))[0]["count"], json!(5));
    let unknown = asked("field.tire=gold");
    assert!(unknown.code == 2 && unknown.stderr.contains("uses the field `tire`"), "{}", unknown.stderr);
}
