//! The Postgres wire: log-in, questions, what is refused, and that nothing a client sends disturbs others. Real clients are
//! tried by `.ci/wire`.

pub mod client;
mod fuzz;
mod tools;

use std::time::Duration;

use casebook::access::change::{self, Change};
use casebook::serve::limits::Limits;

use crate::project::Project;
use client::{Client, Server};

pub const PASSWORD: &str = "correct horse battery";

/// A small desk: ana is an agent with two cases, ben a supervisor with one.
fn desk() -> Project {
    let project = Project::new();
    let mut lines = vec![
        event("1", "user.updated", "ana", "07:00", r#"{"name":"Ana","role":"agent"}"#),
        event("2", "user.updated", "ben", "07:00", r#"{"name":"Ben","role":"supervisor"}"#),
        event("3", "user.updated", "eva", "07:00", r#"{"name":"Eva","role":"none"}"#),
    ];
    for (number, agent) in [(1, "ana"), (2, "ana"), (3, "ben")] {
        let case = format!("C-{number}");
        lines.push(event(
            &format!("c{number}"),
            "case.created",
            &case,
            "09:00",
            r#"{"customer":"cu","platform":"email"}"#,
        ));
        lines.push(event(&format!("a{number}"), "case.assigned", &case, "09:10", &format!(r#"{{"agent":"{agent}"}}"#)));
        let field = format!(r#"{{"field":"order","value":"secret-{number}","by":"ben"}}"#);
        lines.push(event(&format!("f{number}"), "case.field_changed", &case, "09:20", &field));
    }
    project.write("events", lines.join("\n"));
    project.ingest(&["events"], 0);
    project
}

fn event(id: &str, kind: &str, subject: &str, time: &str, data: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"t","type":"{kind}","subject":"{subject}","time":"2026-03-01T{time}:00Z","data":{data}}}"#
    )
}

pub fn with_password(project: &Project, user: &str) {
    let change = Change::Add { user: user.to_owned(), password: PASSWORD.to_owned() };
    change::apply(&project.path(""), change).unwrap();
}

fn limits(question_time: Duration) -> Limits {
    Limits { question_time, ..Limits::default() }
}

fn texts(row: &[Option<String>]) -> Vec<&str> {
    row.iter().map(|value| value.as_deref().unwrap_or("null")).collect()
}

const LONG: &str = "SELECT sum(a.value % 7) FROM generate_series(1, 4000000000) AS a";

#[test]
fn questions_have_the_values_that_clients_expect() {
    let project = desk();
    let server = Server::start(&project, false, Limits::default());
    let mut client = server.client();
    assert_eq!(client.value("SELECT count(*) FROM cases"), "3");
    let rows = client
        .query(
            "SELECT case_id, created_at, fields, resolved_at IS NULL, 1.5::double, ['a', NULL], INTERVAL '1 day', \
             NULL, 0::bigint, TIMESTAMP '2026-03-01 08:00:00', DATE '2026-03-01', 12.30::decimal(10, 2) \
             FROM cases ORDER BY case_id LIMIT 1",
        )
        .unwrap();
    assert_eq!(
        texts(&rows[0]),
        [
            "C-1",
            "2026-03-01 09:00:00.000000+00",
            r#"{"order":"secret-1"}"#,
            "t",
            "1.5",
            r#"{a,NULL}"#,
            "1 days",
            "null",
            "0",
            "2026-03-01 08:00:00.000000",
            "2026-03-01",
            "12.30",
        ]
    );
    assert_eq!(client.query("").unwrap(), Vec::<client::Row>::new());
    assert_eq!(client.query("SELECT 1; SELECT 2;").unwrap().len(), 2);
    // The same statement as the command line answers it, with a position where it is wrong.
    let failure = client.query("SELECT case_id,\n stauts FROM cases").unwrap_err();
    assert_eq!((failure.code.as_str(), failure.position.as_str()), ("42703", "18"), "{failure:?}");
    assert!(
        failure.message.contains("there is no column `stauts`") && failure.hint.contains("`status`"),
        "{failure:?}"
    );
    let failure = client.query("SELECT * FROM casse").unwrap_err();
    assert_eq!(failure.code, "42P01", "{failure:?}");
    assert_eq!(client.code("SELEC 1"), "42601");
    assert_eq!(client.code("SELECT 1/0"), "22012");
}

#[test]
fn the_catalogue_names_the_tables_and_no_number_of_rows() {
    let project = desk();
    let server = Server::start(&project, false, Limits::default());
    let mut client = server.client();
    let names =
        client.query("SELECT relname FROM pg_catalog.pg_class WHERE relname IN ('cases', 'desk_events')").unwrap();
    assert_eq!(names, [[Some("cases".to_owned())]]);
    assert_eq!(client.value("SELECT max(reltuples) FROM pg_catalog.pg_class"), "0");
    let columns =
        "SELECT count(*) FROM information_schema.columns WHERE table_name = 'cases' AND column_name = 'case_id'";
    assert_eq!(client.value(columns), "1");
    assert_eq!(client.value("SELECT current_user"), "owner");
    assert!(client.value("SELECT version()").starts_with("PostgreSQL 16"));
    assert_eq!(client.value("SHOW server_version_num"), "160006");
    assert_eq!(client.value("SHOW transaction_read_only"), "on");
}

#[test]
fn a_password_is_needed_and_what_is_revoked_ends_the_connection() {
    let project = desk();
    with_password(&project, "ben");
    with_password(&project, "eva");
    let server = Server::start(&project, true, Limits::default());
    let mut client = server.log_in("ben", Some(PASSWORD)).unwrap();
    assert_eq!(client.value("SELECT current_user"), "ben");
    let wrong = server.log_in("ben", Some("correct horse batterz")).err().unwrap();
    let unknown = server.log_in("nil", Some(PASSWORD)).err().unwrap();
    assert_eq!((wrong.code.as_str(), wrong.severity.as_str()), ("28P01", "FATAL"));
    assert_eq!(wrong, unknown);
    // Known to the file and not to do anything.
    let none = server.log_in("eva", Some(PASSWORD)).err().unwrap();
    assert_eq!(none.code, "28000", "{none:?}");
    change::apply(&project.path(""), Change::Revoke { user: "ben".to_owned() }).unwrap();
    let failure = client.query("SELECT 1").unwrap_err();
    assert_eq!((failure.code.as_str(), failure.severity.as_str()), ("28P01", "FATAL"));
    assert_eq!(client.rest(), b"");
    for _ in 0..9 {
        assert_eq!(
            server.log_in("ben", Some("wrong password")).err().unwrap().message,
            "the user or the password is wrong"
        );
    }
    assert!(server.log_in("ben", Some("wrong password")).err().unwrap().message.starts_with("too many"));
}

#[test]
fn an_agent_sees_their_own_cases_whatever_they_ask() {
    let project = desk();
    with_password(&project, "ana");
    with_password(&project, "ben");
    let server = Server::start(&project, true, Limits::default());
    let mut agent = server.log_in("ana", Some(PASSWORD)).unwrap();
    let mut supervisor = server.log_in("ben", Some(PASSWORD)).unwrap();
    assert_eq!(supervisor.value("SELECT count(*) FROM cases"), "3");
    for question in [
        "SELECT count(*) FROM cases",
        "SELECT count(DISTINCT c.case_id) FROM messages AS m RIGHT JOIN cases AS c ON m.case_id = c.case_id",
    ] {
        assert_eq!(agent.value(question), "2", "{question}");
    }
    for question in [
        "SELECT * FROM cases",
        "EXPLAIN SELECT * FROM cases WHERE case_id = 'C-3'",
        "EXPLAIN ANALYZE SELECT * FROM cases",
        "EXPLAIN VERBOSE SELECT count(*) FROM cases",
        "SELECT CAST(case_id AS INT) FROM cases",
        "SELECT CAST(CAST(fields AS TEXT) AS INT) FROM cases",
        "SELECT * FROM information_schema.tables",
        "SELECT * FROM pg_catalog.pg_class",
    ] {
        let answered = format!("{:?}", agent.query(question));
        // What the question has itself may be shown.
        for hidden in
            ["secret-3", "C-3", ".parquet", "num_rows", "output_rows"].iter().filter(|it| !question.contains(**it))
        {
            assert!(!answered.contains(hidden), "{question}: {answered}");
        }
    }
}

#[test]
fn whatever_would_change_something_is_refused() {
    let project = desk();
    let server = Server::start(&project, false, Limits::default());
    let mut client = server.client();
    let target = project.path("out.csv");
    let before = project.data_files();
    for statement in [
        "INSERT INTO cases VALUES (1)",
        "UPDATE cases SET status = 'x'",
        "DELETE FROM cases",
        "DROP TABLE cases",
        "TRUNCATE cases",
        "CREATE TABLE x AS SELECT 1",
        "CREATE VIEW x AS SELECT 1",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "CREATE FUNCTION f() RETURNS int RETURN 1",
        "ALTER TABLE cases ADD COLUMN x int",
        "SELECT 1 INTO x",
        "WITH a AS (INSERT INTO cases VALUES (1) RETURNING 1) SELECT * FROM a",
        "EXPLAIN ANALYZE INSERT INTO cases SELECT * FROM cases",
        &format!("COPY (SELECT 1) TO '{}'", target.display()),
        "COPY cases FROM '/etc/passwd'",
        "COPY cases FROM STDIN",
        "COPY cases TO STDOUT",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_parquet('x')",
        "SELECT * FROM pg_read_file('/etc/passwd')",
        "SELECT pg_read_file('/etc/passwd')",
        "SET datafusion.execution.batch_size = 1",
        "SHOW datafusion.execution.batch_size",
        "RESET datafusion.execution.batch_size",
        "SET ROLE ben",
        "SET SESSION AUTHORIZATION ben",
        "SET transaction_read_only = off",
        "BEGIN READ WRITE",
        "SET TRANSACTION READ WRITE",
        "PREPARE x AS SELECT 1",
        "CALL x()",
        "LOCK TABLE cases",
        "GRANT SELECT ON cases TO ana",
        "VACUUM",
        "ANALYZE cases",
        "LISTEN x",
        "DECLARE c CURSOR FOR DELETE FROM cases",
        "DECLARE c CURSOR FOR UPDATE cases SET status = 'x'",
    ] {
        let code = client.code(statement);
        assert!(
            ["25006", "42601", "42P01", "42883", "42000", "0A000", "22023", "42704"].contains(&code.as_str()),
            "{statement}: {code}"
        );
        let asked = client.ask(statement, &[]);
        assert!(asked.is_err(), "{statement}: {asked:?}");
    }
    assert_eq!(client.value("SELECT count(*) FROM cases"), "3");
    assert!(!target.exists());
    assert_eq!(project.data_files(), before);
}

#[test]
fn parameters_are_read_in_both_formats() {
    let project = desk();
    let server = Server::start(&project, false, Limits::default());
    let mut client = server.client();
    let count = "SELECT count(*) FROM cases WHERE created_at >= $1 AND case_id = $2 AND reopenings < $3";
    let mut ask =
        |values: &[Option<&str>]| client.ask(count, values).map(|rows| texts(&rows[0]).join(",")).map_err(|it| it.code);
    assert_eq!(ask(&[Some("2026-03-01 09:00:00+00"), Some("C-1"), Some("5")]).as_deref(), Ok("1"));
    assert_eq!(ask(&[Some("2026-03-01 09:00:00+00"), None, Some("5")]).as_deref(), Ok("0"));
    assert_eq!(ask(&[Some("soon"), Some("C-1"), Some("5")]), Err("22P02".to_owned()));
    assert_eq!(ask(&[Some("2026-03-01 09:00:00+00")]), Err("08P01".to_owned()));
    assert_eq!(client.ask("SELECT $1", &[Some("x")]).unwrap(), [[Some("x".to_owned())]]);
    assert_eq!(
        client.ask("SELECT case_id FROM cases WHERE case_id = ANY($1) ORDER BY 1", &[Some("{C-1,C-3}")]).unwrap().len(),
        2
    );
    // Binary, with types that the client states.
    client.parse("s", "SELECT $1 + 1, $2", &[23, 25]);
    client.bind("", "s", 1, &[Some(&41_i32.to_be_bytes()), Some(b"t")], 1);
    client.execute("", 0);
    client.send(b'S', b"");
    let answered = client::rows(client.until_ready()).unwrap();
    assert_eq!(texts(&answered[0])[1], "t");
    assert!(texts(&answered[0])[0].ends_with("2a"), "{answered:?}");
}

#[test]
fn an_answer_is_read_in_parts_and_a_cursor_stays_as_it_was() {
    let project = desk();
    let server = Server::start(&project, false, Limits::default());
    let mut client = server.client();
    client.query("BEGIN").unwrap();
    client.parse("", "SELECT value FROM generate_series(1, 1000000) AS s(value)", &[]);
    client.bind("p", "", 0, &[], 0);
    let mut read = 0;
    for _ in 0..3 {
        client.execute("p", 400_000);
        client.send(b'S', b"");
        let messages = client.until_ready();
        read += messages.iter().filter(|(kind, _)| *kind == b'D').count();
        let is_suspended = messages.iter().any(|(kind, _)| *kind == b's');
        assert_eq!(is_suspended, read < 1_000_000);
    }
    assert_eq!(read, 1_000_000);
    client.query("DECLARE c CURSOR FOR SELECT case_id FROM cases ORDER BY case_id").unwrap();
    assert_eq!(client.query("FETCH 2 FROM c").unwrap().len(), 2);
    project.write("more", event("c9", "case.created", "C-9", "10:00", r#"{"customer":"cu","platform":"email"}"#));
    project.ingest(&["more"], 0);
    let mut count = String::new();
    for _ in 0..600 {
        count = client.value("SELECT count(*) FROM cases");
        if count == "4" {
            break;
        }
        // The engine looks at the log each second.
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(count, "4");
    assert_eq!(client.query("FETCH ALL FROM c").unwrap(), [[Some("C-3".to_owned())]]);
    client.query("COMMIT").unwrap();
    assert_eq!(client.code("FETCH ALL FROM c"), "34000");
    // An error within a transaction: the rest is refused until it ends.
    client.query("BEGIN").unwrap();
    assert_eq!(client.code("SELECT nothing"), "42703");
    assert_eq!(client.code("SELECT 1"), "25P02");
    client.query("ROLLBACK").unwrap();
    assert_eq!(client.value("SELECT 1"), "1");
}

#[test]
fn a_question_ends_when_it_is_cancelled_takes_too_long_or_its_client_is_gone() {
    let project = desk();
    let one_at_a_time = Limits { questions_of_user: 1, ..limits(Duration::from_secs(40)) };
    let server = Server::start(&project, false, one_at_a_time);
    let mut client = server.client();
    client.send(b'Q', &[LONG.as_bytes(), b"\0"].concat());
    server.cancel(client.process, client.key.wrapping_add(1));
    server.cancel(client.process.wrapping_add(1), client.key);
    // A cancel of a question that has not begun is forgotten, so it is repeated until it counts.
    let (process, key) = (client.process, client.key);
    let answered = std::thread::scope(|scope| {
        let answering = scope.spawn(|| client.until_ready());
        while !answering.is_finished() {
            server.cancel(process, key);
        }
        answering.join().unwrap()
    });
    assert_eq!(client::rows(answered).unwrap_err().code, "57014");
    client.query("SET statement_timeout = '100ms'").unwrap();
    let failure = client.query(LONG).unwrap_err();
    assert_eq!(failure.code, "57014");
    assert!(failure.message.contains("0.1 s"), "{failure:?}");
    client.query("RESET statement_timeout").unwrap();
    // With one question at once, another client waits until the first is gone.
    client.send(b'Q', &[LONG.as_bytes(), b"\0"].concat());
    let mut other = server.client();
    drop(client);
    let begun = std::time::Instant::now();
    assert_eq!(other.value("SELECT 1"), "1");
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[test]
fn statements_too_large_to_understand_are_refused() {
    let project = desk();
    let server = Server::start(&project, false, Limits::default());
    let mut client = server.client();
    for text in [
        format!("SELECT 1{}", " + 1".repeat(100_000)),
        format!("SELECT {}1{}", "(".repeat(50_000), ")".repeat(50_000)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(20_000)),
        format!("SELECT {}", "1, ".repeat(200_000)),
        format!("SELECT $1{}", "0".repeat(18)),
        "SELECT $70000".to_owned(),
        format!("SELECT {}1", "1, ".repeat(2000)),
    ] {
        let answered = client.query(&text);
        assert!(answered.is_err(), "{}", &text[..40]);
        assert_eq!(client.value("SELECT 1"), "1");
    }
    // As much as is allowed is understood.
    assert_eq!(client.value(&format!("SELECT 1{}", " + 1".repeat(990))), "991");
    assert_eq!(
        client.value(&format!("SELECT count(*) FROM cases WHERE case_id = 'C-1'{}", " OR case_id = 'x'".repeat(400))),
        "1"
    );
}

#[test]
fn the_wire_needs_tls_where_other_machines_reach_it() {
    let project = desk();
    with_password(&project, "ben");
    for more in [&[][..], &["--behind-proxy"]] {
        let ran = project.run(&[&["serve", "--http", "off", "--postgres", "0.0.0.0:0"], more].concat());
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains("TLS"), "{}", ran.stderr);
    }
}

/// A join whose smaller side takes more than 16 MiB and cannot spill.
const LARGE: &str = "\
    SELECT count(*) FROM generate_series(1, 2000000) AS a(value) \
    JOIN generate_series(1, 2000000) AS b(value) ON a.value = b.value";

#[test]
fn a_question_has_its_share_of_the_memory_and_the_connection_goes_on() {
    let project = desk();
    let server = Server::start(&project, false, Limits { memory_parts: 16, ..Limits::default() });
    let mut client = server.client();
    let failure = client.query(LARGE).unwrap_err();
    let message = "the question needs more memory than one question may have: 16 MiB";
    assert_eq!((failure.code.as_str(), failure.message.as_str()), ("53200", message));
    assert_eq!(client.value("SELECT count(*) FROM cases"), "3");
    let whole = Server::start(&project, false, Limits { memory_parts: 1, ..Limits::default() });
    assert_eq!(whole.client().value(LARGE), "2000000");
}

#[test]
fn a_stopped_server_ends_its_connections() {
    let project = desk();
    let server = Server::start(&project, false, Limits::default());
    let mut clients: Vec<Client> = (0..20).map(|_| server.client()).collect();
    drop(server);
    for client in &mut clients {
        let messages = client.until_ready();
        assert_eq!(client::rows(messages).unwrap_err().code, "57P01");
    }
}
