//! Attempts over HTTP, on the server itself: on the whole log and on one that lacks almost all that is hidden. What is answered
//! has no hidden word in any of its bytes, and is the same.

use std::io::Read;

use percent_encoding::percent_decode_str;
use reqwest::Response;

use super::assistants;
use super::bytes::hidden_words;
use super::desk::{HIDDEN_FROM_ALL, HIDDEN_FROM_ANA, all, without_hidden};
use super::http_attempts::{API, OPEN, PAGES, SQL};
use super::project;
use crate::project::{Project, rows_of};
use crate::serve::assistants::asked as asked_over_http;
use crate::serve::server::{Server, token};

/// Where instants of the clock are shown, or one of several values is named in an error: only words are searched for.
const OF_THE_CLOCK: &[&str] = &["/health", "/readyz", "/metrics", "CAST"];

/// What those may see nothing of who are hidden in both logs, too.
fn words_hidden_from(user: &str) -> Vec<&'static str> {
    match user {
        "ana" => [HIDDEN_FROM_ANA, &["hidden-", "erik"]].concat(),
        _ => [HIDDEN_FROM_ALL, &["hidden-2", "erik"]].concat(),
    }
}

struct Desk {
    server: Server,
    token: String,
    of_admin: String,
    project: Project,
}

impl Desk {
    fn start(lines: &[serde_json::Value], user: &str) -> Desk {
        let project = project(lines);
        let of_admin = token(&project, "adm", "read");
        let token = if user == "adm" { of_admin.clone() } else { token(&project, user, "read") };
        Desk { server: Server::start(&project), token, of_admin, project }
    }

    async fn ask(&self, path: &str) -> (u16, String, Vec<u8>) {
        let request = self.server.get(path).bearer_auth(&self.token).header("accept-encoding", "gzip");
        read(request.send().await.unwrap()).await
    }
}

/// Status, headers and body of a response, unpacked.
async fn read(response: Response) -> (u16, String, Vec<u8>) {
    let status = response.status().as_u16();
    let of_answer = |name: &str| !["date", "etag", "content-length"].contains(&name);
    let headers = response.headers().iter().filter(|(name, _)| of_answer(name.as_str()));
    let headers: Vec<String> = headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    let is_packed = response.headers().get("content-encoding").is_some_and(|coding| coding == "gzip");
    let mut body = response.bytes().await.unwrap().to_vec();
    if is_packed {
        let packed = std::mem::take(&mut body);
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut body).unwrap();
    }
    (status, headers.join("\n"), body)
}

fn paths() -> Vec<String> {
    let sql = SQL.iter().map(|(format, query)| {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        format!("/api/v1/sql?format={format}&query={query}")
    });
    let api = API.iter().map(|path| format!("/api/v1/{path}"));
    // Lists of cases are rows of the API, too.
    let lists = PAGES.iter().filter(|path| ["/cases", "/views"].iter().any(|part| path.contains(part)));
    let lists =
        lists.map(|path| format!("/api/v1{}", path.replace("/catalogue/", "/metrics/").replace("page=", "offset=")));
    let others = [PAGES, OPEN].concat().into_iter().map(str::to_owned);
    api.chain(lists).chain(others).chain(sql).collect()
}

/// What was asked, as it was sent and as it is meant.
fn asked(path: &str) -> String {
    let meant = percent_decode_str(path).decode_utf8_lossy().replace('+', " ");
    // An address within an address is encoded twice.
    let encoded: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
    format!("{path} {encoded} {meant}")
}

/// The body without when each event arrived, and of Arrow's format the rows: in which order the texts of one column are written,
/// follows from which part of a table was read first.
fn without_arrival(body: &[u8]) -> Vec<u8> {
    if body.starts_with(&[0xFF; 4]) {
        let batches = arrow::ipc::reader::StreamReader::try_new(body, None).unwrap();
        return batches.map(|batch| format!("{:?}\n", rows_of(&batch.unwrap()))).collect::<String>().into_bytes();
    }
    let Ok(text) = std::str::from_utf8(body) else { return body.to_vec() };
    let mut parts = text.split("\"ingested_at\":\"");
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|part| part.split_once('"').map_or(part, |(_, after)| after));
    [first].into_iter().chain(rest.map(str::to_owned)).collect::<String>().into_bytes()
}

