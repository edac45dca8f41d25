//! Attempts by the tools of assistants, on the whole log and on one that lacks almost all that is hidden.

use serde_json::{Value, json};

use super::bytes::hidden_words;
use super::desk::{HIDDEN_FROM_ANA, all, without_hidden};
use super::project;
use crate::mcp::{call, results};

pub fn attempts() -> Vec<Value> {
    let ask = |arguments: Value| {
        let mut whole = json!({"metric": "created_cases", "range": "2026-03"});
        whole.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
        call("ask_metric", whole)
    };
    let sql = |query: &str| call("sql", json!({"query": query}));
    let widget = |arguments: Value| {
        let mut whole = json!({"board": "agents", "widget": "Replies by agent", "range": "2026-03"});
        whole.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
        call("render_widget", whole)
    };
    vec![
        json!({"method": "tools/list", "params": {}}),
        call("list_metrics", json!({})),
        call("explain_metric", json!({"metric": "created_cases"})),
        call("explain_metric", json!({"metric": "zebra"})),
        ask(json!({})),
        ask(json!({"by": ["agent"]})),
        ask(json!({"by": ["customer"], "limit": 1000})),
        ask(json!({"by": ["profile", "platform"]})),
        ask(json!({"by": ["field.order"]})),
        ask(json!({"by": ["zebra"]})),
        ask(json!({"where": ["agent=ben"]})),
        ask(json!({"where": ["agent!=ana"], "by": ["agent"]})),
        ask(json!({"where": ["customer=zebra-customer-1"]})),
        ask(json!({"where": ["profile=okapi-profil"]})),
        ask(json!({"where": ["field.order=zebra-1"]})),
        ask(json!({"compare": ["previous"], "by": ["agent"]})),
        ask(json!({"grain": "hour", "sort": ["-count"]})),
        ask(json!({"range": "okapi"})),
        ask(json!({"as_user": "adm", "user": "adm"})),
        ask(json!({"metric": "workload", "range": "2026-03-02..2026-03-04", "by": ["agent"]})),
        ask(json!({"metric": "csat", "by": ["agent"], "show": ["mean", "count"]})),
        widget(json!({})),
        widget(json!({"where": ["agent=ben"]})),
        widget(json!({"where": ["profile=okapi-profile"]})),
        widget(json!({"widget": "zebra"})),
        widget(json!({"board": "okapi"})),
        widget(json!({"board": "../store", "widget": "events"})),
        widget(json!({"board": "case-management", "widget": "Volume by profile"})),
        call("find_cases", json!({"search": "help", "limit": 1000})),
        call("find_cases", json!({"search": "zebra"})),
        call("find_cases", json!({"search": "okapi-customer-1"})),
        call("find_cases", json!({"search": ""})),
        call("find_cases", json!({"search": "%"})),
        call("find_cases", json!({"search": "' OR '1'='1"})),
        call("find_cases", json!({"view": "inbox", "user": "ana"})),
        call("find_cases", json!({"view": "inbox", "user": "ben"})),
        call("find_cases", json!({"view": "inbox", "user": "adm"})),
        call("find_cases", json!({"view": "urgent", "user": "ana", "sort": "time_left_shortest"})),
        call("find_cases", json!({"view": "zebra", "user": "ana"})),
        call("find_cases", json!({"view": "spam", "user": "ana", "as_user": "adm"})),
        call("explain_case", json!({"case": "ana-1"})),
        call("explain_case", json!({"case": "shared-1"})),
        call("explain_case", json!({"case": "zebra-1"})),
        call("explain_case", json!({"case": "okapi-1"})),
        call("explain_case", json!({"case": "hidden-1"})),
        call("explain_case", json!({"case": "none-1"})),
        call("explain_case", json!({"case": ["zebra-1"]})),
        sql("SELECT * FROM cases ORDER BY case_id"),
        sql("SELECT * EXCEPT (ingested_at) FROM events ORDER BY time, id"),
        sql("SELECT count(*), min(case_id), max(case_id) FROM cases"),
        sql("SELECT * FROM cases WHERE case_id IN ('zebra-1', 'okapi-1', 'hidden-1')"),
        sql("SELECT CAST(text AS INT) FROM cases WHERE case_id LIKE 'zeb%'"),
        sql("SELECT (SELECT case_id FROM cases WHERE case_id LIKE 'zeb%') AS one"),
        sql("EXPLAIN VERBOSE SELECT count(*) FROM cases"),
        sql("SELECT * FROM view_cases('inbox', 'ben')"),
        sql("SELECT * FROM 'store/events'"),
        sql("COPY (SELECT * FROM cases) TO 'zebra.csv'"),
        sql("SELECT * FROM quarantine"),
        sql("SELECT okapi FROM cases"),
        sql("SELECT 1; SELECT * FROM cases"),
        call("zebra", json!({})),
        json!({"method": "resources/list", "params": {}}),
        json!({"method": "resources/read", "params": {"uri": "file:///zebra"}}),
        json!({"method": "prompts/list", "params": {}}),
    ]
}

/// A result without when each event arrived, and without the order in which a query found rows.
pub fn without_arrival(mut result: Value) -> Value {
    match &mut result {
        Value::Object(members) => {
            members.remove("ingested_at");
            members.values_mut().for_each(|value| *value = without_arrival(value.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| *value = without_arrival(value.take())),
        // The text of a tool is JSON in JSON.
        Value::String(text) => {
            if let Ok(inner @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text) {
                return without_arrival(inner);
            }
        }
        _ => {}
    }
    result
}

#[test]
fn no_tool_shows_an_agent_what_is_hidden() {
    let attempts = attempts();
    assert!(attempts.len() >= 60, "{}", attempts.len());
    let [whole, reduced] = [all(), without_hidden(HIDDEN_FROM_ANA)]
        .map(|lines| results(&project(&lines), &["--as-user", "ana"], &attempts));
    assert_eq!((whole.len(), reduced.len()), (attempts.len(), attempts.len()));
    let markers = [HIDDEN_FROM_ANA, &["hidden-", "erik"]].concat();
    for ((attempt, seen), expected) in attempts.iter().zip(whole).zip(reduced) {
        let words = hidden_words(&attempt.to_string(), seen.to_string().as_bytes(), &markers);
        assert!(words.is_empty(), "{attempt}: {words:?}");
        assert_eq!(without_arrival(seen), without_arrival(expected), "{attempt}");
    }
}
