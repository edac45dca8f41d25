use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use super::server::{Answer, Request, Server, free_port, http, status};
use super::{Project, SECRET, class};

fn target(port: u16) -> String {
    format!(
        "kind = \"object\"\nurl = \"s3://reports/care/{{schedule}}/{{date}}/{{file}}\"\n\
         options = {{ endpoint = \"http://127.0.0.1:{port}\", region = \"eu-1\" }}\n\
         secrets = {{ access_key_id = {{ env = \"SECRET\" }}, secret_access_key = {{ env = \"SECRET\" }} }}"
    )
}

type Objects = Arc<Mutex<BTreeMap<String, Request>>>;

/// A bucket that keeps what is put.
async fn bucket() -> (Server<Request>, Objects) {
    let objects = Objects::default();
    let kept = Arc::clone(&objects);
    let server = http(move |request| {
        let mut objects = kept.lock().unwrap();
        let path = request.line.split(' ').nth(1).unwrap().to_owned();
        if request.line.starts_with("PUT") {
            objects.insert(path, request.clone());
            return status("200 OK", "ETag: \"1\"\r\n", "");
        }
        let Some(found) = objects.get(&path) else { return status("404 Not Found", "", "") };
        let hash = found.headers.get("x-amz-meta-casebook-sha256").cloned().unwrap_or_default();
        let headers = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nETag: \"1\"\r\nLast-Modified: Mon, 23 Nov 2026 07:00:00 GMT\r\n\
             x-amz-meta-casebook-sha256: {hash}\r\n\r\n",
            found.body.len()
        );
        Answer::Text(headers)
    });
    (server.await, objects)
}

#[tokio::test]
async fn objects_have_their_hash_and_are_left_where_they_are() {
    let (project, (server, objects)) = (Project::new(), bucket().await);
    let receipt = project.deliver(&target(server.port)).await.unwrap();
    assert_eq!(receipt.text, "put 2 objects at `s3://reports/care/weekly/2026-11-23`");
    {
        let objects = objects.lock().unwrap();
        let pdf = &objects["/reports/care/weekly/2026-11-23/overview.pdf"];
        assert_eq!(pdf.body, project.bytes("overview.pdf"));
        assert_eq!(pdf.headers["content-type"], "application/pdf");
        assert_eq!(pdf.headers["x-amz-meta-casebook-sha256"], project.parcel.outputs[3].sha256);
        assert_eq!(objects["/reports/care/weekly/2026-11-23/%C5%99eky.csv"].body, project.bytes("řeky.csv"));
    }
    let again = project.deliver(&target(server.port)).await.unwrap();
    assert!(again.was_there, "{again:?}");
    objects.lock().unwrap().get_mut("/reports/care/weekly/2026-11-23/overview.pdf").unwrap().body.pop();
    let repaired = project.deliver(&target(server.port)).await.unwrap();
    assert!(repaired.text.starts_with("put 1 of 2 objects"), "{repaired:?}");
    let puts = server.received.lock().unwrap().iter().filter(|request| request.line.starts_with("PUT")).count();
    assert_eq!(puts, 3);
}

#[tokio::test]
async fn each_way_to_fail_has_its_class() {
    let project = Project::new();
    let error = format!("<Error><Code>InvalidAccessKeyId</Code><AWSAccessKeyId>{SECRET}</AWSAccessKeyId></Error>");
    let cases = [
        ("HEAD", "403 Forbidden", "final"),
        ("HEAD", "500 Internal Server Error", "later"),
        ("PUT", "403 Forbidden", "final"),
        ("PUT", "404 Not Found", "final"),
        ("PUT", "400 Bad Request", "unknown"),
        ("PUT", "503 Slow Down", "unknown"),
    ];
    for (method, code, expected) in cases {
        let error = error.clone();
        let server = http(move |request| match request.line.starts_with(method) {
            true if method == "HEAD" => status(code, "", ""),
            true => status(code, "", &error),
            false => status("404 Not Found", "", ""),
        });
        let attempt = project.deliver(&target(server.await.port)).await;
        assert_eq!(class(&attempt), expected, "{method} {code}: {attempt:?}");
        let reason = attempt.unwrap_err().reason;
        let has_code = method == "HEAD" || code.starts_with("404") || reason.contains("(InvalidAccessKeyId)");
        assert!(has_code && !reason.contains('<'), "{reason}");
        assert!(
            reason.starts_with("`overview.pdf` cannot be ") && reason.contains("s3://reports/care/weekly"),
            "{reason}"
        );
    }
    let attempt = project.deliver(&target(free_port().await)).await;
    assert_eq!(class(&attempt), "later", "{attempt:?}");
    let attempt = project.deliver(&target(1).replace("region", "regoin")).await;
    assert_eq!(class(&attempt), "final", "{attempt:?}");
}

#[tokio::test]
async fn a_store_without_metadata_is_asked_for_the_content() {
    let project = Project::new();
    let target = format!("kind = \"object\"\nurl = \"file://{}/out/{{file}}\"", project.path().display());
    assert!(!project.deliver(&target).await.unwrap().was_there);
    assert!(project.deliver(&target).await.unwrap().was_there);
    std::fs::write(project.path().join("out/řeky.csv"), "a,b\n1,ů\n").unwrap();
    assert!(!project.deliver(&target).await.unwrap().was_there);
    assert_eq!(std::fs::read(project.path().join("out/řeky.csv")).unwrap(), project.bytes("řeky.csv"));
}
