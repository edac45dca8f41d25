//! A server that is killed while events come: what was answered with success is in the log, once. What got no answer is sent
//! again, as its sender would.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::server::{Server, rows, until};
use crate::project::Project;

/// How often the server is killed; `CASEBOOK_TORTURE_KILLS` states another number.
fn kills() -> usize {
    std::env::var("CASEBOOK_TORTURE_KILLS").map_or(20, |text| text.parse().unwrap())
}

/// Events of one request, five that are right and one that is none.
#[derive(Clone)]
struct Sent {
    ids: Vec<String>,
    broken: String,
    body: String,
}

impl Sent {
    fn of(name: &str) -> Sent {
        let ids: Vec<String> = (0..5).map(|event| format!("{name}-{event}")).collect();
        let line = |id: &String| {
            let event = json!({
                "id": id, "source": "s", "type": "case.created", "subject": id, "time": "2026-03-02T09:00:00Z",
                "data": {"customer": "c"},
            });
            format!("{event}\n")
        };
        let broken = json!({"id": format!("{name}-broken")}).to_string();
        let body = ids.iter().map(line).chain([format!("{broken}\n")]).collect();
        Sent { ids, broken, body }
    }
}

/// What became of the requests of all clients.
#[derive(Default)]
struct Requests {
    acknowledged: Mutex<Vec<Sent>>,
    /// Without an answer, because the server was gone.
    unanswered: Mutex<Vec<Sent>>,
}

