//! Figures follow the log, also where another process writes to it.

use std::time::{Duration, Instant};

use super::server::{Server, desk, until};

#[tokio::test]
async fn an_open_page_learns_of_events_that_another_process_has_added() {
    let project = desk("30");
    let server = Server::start(&project);
    let mut states = server.get("/live").send().await.unwrap();
    let mut heard = String::new();
    let mut next = async |wanted: &str| {
        while !heard.contains(wanted) {
            heard.push_str(&String::from_utf8_lossy(&states.chunk().await.unwrap().unwrap()));
        }
    };
    next("data: 1\n").await;
    let before = server.page("/api/v1/sql?query=SELECT+count(*)+AS+n+FROM+cases").await;
    let line = r#"{"id":"n","source":"new","type":"case.created","subject":"C-new","time":"2026-03-02T09:00:00Z","data":{"customer":"c"}}"#;
    project.write("more.ndjson", line);
    project.ingest(&["more.ndjson"], 0);
    let added_at = Instant::now();
    tokio::time::timeout(Duration::from_secs(30), next("data: 2\n")).await.expect("a state follows the ingestion");
    // Five seconds is the promise; a loaded machine gets more.
    assert!(added_at.elapsed() < Duration::from_secs(15), "{:?}", added_at.elapsed());
    let after = server.page("/api/v1/sql?query=SELECT+count(*)+AS+n+FROM+cases").await;
    assert_ne!(before, after);
    assert!(server.page("/cases/C-new").await.contains("C-new"));
}

#[tokio::test]
async fn a_page_that_has_not_changed_is_not_sent_again() {
    let project = desk("30");
    let server = Server::start(&project);
    let ask = async |tag: Option<&str>| {
        let request = server.get("/boards/overview?range=2026-05");
        let request = tag.iter().fold(request, |request, tag| request.header("if-none-match", *tag));
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.headers()["etag"].to_str().unwrap().to_owned())
    };
    let (status, tag) = ask(None).await;
    assert_eq!(status, 200);
    assert_eq!(ask(Some(&tag)).await, (304, tag));
}

#[tokio::test]
async fn a_server_that_is_to_end_takes_what_has_come_and_ends() {
    let project = desk("10");
    let server = Server::start(&project);
    until(10, async || server.get("/readyz").send().await.unwrap().status() == 200).await;
    let stream = server.get("/live").send().await.unwrap();
    let begun = Instant::now();
    assert_eq!(server.end(), 0);
    assert!(begun.elapsed() < Duration::from_secs(9), "an open page does not hold the process: {:?}", begun.elapsed());
    drop(stream);
}
