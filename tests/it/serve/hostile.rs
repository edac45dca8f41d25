//! Requests that are too large, too slow, too many or nonsense: each has an answer or is ended, nothing is written, nothing
//! stops, and others are served meanwhile.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;

use super::guard::{send, status};
use super::server::{Server, desk, text, token, value};
use crate::project::Project;

/// The server is there, has reported no defect, and the log is as it was.
async fn assert_unharmed(project: &Project, server: Server, events: &serde_json::Value) {
    assert_eq!(server.page("/healthz").await, "ok\n");
    let meters = server.page("/metrics").await;
    assert!(meters.contains("casebook_defects_total 0\n"), "{meters}");
    let reported = server.reported();
    assert!(reported.iter().all(|line| !line.contains("panicked") && !line.contains("overflow")), "{reported:?}");
    server.kill();
    assert_eq!(value(project, "SELECT count(*) FROM quarantine"), 0);
    assert_eq!(&value(project, "SELECT count(*) FROM events"), events);
}

fn request(line: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n{body}").into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_no_right_form_are_refused() {
    let project = desk("20");
    let events = value(&project, "SELECT count(*) FROM events");
    let server = Server::start(&project);
    let post = |headers: &str, body: &str| {
        request("POST /api/v1/events", &format!("Content-Type: application/x-ndjson\r\n{headers}"), body)
    };
    let refused = ["400", "none"].as_slice();
    for (bytes, wanted) in [
        // Lines and headers.
        (b"GET /healthz\r\n\r\n".to_vec(), refused),
        (b"GET /healthz HTTP/9.9\r\nHost: localhost\r\n\r\n".to_vec(), refused),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), refused),
        (b"\x16\x03\x01\x00\x05hello".to_vec(), refused),
        (b"GET /healthz HTTP/1.1\r\nHost localhost\r\n\r\n".to_vec(), refused),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n".to_vec(), refused),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n X: folded\r\n\r\n".to_vec(), refused),
        (b"GET /heal thz HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), refused),
        (b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n".to_vec(), &["421", "400"]),
        (request("GET /healthz", "Host: site.example\r\n", ""), &["200", "400", "421"]),
        (request("GET http://site.example/healthz", "", ""), &["200", "400", "421"]),
        (request("get /healthz", "", ""), &["405", "400"]),
        (request("CONNECT localhost:80", "", ""), &["400", "404", "405"]),
        (request("OPTIONS *", "", ""), &["400", "404", "405"]),
        (request("GET /cases", "Range: bytes=0-1,5-6,9-\r\n", ""), &["200"]),
        (request("GET /cases", "Accept-Encoding: gzip;q=x, , ;;, zstd\r\nAccept: ,;q\r\n", ""), &["200"]),
        (request("GET /api/v1/metrics", "Authorization: Bearer \u{e9}\r\n", ""), &["200", "400", "401"]),
        (request("GET /cases", "If-None-Match: \",W/,*\r\nCookie: =;=;;casebook_session\r\n", ""), &["200"]),
        // Lengths of bodies.
        (post("Content-Length: -1\r\n", "{}"), refused),
        (post("Content-Length: 1e3\r\n", "{}"), refused),
        (post("Content-Length: 2\r\nContent-Length: 3\r\n", "{}"), refused),
        (post("Content-Length: 99999999999999999999\r\n", "{}"), refused),
        (post("Transfer-Encoding: zebra\r\n", "{}"), refused),
        (post("Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n"), refused),
        (post("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n{}"), refused),
        (post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n"), &["200", "400"]),
        // A body that is not sent before it is asked for, and need not be: the first answer is the last.
        (request("POST /nothing", "Expect: 100-continue\r\nContent-Length: 99\r\n", ""), &["404"]),
        // Encodings.
        (post("Content-Encoding: br\r\nContent-Length: 2\r\n", "{}"), &["415"]),
        (post("Content-Encoding: gzip, gzip\r\nContent-Length: 2\r\n", "{}"), &["415"]),
        (post("Content-Encoding: gzip\r\nContent-Length: 2\r\n", "{}"), &["400"]),
        (post("Content-Encoding: zstd\r\nContent-Length: 2\r\n", "{}"), &["400"]),
        (
            request(
                "POST /api/v1/events",
                "Content-Type: application/x-ndjson; charset=utf-16\r\nContent-Length: 2\r\n",
                "{}",
            ),
            &["415"],
        ),
        (request("POST /api/v1/sql", "Content-Type: application/json\r\nContent-Length: 2\r\n", "{}"), &["415"]),
        (request("POST /login", "Content-Type: text/plain\r\nContent-Length: 2\r\n", "{}"), &["415", "303"]),
        // Addresses.
        (request("GET //cases", "", ""), &["404"]),
        (request("GET /cases/../store", "", ""), &["404"]),
        (request("GET /%2e%2e/%2e%2e/etc/hostname", "", ""), &["404"]),
        (request("GET /static/%00", "", ""), &["404"]),
        (request("GET /boards/..%5c..%5caccess.toml", "", ""), &["404"]),
        (request("GET /boards/%2Fetc%2Fhostname/file", "", ""), &["400", "404"]),
        (request("GET /boards/overview/widgets/..%2f..%2f", "", ""), &["400", "404"]),
        (request("GET /cases/%zz", "", ""), &["400", "404"]),
        (request("GET /cases/%ff", "", ""), &["400", "404"]),
        (request("GET /views/%00?user=%00", "", ""), &["400", "404"]),
        (request(&format!("GET {}", "/a".repeat(5000)), "", ""), &["404"]),
        (request("GET /cases?q=%E0%80%80&q=2", "", ""), &["400"]),
        (request("GET /cases?&&==&=&%=%", "", ""), &["400"]),
    ] {
        let answer = send(&server, &bytes);
        let line = String::from_utf8_lossy(&bytes).into_owned();
        assert!(wanted.contains(&status(&answer)), "{line:.160}: {answer:.300}");
        assert!(!answer.contains("panicked") && !answer.contains("src/"), "{line:.160}: {answer}");
    }
    assert_unharmed(&project, server, &events).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_is_refused_before_it_is_understood() {
    let project = desk("20");
    let user = value(&project, "SELECT min(\"user\") FROM users WHERE role <> 'none'");
    let token = token(&project, user.as_str().unwrap(), "read,ingest");
    let events = value(&project, "SELECT count(*) FROM events");
    let server = Server::start(&project);
    let form = server.post_form("/login", &[("user", "a"), ("password", &"b".repeat(20_000))]);
    text(form.send().await.unwrap(), 413).await;
    let sql =
        |text: String| server.post("/api/v1/sql").bearer_auth(&token).header("content-type", "text/plain").body(text);
    let problem = text(sql(format!("SELECT 1{}", " + 1".repeat(1001))).send().await.unwrap(), 400).await;
    assert!(problem.contains("1001 operators"), "{problem}");
    let problem = text(sql(format!("SELECT 1{}", " ".repeat(256 << 10))).send().await.unwrap(), 413).await;
    assert!(problem.contains("a query has at most"), "{problem}");
    assert_eq!(text(sql("SELECT 1 AS n".to_owned()).send().await.unwrap(), 200).await, "[\n{\"n\":1}]\n");
    let get = |path: &str| server.get(path).bearer_auth(&token);
    let operators = "%2B1".repeat(1001);
    text(get(&format!("/api/v1/sql?query=SELECT+1{operators}")).send().await.unwrap(), 400).await;
    for path in ["/boards/overview", "/api/v1/boards/overview", "/api/v1/metrics/created_cases/numbers"] {
        let filters = "&where=agent%3Da".repeat(101);
        let problem = text(get(&format!("{path}?range=2026-05{filters}")).send().await.unwrap(), 400).await;
        assert!(problem.contains("at most 100 parameters"), "{path}: {problem}");
    }
    // Deeper than a line of the log may be.
    let post = |body: String| {
        server.post("/api/v1/events").bearer_auth(&token).header("content-type", "application/x-ndjson").body(body)
    };
    let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
    let answer: serde_json::Value = serde_json::from_str(&text(post(deep).send().await.unwrap(), 422).await).unwrap();
    assert_eq!((&answer["added"], &answer["quarantined"]), (&json!(0), &json!(1)));
    let large = format!("{{\"id\":\"{}\"}}", "a".repeat((32 << 20) + 1));
    let problem = text(post(large).send().await.unwrap(), 413).await;
    assert!(problem.contains("more bytes than one may have"), "{problem}");
    server.kill();
    assert_eq!(value(&project, "SELECT count(*) FROM events"), events);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_send_nothing_or_half_a_body_are_ended_and_hold_up_no_other() {
    let project = desk("20");
    let events = value(&project, "SELECT count(*) FROM events");
    let server = Server::start(&project);
    let open = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.write_all(bytes).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    };
    let silent = (0..100).map(|_| open(b""));
    let head = "POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n";
    let half = format!("{head}Content-Length: 1000\r\n\r\n{}", "{\"id\":\"half\"");
    let halves = (0..50).map(|_| open(half.as_bytes()));
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n5\r\n{{\"id\"\r\n");
    let parts = (0..50).map(|_| open(chunked.as_bytes()));
    let used = (0..20).map(|_| open(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    let all: Vec<TcpStream> = silent.chain(halves).chain(parts).chain(used).collect();
    let begun = Instant::now();
    assert_eq!(server.page("/healthz").await, "ok\n");
    assert!(server.page("/cases").await.contains("20 cases"));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let mut open = Vec::new();
    for (number, mut stream) in all.into_iter().enumerate() {
        let left = Duration::from_secs(60).saturating_sub(begun.elapsed()).max(Duration::from_millis(10));
        stream.set_read_timeout(Some(left)).unwrap();
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        let answer = String::from_utf8_lossy(&rest);
        if ended.is_err() || !["none", "400", "408", "200"].contains(&status(&answer)) {
            open.push(format!("{number}: {ended:?} {answer}"));
        }
    }
    assert!(open.is_empty(), "{} are not ended: {}", open.len(), open.join("\n"));
    assert_unharmed(&project, server, &events).await;
}
