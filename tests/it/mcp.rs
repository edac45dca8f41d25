//! `mcp`: a client that speaks the protocol over standard input, as an agent and as the owner.

use std::io::Write;

use serde_json::{Value, json};

use crate::project::Project;

/// A desk with a case of ana and one of ben.
pub fn project() -> Project {
    let project = Project::new();
    let event = |id: &str, kind: &str, subject: &str, minute: u32, data: Value| json!({"id": id, "source": "s", "type": kind, "subject": subject, "time": format!("2026-03-02T09:{minute:02}:00Z"), "data": data});
    let lines = [
        event("1", "user.updated", "ana", 0, json!({})),
        event("2", "user.updated", "ben", 0, json!({})),
        event("3", "case.created", "c-ana", 1, json!({"customer": "carl", "text": "a refund please"})),
        event("4", "case.assigned", "c-ana", 2, json!({"agent": "ana"})),
        event("5", "message.sent", "c-ana", 5, json!({"message": "m1", "by": "ana"})),
        event("6", "case.created", "c-zebra", 1, json!({"customer": "zebra", "text": "a refund, too"})),
        event("7", "case.assigned", "c-zebra", 2, json!({"agent": "ben"})),
    ];
    project.write("events.ndjson", lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    project.ingest(&["events.ndjson"], 0);
    project
}

/// The results of requests, in their order.
pub fn results(project: &Project, arguments: &[&str], requests: &[Value]) -> Vec<Value> {
    let mut child = project.start(&[&["mcp"], arguments].concat());
    let mut input = child.stdin.take().unwrap();
    let hello =
        json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
    let begin = [
        json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}),
        json!({"jsonrpc": "2.0", "method": "notifications/initialized"}),
    ];
    let numbered = requests.iter().zip(1..).map(
        |(request, id)| json!({"jsonrpc": "2.0", "id": id, "method": request["method"], "params": request["params"]}),
    );
    for line in begin.into_iter().chain(numbered) {
        writeln!(input, "{line}").unwrap();
    }
    // The answers may come in any order; the end of the input ends the server once they have.
    let mut found: Vec<Option<Value>> = vec![None; requests.len() + 1];
    let reader = std::io::BufReader::new(child.stdout.take().unwrap());
    for line in std::io::BufRead::lines(reader) {
        let answer: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let id = answer["id"].as_u64().unwrap() as usize;
        // What is no tool is refused by the protocol itself.
        let member = if answer["error"].is_null() { "result" } else { "error" };
        found[id] = Some(answer[member].clone());
        if found.iter().all(Option::is_some) {
            break;
        }
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    found.into_iter().skip(1).flatten().collect()
}

pub fn call(tool: &str, arguments: Value) -> Value {
    json!({"method": "tools/call", "params": {"name": tool, "arguments": arguments}})
}

/// The text of an answer, which is JSON.
pub fn content(result: &Value) -> Value {
    serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap()
}

#[test]
fn every_tool_answers_with_the_rights_of_the_user() {
    let project = project();
    let requests = [
        json!({"method": "tools/list", "params": {}}),
        call("list_metrics", json!({})),
        call("explain_metric", json!({"metric": "created_cases"})),
        call("ask_metric", json!({"metric": "created_cases", "range": "2026-03", "by": ["agent"]})),
        call("find_cases", json!({"search": "refund"})),
        call("find_cases", json!({"view": "inbox", "user": "ana"})),
        call("explain_case", json!({"case": "c-ana"})),
        call("explain_case", json!({"case": "c-zebra"})),
        call("sql", json!({"query": "SELECT case_id FROM cases ORDER BY case_id", "limit": 1})),
        call("sql", json!({"query": "DROP TABLE cases"})),
        call("ask_metric", json!({"metric": "created"})),
        call("no_such_tool", json!({})),
    ];
    let results = results(&project, &["--as-user", "ana"], &requests);
    let tools: Vec<&str> =
        results[0]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(
        tools,
        ["list_metrics", "explain_metric", "ask_metric", "render_widget", "find_cases", "explain_case", "sql"]
    );
    assert!(content(&results[1])["metrics"].as_array().unwrap().len() > 50);
    assert!(content(&results[2])["header"]["meaning"].is_string());
    let numbers = content(&results[3]);
    assert!(numbers["rows"].is_array() && numbers["counted_from"].is_array() && numbers["definition"].is_object());
    assert_eq!(
        (&content(&results[4])["found"], &content(&results[4])["cases"][0]["case_id"]),
        (&json!(1), &json!("c-ana"))
    );
    assert_eq!(content(&results[5])["cases"][0]["case_id"], "c-ana");
    assert_eq!(content(&results[6])["case_id"], "c-ana");
    for (position, text) in
        [(7, "there is no case `c-zebra`"), (9, "`DROP` is refused"), (10, "range"), (11, "no tool")]
    {
        let result = &results[position];
        assert_eq!(result["isError"], true, "{result}");
        assert!(result["content"][0]["text"].as_str().unwrap().contains(text), "{result}");
    }
    assert_eq!(
        (&content(&results[8])["rows"], &content(&results[8])["is_cut"]),
        (&json!([{"case_id": "c-ana"}]), &json!(false))
    );
    let all = results.iter().enumerate().filter(|(position, _)| *position != 7).map(|(_, result)| result.to_string());
    assert!(!all.collect::<String>().contains("zebra"));
}

#[test]
fn the_owner_sees_every_case_and_what_is_cut_is_stated() {
    let project = project();
    let requests = [
        call("sql", json!({"query": "SELECT case_id FROM cases ORDER BY case_id", "limit": 1})),
        call("find_cases", json!({"search": "refund", "limit": 1})),
    ];
    let results = results(&project, &[], &requests);
    assert_eq!(
        (&content(&results[0])["rows"], &content(&results[0])["is_cut"]),
        (&json!([{"case_id": "c-ana"}]), &json!(true))
    );
    assert_eq!((&content(&results[1])["found"], &content(&results[1])["left_out"]), (&json!(2), &json!(1)));
}