async fn assert_nothing_shows(user: &str, hidden: &[&str]) {
    let (whole, reduced) = (Desk::start(&all(), user), Desk::start(&without_hidden(hidden), user));
    let markers = words_hidden_from(user);
    let (mut complaints, mut answered) = (Vec::new(), 0);
    for path in paths() {
        if path.contains("/boards/") || path.contains("/numbers") {
            // What another user was answered is kept, and is not for this one.
            drop(whole.server.get(&path).bearer_auth(&whole.of_admin).send().await.unwrap());
        }
        let (seen, expected) = (whole.ask(&path).await, reduced.ask(&path).await);
        assert!(seen.0 < 500, "{path}: {}", String::from_utf8_lossy(&seen.2));
        answered += usize::from(seen.0 == 200);
        let in_headers = hidden_words(&asked(&path), seen.1.as_bytes(), &markers);
        let in_body = hidden_words(&asked(&path), &seen.2, &markers);
        if !in_headers.is_empty() || !in_body.is_empty() {
            complaints.push(format!("{path}: {in_headers:?} {in_body:?}"));
        }
        let is_same =
            (seen.0, &seen.1, without_arrival(&seen.2)) == (expected.0, &expected.1, without_arrival(&expected.2));
        if !is_same && !OF_THE_CLOCK.iter().any(|part| path.contains(part)) {
            let text = |body: &[u8]| String::from_utf8_lossy(body).chars().take(500).collect::<String>();
            complaints.push(format!(
                "{path}: {} {} instead of {} {}",
                seen.0,
                text(&seen.2),
                expected.0,
                text(&expected.2)
            ));
        }
    }
    assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), paths().len(), complaints.join("\n"));
    assert!(answered > 160, "{answered}");
    drop((whole.project, reduced.project));
}

#[tokio::test]
async fn no_answer_to_an_agent_has_a_byte_of_what_is_hidden() {
    assert!(paths().len() >= 350, "{}", paths().len());
    assert_nothing_shows("ana", HIDDEN_FROM_ANA).await;
}

#[tokio::test]
async fn no_answer_to_a_supervisor_has_a_byte_of_what_is_hidden() {
    assert_nothing_shows("sue", HIDDEN_FROM_ALL).await;
}

/// The search would find what is there.
#[tokio::test]
async fn an_admin_is_answered_with_what_is_hidden_from_others() {
    let desk = Desk::start(&all(), "adm");
    for path in [
        "/cases?sort=case&page=5",
        "/cases/zebra-1",
        "/api/v1/cases/okapi-1",
        "/boards/agents?range=2026-03&cases=200",
        "/api/v1/boards/agents?range=2026-03&cases=200",
        "/api/v1/metrics/created_cases/numbers?range=2026-03&by=customer&format=parquet",
        "/api/v1/metrics/created_cases/numbers?range=2026-03&by=customer&format=xlsx",
        "/api/v1/sql?format=arrow&query=SELECT+*+FROM+cases",
        "/views/inbox?user=ben",
    ] {
        let (status, _, body) = desk.ask(path).await;
        assert_eq!(status, 200, "{path}");
        let words = hidden_words("", &body, HIDDEN_FROM_ANA);
        assert!(!words.is_empty(), "{path}");
    }
}

/// The tools of assistants over HTTP.
#[tokio::test]
async fn no_tool_shows_an_agent_what_is_hidden_over_http() {
    let desks = [all(), without_hidden(HIDDEN_FROM_ANA)].map(|lines| Desk::start(&lines, "ana"));
    let markers = words_hidden_from("ana");
    let mut answered = 0;
    for attempt in assistants::attempts() {
        let mut results = Vec::new();
        for desk in &desks {
            let request = asked_over_http(&desk.server, &attempt).bearer_auth(&desk.token);
            let (status, headers, body) = read(request.send().await.unwrap()).await;
            assert_eq!(status, 200, "{attempt}: {}", String::from_utf8_lossy(&body));
            let found = [headers.as_bytes(), &body].map(|part| hidden_words(&attempt.to_string(), part, &markers));
            assert!(found.concat().is_empty(), "{attempt}: {found:?}");
            results.push(assistants::without_arrival(serde_json::from_slice(&body).unwrap()));
        }
        assert_eq!(results[0], results[1], "{attempt}");
        answered += usize::from(results[0]["result"]["isError"] == false);
    }
    assert!(answered > 30, "{answered}");
}

