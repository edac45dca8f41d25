use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use casebook::schedule::deliver::deliver;
use serde_json::Value;

use super::{Project, checked, class, now, parsed};

/// Writes a script into the project, and gives the target that runs it.
fn script(project: &Project, text: &str) -> String {
    let path = project.path().join("publish");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    "kind = \"command\"\nrun = [\"./publish\", \"--in={folder}\", \"{schedule} {date}; exit 3\"]\ntimeout = \"5s\""
        .to_owned()
}

#[tokio::test]
async fn a_program_gets_the_json_and_copies_of_the_files() {
    let project = Project::new();
    let target = script(
        &project,
        "cat >input.json\nenv | grep ^CASEBOOK_ | grep -v ^CASEBOOK_TEST | sort >environment\nfor a in \"$@\"; do echo \"$a\"; done >arguments\n\
         cp \"$CASEBOOK_FOLDER\"/* .\necho changed >\"$CASEBOOK_FOLDER/overview.pdf\"",
    );
    let attempt = deliver(&parsed(&target), None, &project.repeat(), now(), &project.deliverer(None)).await;
    assert_eq!(checked(attempt).unwrap().text, "`./publish` ended with 0");
    let read = |name: &str| std::fs::read_to_string(project.path().join(name)).unwrap();
    let input: Value = serde_json::from_str(&read("input.json")).unwrap();
    assert_eq!((&input["schedule"], &input["repeat"]), (&Value::from("weekly"), &Value::Bool(true)));
    let environment = read("environment");
    let folder = environment.lines().find_map(|line| line.strip_prefix("CASEBOOK_FOLDER=")).unwrap();
    assert!(!std::path::Path::new(folder).exists(), "the copies are removed");
    let expected = format!(
        "CASEBOOK_FOLDER={folder}\nCASEBOOK_KEY=weekly-1a2b3c\nCASEBOOK_REPEAT=1\nCASEBOOK_SCHEDULE=weekly\n\
         CASEBOOK_SCHEDULED_AT=2026-11-23T07:00:00.000Z\n"
    );
    assert_eq!(environment, expected);
    assert_eq!(read("arguments"), format!("--in={folder}\nweekly 2026-11-23; exit 3\n"));
    assert_eq!(std::fs::read(project.path().join("overview.pdf")).unwrap(), project.bytes("overview.pdf"));
    assert!(project.bytes("overview.pdf").starts_with(b"%PDF"), "the kept file is as it was");
}

#[tokio::test]
async fn each_way_to_end_has_its_class() {
    let project = Project::new();
    let cases = [
        ("exit 0", "delivered", ""),
        ("exec 0<&-; exit 0", "delivered", ""),
        ("exit 75", "later", "`./publish` ended with 75, to be run again later"),
        (
            "echo first >&2; echo 'no   such share' >&2; echo >&2; exit 3",
            "final",
            "`./publish` ended with 3: no such share",
        ),
        ("kill -9 $$", "unknown", "`./publish` was ended by a signal; see what it did"),
        // Its child keeps the standard error open.
        ("sleep 30 & echo $! >child; exit 4", "final", "`./publish` ended with 4"),
        (
            "yes no >&2",
            "unknown",
            "`./publish` ran for more than 1 s and was ended; see what it did, or raise `timeout`",
        ),
    ];
    for (text, expected, words) in cases {
        let target = script(&project, text).replace("5s", if text.contains("yes") { "1s" } else { "5s" });
        let attempt = project.deliver(&target).await;
        assert_eq!(class(&attempt), expected, "{text}: {attempt:?}");
        let reason = attempt.map_or_else(|failure| failure.reason, |_| String::new());
        assert_eq!(reason, words, "{text}");
    }
    let child = std::fs::read_to_string(project.path().join("child")).unwrap();
    Command::new("/bin/sh").args(["-c", &format!("kill {child}")]).status().unwrap();
    let missing = project.deliver("kind = \"command\"\nrun = [\"no-such-program-of-casebook\"]").await;
    assert_eq!(class(&missing), "later");
    assert!(missing.unwrap_err().reason.starts_with("`no-such-program-of-casebook` cannot be started: no such file"));
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_ended_with_its_children() {
    let project = Project::new();
    let target = script(&project, "sleep 300 & echo $! >child\nwait").replace("5s", "1s");
    let attempt = project.deliver(&target).await;
    assert_eq!(class(&attempt), "unknown");
    let child = std::fs::read_to_string(project.path().join("child")).unwrap();
    let probe = format!("kill -0 {child}");
    let is_alive = || Command::new("/bin/sh").args(["-c", &probe]).stderr(Stdio::null()).status().unwrap().success();
    // The system may take a moment to remove a process that has ended; a zombie of a container has no parent that waits.
    let is_zombie = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.trim())).unwrap_or_default();
        stat.split(") ").nth(1).is_some_and(|state| state.starts_with('Z'))
    };
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while is_alive() && !is_zombie() {
        assert!(std::time::Instant::now() < until, "the child {child} is still there");
        tokio::task::yield_now().await;
    }
}
