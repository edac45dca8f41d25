//! A server that is killed while events come: what was answered with success is in the log, once.

use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;

use super::server::{Server, rows};
use crate::project::Project;

/// How often the server is killed; `CASEBOOK_TORTURE_KILLS` states another number.
fn kills() -> usize {
    std::env::var("CASEBOOK_TORTURE_KILLS").map_or(20, |text| text.parse().unwrap())
}

/// Posts requests of five events each until the server is gone; gives the ids that were answered with success.
async fn post(server: &Server, name: &str, acknowledged: &Mutex<Vec<String>>) {
    for request in 0.. {
        let ids: Vec<String> = (0..5).map(|event| format!("{name}-{request}-{event}")).collect();
        let line = |id: &String| {
            let event = json!({
                "id": id, "source": "s", "type": "case.created", "subject": id, "time": "2026-03-02T09:00:00Z",
                "data": {"customer": "c"},
            });
            format!("{event}\n")
        };
        let body: String = ids.iter().map(line).collect();
        let request = server.post("/api/v1/events").header("content-type", "application/x-ndjson").body(body);
        match request.send().await {
            Ok(response) if response.status() == 200 => acknowledged.lock().unwrap().extend(ids),
            Ok(response) => panic!("{}", response.status()),
            Err(_) => return,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_that_was_answered_with_success_is_there_once() {
    let project = Project::new();
    let mut all = Vec::new();
    for kill in 0..kills() {
        let server = Server::start(&project);
        let acknowledged = Mutex::new(Vec::new());
        let posting = async {
            let names = [0, 1, 2].map(|client| format!("{kill}-{client}"));
            futures::future::join_all(names.iter().map(|name| post(&server, name, &acknowledged))).await;
        };
        // The moment of the kill differs from time to time, and is after the first answers.
        let killed = async {
            let wanted = 5 + 5 * (kill % 4);
            while acknowledged.lock().unwrap().len() < wanted {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(Duration::from_millis(kill as u64 * 7 % 40)).await;
        };
        tokio::select! {
            () = posting => panic!("the server has ended by itself"),
            () = killed => {}
        }
        server.kill();
        all.append(&mut acknowledged.into_inner().unwrap());
    }
    let found = rows(&project, "SELECT id, count(*) AS times FROM events GROUP BY id");
    assert!(found.iter().all(|row| row["times"] == 1));
    let found: std::collections::HashSet<&str> = found.iter().map(|row| row["id"].as_str().unwrap()).collect();
    let lost: Vec<&String> = all.iter().filter(|id| !found.contains(id.as_str())).collect();
    assert!(lost.is_empty(), "{lost:?} of {} were lost", all.len());
}
