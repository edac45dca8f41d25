//! Logging in: sessions, what a user may see, and how often it is tried.

use serde_json::json;

use super::server::{Server, add_user, text, token};
use crate::project::Project;

const PASSWORD: &str = "correct horse battery";

/// A desk of an agent with one case, a case of another agent, a supervisor, and a user with no role.
fn desk() -> Project {
    let project = Project::new();
    let user = |id: &str, role: &str| json!({"id": format!("u-{id}"), "source": "s", "type": "user.updated", "subject": id, "time": "2026-03-01T09:00:00Z", "data": {"role": role}});
    let case = |id: &str, agent: &str| {
        let line = |kind: &str, n: u8, data: serde_json::Value| json!({"id": format!("{id}-{n}"), "source": "s", "type": kind, "subject": id, "time": "2026-03-02T09:00:00Z", "data": data});
        let created = json!({"customer": format!("customer-of-{agent}"), "text": format!("text-for-{agent}")});
        [line("case.created", 0, created), line("case.assigned", 1, json!({"agent": agent}))]
    };
    let users = [user("ana", "agent"), user("ben", "agent"), user("eva", "supervisor"), user("zed", "none")];
    let lines: Vec<String> = users
        .into_iter()
        .chain(case("C-ana", "ana"))
        .chain(case("C-ben", "ben"))
        .map(|line| line.to_string())
        .collect();
    project.write("events.ndjson", lines.join("\n"));
    project.ingest(&["events.ndjson"], 0);
    project
}

/// Logs in; gives the cookie.
async fn log_in(server: &Server, user: &str) -> String {
    let response = server.post_form("/login", &[("user", user), ("password", PASSWORD), ("next", "/cases")]).send();
    let response = response.await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["location"].to_str().unwrap()), (303, "/cases"));
    let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_user_sees_what_is_theirs_until_they_log_out() {
    let project = desk();
    for user in ["ana", "eva", "zed", "unknown"] {
        add_user(&project, user, PASSWORD);
    }
    let server = Server::start(&project);
    let response = server.get("/cases?q=x").send().await.unwrap();
    assert_eq!(response.status(), 303);
    assert_eq!(response.headers()["location"], "/login?next=%2Fcases%3Fq%3Dx");
    assert!(text(server.get("/login?next=/cases").send().await.unwrap(), 200).await.contains("password"));
    let (ana, eva) = (log_in(&server, "ana").await, log_in(&server, "eva").await);
    let page = async |path: &str, cookie: &str, status| {
        text(server.get(path).header("cookie", cookie).send().await.unwrap(), status).await
    };
    let cases = page("/cases", &eva, 200).await;
    assert!(cases.contains("C-ana") && cases.contains("C-ben"));
    for path in [
        "/cases",
        "/cases?q=ben",
        "/agents",
        "/boards/case-management?range=2026-03",
        "/api/v1/boards/agents?range=2026-03",
    ] {
        let text = page(path, &ana, 200).await;
        assert!(
            !text.contains("C-ben") && !text.contains("customer-of-ben") && !text.contains("text-for-ben"),
            "{path}"
        );
    }
    assert!(page("/cases", &ana, 200).await.contains("C-ana"));
    let inbox = page("/views/inbox", &ana, 200).await;
    assert!(inbox.contains("Inbox (1)") && inbox.contains("C-ana") && !inbox.contains("C-ben"), "{inbox}");
    page("/views/inbox?user=ben", &ana, 400).await;
    assert!(page("/views/inbox?user=ben", &eva, 200).await.contains("C-ben"));
    // A case that may not be seen is as one that there is not.
    let hidden = page("/cases/C-ben", &ana, 404).await;
    assert_eq!(hidden, page("/cases/C-bem", &ana, 404).await.replace("C-bem", "C-ben"));
    for path in ["/sql", "/health"] {
        page(path, &ana, 403).await;
        page(path, &eva, 200).await;
    }
    for user in ["zed", "unknown"] {
        let cookie = log_in(&server, user).await;
        page("/cases", &cookie, 403).await;
    }
    assert_eq!(server.post("/logout").header("cookie", &ana).send().await.unwrap().status(), 303);
    assert_eq!(server.get("/cases").header("cookie", &ana).send().await.unwrap().status(), 303);
    project.run(&["access", "revoke", "eva"]);
    assert_eq!(server.get("/cases").header("cookie", &eva).send().await.unwrap().status(), 303);
}

