//! What `ingest` reads: folders and patterns, arrays, tables, streams that never end; and the way back out of the quarantine.

use serde_json::json;

use crate::project::Project;

fn closed(id: &str) -> String {
    let time = "2026-03-02T09:00:00Z";
    json!({"id": id, "source": "test", "type": "case.closed", "subject": "C", "time": time}).to_string()
}

#[test]
fn a_folder_is_read_whole_in_the_order_of_names_so_that_the_first_of_two_contents_stays() {
    let project = Project::new();
    project.write("feeds/b.ndjson", closed("same").replace("\"C\"", "\"late\""));
    project.write("feeds/a/x.jsonl", closed("same").replace("\"C\"", "\"early\""));
    project.write("feeds/a/readme.txt", "no events");
    let ran = project.run(&["ingest", "feeds", "--format", "json"]);
    assert_eq!((&ran.summary(1)["added"], &ran.summary(1)["conflicts"]), (&json!(1), &json!(1)));
    assert_eq!(project.value("SELECT subject FROM events"), "early");
    assert!(ran.stderr.starts_with("note: passed over feeds/a/readme.txt, "), "{}", ran.stderr);
}

#[test]
fn a_pattern_is_taken_as_a_shell_takes_it_and_none_found_is_not_done() {
    let project = Project::new();
    for name in ["one", "two"] {
        project.write(&format!("feeds/{name}.ndjson"), closed(name));
    }
    assert_eq!(project.ingest(&["feeds/*.ndjson"], 0)["added"], 2);
    let none = project.run(&["ingest", "feeds/*.csv"]);
    assert_eq!((none.code, none.stdout.as_str()), (2, ""));
    assert!(none.stderr.starts_with("error: feeds/*.csv: no file matches this pattern\nhint: "), "{}", none.stderr);
    std::fs::create_dir(project.path("empty")).unwrap();
    let empty = project.run(&["ingest", "empty"]);
    assert_eq!(empty.code, 2);
    assert!(empty.stderr.starts_with("error: empty: found no file of events in this folder\n"), "{}", empty.stderr);
}
