//! A question has a share of the memory, not all of it.

use serde_json::json;

use super::server::{Server, desk, text};
use crate::mcp::call;

/// A join whose smaller side takes more than 32 MiB and cannot spill.
const LARGE: &str = "\
    SELECT count(*) AS n FROM generate_series(1, 2000000) AS a(value) \
    JOIN generate_series(1, 2000000) AS b(value) ON a.value = b.value";

/// A sort that spills within its share.
const SORTED: &str = "\
    SELECT count(*) AS n FROM (SELECT row_number() OVER (ORDER BY value % 1000, value) AS at \
    FROM generate_series(1, 1000000) AS s(value)) WHERE at % 2 = 0";

#[tokio::test]
async fn a_question_that_needs_more_than_its_share_is_refused_and_others_go_on() {
    let project = desk("20");
    let ask = async |server: &Server, query: &str, status: u16| {
        let asked = server.post("/api/v1/sql").header("content-type", "text/plain").body(query.to_owned());
        text(asked.send().await.unwrap(), status).await
    };
    // The share is 32 MiB.
    let small = Server::start_with(&project, &["--memory", "128MiB"]);
    let refused = ask(&small, LARGE, 400).await;
    assert!(refused.contains("the question needs more memory than one question may have: 32 MiB"), "{refused}");
    assert!(refused.contains("--memory"), "{refused}");
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call("sql", json!({"query": LARGE}))["params"]});
    let post = small.post("/mcp").header("accept", "application/json, text/event-stream");
    let response = post.header("content-type", "application/json").body(message.to_string()).send().await.unwrap();
    let answer = text(response, 200).await;
    assert!(answer.contains("the question needs more memory"), "{answer}");
    assert!(ask(&small, "SELECT count(*) AS n FROM cases", 200).await.contains("20"));
    assert!(ask(&small, SORTED, 200).await.contains("500000"));
    let large = Server::start_with(&project, &["--memory", "1GiB"]);
    assert!(ask(&large, LARGE, 200).await.contains("2000000"));
}
