//! The API answers what the command line answers.

use serde_json::Value;

use super::server::{Server, desk, text, value};

#[tokio::test]
async fn numbers_and_rows_are_those_of_the_command_line_byte_for_byte() {
    let project = desk("60");
    let server = Server::start(&project);
    let run = |arguments: &[&str]| {
        let ran = project.run(arguments);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    };
    let metric = ["metric", "first_response_time", "--range", "2026-05", "--by", "platform", "--grain", "week"];
    for format in ["csv", "json", "ndjson"] {
        let path =
            format!("/api/v1/metrics/first_response_time/numbers?range=2026-05&by=platform&grain=week&format={format}");
        assert_eq!(server.page(&path).await, run(&[&metric[..], &["--format", format]].concat()), "{format}");
    }
    let sql = "SELECT case_id, status, created_at FROM cases ORDER BY case_id LIMIT 20";
    let answered = server.post("/api/v1/sql?format=csv").header("content-type", "text/plain").body(sql);
    assert_eq!(text(answered.send().await.unwrap(), 200).await, run(&["sql", sql, "--format", "csv"]));
    let board = "/api/v1/boards/service-level?range=2026-05&cases=5";
    let report = ["report", "service-level", "--range", "2026-05", "--format", "json", "--cases", "5", "-o", "-"];
    assert_eq!(server.page(board).await, run(&report));
    let case = value(&project, "SELECT min(case_id) FROM cases");
    let path = format!("/api/v1/cases/{}", case.as_str().unwrap());
    let answered: Value = serde_json::from_str(&server.page(&path).await).unwrap();
    let printed: Value = serde_json::from_str(&run(&["case", case.as_str().unwrap(), "--format", "json"])).unwrap();
    assert_eq!(answered, printed);
}

/// The rows of a CSV without its columns of that name.
fn csv_without(text: &str, column: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let rows: Vec<Vec<String>> = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    let left_out = rows[0].iter().position(|name| name == column);
    let kept = |row: &Vec<String>| {
        let cells = row.iter().enumerate().filter(|(at, _)| Some(*at) != left_out);
        cells.map(|(_, cell)| cell.clone()).collect()
    };
    rows.iter().map(kept).collect()
}

#[tokio::test]
async fn lists_of_cases_are_those_of_the_command_line() {
    let project = desk("60");
    let server = Server::start(&project);
    let run = |arguments: &[&str]| {
        let ran = project.run(arguments);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stdout
    };
    let user =
        value(&project, "SELECT \"user\" FROM users WHERE role = 'supervisor' AND until IS NULL ORDER BY 1 LIMIT 1");
    let user = user.as_str().unwrap();
    for format in ["csv", "json"] {
        let views = server.page(&format!("/api/v1/views?user={user}&format={format}")).await;
        assert_eq!(views, run(&["view", "--user", user, "--format", format]));
        for (query, more) in [("", &[][..]), ("&sort=priority_highest", &["--sort", "priority_highest"])] {
            let view = server.page(&format!("/api/v1/views/done?user={user}&format={format}{query}")).await;
            assert_eq!(view, run(&[&["view", "done", "--user", user, "--format", format], more].concat()));
        }
    }
    let high = server.page(&format!("/api/v1/views/done?user={user}&priority=high&format=csv")).await;
    let done = server.page(&format!("/api/v1/views/done?user={user}&format=csv")).await;
    let wanted: Vec<&str> = done
        .lines()
        .enumerate()
        .filter(|(at, line)| *at == 0 || line.contains(",high,"))
        .map(|(_, line)| line)
        .collect();
    assert!(wanted.len() > 1 && wanted.len() < done.lines().count());
    assert_eq!(high.lines().collect::<Vec<_>>(), wanted);

    let all = "SELECT * FROM cases WHERE deleted_at IS NULL AND status = 'done' ORDER BY created_at, case_id";
    let cases = server.page("/api/v1/cases?status=done&sort=oldest&format=csv").await;
    assert_eq!(cases, run(&["sql", all, "--format", "csv"]));
    let part = server.page("/api/v1/cases?status=done&sort=oldest&offset=3&limit=4&format=csv").await;
    assert_eq!(part, run(&["sql", &format!("{all} LIMIT 4 OFFSET 3"), "--format", "csv"]));

    let behind = "/api/v1/metrics/first_response_time/cases?range=2026-05&by=platform&where=priority%3Dhigh&sort=at,case_id&format=csv";
    let listed =
        ["metric", "first_response_time", "--range", "2026-05", "--by", "platform", "--where", "priority=high"];
    let listed = run(&[&listed[..], &["--sort", "at,case_id", "--cases", "--format", "csv"]].concat());
    // The command also lists what does not count, and states why.
    let excluded = listed.lines().next().unwrap().split(',').position(|name| name == "excluded").unwrap();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(listed.as_bytes());
    let counts = |row: &csv::StringRecord| ["", "excluded"].contains(&row.get(excluded).unwrap());
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in reader.records().map(|row| row.unwrap()).filter(counts) {
        writer.write_record(&row).unwrap();
    }
    let listed = String::from_utf8(writer.into_inner().unwrap()).unwrap();
    let behind = server.page(behind).await;
    assert!(behind.lines().count() > 2);
    assert_eq!(csv_without(&behind, ""), csv_without(&listed, "excluded"));
}

