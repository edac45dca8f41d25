//! Inputs that do not end: each commit is acknowledged, and what is acknowledged is in the log while more may come.

use std::fs::File;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStderr, Command};

use casebook::generate::{Plan, write_events};
use serde_json::{Value, json};

use crate::project::Project;

/// An ingestion that goes on.
struct Stream {
    child: Child,
    talk: Lines<BufReader<ChildStderr>>,
}

impl Stream {
    fn begin(project: &Project, arguments: &[&str]) -> Stream {
        let mut child = project.start(&[&["ingest", "--format", "json"], arguments].concat());
        let talk = BufReader::new(child.stderr.take().unwrap()).lines();
        Stream { child, talk }
    }

    fn write(&mut self, text: &str) {
        self.child.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// The next line on standard error; waits for it.
    fn message(&mut self) -> String {
        self.talk.next().unwrap().unwrap()
    }

    /// The next acknowledgement.
    fn acknowledged(&mut self, name: &str) -> Value {
        let line = self.message();
        serde_json::from_str::<Value>(&line).unwrap_or_else(|error| panic!("{line}: {error}"))[name].clone()
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// The summary of a stream whose input has ended, or that was stopped.
    fn ended(self) -> Value {
        self.ended_with(0)
    }

    fn ended_with(mut self, code: i32) -> Value {
        drop(self.child.stdin.take());
        let rest: Vec<String> = self.talk.by_ref().map(Result::unwrap).collect();
        let summary = std::io::read_to_string(self.child.stdout.take().unwrap()).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(code), "{rest:?}");
        serde_json::from_str(&summary).unwrap()
    }
}

/// A test that fails ends the process that follows a file for ever.
impl Drop for Stream {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn line(id: &str) -> String {
    let time = "2026-03-02T09:00:00Z";
    let event = json!({"id": id, "source": "test", "type": "case.closed", "subject": "C", "time": time});
    format!("{event}\n")
}

fn append(project: &Project, name: &str, text: &str) {
    let mut file = File::options().append(true).open(project.path(name)).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn logged(project: &Project) -> Value {
    project.value("SELECT count(*) FROM events")
}

#[test]
fn a_pipe_that_stays_open_is_committed_as_it_comes_and_half_a_line_waits() {
    let project = Project::new();
    let mut stream = Stream::begin(&project, &["-", "--commit-events", "1", "--commit-every", "1h"]);
    stream.write(&line("a"));
    assert_eq!(stream.acknowledged("added"), 1);
    assert_eq!(logged(&project), 1);
    let second = line("b");
    let (half, rest) = second.split_at(20);
    stream.write(half);
    stream.write(rest);
    assert_eq!((stream.acknowledged("added"), logged(&project)), (json!(2), json!(2)));
    stream.write("[half of an array is half a line");
    let summary = stream.ended_with(1);
    assert_eq!((&summary["added"], &summary["quarantined"]), (&json!(2), &json!(1)));
}

#[test]
fn what_has_come_is_committed_when_it_is_time_though_few() {
    let project = Project::new();
    let mut stream = Stream::begin(&project, &["-", "--commit-every", "1s"]);
    stream.write(&line("a"));
    assert_eq!((stream.acknowledged("added"), logged(&project)), (json!(1), json!(1)));
    stream.write(&line("b"));
    assert_eq!(stream.ended()["added"], 2);
}

#[test]
fn a_file_is_followed_as_it_grows_and_a_second_time_adds_nothing() {
    let project = Project::new();
    let second = line("b");
    let (half, rest) = second.split_at(20);
    project.write("feed.ndjson", line("a") + half);
    let arguments = ["feed.ndjson", "--follow", "--commit-events", "1"];
    let mut stream = Stream::begin(&project, &arguments);
    assert_eq!(stream.acknowledged("added"), 1);
    append(&project, "feed.ndjson", rest);
    assert_eq!(stream.acknowledged("read"), 2);
    append(&project, "feed.ndjson", &(line("c") + "{\"id\":"));
    assert_eq!(stream.acknowledged("read"), 3);
    stream.signal("-INT");
    let summary = stream.ended();
    assert_eq!((&summary["read"], logged(&project)), (&json!(3), json!(3)), "half a line is no line yet");

    let mut again = Stream::begin(&project, &arguments);
    let first = again.message();
    assert!(first.contains("\"duplicates\":3"), "{first}");
    again.signal("-TERM");
    assert_eq!(again.ended()["added"], 0);
}

#[test]
fn a_file_that_is_replaced_or_shrinks_is_read_from_its_start() {
    let project = Project::new();
    project.write("feed.ndjson", line("a"));
    let mut stream = Stream::begin(&project, &["feed.ndjson", "--follow", "--commit-events", "1"]);
    assert_eq!(stream.acknowledged("added"), 1);
    std::fs::rename(project.path("feed.ndjson"), project.path("feed.1")).unwrap();
    append(&project, "feed.1", line("b").trim_end());
    project.write("feed.ndjson", line("c") + &line("d"));
    // The last line of the old file has no end but is complete now.
    assert_eq!(stream.acknowledged("added"), 2);
    assert_eq!(stream.message(), "note: feed.ndjson was replaced; the new file is read from its start");
    assert_eq!(stream.acknowledged("added"), 4);
    project.write("feed.ndjson", line("e"));
    assert!(stream.message().starts_with("note: feed.ndjson shrank from "));
    assert_eq!(stream.acknowledged("added"), 5);
    stream.signal("-INT");
    assert_eq!((&stream.ended()["quarantined"], logged(&project)), (&json!(0), json!(5)));
}

#[test]
fn what_cannot_grow_line_by_line_is_not_followed() {
    let project = Project::new();
    for name in ["a.ndjson.gz", "a.csv", "a.parquet"] {
        project.write(name, "");
        let ran = project.run(&["ingest", name, "--follow"]);
        assert_eq!(ran.code, 2);
        let expected = format!("error: {name}: only an uncompressed file of lines can be followed\nhint: ");
        assert!(ran.stderr.starts_with(&expected), "{}", ran.stderr);
    }
}

/// A feed that commits every line does not leave a file for each, while it goes on.
#[test]
fn a_stream_merges_its_small_files_as_it_goes() {
    let project = Project::new();
    let mut stream = Stream::begin(&project, &["-", "--commit-events", "1"]);
    for n in 1..=40 {
        stream.write(&line(&format!("e{n}")));
        assert_eq!(stream.acknowledged("added"), n);
    }
    let files = project.event_files();
    assert!(files < 20, "{files} files");
    assert_eq!(stream.ended()["added"], 40);
}

/// An ingestion of files that is stopped has changed nothing, and its files are removed.
#[test]
fn an_ingestion_that_is_stopped_leaves_no_files() {
    let project = Project::new();
    let mut events = Vec::new();
    write_events(&Plan { cases: 20_000, seed: 1, days: 30 }, &mut events).unwrap();
    let file = project.write("events.ndjson", &events);
    // The same again and again, so that it takes long enough.
    let names: Vec<String> = (0..20).map(|n| format!("events-{n}.ndjson")).collect();
    names.iter().for_each(|name| std::fs::hard_link(&file, project.path(name)).unwrap());
    for signal in ["-INT", "-TERM"] {
        let mut child = project.start(&[&["ingest".to_owned()], names.as_slice()].concat());
        // Until the first events have been written.
        while project.data_files() == 0 {
            assert!(child.try_wait().unwrap().is_none(), "over before it was stopped");
            std::thread::yield_now();
        }
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let ran = Project::wait(child);
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains("stopped; nothing has been added"), "{}", ran.stderr);
        assert_eq!(project.data_files(), 0, "files of what was stopped");
    }
    let lines = events.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(project.ingest(&["events.ndjson"], 0)["added"], lines);
}