impl Requests {
    fn acknowledged(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Posts requests until the server is gone.
    async fn post(&self, server: &Server, name: &str) {
        for request in 0.. {
            let sent = Sent::of(&format!("{name}-{request}"));
            match answer(server, &sent).await {
                Some(_) => self.acknowledged.lock().unwrap().push(sent),
                None => return self.unanswered.lock().unwrap().push(sent),
            }
        }
    }
}

/// The counts of a request that was answered with success; nothing where the server is gone.
async fn answer(server: &Server, sent: &Sent) -> Option<Value> {
    let request = server.post("/api/v1/events").header("content-type", "application/x-ndjson").body(sent.body.clone());
    let response = request.send().await.ok()?;
    // A server that is to end takes no more.
    assert!([200, 503].contains(&response.status().as_u16()), "{}", response.status());
    if response.status() == 503 {
        return None;
    }
    serde_json::from_slice(&response.bytes().await.ok()?).ok()
}

/// Each event and each line that was set aside, with how often it is there.
fn counted(project: &Project, sql: &str) -> HashMap<String, u64> {
    let text = |row: &serde_json::Map<String, Value>| row["it"].as_str().unwrap().to_owned();
    rows(project, sql).iter().map(|row| (text(row), row["times"].as_u64().unwrap())).collect()
}

fn assert_each_is_there_once(project: &Project, acknowledged: &[Sent]) {
    let events = counted(project, "SELECT id AS it, count(*) AS times FROM events GROUP BY id");
    let lines = counted(project, "SELECT text AS it, count(*) AS times FROM quarantine GROUP BY text");
    assert!(events.values().chain(lines.values()).all(|times| *times == 1));
    let ids = acknowledged.iter().flat_map(|sent| &sent.ids);
    let lost: Vec<&String> = ids.filter(|id| !events.contains_key(*id)).collect();
    assert!(lost.is_empty(), "{lost:?} of {} requests were lost", acknowledged.len());
    let lost: Vec<&str> =
        acknowledged.iter().map(|sent| sent.broken.as_str()).filter(|line| !lines.contains_key(*line)).collect();
    assert!(lost.is_empty(), "{lost:?} of {} requests were lost", acknowledged.len());
    let checked = project.run(&["check"]);
    assert_eq!(checked.code, 0, "{} {}", checked.stdout, checked.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_that_was_answered_with_success_is_there_once() {
    let project = Project::new();
    let (mut all, mut again, mut committed_without_answer): (Vec<Sent>, Vec<Sent>, usize) = Default::default();
    for kill in 0..kills() {
        let server = Server::start(&project);
        // What got no answer is sent again; a part or nothing of it is there, but no event twice.
        for sent in again.drain(..) {
            let counts = answer(&server, &sent).await.expect("nothing has killed the server yet");
            assert_eq!(counts["added"].as_u64().unwrap() + counts["duplicates"].as_u64().unwrap(), 5, "{counts}");
            committed_without_answer += usize::from(counts["duplicates"] == 5);
            all.push(sent);
        }
        // And what was answered before, which adds nothing.
        if let Some(sent) = all.get(kill * 7 % all.len().max(1)) {
            let counts = answer(&server, sent).await.expect("nothing has killed the server yet");
            assert_eq!(
                (&counts["added"], &counts["duplicates"], &counts["quarantined"]),
                (&json!(0), &json!(5), &json!(1))
            );
        }
        let requests = Requests::default();
        let names = [0, 1, 2].map(|client| format!("{kill}-{client}"));
        let posting = futures::future::join_all(names.iter().map(|name| requests.post(&server, name)));
        let is_killed = AtomicBool::new(false);
        // The moment of the kill differs from time to time, and is after the first answers.
        let killed = async {
            let wanted = 1 + kill % 4;
            until(60, async || requests.acknowledged() >= wanted).await;
            tokio::time::sleep(Duration::from_millis(kill as u64 * 7 % 40)).await;
            is_killed.store(true, Ordering::SeqCst);
            server.kill_now();
        };
        tokio::join!(
            async {
                posting.await;
                assert!(is_killed.load(Ordering::SeqCst), "the server has ended by itself")
            },
            killed
        );
        all.append(&mut requests.acknowledged.into_inner().unwrap());
        again = requests.unanswered.into_inner().unwrap();
        assert_eq!(again.len(), 3);
    }
    // The last ones were never sent again.
    assert_each_is_there_once(&project, &all);
    println!(
        "{} requests; {committed_without_answer} were committed when the server was killed, and not answered",
        all.len()
    );
}

/// Sends a request and does not read what it is answered.
fn send_without_reading(server: &Server, sent: &Sent) -> std::net::TcpStream {
    let head = "POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n";
    let bytes = format!("{head}Content-Length: {}\r\n\r\n{}", sent.body.len(), sent.body);
    let mut stream = std::net::TcpStream::connect(server.address()).unwrap();
    std::io::Write::write_all(&mut stream, bytes.as_bytes()).unwrap();
    stream
}

/// The kill comes between the commit and the moment at which the sender learns of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_committed_and_not_answered_adds_nothing_when_it_is_sent_again() {
    let project = Project::new();
    let mut all = Vec::new();
    for round in 0..3 {
        let server = Server::start(&project);
        let requests: Vec<Sent> = (0..3).map(|client| Sent::of(&format!("{round}-{client}"))).collect();
        let streams: Vec<_> = requests.iter().map(|sent| send_without_reading(&server, sent)).collect();
        all.extend(requests.iter().cloned());
        let wanted = format!("[\n{{\"n\":{}}}]\n", all.len() * 5);
        let counted = "/api/v1/sql?query=SELECT+count(*)+AS+n+FROM+events";
        until(60, async || server.page(counted).await == wanted).await;
        server.kill();
        drop(streams);
        let server = Server::start(&project);
        for sent in &requests {
            let counts = answer(&server, sent).await.unwrap();
            assert_eq!(
                (&counts["added"], &counts["duplicates"], &counts["quarantined"]),
                (&json!(0), &json!(5), &json!(1))
            );
        }
    }
    assert_each_is_there_once(&project, &all);
}

/// Clients that are gone before they are answered, and a server that is asked to end while others post.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taken_before_the_end_is_there_once_whether_anyone_waits_for_it() {
    let project = Project::new();
    let mut all = Vec::new();
    for round in 0..5 {
        let server = Server::start(&project);
        let gone = Sent::of(&format!("{round}-gone"));
        drop(send_without_reading(&server, &gone));
        let requests = Requests::default();
        let names = [0, 1, 2].map(|client| format!("{round}-{client}"));
        let posting = futures::future::join_all(names.iter().map(|name| requests.post(&server, name)));
        let ended = async {
            until(60, async || requests.acknowledged() > 3 * round).await;
            server.ask_to_end();
        };
        // Requests that the end refuses are answered so, or their connection ends: neither is a success.
        tokio::join!(posting, ended);
        assert_eq!(server.wait(), 0);
        all.append(&mut requests.acknowledged.into_inner().unwrap());
        let server = Server::start(&project);
        let counts = answer(&server, &gone).await.unwrap();
        assert_eq!(counts["added"].as_u64().unwrap() + counts["duplicates"].as_u64().unwrap(), 5, "{counts}");
        assert_eq!(answer(&server, &gone).await.unwrap()["added"], 0);
        all.push(gone);
        for sent in requests.unanswered.into_inner().unwrap() {
            answer(&server, &sent).await.unwrap();
            all.push(sent);
        }
    }
    assert_each_is_there_once(&project, &all);
}
