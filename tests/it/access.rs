//! Credentials: what the commands write, what a server accepts, and that no secret is shown or kept.

use std::io::Write;
use std::process::Stdio;

use casebook::access::change::{self, Change};
use casebook::access::{AccessFile, Grant, Scope, Scopes};
use casebook::model::time::Instant;
use serde_json::{Value, json};

use crate::project::{Project, Ran};

const PASSWORD: &str = "correct horse battery";

fn access(project: &Project, arguments: &[&str], stdin: &str) -> Ran {
    let arguments: Vec<&str> = [&["access"], arguments].concat();
    let mut command = project.command(&arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that refuses at once does not read.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    Project::wait(child)
}

fn done(project: &Project, arguments: &[&str], stdin: &str) -> Ran {
    let ran = access(project, arguments, stdin);
    assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
    ran
}

fn refused(project: &Project, arguments: &[&str], stdin: &str) -> String {
    let ran = access(project, arguments, stdin);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}: {}", ran.stderr);
    ran.stderr
}

fn text(project: &Project) -> String {
    std::fs::read_to_string(project.path("access.toml")).unwrap()
}

fn file(project: &Project) -> AccessFile {
    AccessFile::of_project(&project.path(""))
}

fn now() -> Instant {
    Instant(jiff::Timestamp::now().as_millisecond())
}

#[test]
fn a_password_is_accepted_until_it_is_changed_or_revoked() {
    let project = Project::new();
    let file = file(&project);
    assert!(file.current().unwrap().is_none());
    done(&project, &["add", "ana", "--stdin"], &format!("{PASSWORD}\n"));
    let first = file.current().unwrap().unwrap();
    assert!(first.has_credentials() && first.verify_password("ana", PASSWORD));
    assert!(!first.verify_password("ana", "correct horse batterz"));
    assert!(!first.verify_password("bob", PASSWORD) && !first.verify_password("", PASSWORD));
    let verifier = first.scram("ana").unwrap();
    assert_eq!(first.scram("bob"), None);
    assert_ne!(first.scram_of_unknown("bob"), verifier);
    assert_eq!(first.scram_of_unknown("bob"), file.current().unwrap().unwrap().scram_of_unknown("bob"));
    assert!(refused(&project, &["add", "ana", "--stdin"], PASSWORD).contains("`casebook access password ana`"));
    done(&project, &["password", "ana", "--stdin"], "another one\r\n");
    let second = file.current().unwrap().unwrap();
    assert!(second.verify_password("ana", "another one") && !second.verify_password("ana", PASSWORD));
    assert_ne!(second.scram("ana").unwrap(), verifier);
    done(&project, &["revoke", "ana"], "");
    let third = file.current().unwrap().unwrap();
    assert!(!third.has_credentials() && !third.verify_password("ana", "another one"));
}

#[test]
fn a_token_is_printed_once_and_is_good_for_its_scopes_until_it_expires() {
    let project = Project::new();
    let file = file(&project);
    let made = done(&project, &["token", "ana", "--name", "excel", "--scope", "read", "--expires", "90d"], "");
    let token = made.stdout.trim().to_owned();
    assert!(token.starts_with("cb_") && token.len() == 46, "{token}");
    assert!(!made.stderr.contains(&token) && !text(&project).contains(&token));
    let other = done(&project, &["token", "ana", "--name", "feed", "--scope", "ingest,read", "--summary", "json"], "");
    let other: Value = serde_json::from_str(&other.stdout).unwrap();
    let access = file.current().unwrap().unwrap();
    let grant = |name: &str, ingest| {
        Some(Grant { user: "ana".to_owned(), token: name.to_owned(), scopes: Scopes { read: true, ingest } })
    };
    assert_eq!(access.verify_token(&token, now()), grant("excel", false));
    assert_eq!(access.verify_token(other["token"].as_str().unwrap(), now()), grant("feed", true));
    let day_ms = 86_400_000;
    assert_eq!(access.verify_token(&token, Instant(now().0 + 89 * day_ms)), grant("excel", false));
    assert_eq!(access.verify_token(&token, Instant(now().0 + 91 * day_ms)), None);
    assert_eq!(access.verify_token(&token[..45], now()), None);
    assert_eq!(access.verify_token("", now()), None);
    // The hash is no token.
    let hash = text(&project).lines().find_map(|line| line.strip_prefix("sha256 = ").map(str::to_owned)).unwrap();
    assert_eq!(access.verify_token(hash.trim_matches('"'), now()), None);
    done(&project, &["revoke", "ana", "--token", "excel"], "");
    let access = file.current().unwrap().unwrap();
    assert_eq!(access.verify_token(&token, now()), None);
    assert_eq!(access.verify_token(other["token"].as_str().unwrap(), now()), grant("feed", true));
}

