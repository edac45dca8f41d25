//! The tools for assistants over HTTP, asked as a client of the protocol asks.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::server::{Server, text, token};
use crate::mcp::{call, content, project};

/// A request as clients send it.
pub fn asked(server: &Server, request: &Value) -> RequestBuilder {
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": request["method"], "params": request["params"]});
    let post = server.post("/mcp").header("accept", "application/json, text/event-stream");
    post.header("content-type", "application/json")
        .header("mcp-protocol-version", "2025-06-18")
        .body(message.to_string())
}

/// The result of a request of whom the token is.
async fn result(server: &Server, token: &str, request: &Value) -> Value {
    let response = asked(server, request).bearer_auth(token).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(!response.headers().contains_key("mcp-session-id"), "there are no sessions");
    let answer: Value = serde_json::from_str(&text(response, 200).await).unwrap();
    answer["result"].clone()
}

#[tokio::test]
async fn every_tool_answers_over_http_with_the_rights_of_the_token() {
    let project = project();
    let token = token(&project, "ana", "read");
    let server = Server::start(&project);
    let hello = json!({"method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"},
    }});
    assert_eq!(result(&server, &token, &hello).await["serverInfo"]["name"], "casebook");
    let tools = result(&server, &token, &json!({"method": "tools/list", "params": {}})).await;
    assert_eq!(tools["tools"].as_array().unwrap().len(), 7);
    let ask = async |tool: &str, arguments: Value| result(&server, &token, &call(tool, arguments)).await;
    let numbers =
        content(&ask("ask_metric", json!({"metric": "created_cases", "range": "2026-03", "by": ["agent"]})).await);
    assert_eq!(numbers["rows"].as_array().unwrap().len(), 1, "{numbers}");
    assert_eq!(content(&ask("find_cases", json!({"search": "refund"})).await)["found"], 1);
    assert_eq!(content(&ask("explain_case", json!({"case": "c-ana"})).await)["case_id"], "c-ana");
    let rows = content(&ask("sql", json!({"query": "SELECT case_id FROM cases"})).await);
    assert_eq!((&rows["rows"], &rows["is_cut"]), (&json!([{"case_id": "c-ana"}]), &json!(false)));
    for (tool, arguments, wanted) in [
        ("explain_case", json!({"case": "c-zebra"}), "there is no case `c-zebra`"),
        ("sql", json!({"query": "SELECT 1; SELECT 2"}), "there are several queries"),
        ("sql", json!({"query": "DROP TABLE cases"}), "`DROP` is refused"),
    ] {
        let refused = ask(tool, arguments).await;
        assert_eq!(refused["isError"], true, "{refused}");
        assert!(refused["content"][0]["text"].as_str().unwrap().contains(wanted), "{refused}");
    }
}

#[tokio::test]
async fn a_request_without_rights_or_of_another_site_reaches_no_tool() {
    let project = project();
    let (read, ingest) = (token(&project, "ana", "read"), token(&project, "ben", "ingest"));
    let server = Server::start(&project);
    let list = json!({"method": "tools/list", "params": {}});
    text(asked(&server, &list).send().await.unwrap(), 401).await;
    text(asked(&server, &list).bearer_auth("cb_none").send().await.unwrap(), 401).await;
    text(asked(&server, &list).bearer_auth(ingest).send().await.unwrap(), 403).await;
    let elsewhere = asked(&server, &list).bearer_auth(&read).header("origin", "https://other.example");
    text(elsewhere.send().await.unwrap(), 403).await;
    // There is no stream to listen to, and no session to end.
    text(server.get("/mcp").bearer_auth(&read).send().await.unwrap(), 405).await;
    // One byte more than may be sent, and so many that they are still on their way when the answer is known.
    let sql = |spaces: usize| asked(&server, &call("sql", json!({"query": " ".repeat(spaces)}))).bearer_auth(&read);
    let around = sql(0).build().unwrap().body().unwrap().as_bytes().unwrap().len();
    for bytes in [(1 << 20) + 1, 32 << 20] {
        text(sql(bytes - around).send().await.unwrap(), 413).await;
    }
    text(asked(&server, &list).bearer_auth(&read).send().await.unwrap(), 200).await;
}

#[tokio::test]
async fn without_credentials_only_the_names_of_this_machine_reach_a_tool() {
    let project = project();
    let server = Server::start(&project);
    let list = json!({"method": "tools/list", "params": {}});
    text(asked(&server, &list).send().await.unwrap(), 200).await;
    text(asked(&server, &list).header("host", "desk.example.org").send().await.unwrap(), 421).await;
}
