//! Events by HTTP: every mode, what is answered, and that nothing is written where it should not be.

use std::io::{Read, Write};

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::server::{Server, rows, text, token, value};
use crate::project::Project;

fn event(id: &str) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "help", "type": "case.created", "subject": format!("C-{id}"),
        "time": "2026-03-02T09:00:00Z", "data": {"customer": "c1"},
    })
}

async fn answer(request: RequestBuilder, status: u16) -> Value {
    serde_json::from_str(&text(request.send().await.unwrap(), status).await).unwrap()
}

fn counts(answer: &Value) -> [u64; 4] {
    ["read", "added", "duplicates", "quarantined"].map(|name| answer[name].as_u64().unwrap())
}

#[tokio::test]
async fn events_come_in_every_mode_and_each_counts_once() {
    let project = Project::new();
    let server = Server::start(&project);
    let post = |media: &str| server.post("/api/v1/events").header("content-type", media);
    let structured = || post("application/cloudevents+json").body(serde_json::to_string_pretty(&event("1")).unwrap());
    assert_eq!(counts(&answer(structured(), 200).await), [1, 1, 0, 0]);
    let again = answer(structured(), 200).await;
    assert_eq!((counts(&again), &again["batch"]), ([1, 0, 1, 0], &json!(1)));
    let batch = json!([event("1"), event("2"), event("3")]).to_string();
    let batch = post("application/cloudevents-batch+json; charset=utf-8").body(batch);
    let second = answer(batch, 200).await;
    assert_eq!((counts(&second), &second["batch"]), ([3, 2, 1, 0], &json!(2)));
    let lines = format!("{}\n\n{}\n", event("3"), event("4"));
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(lines.as_bytes()).unwrap();
    let gzip = post("application/x-ndjson").header("content-encoding", "gzip").body(packed.finish().unwrap());
    assert_eq!(counts(&answer(gzip, 200).await), [2, 1, 1, 0]);
    let packed = zstd::encode_all(event("5").to_string().as_bytes(), 1).unwrap();
    let zstd = post("application/x-ndjson").header("content-encoding", "zstd").body(packed);
    assert_eq!(counts(&answer(zstd, 200).await), [1, 1, 0, 0]);
    let binary = post("application/json").body(r#"{"customer": "c1"}"#);
    let attributes = [("id", "6"), ("source", "help"), ("type", "case.created"), ("subject", "C%206")];
    let binary = attributes.iter().fold(binary, |request, (name, value)| request.header(format!("ce-{name}"), *value));
    let binary = binary.header("ce-specversion", "1.0").header("ce-time", "2026-03-02T09:00:00Z");
    assert_eq!(counts(&answer(binary, 200).await), [1, 1, 0, 0]);
    server.kill();
    let ids: Vec<Value> =
        rows(&project, "SELECT case_id FROM events ORDER BY id").iter().map(|row| row["case_id"].clone()).collect();
    assert_eq!(ids, ["C-1", "C-2", "C-3", "C-4", "C-5", "C 6"]);
}

#[tokio::test]
async fn refused_lines_are_named_with_place_and_rule_and_the_others_are_added() {
    let project = Project::new();
    let server = Server::start(&project);
    let other = json!({"id": "1", "source": "help", "type": "case.created", "subject": "other", "time": "2026-03-02T09:00:00Z", "data": {"customer": "c2"}});
    let body = format!("{}\nnot json\n{other}\n{}\n", event("1"), json!({"id": "x"}));
    let post =
        |body: &str| server.post("/api/v1/events").header("content-type", "application/x-ndjson").body(body.to_owned());
    let first = answer(post(&body), 200).await;
    assert_eq!(counts(&first), [4, 1, 0, 3]);
    assert_eq!(first["conflicts"], 1);
    let refused: Vec<(u64, &str)> = first["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["line"].as_u64().unwrap(), line["rule"].as_str().unwrap()))
        .collect();
    assert_eq!(refused.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(refused[1].1, "conflict");
    // The same request again adds nothing to the quarantine, either.
    assert_eq!(counts(&answer(post(&body), 200).await), [4, 0, 1, 3]);
    answer(post("not json at all, and nothing else"), 422).await;
    server.kill();
    assert_eq!(value(&project, "SELECT count(*) FROM quarantine"), 4);
    assert_eq!(value(&project, "SELECT count(*) FROM events"), 1);
}

#[tokio::test]
async fn requests_that_arrive_together_are_each_answered_with_their_own_counts() {
    let project = Project::new();
    let server = Server::start(&project);
    let request = |n: usize| {
        let lines: String = (0..=n).map(|line| format!("{}\n", event(&format!("{n}-{line}")))).collect();
        let body = format!("{lines}{}\n", event("shared"));
        answer(server.post("/api/v1/events").header("content-type", "application/x-ndjson").body(body), 200)
    };
    let answers = futures::future::join_all((0..20).map(request)).await;
    for (n, answer) in answers.iter().enumerate() {
        let [read, added, duplicates, refused] = counts(answer);
        assert_eq!((read, added + duplicates, refused), (n as u64 + 2, n as u64 + 2, 0), "{answer}");
    }
    let added: u64 = answers.iter().map(|answer| counts(answer)[1]).sum();
    server.kill();
    assert_eq!(value(&project, "SELECT count(*) FROM events"), added);
    let batches = value(&project, "SELECT count(DISTINCT batch) FROM events").as_u64().unwrap();
    assert!(batches < 20, "{batches} commits for 20 requests");
}

#[tokio::test]
async fn nothing_is_written_for_a_request_that_is_refused() {
    let project = Project::new();
    let ingest = token(&project, "help", "ingest");
    let read = token(&project, "help", "read");
    let server = Server::start(&project);
    let post = |token: &str| {
        let request = server.post("/api/v1/events").header("content-type", "application/x-ndjson");
        request.bearer_auth(token).body(event("1").to_string())
    };
    answer(server.post("/api/v1/events").header("content-type", "application/x-ndjson").body("{}"), 401).await;
    answer(post("cb_wrong"), 401).await;
    answer(post(&read), 403).await;
    answer(post(&ingest).header("content-encoding", "br"), 415).await;
    answer(post(&ingest).header("content-encoding", "gzip"), 400).await;
    answer(server.post("/api/v1/events").header("content-type", "text/csv").bearer_auth(&ingest).body("a"), 415).await;
    let large = " ".repeat((32 << 20) + 1);
    text(post(&ingest).body(large).send().await.unwrap(), 413).await;
    let packed = zstd::encode_all(std::io::repeat(b' ').take((32 << 20) + 1), 1).unwrap();
    answer(post(&ingest).header("content-encoding", "zstd").body(packed), 413).await;
    assert_eq!(counts(&answer(post(&ingest), 200).await), [1, 1, 0, 0]);
    server.kill();
    assert_eq!(value(&project, "SELECT count(*) FROM events"), 1);
    assert_eq!(value(&project, "SELECT count(*) FROM quarantine"), 0);
}

#[tokio::test]
async fn only_so_many_refused_lines_are_listed_and_the_others_are_counted() {
    let project = Project::new();
    let server = Server::start(&project);
    let body: String = (0..150).map(|line| format!("no event {line}\n")).chain([event("1").to_string()]).collect();
    let request = server.post("/api/v1/events").header("content-type", "application/x-ndjson").body(body);
    let answer = answer(request, 200).await;
    assert_eq!(counts(&answer), [151, 1, 0, 150]);
    assert_eq!((answer["refused"].as_array().unwrap().len(), &answer["refused_not_listed"]), (100, &json!(50)));
    server.kill();
    assert_eq!(value(&project, "SELECT count(*) FROM quarantine"), 150);
}

/// 9.1: a credential of a user whom the log does not know, or whose role is `none`, may do nothing.
#[tokio::test]
async fn events_are_taken_from_users_of_the_log_and_from_all_as_long_as_it_has_none() {
    let project = Project::new();
    let tokens = ["help", "nix", "gone", "unheard"].map(|user| token(&project, user, "ingest"));
    let server = Server::start(&project);
    let post = |token: &str, event: Value| {
        let request = server.post("/api/v1/events").header("content-type", "application/x-ndjson");
        request.bearer_auth(token).body(event.to_string())
    };
    let user = |id: &str, kind: &str, hour: u8, data: Value| json!({"id": format!("{kind}-{id}"), "source": "s", "type": kind, "subject": id, "time": format!("2026-03-01T{hour:02}:00:00Z"), "data": data});
    for event in [
        user("help", "user.updated", 9, json!({"role": "agent", "bot": true})),
        user("nix", "user.updated", 9, json!({"role": "none"})),
        user("gone", "user.updated", 9, json!({"role": "admin"})),
        user("gone", "user.removed", 10, json!({})),
    ] {
        // The state of the log with the first user may not be there yet; then every sender may go on.
        answer(post(&tokens[0], event), 200).await;
    }
    super::server::until(30, async || {
        let request = server.get("/readyz").send().await.unwrap();
        let ready: Value = serde_json::from_str(&text(request, 200).await).unwrap();
        ready["batch"] == 4
    })
    .await;
    for token in &tokens[1..] {
        let refused = answer(post(token, event("2")), 403).await;
        assert!(refused["detail"].as_str().unwrap().contains("may see nothing"), "{refused}");
    }
    assert_eq!(counts(&answer(post(&tokens[0], event("1")), 200).await), [1, 1, 0, 0]);
    server.kill();
    assert_eq!(value(&project, "SELECT count(*) FROM events"), 5);
}
