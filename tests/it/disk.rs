//! Full disks and read-only disks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use casebook::generate::{Plan, write_events};

use crate::project::{Project, Ran};

fn generated(cases: u64, seed: u64) -> Vec<u8> {
    let mut events = Vec::new();
    write_events(&Plan { cases, seed, days: 30 }, &mut events).unwrap();
    String::from_utf8(events).unwrap().replace(r#""source":""#, &format!(r#""source":"{seed}-"#)).into_bytes()
}

fn line_count(events: &[u8]) -> usize {
    events.iter().filter(|byte| **byte == b'\n').count()
}

/// The program in a shell that lets no file grow beyond that many blocks of 512 bytes.
fn limited(project: &Project, blocks: u32, arguments: &[&str]) -> Ran {
    let program = env!("CARGO_BIN_EXE_casebook");
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let mut shell = Command::new("sh");
    shell.current_dir(project.path(".")).args(["-c", &script, program]).args(arguments).stdin(Stdio::null());
    Ran::of(shell.output().unwrap())
}

/// The disk refuses a file of events, a list of fingerprints, a commit, or a file of facts.
#[test]
fn a_disk_that_refuses_loses_nothing_and_is_reported() {
    let (first, second) = (generated(40, 1), generated(300, 2));
    let project = Project::new();
    project.ingest(&[project.write("first.ndjson", &first)], 0);
    project.write("second.ndjson", &second);
    let files = project.data_files();
    let mut refusals = 0;
    for blocks in [0, 1, 2, 8, 64, 128, 256] {
        let ran = limited(&project, blocks, &["ingest", "second.ndjson"]);
        if ran.code == 0 {
            break;
        }
        refusals += 1;
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains("file too large"), "{blocks}: {}", ran.stderr);
        assert!(ran.stderr.contains("hint: free some space"), "{blocks}: {}", ran.stderr);
        assert_eq!(project.data_files(), files, "{blocks}: files of a batch that failed");
        assert_eq!(project.run(&["store", "check"]).code, 0);
    }
    assert!(refusals >= 4, "{refusals}");
    let ran = limited(&project, 2, &["replay"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("file too large"), "{}", ran.stderr);
    project.ingest(&["second.ndjson"], 0);
    assert_eq!(project.value("SELECT count(*) FROM events"), line_count(&first) + line_count(&second));
    assert_eq!(project.run(&["store", "check"]).code, 0);
    assert_eq!(project.run(&["check"]).code, 0);
}

/// A folder that is a disk of its own until this value is dropped, where the system allows that.
pub(crate) struct Mounted(PathBuf);

impl Mounted {
    fn new(options: &[&str], source: &Path, at: PathBuf) -> Option<Mounted> {
        std::fs::create_dir_all(&at).unwrap();
        let mut mount = Command::new("mount");
        mount.args(options).args([source, &at]).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then_some(Mounted(at))
    }

    pub(crate) fn small(at: PathBuf, size: &str) -> Option<Mounted> {
        Mounted::new(&["-t", "tmpfs", "-o", &format!("size={size}")], Path::new("tmpfs"), at)
    }

    /// An ordinary folder, which can be made read-only.
    fn in_place(folder: PathBuf) -> Option<Mounted> {
        Mounted::new(&["--bind"], &folder, folder.clone())
    }

    pub(crate) fn remount(&self, options: &str) {
        let mut mount = Command::new("mount");
        assert!(mount.args(["-o", &format!("remount,{options}")]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_loses_nothing_and_has_space_after_the_failure() {
    let project = Project::new();
    let Some(disk) = Mounted::small(project.path("store"), "3m") else {
        eprintln!("skipped: no disk of its own can be mounted here");
        return;
    };
    let (first, second) = (generated(40, 1), generated(20_000, 2));
    project.ingest(&[project.write("first.ndjson", &first)], 0);
    project.write("second.ndjson", &second);
    let files = project.data_files();
    // With little memory for each core there are many files, and some are whole before the disk is full.
    let ran = project.run(&["ingest", "second.ndjson", "--memory", "128MiB", "--threads", "8"]);
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("no space left") && ran.stderr.contains("hint: free some space"), "{}", ran.stderr);
    assert_eq!(project.data_files(), files, "files of a batch that failed");
    // A batch that fits can still be added.
    let third = generated(40, 3);
    project.ingest(&[project.write("third.ndjson", &third)], 0);
    assert_eq!(project.run(&["store", "check"]).code, 0);
    disk.remount("size=100m");
    project.ingest(&["second.ndjson"], 0);
    let events = line_count(&first) + line_count(&second) + line_count(&third);
    assert_eq!(project.value("SELECT count(*) FROM events"), events);
    assert_eq!(project.run(&["store", "check"]).code, 0);
}

/// Every file and folder below, and when it was last changed. A folder changes when a file in it is created or removed.
fn times(folder: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let mut times = BTreeMap::from([(folder.to_owned(), folder.metadata().unwrap().modified().unwrap())]);
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            times.extend(self::times(&path));
        } else {
            times.insert(path.clone(), path.metadata().unwrap().modified().unwrap());
        }
    }
    times
}

#[test]
fn reading_writes_nothing() {
    let project = Project::new();
    project.ingest(&[project.write("events.ndjson", generated(40, 1))], 0);
    assert_eq!(project.run(&["replay"]).code, 0);
    let before = times(&project.path("store"));
    let commands: &[&[&str]] = &[
        &["sql", "SELECT count(*) FROM events"],
        &["sql", "--no-refresh", "SELECT case_id FROM cases LIMIT 1"],
        &["case", "C-0000001"],
        &["metric", "created_cases", "--range", "2026"],
        &["check"],
        &["quarantine", "list"],
        &["store", "check"],
        &["store", "stats"],
        &["vacuum", "--dry-run", "--keep", "0s"],
        &["replay"],
        &["report", "overview", "--range", "2026", "--format", "html", "-o", "pages"],
    ];
    for arguments in commands {
        let ran = project.run(arguments);
        assert!(ran.code == 0 || arguments[0] == "case", "{arguments:?}: {}", ran.stderr);
        assert_eq!(times(&project.path("store")), before, "{arguments:?} wrote into the store");
    }
}

/// It answers from older facts, too, and reports what it cannot do.
#[test]
fn a_read_only_store_answers_questions() {
    let project = Project::new();
    let Some(disk) = Mounted::small(project.path("store"), "50m") else {
        eprintln!("skipped: no disk of its own can be mounted here");
        return;
    };
    let (first, second) = (generated(40, 1), generated(40, 2));
    project.ingest(&[project.write("first.ndjson", &first)], 0);
    assert_eq!(project.run(&["replay"]).code, 0);
    disk.remount("ro");
    let questions: &[&[&str]] = &[
        &["sql", "SELECT count(*) FROM cases"],
        &["case", "C-000001"],
        &["metric", "created_cases", "--range", "2026"],
        &["check"],
        &["store", "check"],
        &["store", "stats"],
        &["report", "overview", "--range", "2026", "--format", "html", "-o", "pages"],
    ];
    for arguments in questions {
        let ran = project.run(arguments);
        assert_eq!((ran.code, ran.stderr.contains("read-only")), (0, false), "{arguments:?}: {}", ran.stderr);
    }
    assert_eq!(project.value("SELECT count(*) FROM cases"), 40);
    for arguments in [&["ingest", "first.ndjson"][..], &["replay", "--full"], &["compact", "--full"]] {
        let ran = project.run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("read-only"), "{arguments:?}: {}", ran.stderr);
    }
    disk.remount("rw");
    project.ingest(&[project.write("second.ndjson", &second)], 0);
    disk.remount("ro");
    let ran = project.run(&["sql", "SELECT count(*) FROM cases"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("note:"), "no note that the facts are old: {}", ran.stderr);
}

/// Everything but the commit is written.
#[test]
fn the_files_of_a_commit_that_cannot_be_written_are_removed() {
    let project = Project::new();
    let (first, second) = (generated(40, 1), generated(40, 2));
    project.ingest(&[project.write("first.ndjson", &first)], 0);
    project.write("second.ndjson", &second);
    let files = project.data_files();
    let Some(forbidden) = Mounted::in_place(project.path("store/events/_delta_log")) else {
        eprintln!("skipped: no folder can be forbidden here");
        return;
    };
    forbidden.remount("bind,ro");
    for arguments in [&["ingest", "second.ndjson"][..], &["compact", "--full"]] {
        let ran = project.run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("_delta_log") && ran.stderr.contains("read-only"), "{}", ran.stderr);
        assert_eq!(project.data_files(), files, "{arguments:?}: files of what was not committed");
        assert_eq!(project.value("SELECT count(*) FROM events"), line_count(&first));
    }
    drop(forbidden);
    project.ingest(&["second.ndjson"], 0);
    assert_eq!(project.value("SELECT count(*) FROM events"), line_count(&first) + line_count(&second));
    assert_eq!(project.run(&["store", "check"]).code, 0);
}
