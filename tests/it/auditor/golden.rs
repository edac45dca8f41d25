//! The worked cases of the specification, every member shown, in both directions.

use super::{Row, Tables, audit, cases::row, differences, instant, outcome};
use serde_json::{Value, json};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

fn check(name: &str) {
    let read = |ending: &str| std::fs::read_to_string(format!("{FOLDER}/{name}.{ending}")).expect("a golden file");
    let lines: Vec<Value> = read("ndjson").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let facts: Value = serde_json::from_str(&read("facts.json")).expect("JSON");
    let as_of = instant(facts["as_of"].as_str().expect("as_of"));
    let expected = expected(&facts);
    let mut found = audit(&lines);
    for milestone in found.get_mut("milestones").into_iter().flatten() {
        let outcome = outcome(milestone, as_of);
        milestone.insert("outcome".to_owned(), json!(outcome));
    }
    found.retain(|table, _| expected.contains_key(table));
    let differences = differences(&expected, &found);
    assert!(differences.is_empty(), "{name}\n{}", differences.join("\n"));
}

/// The nested lists of a golden file as tables.
fn expected(facts: &Value) -> Tables {
    let nested = ["periods", "turns", "resolutions", "milestones"];
    let mut tables = Tables::from([("cases", Vec::new()), ("findings", Vec::new())]);
    for table in nested {
        tables.insert(table, Vec::new());
    }
    for case in facts["cases"].as_array().expect("cases") {
        let mut own = row(case);
        for table in nested {
            own.remove(table);
            let rows = case[table].as_array().into_iter().flatten().map(|member| {
                let mut member: Row = row(member);
                member.insert("case_id".to_owned(), case["case_id"].clone());
                member
            });
            tables.entry(table).or_default().extend(rows);
        }
        tables.entry("cases").or_default().push(own);
    }
    for finding in facts["findings"].as_array().expect("findings") {
        let mut finding = row(finding);
        finding.insert("source".to_owned(), json!("golden"));
        tables.entry("findings").or_default().push(finding);
    }
    tables
}

#[test]
fn life() {
    check("01-life");
}

#[test]
fn office() {
    check("02-office");
}

#[test]
fn targets() {
    check("03-targets");
}

#[test]
fn clock_change() {
    check("04-clock-change");
}

#[test]
fn bots() {
    check("05-bots");
}

#[test]
fn gap() {
    check("06-gap");
}

#[test]
fn desk() {
    check("07-desk");
}

#[test]
fn edges() {
    check("08-edges");
}

#[test]
fn forgotten() {
    check("09-forgotten");
}