#[tokio::test]
async fn a_session_ends_with_its_password() {
    use std::io::Write;

    let project = desk();
    add_user(&project, "ana", PASSWORD);
    let with_token = token(&project, "ana", "read");
    let server = Server::start(&project);
    let cookie = log_in(&server, "ana").await;
    // A page is kept for each kind of visitor: only one who has a session can end it.
    let board = || server.get("/boards/overview?range=2026-03");
    assert!(!text(board().bearer_auth(&with_token).send().await.unwrap(), 200).await.contains("Log out"));
    assert!(text(board().header("cookie", &cookie).send().await.unwrap(), 200).await.contains("Log out"));
    let status = async || server.get("/cases").header("cookie", &cookie).send().await.unwrap().status().as_u16();
    assert_eq!(status().await, 200);
    let mut command = project.command(&["access", "password", "ana", "--stdin"]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
    assert!(child.wait().unwrap().success());
    // Also where it is the same again.
    assert_eq!(status().await, 303);
    let of_revoked = log_in(&server, "ana").await;
    project.run(&["access", "revoke", "ana"]);
    add_user(&project, "ana", PASSWORD);
    let again = server.get("/cases").header("cookie", &of_revoked).send().await.unwrap();
    assert_eq!(again.status(), 303);
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_only_so_often() {
    let project = desk();
    add_user(&project, "ana", PASSWORD);
    let server = Server::start(&project);
    let attempt = async |user: &str| {
        let form = [("user", user), ("password", "wrong wrong wrong")];
        let response = server.post_form("/login", &form).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let (status, known) = attempt("ana").await;
    let (_, unknown) = attempt("nemo").await;
    assert_eq!((status, known.replace("ana", "nemo")), (401, unknown));
    let mut statuses = Vec::new();
    for _ in 0..11 {
        statuses.push(attempt("ana").await.0);
    }
    assert_eq!(statuses, [[401; 9].as_slice(), &[429; 2]].concat());
    // Not the right one, either; and others log in.
    let right = server.post_form("/login", &[("user", "ana"), ("password", PASSWORD)]).send().await.unwrap();
    assert_eq!(right.status(), 429);
    add_user(&project, "eva", PASSWORD);
    log_in(&server, "eva").await;
}

#[tokio::test]
async fn a_token_reads_with_the_rights_of_its_user() {
    let project = desk();
    let (ana, eva) = (token(&project, "ana", "read"), token(&project, "eva", "read"));
    let server = Server::start(&project);
    let count = async |token: &str| {
        let request = server.get("/api/v1/sql?query=SELECT+count(*)+AS+n+FROM+cases&format=csv").bearer_auth(token);
        text(request.send().await.unwrap(), 200).await
    };
    assert_eq!((count(&ana).await, count(&eva).await), ("n\n1\n".to_owned(), "n\n2\n".to_owned()));
    let missing = server.get("/api/v1/metrics").send().await.unwrap();
    assert_eq!(missing.headers()["www-authenticate"], "Bearer realm=\"casebook\"");
    text(missing, 401).await;
    project.run(&["access", "revoke", "ana", "--token", "read"]);
    text(server.get("/api/v1/metrics").bearer_auth(&ana).send().await.unwrap(), 401).await;
}

#[test]
fn an_address_that_others_reach_needs_tls_and_a_credential() {
    let project = desk();
    let refused = |arguments: &[&str]| {
        let ran = project.run(&[&["serve", "--postgres", "off", "--http"], arguments].concat());
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        ran.stderr
    };
    assert!(refused(&["0.0.0.0:0"]).contains("--behind-proxy"));
    assert!(refused(&["127.0.0.1:0", "--behind-proxy"]).contains("casebook access add"));
    assert!(refused(&["here"]).contains("is not an address"));
    project.write("cert.pem", "no certificate");
    project.write("key.pem", "no key");
    add_user(&project, "ana", PASSWORD);
    assert!(refused(&["0.0.0.0:0", "--tls-cert", "cert.pem", "--tls-key", "key.pem"]).contains("no certificate"));
}