#[test]
fn no_output_and_no_file_has_a_password_or_a_hash() {
    let project = Project::new();
    let mut outputs = Vec::new();
    outputs.push(done(&project, &["add", "ana", "--stdin"], PASSWORD));
    outputs.push(done(&project, &["token", "ana", "--name", "t", "--scope", "read"], ""));
    let token = outputs.pop().unwrap().stdout.trim().to_owned();
    outputs.push(done(&project, &["list"], ""));
    outputs.push(done(&project, &["list", "--format", "json"], ""));
    let listed: Value = serde_json::from_str(&outputs.last().unwrap().stdout).unwrap();
    assert_eq!(
        listed[0],
        json!({"user": "ana", "kind": "password", "name": null, "scopes": null, "expires_at": null, "good": true})
    );
    assert_eq!((&listed[1]["name"], &listed[1]["scopes"]), (&json!("t"), &json!("read")));
    let content = text(&project);
    let parsed: toml::Table = content.parse().unwrap();
    let user = &parsed["users"]["ana"];
    let hashes = [&user["password"], &user["scram"], &user["tokens"][0]["sha256"]].map(|value| value.as_str().unwrap());
    // A broken file, too: each line in turn with a letter more in its value.
    for line in content.lines().filter(|line| line.contains(" = \"")) {
        let (key, value) = line.split_once(" = ").unwrap();
        project.write("access.toml", content.replace(line, &format!("{key} = {{ a = {value}")));
        outputs.push(access(&project, &["list"], ""));
        project.write("access.toml", content.replace(line, &format!("{key} = [{value}]")));
        outputs.push(access(&project, &["list"], ""));
        assert_eq!(outputs.last().unwrap().code, 2, "{line}");
    }
    for ran in &outputs {
        for secret in hashes.iter().chain(&[PASSWORD, token.as_str()]) {
            assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "{}{}", ran.stdout, ran.stderr);
        }
    }
    assert!(!content.contains(PASSWORD) && !content.contains(&token));
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_file_and_a_wider_one_is_reported() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::new();
    done(&project, &["add", "ana", "--stdin"], PASSWORD);
    let path = project.path("access.toml");
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(), file(&project).warning()), (0o600, None));
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    assert!(done(&project, &["list"], "").stderr.contains("warning: other users of this machine may read"));
    done(&project, &["revoke", "ana"], "");
    assert_eq!(mode(), 0o600);
}

