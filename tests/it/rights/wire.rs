//! Attempts by the Postgres wire, on the whole log and on one that lacks almost all that is hidden. No message of the server has
//! a hidden word, and the answers are the same.

use std::time::Duration;

use casebook::serve::limits::Limits;

use super::bytes::hidden_words;
use super::desk::{HIDDEN_FROM_ALL, HIDDEN_FROM_ANA, all, without_hidden};
use super::project;
use super::wire_attempts::{IN_A_ROW, ON_CONNECTING, STATEMENTS, WITH_PARAMETERS};
use crate::wire::client::{Client, Failure, Row, Server, rows};
use crate::wire::{PASSWORD, with_password};

type Messages = Vec<(u8, Vec<u8>)>;

/// A server over these events, for these users.
fn serve(lines: &[serde_json::Value], users: &[&str]) -> (crate::project::Project, Server) {
    let project = project(lines);
    users.iter().for_each(|user| with_password(&project, user));
    let server = Server::start(&project, true, Limits { question_time: Duration::from_secs(60), ..Limits::default() });
    (project, server)
}

/// What came, and what it means: rows in an order of their own, or the error.
fn answer(messages: Messages) -> (Vec<u8>, Result<Vec<Row>, Failure>) {
    let bytes = messages.iter().flat_map(|(_, body)| [body.as_slice(), b"\n"].concat()).collect();
    let rows = rows(messages).map(|mut rows| {
        rows.sort();
        rows
    });
    // Which of several values an error names, follows from the order of the rows; which function a hint, from chance.
    let without_value = |failure: Failure| match failure.code.as_str() {
        "22P02" => Failure { message: String::new(), ..failure },
        "42883" => Failure { hint: String::new(), ..failure },
        _ => failure,
    };
    (bytes, rows.map_err(without_value))
}

fn simple(client: &mut Client, statement: &str) -> Messages {
    client.send(b'Q', &[statement.as_bytes(), b"\0"].concat());
    client.until_ready()
}

/// A statement of the extended protocol, described, with its rows in that format.
fn extended(client: &mut Client, statement: &str, values: &[&str], format: i16) -> Messages {
    let values: Vec<Option<&[u8]>> = values.iter().map(|value| Some(value.as_bytes())).collect();
    client.parse("", statement, &[]);
    client.send(b'D', b"S\0");
    client.bind("", "", 0, &values, format);
    client.execute("", 0);
    client.send(b'S', b"");
    client.until_ready()
}

/// Makes the attempt on both servers and compares.
fn compare(
    complaints: &mut Vec<String>,
    markers: &[&str],
    clients: &mut [Client; 2],
    asked: &str,
    attempt: impl Fn(&mut Client) -> Messages,
) -> bool {
    let [(bytes, seen), (_, expected)] = clients.each_mut().map(|client| answer(attempt(client)));
    let words = hidden_words(asked, &bytes, markers);
    if !words.is_empty() {
        complaints.push(format!("{asked}: {words:?}"));
    }
    if seen != expected && !asked.contains("ANALYZE") {
        complaints.push(format!("{asked}: {seen:?} instead of {expected:?}"));
    }
    seen.is_ok_and(|rows| !rows.is_empty())
}

