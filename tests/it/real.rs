//! The real data: two public exports through the mappings that come with the program, against figures that another
//! engine computed. They are not part of the repository: where they are absent these tests say so and pass.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::project::{Project, assert_same_facts, of_repository};

/// The file of that name in the folder of `CASEBOOK_TEST_DATA`, by default `../shared/data`.
fn data(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("CASEBOOK_TEST_DATA").map_or_else(|| of_repository("../shared/data"), PathBuf::from);
    let path = std::path::absolute(folder.join(name)).unwrap();
    if path.is_file() {
        return Some(path);
    }
    // Not `eprintln!`, whose output is hidden where a test passes.
    let mut out = std::io::stderr().lock();
    let _ = writeln!(out, "SKIPPED: there is no {}; CASEBOOK_TEST_DATA names the folder that has it", path.display());
    None
}

/// Imports through a built-in mapping.
fn import(project: &Project, mapping: &str, table: &PathBuf) -> Value {
    let mut command = project.command(&["import", "--summary", "json", "--mapping", mapping]);
    let output = command.arg(table).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Imports again: nothing is added and every fact stays.
fn assert_second_import_adds_nothing(project: &Project, mapping: &str, table: &PathBuf, first: &Value) {
    let facts = project.facts();
    let second = import(project, mapping, table);
    assert_eq!((&second["added"], &second["duplicates"]), (&json!(0), &first["added"]));
    assert_eq!(second["left_out"], first["left_out"]);
    assert_eq!(project.run(&["replay", "--full"]).code, 0);
    assert_same_facts(&facts, &project.facts());
}

/// Facts derived another way say the same, and so does a full replay.
fn assert_nothing_contradicts(project: &Project) {
    for command in [&["check"][..], &["replay", "--compare"]] {
        let ran = project.run(command);
        assert_eq!(ran.code, 0, "{command:?}: {}{}", ran.stdout, ran.stderr);
    }
}

/// A query's only row, in the order of its columns' names.
fn row(project: &Project, sql: &str) -> Value {
    let rows = project.rows(sql);
    assert_eq!(rows.len(), 1, "{sql}");
    Value::Object(rows[0].clone())
}

#[test]
fn volvo_incidents() {
    let Some(table) = data("volvo-incidents.csv.gz") else { return };
    let project = Project::new();
    let summary = import(&project, "volvo-incidents", &table);
    assert_eq!(
        (&summary["rows"], &summary["cases"], &summary["quarantined"]),
        (&json!(65_533), &json!(7_554), &json!(0))
    );
    let unmatched = json!([{
        "event": "case.status_changed", "reason": "`lifecycle:transition` is not in the map", "count": 5,
        "values": {"Unmatched": 5},
    }]);
    assert_eq!(summary["left_out"]["events"], unmatched);

    let counts = "SELECT (SELECT count(*) FROM cases) AS cases, (SELECT count(*) FROM assignments) AS assignments,
                  (SELECT count(*) FROM resolutions) AS resolutions, (SELECT sum(reopenings) FROM cases) AS reopenings,
                  (SELECT count(*) FROM cases WHERE reopenings > 0) AS reopened";
    let expected =
        json!({"cases": 7_554, "assignments": 28_203, "resolutions": 8_126, "reopenings": 580, "reopened": 514});
    assert_eq!(row(&project, counts), expected);
    let reopened = "SELECT count(*) FROM resolutions WHERE reopened_at IS NOT NULL";
    assert_eq!(project.value(reopened), 580, "resolutions and cases tell the same reopenings");

    let statuses = project.rows("SELECT status, count(*) AS n FROM cases GROUP BY status ORDER BY n DESC, status DESC");
    let statuses: Vec<Value> = statuses.into_iter().map(|row| json!([row["status"], row["n"]])).collect();
    assert_eq!(statuses, [json!(["done", 7_546]), json!(["pending", 3]), json!(["open", 3]), json!(["on_hold", 2])]);

    let created = "SELECT count(*) FILTER (WHERE created_at >= '2012-04-01' AND created_at < '2012-05-01') AS april,
                   count(*) FILTER (WHERE created_at >= '2012-05-01' AND created_at < '2012-06-01') AS may FROM cases";
    assert_eq!(row(&project, created), json!({"april": 2_039, "may": 5_189}));

    let first_resolution = "SELECT count(*) AS n, round(median(elapsed_ms / 3.6e6), 4) AS median,
        round(sum(elapsed_ms) / count(*)::double / 3.6e6, 4) AS mean,
        round(percentile_cont(0.9) WITHIN GROUP (ORDER BY elapsed_ms / 3.6e6), 4) AS p90 FROM resolutions WHERE n = 1";
    let expected = json!({"n": 7_546, "median": 6.0267, "mean": 176.4423, "p90": 382.4951});
    assert_eq!(row(&project, first_resolution), expected);
    assert_nothing_contradicts(&project);
    assert_second_import_adds_nothing(&project, "volvo-incidents", &table, &summary);
}

/// The facts of every table without custom fields, and the events without their ids. Ids in facts have the name of a rule, of which
/// the mapping of the table has two where that of logs has one.
fn facts_of_any_rule(project: &Project) -> Vec<(String, Vec<String>)> {
    let mut facts = project.facts();
    facts.retain(|(table, _)| !["field_values", "fields", "cases", "events"].contains(&table.as_str()));
    let queries = [
        ("cases", "SELECT * EXCEPT (fields) FROM cases"),
        ("events", "SELECT type, subject, time, sequence, status, agent FROM events"),
    ];
    for (table, sql) in queries {
        let rows = project.rows(sql).into_iter();
        let mut rows: Vec<String> = rows.map(|row| Value::Object(row).to_string()).collect();
        rows.sort();
        facts.push((table.to_owned(), rows));
    }
    for (_, rows) in &mut facts {
        rows.iter_mut().for_each(|row| *row = row.replace(":completed\"", ":case.status_changed\""));
        rows.sort();
    }
    facts
}

#[test]
fn an_event_log_by_the_mapping_of_logs_has_the_facts_of_the_table_by_its_own_mapping() {
    let (Some(table), Some(log)) = (data("volvo-incidents.csv.gz"), data("volvo-incidents.xes.gz")) else { return };
    let (of_table, of_log) = (Project::new(), Project::new());
    import(&of_table, "volvo-incidents", &table);
    // Under the source of the table, which rows of facts name.
    let mapping =
        include_str!("../../data/mappings/xes.toml").replacen("source = \"xes\"", "source = \"volvo/incidents\"", 1);
    of_log.write("mappings/xes.toml", mapping);
    let summary = import(&of_log, "xes", &log);
    assert_eq!(
        (&summary["rows"], &summary["cases"], &summary["quarantined"], &summary["columns_absent"]),
        (&json!(65_533), &json!(7_554), &json!(0), &json!([]))
    );
    assert_eq!(summary["left_out"]["events"][0]["values"], json!({"unmatched": 5}));
    assert_same_facts(&facts_of_any_rule(&of_table), &facts_of_any_rule(&of_log));
}

/// The table of incidents as an event log in OCEL 2.0, its events before its objects.
fn in_ocel(table: &PathBuf) -> Value {
    let input = flate2::read::MultiGzDecoder::new(std::fs::File::open(table).unwrap());
    let mut reader = csv::Reader::from_reader(input);
    let header = reader.headers().unwrap().clone();
    let (mut events, mut objects) = (Vec::new(), BTreeMap::new());
    for record in reader.records() {
        let record = record.unwrap();
        let cell = |name: &str| &record[header.iter().position(|column| column == name).unwrap()];
        let (incident, owner) = (cell("case:concept:name"), cell("org:resource"));
        let attributes = json!([
            {"name": "lifecycle:transition", "value": cell("lifecycle:transition")},
            {"name": "place", "value": cell("_ord").parse::<i64>().unwrap()},
        ]);
        events.push(json!({
            "id": format!("e{}", events.len()), "type": cell("concept:name"), "time": cell("time:timestamp"), "attributes": attributes,
            "relationships": [{"objectId": incident, "qualifier": ""}, {"objectId": owner, "qualifier": "assignee"}],
        }));
        let impact = json!([{"name": "impact", "time": "1970-01-01T00:00:00Z", "value": cell("impact")}]);
        objects.entry(incident.to_owned()).or_insert_with(|| ("incident", impact));
        objects.entry(owner.to_owned()).or_insert_with(|| ("owner", json!([])));
    }
    let object =
        |(id, (kind, attributes)): (&String, &(&str, Value))| json!({"id": id, "type": kind, "attributes": attributes});
    let objects: Vec<Value> = objects.iter().map(object).collect();
    json!({"eventTypes": [], "events": events, "objectTypes": [], "objects": objects})
}

#[test]
fn the_table_written_as_a_log_of_objects_has_the_facts_of_the_table() {
    let Some(table) = data("volvo-incidents.csv.gz") else { return };
    let (of_table, of_log) = (Project::new(), Project::new());
    import(&of_table, "volvo-incidents", &table);
    // Under the source and the ids of the table, and in its order of events of one time, which rows of facts name.
    let mapping = include_str!("../../data/mappings/ocel.toml")
        .replacen("source = \"ocel\"", "source = \"volvo/incidents\"", 1)
        .replacen("key = [\"../id\", \"id\"]", "key = [\"id\", \"../attributes.place\"]", 1)
        .replacen("sequence = { text = \"0\" }", "sequence = \"../attributes.place\"", 1);
    of_log.write("mappings/ocel.toml", mapping);
    let log = of_log.write("log.json", in_ocel(&table).to_string());
    let summary = import(&of_log, "ocel", &log);
    assert_eq!(
        (&summary["rows"], &summary["cases"], &summary["quarantined"], &summary["columns_absent"]),
        (&json!(2 * 65_533), &json!(7_554), &json!(0), &json!([]))
    );
    assert_eq!(summary["left_out"]["rows_filtered"], 65_533);
    assert_eq!(summary["left_out"]["events"][0]["values"], json!({"unmatched": 5}));
    assert_same_facts(&facts_of_any_rule(&of_table), &facts_of_any_rule(&of_log));
}

#[test]
fn support_tweets() {
    let Some(table) = data("support-tweets.csv.gz") else { return };
    let project = Project::new();
    let summary = import(&project, "support-tweets", &table);
    assert_eq!(
        (&summary["rows"], &summary["cases"], &summary["quarantined"]),
        (&json!(5_000), &json!(1_288), &json!(0))
    );
    let left_out = json!({
        "rows_filtered": 0, "rows_repeated": 0, "rows_malformed": 0, "malformed": [], "rows": {},
        "cases": {"thread begun by a brand": 24}, "events": [],
    });
    assert_eq!(summary["left_out"], left_out);
    assert_eq!(project.value("SELECT count(*) FROM cases"), 1_288);

    let first_response = "SELECT count(*) AS n, round(median(elapsed_ms / 6e4), 2) AS median,
        round(percentile_cont(0.9) WITHIN GROUP (ORDER BY elapsed_ms / 6e4), 1) AS p90
        FROM turns WHERE n = 1 AND answered_at IS NOT NULL";
    assert_eq!(row(&project, first_response), json!({"n": 1_288, "median": 13.58, "p90": 537.5}));

    let brands = json!([
        ["ChipotleTweets", 9.9, 170],
        ["AmazonHelp", 12.4, 102],
        ["AppleSupport", 7.8, 84],
        ["Uber_Support", 20.7, 81],
        ["TMobileHelp", 5.4, 49],
        ["Delta", 30.1, 48],
        ["SouthwestAir", 4.9, 42],
        ["British_Airways", 345.1, 37],
    ]);
    for brand in brands.as_array().unwrap() {
        let by_brand = format!(
            "SELECT round(median(elapsed_ms / 6e4), 1) AS median, count(*) AS n FROM turns WHERE n = 1 AND answered_by = '{}'",
            brand[0].as_str().unwrap()
        );
        assert_eq!(row(&project, &by_brand), json!({"median": brand[1], "n": brand[2]}), "{brand}");
    }
    assert_nothing_contradicts(&project);
    assert_second_import_adds_nothing(&project, "support-tweets", &table, &summary);
}