#[test]
fn comments_above_the_first_table_stay_and_faults_are_reported_with_their_line() {
    let project = Project::new();
    project.write("access.toml", "# ours\n# see the wiki\n\n[users.ana]\n# lost\n");
    done(&project, &["add", "bob", "--stdin"], PASSWORD);
    let written = text(&project);
    assert!(written.starts_with("# ours\n# see the wiki\n\n") && !written.contains("lost"), "{written}");
    for (content, expected) in [
        ("[users.ana]\npasword = \"x\"", "access.toml:2: unknown field"),
        ("\n[users.ana]\npassword = \"secret\"", "access.toml:3: the `password` of `ana` is not an argon2id hash"),
        (
            "[users.ana]\nscram = \"SCRAM-SHA-256$1\"",
            "access.toml:2: the `scram` of `ana` is not a SCRAM-SHA-256 verifier",
        ),
        (
            "[[users.ana.tokens]]\nname = \"t\"\nsha256 = \"00\"\nscopes = []\nexpires_at = \"\"",
            "access.toml:2: the token `t` of `ana` has a `sha256` that is not 64 hexadecimal digits",
        ),
        ("[users", "access.toml:1: "),
    ] {
        project.write("access.toml", content);
        let error = refused(&project, &["list"], "");
        assert!(error.contains(expected) && !error.contains("secret"), "{content}: {error}");
        assert!(file(&project).current().is_err());
        refused(&project, &["add", "eve", "--stdin"], PASSWORD);
        assert_eq!(text(&project), content);
    }
}

#[test]
fn what_cannot_be_done_is_refused_with_the_next_step() {
    let project = Project::new();
    done(&project, &["add", "ana", "--stdin"], PASSWORD);
    done(&project, &["token", "ana", "--name", "excel", "--scope", "read"], "");
    let before = text(&project);
    for (arguments, stdin, expected) in [
        (&["add", "bob", "--stdin"][..], "short\n", "it has fewer than 10 characters"),
        (&["add", "bob", "--stdin"], "", "it has fewer than 10 characters"),
        (&["add", "bob"], PASSWORD, "`--stdin` reads it"),
        (&["add", "", "--stdin"], PASSWORD, "a name has 1 to 200 bytes"),
        (&["password", "anna", "--stdin"], PASSWORD, "did you mean `ana`"),
        (&["password", "zoe", "--stdin"], PASSWORD, "`casebook access add zoe`"),
        (&["revoke", "zoe"], "", "`zoe` has no credentials"),
        (&["revoke", "ana", "--token", "exel"], "", "did you mean `excel`"),
        (&["token", "ana", "--name", "excel", "--scope", "read"], "", "there is a token `excel` already"),
        (&["token", "ana", "--name", "x", "--scope", "read", "--expires", "2020-01-01"], "", "is in the past"),
        (&["token", "ana", "--name", "x", "--scope", "read", "--expires", "soon"], "", "a duration such as 90d"),
    ] {
        let error = refused(&project, arguments, stdin);
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
    assert_eq!(text(&project), before);
}

#[test]
fn a_user_whom_the_log_does_not_know_gets_a_warning() {
    let project = Project::new();
    project.write(
        "events",
        r#"{"specversion":"1.0","id":"1","source":"t","type":"user.updated","subject":"ana","time":"2026-03-01T08:00:00Z","data":{"name":"Ana"}}"#,
    );
    project.ingest(&["events"], 0);
    assert_eq!(project.value("SELECT count(*) FROM users"), 1);
    assert!(!done(&project, &["add", "ana", "--stdin"], PASSWORD).stderr.contains("warning"));
    assert!(
        done(&project, &["add", "eve", "--stdin"], PASSWORD).stderr.contains("the log does not know the user `eve`")
    );
}

#[test]
fn changes_at_the_same_time_lose_nothing() {
    let project = Project::new();
    let folder = project.path("");
    std::thread::scope(|scope| {
        for number in 0..16 {
            let folder = &folder;
            let change = Change::Token {
                user: format!("user-{}", number % 3),
                name: format!("token-{number}"),
                scopes: vec![Scope::Read],
                expires_at: Instant(1_900_000_000_000),
            };
            scope.spawn(move || change::apply(folder, change).unwrap().unwrap());
        }
    });
    let tokens: usize = change::content(&folder).unwrap().users.values().map(|user| user.tokens.len()).sum();
    assert_eq!(tokens, 16);
}