fn assert_nothing_shows(user: &str, hidden: &[&str], markers: &[&str]) {
    let (whole, reduced) = (serve(&all(), &[user]), serve(&without_hidden(hidden), &[user]));
    let mut clients = [&whole.1, &reduced.1].map(|server| server.log_in(user, Some(PASSWORD)).unwrap());
    let (mut complaints, mut answered) = (Vec::new(), 0);
    for statement in STATEMENTS {
        let seen = compare(&mut complaints, markers, &mut clients, statement, |client| simple(client, statement));
        answered += usize::from(seen);
    }
    for (statement, values) in WITH_PARAMETERS {
        for format in [0, 1] {
            let asked = format!("{statement} {values:?}");
            let attempt = |client: &mut Client| extended(client, statement, values, format);
            answered += usize::from(compare(&mut complaints, markers, &mut clients, &asked, attempt));
        }
    }
    for statements in IN_A_ROW {
        for statement in *statements {
            let asked = statements.join("; ");
            let seen = compare(&mut complaints, markers, &mut clients, &asked, |client| simple(client, statement));
            answered += usize::from(seen);
        }
        clients.iter_mut().for_each(|client| drop(client.query("ROLLBACK").and_then(|_| client.query("DISCARD ALL"))));
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(answered > 60, "{answered}");
}

#[test]
fn no_message_to_an_agent_has_a_byte_of_what_is_hidden() {
    assert!(STATEMENTS.len() + 2 * WITH_PARAMETERS.len() + IN_A_ROW.len() + ON_CONNECTING.len() >= 150);
    assert_nothing_shows("ana", HIDDEN_FROM_ANA, &[HIDDEN_FROM_ANA, &["hidden-", "erik"]].concat());
}

#[test]
fn no_message_to_a_supervisor_has_a_byte_of_what_is_hidden() {
    assert_nothing_shows("sue", HIDDEN_FROM_ALL, &[HIDDEN_FROM_ALL, &["hidden-2", "erik"]].concat());
}

#[test]
fn nothing_that_is_stated_on_connecting_makes_someone_else_of_a_user() {
    let (_project, server) = serve(&all(), &["ana", "adm"]);
    let mut admin = server.log_in("adm", Some(PASSWORD)).unwrap();
    assert!(admin.value("SELECT count(*) FROM cases").parse::<usize>().unwrap() > 200);
    for pairs in ON_CONNECTING {
        match server.log_in_with("ana", Some(PASSWORD), pairs) {
            Ok(mut client) => {
                assert_eq!(client.value("SELECT count(*) FROM cases"), "7", "{pairs:?}");
                assert_eq!(client.value("SELECT current_user"), "ana", "{pairs:?}");
            }
            Err(failure) => assert_eq!(hidden_words("", failure.message.as_bytes(), HIDDEN_FROM_ANA), [""; 0]),
        }
    }
}

#[test]
fn what_one_connection_has_is_not_there_for_another() {
    let (_project, server) = serve(&all(), &["ana", "adm"]);
    let mut admin = server.log_in("adm", Some(PASSWORD)).unwrap();
    admin.query("BEGIN").unwrap();
    admin.query("DECLARE c CURSOR FOR SELECT * FROM cases ORDER BY case_id").unwrap();
    admin.parse("s", "SELECT * FROM cases", &[]);
    admin.send(b'S', b"");
    rows(admin.until_ready()).unwrap();
    let mut agent = server.log_in("ana", Some(PASSWORD)).unwrap();
    assert_eq!(agent.code("FETCH ALL FROM c"), "34000");
    agent.bind("", "s", 0, &[], 0);
    agent.send(b'S', b"");
    assert_eq!(rows(agent.until_ready()).unwrap_err().code, "26000");
    agent.execute("c", 0);
    agent.send(b'S', b"");
    assert_eq!(rows(agent.until_ready()).unwrap_err().code, "34000");
    assert_eq!(admin.query("FETCH 3 FROM c").unwrap().len(), 3);
}

#[test]
fn a_cursor_ends_with_the_password_of_its_connection() {
    let (project, server) = serve(&all(), &["ana"]);
    let mut client = server.log_in("ana", Some(PASSWORD)).unwrap();
    client.query("BEGIN").unwrap();
    client.query("DECLARE c CURSOR FOR SELECT case_id FROM cases ORDER BY case_id").unwrap();
    assert_eq!(client.query("FETCH 2 FROM c").unwrap().len(), 2);
    let change = casebook::access::change::Change::Revoke { user: "ana".to_owned() };
    casebook::access::change::apply(&project.path(""), change).unwrap();
    let failure = client.query("FETCH 2 FROM c").unwrap_err();
    assert_eq!((failure.code.as_str(), failure.severity.as_str()), ("28P01", "FATAL"));
}

/// Only the key of a connection stops its question; what others know, or can guess, does not.
#[test]
fn the_question_of_another_user_cannot_be_stopped() {
    let (_project, server) = serve(&all(), &["ana", "adm"]);
    let mut admin = server.log_in("adm", Some(PASSWORD)).unwrap();
    let agent = server.log_in("ana", Some(PASSWORD)).unwrap();
    let (process, key) = (admin.process, admin.key);
    let long = "SELECT sum(a.value % 7) FROM generate_series(1, 20000000) AS a";
    admin.send(b'Q', &[long.as_bytes(), b"\0"].concat());
    let mut sent = 0;
    let answered = std::thread::scope(|scope| {
        let answering = scope.spawn(|| admin.until_ready());
        let guesses = [agent.key, 0, -1, key.wrapping_add(1), key ^ i32::MIN, process, key.swap_bytes()];
        while !answering.is_finished() {
            for guess in guesses.iter().filter(|guess| **guess != key) {
                server.cancel(process, *guess);
                sent += 1;
            }
            server.cancel(agent.process, key);
        }
        answering.join().unwrap()
    });
    assert_eq!(rows(answered).unwrap().len(), 1);
    assert!(sent > 7, "{sent}: the question ended before it could be stopped");
}
