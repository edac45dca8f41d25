//! Hostile requests: each has an answer or is ended, nothing is written, and others are served.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::server::{Server, desk, value};

/// Sends bytes, and gives what comes back until the connection ends.
pub fn send(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    // The server may end the connection before it has read everything.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

pub fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_requests_are_answered_or_ended_and_others_are_served() {
    let project = desk("20");
    let server = Server::start(&project);
    let request =
        |line: &str, headers: &str| format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    let many: String = (0..200).map(|n| format!("X-{n}: 1\r\n")).collect();
    let long = format!("X-Long: {}\r\n", "a".repeat(128 << 10));
    let address = format!("GET /cases?q={}", "a".repeat(128 << 10));
    for (bytes, wanted) in [
        (request("GET /healthz", ""), vec!["200"]),
        ("nonsense\r\n\r\n".to_owned(), vec!["400"]),
        ("\u{0}\u{1}\u{2}".repeat(100), vec!["400", "none"]),
        (request("GET /healthz", &many), vec!["431", "400"]),
        (request("GET /healthz", &long), vec!["431", "400"]),
        (request(&address, ""), vec!["414", "431", "400"]),
        (request("GET /boards/%2e%2e%2f%2e%2e%2fcasebook.toml", ""), vec!["404"]),
        (request("GET /static/../../casebook.toml", ""), vec!["404"]),
        (request("GET /boards/%ff%fe", ""), vec!["400", "404"]),
        (request("GET /cases?page=18446744073709551616", ""), vec!["400"]),
        (request("GET /cases?q=%00%ff", ""), vec!["200"]),
        (request("DELETE /api/v1/events", ""), vec!["405"]),
        (request("TRACE /", ""), vec!["405"]),
        (request("POST /login", "Content-Length: 99999999999\r\n"), vec!["413", "400", "415", "303"]),
        (request("GET /cases", "Cookie: casebook_session=\u{7f}\r\n"), vec!["200", "400"]),
    ] {
        let answer = send(&server, bytes.as_bytes());
        let line = bytes.lines().next().unwrap_or_default();
        assert!(wanted.contains(&status(&answer)), "{:.80}: {answer:.200}", line);
        assert!(!answer.contains("panicked") && !answer.contains("src/"), "{answer}");
    }
    assert_eq!(server.page("/healthz").await, "ok\n");
    server.kill();
    assert_eq!(value(&project, "SELECT count(*) FROM quarantine"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_send_slowly_are_ended_and_hold_up_no_other() {
    let project = desk("20");
    let server = Server::start(&project);
    let slow: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut stream = TcpStream::connect(server.address()).unwrap();
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: local").unwrap();
            stream
        })
        .collect();
    let begun = Instant::now();
    assert_eq!(server.page("/healthz").await, "ok\n");
    assert!(begun.elapsed() < Duration::from_secs(5));
    for mut stream in slow {
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).expect("the server ends the connection");
    }
}

#[tokio::test]
async fn another_site_can_neither_read_nor_change() {
    let project = desk("20");
    let server = Server::start(&project);
    // A name of another site that leads to this machine.
    let rebound = server.get("/cases").header("host", "site.example:8080").send().await.unwrap();
    assert_eq!(rebound.status(), 421);
    let post = || server.post("/api/v1/sql").header("content-type", "text/plain").body("SELECT 1");
    assert_eq!(post().send().await.unwrap().status(), 200);
    assert_eq!(post().header("origin", "https://site.example").send().await.unwrap().status(), 403);
    assert_eq!(post().header("sec-fetch-site", "cross-site").send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn every_answer_has_the_headers_that_keep_a_page_within_its_site() {
    let project = desk("20");
    let server = Server::start(&project);
    let policy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    for (path, status) in [
        ("/cases", 200),
        ("/boards/overview?range=2026-05", 200),
        ("/static/site.js", 200),
        ("/nothing", 404),
        ("/cases?page=x", 400),
        ("/api/v1/metrics", 200),
        ("/api/v1/cases/none", 404),
        ("/api/v1/events", 405),
        ("/metrics", 200),
    ] {
        let answer = server.get(path).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        for (name, expected) in [
            ("content-security-policy", policy),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.headers()[name], expected, "{path}: {name}");
        }
        let caching = answer.headers()["cache-control"].to_str().unwrap();
        assert!(["no-store", "private, no-cache"].contains(&caching), "{path}: {caching}");
    }
    // Requests are counted by patterns of addresses: many addresses take no more memory of the process.
    let meters = server.page("/metrics").await;
    for counted in ["route=\"/cases\"", "route=\"/api/v1/cases/{id}\"", "route=\"other\""] {
        assert!(meters.contains(counted), "{counted}: {meters}");
    }
    assert!(!meters.contains("nothing") && !meters.contains("cases/none"), "{meters}");
}