#[tokio::test]
async fn every_format_of_rows_holds_the_same_rows() {
    let project = desk("40");
    let server = Server::start(&project);
    let bytes = async |format: &str| {
        let path = format!("/api/v1/sql?query=SELECT+case_id+FROM+cases+ORDER+BY+case_id&format={format}");
        let response = server.get(&path).send().await.unwrap();
        let media = response.headers()["content-type"].to_str().unwrap().to_owned();
        (media, response.bytes().await.unwrap())
    };
    let (media, arrow) = bytes("arrow").await;
    assert_eq!(media, "application/vnd.apache.arrow.stream");
    let batches = arrow::ipc::reader::StreamReader::try_new(std::io::Cursor::new(arrow), None).unwrap();
    let rows: usize = batches.map(|batch| batch.unwrap().num_rows()).sum();
    let (media, parquet) = bytes("parquet").await;
    assert_eq!(media, "application/vnd.apache.parquet");
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(parquet, 1024).unwrap();
    assert_eq!(reader.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), rows);
    let (media, csv) = bytes("csv").await;
    assert_eq!(media, "text/csv; charset=utf-8");
    assert_eq!(String::from_utf8(csv.to_vec()).unwrap().lines().count(), rows + 1);
    let (_, xlsx) = bytes("xlsx").await;
    assert!(xlsx.starts_with(b"PK"));
}

#[tokio::test]
async fn what_is_wrong_with_a_question_is_a_problem_with_the_next_step() {
    let project = desk("20");
    let server = Server::start(&project);
    let numbers = "/api/v1/metrics/created_cases/numbers";
    for (path, status, wanted) in [
        ("/api/v1/metrics/created_case", 404, "did you mean `created_cases`"),
        ("/api/v1/metrics/created_cases/numbers", 400, "numbers need a range"),
        (&format!("{numbers}?range=2026-13"), 400, "range"),
        (&format!("{numbers}?range=2026-05&buy=agent"), 400, "there is no such parameter"),
        (&format!("{numbers}?range=2026-05&range=2026-04"), 400, "given twice"),
        (&format!("{numbers}?range=2026-05&tz=Mars"), 400, "tz"),
        (&format!("{numbers}?range=2026-05&format=doc"), 400, "there is no format `doc`"),
        ("/api/v1/boards/overvie", 404, "did you mean `overview`"),
        ("/api/v1/boards/overview?range=2026-05&format=csv", 400, "several files"),
        ("/api/v1/boards/..%2F..%2Fcasebook", 404, "there is no dashboard"),
        ("/api/v1/cases/none", 404, "there is no case `none`"),
        ("/api/v1/cases?sort=new", 400, "the orders are newest"),
        ("/api/v1/cases?limit=0", 400, "limit"),
        ("/api/v1/cases?page=2", 400, "there is no such parameter"),
        ("/api/v1/views", 400, "name one, such as `user=ana`"),
        ("/api/v1/views?user=nora", 400, "the log knows no such user"),
        ("/api/v1/views/inbx?user=helena", 404, "`/api/v1/views` lists them"),
        ("/api/v1/metrics/created_cases/cases", 400, "numbers need a range"),
        ("/api/v1/metrics/created_case/cases?range=2026-05", 404, "did you mean `created_cases`"),
        ("/api/v1/sql?query=DROP+TABLE+cases", 400, "refused"),
        ("/api/v1/sql?query=SELECT+1;SELECT+2", 400, "several queries"),
        ("/api/v1/sql?query=SELECT+statu+FROM+cases", 400, "did you mean `status`"),
        ("/api/v1/nothing", 404, "openapi"),
    ] {
        let response = server.get(path).send().await.unwrap();
        let media = response.headers()["content-type"].to_str().unwrap().to_owned();
        let problem = text(response, status).await;
        assert_eq!(media, "application/problem+json", "{path}");
        assert!(problem.contains(wanted), "{path}: {problem}");
    }
}

#[tokio::test]
async fn the_document_of_the_api_names_routes_that_there_are() {
    let project = desk("20");
    let server = Server::start(&project);
    let document: Value = serde_json::from_str(&server.page("/api/v1/openapi.json").await).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys().filter(|name| ["get", "post"].contains(&name.as_str())) {
            let path = format!("/api/v1{path}").replace("{name}", "created_cases").replace("{id}", "x");
            let request = if method == "get" { server.get(&path) } else { server.post(&path) };
            let status = request.send().await.unwrap().status().as_u16();
            assert_ne!(status, 405, "{method} {path}");
        }
    }
}