/// Without a credential that may read, no address of a page or the API has anything of the log.
#[tokio::test]
async fn who_may_not_read_is_answered_nothing_at_any_address() {
    let project = project(&all());
    let tokens = [
        token(&project, "ana", "ingest"),
        token(&project, "nix", "read"),
        token(&project, "gone", "read"),
        token(&project, "unheard", "read"),
        token(&project, "ben", "read"),
    ];
    let ran = project.run(&["access", "revoke", "ben", "--token", "read"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let server = Server::start(&project);
    let words = [HIDDEN_FROM_ANA, &["hidden-", "erik", "ana-", "carl", "dora", "please help"]].concat();
    let public = ["/", "/static/", "/api/v1/openapi.json"];
    for path in paths() {
        let of_tokens = tokens.iter().map(|token| ("authorization", format!("Bearer {token}")));
        let others =
            [("authorization", "Basic YW5hOmFuYQ==".to_owned()), ("cookie", "casebook_session=ana".to_owned())];
        for (name, value) in of_tokens.chain(others) {
            let request = server.get(&path).header(name, &value).header("accept-encoding", "gzip");
            let (status, headers, body) = read(request.send().await.unwrap()).await;
            let is_open = OPEN.contains(&path.as_str()) || public.contains(&path.as_str());
            assert!(is_open || [303, 401, 403, 404, 405].contains(&status), "{path} with {value}: {status}");
            let found = [headers.as_bytes(), &body].map(|part| hidden_words(&asked(&path), part, &words)).concat();
            assert!(found.is_empty(), "{path} with {value}: {found:?}");
        }
    }
}

#[tokio::test]
async fn the_hash_of_another_users_answer_is_no_key_to_it() {
    let desk = Desk::start(&all(), "ana");
    for path in [
        "/boards/agents?range=2026-03",
        "/api/v1/boards/agents?range=2026-03",
        "/api/v1/metrics/created_cases/numbers?range=2026-03",
    ] {
        let of_admin = desk.server.get(path).bearer_auth(&desk.of_admin).send().await.unwrap();
        let tag = of_admin.headers()["etag"].clone();
        let request = desk.server.get(path).bearer_auth(&desk.token).header("if-none-match", tag.clone());
        let answered = request.send().await.unwrap();
        assert_eq!(answered.status(), 200, "{path}");
        assert_ne!(answered.headers()["etag"], tag, "{path}");
    }
}

#[tokio::test]
async fn the_stream_of_states_names_nothing() {
    let desk = Desk::start(&all(), "ana");
    for token in
        ["", "cb_wrong", token(&desk.project, "nix", "read").as_str(), token(&desk.project, "ana", "ingest").as_str()]
    {
        let refused = desk.server.get("/live").bearer_auth(token).send().await.unwrap();
        assert!([401, 403].contains(&refused.status().as_u16()), "{}", refused.status());
    }
    assert_eq!(desk.server.get("/live").send().await.unwrap().status(), 401);
    let mut stream = desk.server.get("/live").bearer_auth(&desk.token).send().await.unwrap();
    assert_eq!(stream.chunk().await.unwrap().unwrap().as_ref(), b"event: state\ndata: 1\n\n");
    let line = super::desk::hidden_line("zebra-more");
    desk.project.write("more.ndjson", line.to_string());
    desk.project.ingest(&["more.ndjson"], 0);
    let next = tokio::time::timeout(std::time::Duration::from_secs(30), stream.chunk());
    assert_eq!(next.await.unwrap().unwrap().unwrap().as_ref(), b"event: state\ndata: 2\n\n");
}
