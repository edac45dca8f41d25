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
    for (format, begins) in [
        ("csv", ""),
        ("xlsx", "PK"),
        ("png", "\u{fffd}PNG"),
        ("svg", "<svg"),
        ("parquet", "PAR1"),
        ("pdf", "%PDF"),
        ("markdown", ""),
    ] {
        let ending = format!("&amp;format={format}\"");
        let file = page.split("href=\"").find(|rest| rest.split('>').next().is_some_and(|link| link.contains(&ending)));
        let file = file.unwrap_or_else(|| panic!("no {format}")).split('"').next().unwrap().replace("&amp;", "&");
        let response = server.get(&file).send().await.unwrap();
        assert_eq!(response.status(), 200, "{file}");
        assert!(response.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
        let bytes = response.bytes().await.unwrap();
        assert!(!bytes.is_empty() && String::from_utf8_lossy(&bytes).starts_with(begins), "{format}");
    }
}

/// Links of a page to lists of cases, each with its text.
fn lists(page: &str) -> Vec<(String, String)> {
    let links = page.split("<a href=\"").skip(1).filter_map(|rest| {
        let (address, rest) = rest.split_once("\">")?;
        Some((address.replace("&amp;", "&"), rest.split_once("</a>")?.0.to_owned()))
    });
    links.filter(|(address, _)| address.contains("/cases?")).collect()
}

/// The ids of the cases that a page leads to.
fn cases_of(page: &str) -> Vec<&str> {
    page.split("<a href=\"/cases/")
        .skip(1)
        .map(|rest| rest.split('>').nth(1).unwrap().split('<').next().unwrap())
        .collect()
}

#[tokio::test]
async fn a_number_of_a_widget_leads_to_all_cases_that_it_counts() {
    let project = desk("120");
    let server = Server::start(&project);
    let board = server.page("/boards/case-management?range=2026-05&where=priority%3Dhigh,medium").await;
    let created = lists(&board).into_iter().filter(|(address, _)| address.starts_with("/catalogue/created%5Fcases/"));
    let counts = created.filter_map(|(address, text)| Some((address, text.parse::<usize>().ok()?)));
    let mut counts: Vec<(String, usize)> = counts.collect();
    counts.sort();
    counts.dedup();
    assert!(counts.len() > 20 && counts.iter().any(|(_, count)| *count > 20), "{counts:?}");
    for (address, count) in counts.iter().step_by(4).chain(counts.iter().filter(|(_, count)| *count > 20).take(3)) {
        let mut found = std::collections::BTreeSet::new();
        for number in 1..=count.div_ceil(50) {
            let page = server.page(&format!("{address}&page={number}")).await;
            found.extend(cases_of(&page).into_iter().map(str::to_owned));
        }
        assert_eq!(found.len(), *count, "{address}");
    }
    // Every list that the board leads to is there, and a list is a file, too.
    for (address, _) in lists(&board).iter().step_by(23) {
        server.page(address).await;
    }
    let (address, count) = &counts[0];
    let rows = server.get(&format!("{address}&format=json")).send().await.unwrap();
    let rows: Vec<serde_json::Value> = serde_json::from_str(&text(rows, 200).await).unwrap();
    assert_eq!(rows.len(), *count);
}

#[tokio::test]
async fn the_cases_of_a_view_are_sorted_and_filtered_by_the_address() {
    let project = desk("120");
    let server = Server::start(&project);
    let all = server.page("/views/done?user=helena").await;
    let high = value(
        &project,
        "SELECT count(*) FROM cases WHERE status = 'done' AND priority = 'high' AND deleted_at IS NULL",
    );
    let page = server.page("/views/done?user=helena&priority=high&sort=created_oldest").await;
    assert!(page.contains(&format!(">{high} cases<")), "not {high}");
    let oldest = "SELECT case_id FROM cases WHERE status = 'done' AND priority = 'high' AND deleted_at IS NULL ORDER BY created_at, case_id LIMIT 5";
    let oldest = super::server::rows(&project, oldest);
    let oldest: Vec<&str> = oldest.iter().map(|row| row["case_id"].as_str().unwrap()).collect();
    assert_eq!(cases_of(&page)[..5], oldest);
    assert_ne!(cases_of(&all)[..5], oldest);
    assert!(page.contains(
        "aria-sort=\"ascending\"><a href=\"?user=helena&amp;priority=high&amp;sort=created_newest\">Created"
    ));
    let next =
        page.split("rel=\"next\" href=\"").nth(1).map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"));
    assert!(next.is_none_or(|next| next.contains("priority=high") && next.contains("page=2")));
    let wrong = server.get("/views/done?user=helena&status=shut").send().await.unwrap();
    assert!(text(wrong, 400).await.contains("status: there is no `shut`"));
}

#[tokio::test]
async fn the_editor_has_the_names_of_tables_columns_and_functions() {
    let project = desk("20");
    let server = Server::start(&project);
    let page = server.page("/sql").await;
    for name in [
        "data-table=\"cases\"",
        "<code>case_id</code>",
        "<code>business_ms</code>",
        "<code>view_cases</code>",
        "<code>date_trunc</code>",
    ] {
        assert!(page.contains(name), "{name}");
    }
    assert!(server.page("/static/complete.js").await.contains("aria-autocomplete"));
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
