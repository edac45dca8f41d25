use casebook::schedule::deliver::deliver;
use casebook::schedule::encoding::{from_base64, signature};
use serde_json::Value;

use super::server::{Answer, Request, Server, free_port, http, status};
use super::{Project, SECRET, checked, class, now, parsed};

fn target(port: u16, more: &str) -> String {
    format!("kind = \"webhook\"\nurl = \"http://127.0.0.1:{port}/hook?x=1\"\ntimeout = \"1s\"\n{more}")
}

fn one(server: &Server<Request>) -> Request {
    let received = server.received.lock().unwrap();
    assert_eq!(received.len(), 1, "{received:?}");
    received[0].clone()
}

#[tokio::test]
async fn a_request_holds_the_figures_and_is_signed() {
    let (project, server) = (Project::new(), http(|_| status("200 OK", "", "")).await);
    let more = "secret = { env = \"SECRET\" }\nheaders = { authorization = { env = \"SECRET\" }, x-team = \"care\" }\nfiles = \"inline\"";
    let receipt = project.deliver(&target(server.port, more)).await.unwrap();
    assert_eq!(receipt.text, format!("`http://127.0.0.1:{}/hook` took the request: 200 OK", server.port));
    let request = one(&server);
    assert_eq!(request.line, "POST /hook?x=1 HTTP/1.1\r\n");
    let header = |name: &str| request.headers.get(name).map_or("", String::as_str);
    let names = ["webhook-id", "idempotency-key", "webhook-timestamp", "content-type", "authorization", "x-team"];
    let expected = ["weekly-1a2b3c", "weekly-1a2b3c", "1795417205", "application/json", SECRET, "care"];
    assert_eq!(names.map(header), expected);
    assert_eq!(header("x-casebook-repeat"), "");
    let signed = signature(SECRET.as_bytes(), &[b"weekly-1a2b3c.1795417205.", &request.body]);
    assert_eq!(header("webhook-signature"), format!("v1,{signed}"));
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["schedule"], "weekly");
    assert_eq!(body["scheduled_at"], "2026-11-23T07:00:00.000Z");
    assert_eq!(body["figures"][0]["value"], 7_500_000);
    assert_eq!((&body["repeat"], body["files"].as_array().unwrap().len()), (&Value::Bool(false), 2));
    assert_eq!(body["files"][0]["name"], "overview.pdf");
    assert_eq!(from_base64(body["files"][0]["content"].as_str().unwrap()).unwrap(), project.bytes("overview.pdf"));
}

#[tokio::test]
async fn a_repeat_is_marked_and_has_the_same_key() {
    let (project, server) = (Project::new(), http(|_| status("204 No Content", "", "")).await);
    let target = parsed(&target(server.port, "idempotent = true"));
    assert!(target.can_be_asked());
    checked(deliver(&target, None, &project.repeat(), now(), &project.deliverer(None)).await).unwrap();
    let request = one(&server);
    assert_eq!(
        (request.headers["x-casebook-repeat"].as_str(), request.headers["webhook-id"].as_str()),
        ("1", "weekly-1a2b3c")
    );
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!((&body["repeat"], &body["files"][0]["content"]), (&Value::Bool(true), &Value::Null));
}

#[tokio::test]
async fn each_way_to_fail_has_its_class() {
    let project = Project::new();
    let cases = [
        ("408 Request Timeout", "later"),
        ("425 Too Early", "later"),
        ("429 Too Many Requests", "later"),
        ("500 Internal Server Error", "later"),
        ("503 Service Unavailable", "later"),
        ("301 Moved Permanently", "final"),
        ("307 Temporary Redirect", "final"),
        ("400 Bad Request", "final"),
        ("404 Not Found", "final"),
        ("410 Gone", "final"),
    ];
    for (code, expected) in cases {
        let server =
            http(move |_| status(code, "Location: /elsewhere\r\nRetry-After: 7\r\n", &format!("no_team {SECRET}\n")))
                .await;
        let attempt = project.deliver(&target(server.port, "headers = { x-token = { env = \"SECRET\" } }")).await;
        assert_eq!(class(&attempt), expected, "{code}: {attempt:?}");
        one(&server);
        let failure = attempt.unwrap_err();
        assert!(failure.reason.contains(code), "{failure:?}");
        let expected_wait = (expected == "later").then_some(7);
        assert_eq!(failure.retry_after.map(|wait| wait.as_secs()), expected_wait, "{failure:?}");
    }
    for answer in [Answer::Close, Answer::Silence] {
        let server = http(move |_| answer.clone()).await;
        let attempt = project.deliver(&target(server.port, "")).await;
        assert_eq!(class(&attempt), "unknown", "{attempt:?}");
        one(&server);
    }
    let attempt = project.deliver(&target(free_port().await, "")).await;
    assert_eq!(class(&attempt), "later", "{attempt:?}");
}

#[tokio::test]
async fn an_address_that_is_a_secret_is_in_no_reason() {
    let project = Project::new();
    let attempt = project.deliver("kind = \"webhook\"\nurl = { env = \"HOOK\" }\nshape = \"slack\"").await;
    assert_eq!(class(&attempt), "later");
    let reason = attempt.unwrap_err().reason;
    assert!(reason.starts_with("the address in the environment variable `HOOK` cannot be reached: "), "{reason}");
    assert!(!reason.contains("127.0.0.1"), "{reason}");
    let plain = "kind = \"webhook\"\nurl = \"https://hooks.slack.example/T0/B0/x\"\nshape = \"slack\"";
    let reason = project.deliver(plain).await.unwrap_err().reason;
    assert!(reason.contains("is a secret") && !reason.contains("/T0"), "{reason}");
}

#[tokio::test]
async fn chats_get_the_title_the_figures_and_the_notes() {
    let project = Project::new();
    for shape in ["slack", "teams"] {
        let server = http(|_| status("200 OK", "", "ok")).await;
        project.deliver(&target(server.port, &format!("shape = \"{shape}\""))).await.unwrap();
        let body: Value = serde_json::from_slice(&one(&server).body).unwrap();
        let title = "Péče & support, 16–22 November 2026";
        if shape == "slack" {
            assert_eq!(body["blocks"][0]["text"]["text"], title);
            assert_eq!(body["blocks"][1]["fields"][0]["text"], "first response &lt;p50&gt;\n*2h 5m*");
            assert_eq!(body["blocks"][2]["elements"][0]["text"], "3 cases have no customer.");
        } else {
            let card = &body["attachments"][0]["content"];
            assert_eq!(card["body"][0]["text"], title);
            assert_eq!(card["body"][1]["facts"][0]["value"], "2h 5m");
            assert_eq!(card["body"][2]["text"], "3 cases have no customer.");
        }
    }
}
