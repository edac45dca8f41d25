//! The pages: each is complete without a script.

use super::server::{Server, desk, text, value};

#[tokio::test]
async fn every_page_is_there_and_has_no_script_of_its_own() {
    let project = desk("60");
    let server = Server::start(&project);
    let case = value(&project, "SELECT min(case_id) FROM cases");
    let case = format!("/cases/{}", case.as_str().unwrap());
    for (path, wanted) in [
        ("/boards", "/boards/overview"),
        ("/boards/overview?range=2026-05", "class=\"card"),
        ("/boards/overview/widgets/Created%20cases%20by%20day?range=2026-05", ""),
        ("/cases?status=open", "open"),
        (case.as_str(), "Why this policy"),
        ("/agents", "online"),
        ("/catalogue", "First response time"),
        ("/catalogue/created_cases?range=2026-05&by=platform", "facebook"),
        ("/sql?query=SELECT+count(*)+FROM+cases", "60"),
        ("/health", "every batch of the log"),
    ] {
        let response = server.get(path).send().await.unwrap();
        if wanted.is_empty() && response.status() == 400 {
            // The board has no widget of that title; its page is tried below.
            continue;
        }
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        let page = text(response, 200).await;
        assert!(page.contains(wanted), "{path}: no {wanted}");
        assert!(page.contains("<html lang=\"en\">") && page.contains("<main id=\"content\">"), "{path}");
        let scripts = page.matches("<script").count();
        assert_eq!(scripts, page.matches("<script src=\"/static/").count(), "{path}");
        assert!(!page.contains(" onclick=") && !page.contains("javascript:"), "{path}");
    }
}

#[tokio::test]
async fn a_widget_has_a_page_and_files() {
    let project = desk("60");
    let server = Server::start(&project);
    let board = server.page("/boards/service-level?range=2026-05").await;
    let link = board.split("href=\"").find_map(|rest| rest.split('"').next().filter(|link| link.contains("/widgets/")));
    let link = link.expect("a board leads to its widgets").replace("&amp;", "&");
    let page = server.page(&link).await;
    for format in ["csv", "xlsx", "png", "svg"] {
        let ending = format!("&amp;format={format}\"");
        let file = page.split("href=\"").find(|rest| rest.split('>').next().is_some_and(|link| link.contains(&ending)));
        let file = file.unwrap_or_else(|| panic!("no {format}")).split('"').next().unwrap().replace("&amp;", "&");
        let response = server.get(&file).send().await.unwrap();
        assert_eq!(response.status(), 200, "{file}");
        assert!(response.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
    }
}

#[tokio::test]
async fn texts_of_the_log_are_texts_on_a_page() {
    let project = crate::project::Project::new();
    let text = "<script>alert('x')</script>";
    let line = serde_json::json!({
        "id": "1", "source": "s", "type": "case.created", "subject": text, "time": "2026-03-02T09:00:00Z",
        "data": {"customer": text, "text": text, "platform": text},
    });
    project.write("events.ndjson", line.to_string());
    project.ingest(&["events.ndjson"], 0);
    let server = Server::start(&project);
    let case = "/cases/%3Cscript%3Ealert%28%27x%27%29%3C%2Fscript%3E";
    for path in ["/cases", case, "/boards/overview?range=2026-03", "/cases?q=%3Cscript%3E", "/nothing/%3Cscript%3E"] {
        let page = server.get(path).send().await.unwrap().text().await.unwrap();
        assert!(!page.contains("<script>alert"), "{path}");
    }
    assert!(server.page(case).await.contains("&lt;script&gt;"));
}
