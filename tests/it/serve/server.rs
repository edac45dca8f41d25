//! A server over a project, and requests to it.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response};

use crate::project::Project;

/// A server; it ends with this value.
pub struct Server {
    pub url: String,
    child: Mutex<Child>,
    client: Client,
    reported: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a server over a project on a port of the system's choice.
    pub fn start(project: &Project) -> Server {
        Server::start_with(project, &[])
    }

    pub fn start_with(project: &Project, more: &[&str]) -> Server {
        let arguments = [&["serve", "--postgres", "off", "--http", "127.0.0.1:0"], more].concat();
        let mut child = project.command(&arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let announced =
            lines.by_ref().map(Result::unwrap).find_map(|line| Some(line.strip_prefix("pages and API: ")?.to_owned()));
        let url = announced.expect("the server announces its address").trim_end_matches('/').to_owned();
        // What it reports later is read, so that it never waits for a reader.
        let reported = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&reported);
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| kept.lock().unwrap().push(line)));
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Server { url, child: Mutex::new(child), client, reported }
    }

    pub fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    pub fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.url))
    }

    /// A form as a browser sends it.
    pub fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.post(path).header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    /// The text of a page that is there.
    pub async fn page(&self, path: &str) -> String {
        text(self.get(path).send().await.unwrap(), 200).await
    }

    /// The address without its scheme.
    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// What it has reported on standard error since it began.
    pub fn reported(&self) -> Vec<String> {
        self.reported.lock().unwrap().clone()
    }

    /// Ends the process at once.
    pub fn kill(self) {
        self.kill_now();
    }

    /// The same while others still use it.
    pub fn kill_now(&self) {
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Asks the process to end.
    pub fn ask_to_end(&self) {
        let id = self.child.lock().unwrap().id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }

    /// The exit code of the process, once it has ended.
    pub fn wait(&self) -> i32 {
        self.child.lock().unwrap().wait().unwrap().code().unwrap()
    }

    /// Asks the process to end, and gives its exit code.
    pub fn end(self) -> i32 {
        self.ask_to_end();
        self.wait()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let mut child = self.child.lock().unwrap();
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// The text of a response of that status.
pub async fn text(response: Response, status: u16) -> String {
    let found = response.status().as_u16();
    let url = response.url().clone();
    let text = response.text().await.unwrap();
    assert_eq!(found, status, "{url}: {text}");
    text
}

/// A generated desk.
pub fn desk(cases: &str) -> Project {
    let project = Project::new();
    let made = project.run(&["generate", "--cases", cases, "--seed", "3"]);
    project.write("events.ndjson", made.stdout);
    project.ingest(&["events.ndjson"], 0);
    project
}

/// Gives a user a password.
pub fn add_user(project: &Project, user: &str, password: &str) {
    let mut child = project.command(&["access", "add", user, "--stdin"]).stdin(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
    assert!(child.wait().unwrap().success());
}

/// A token of a user.
pub fn token(project: &Project, user: &str, scopes: &str) -> String {
    let ran = project.run(&["access", "token", user, "--name", scopes, "--scope", scopes]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stdout.trim().to_owned()
}

/// The rows of a query, asked by the command line.
pub fn rows(project: &Project, sql: &str) -> Vec<serde_json::Map<String, serde_json::Value>> {
    let ran = project.run(&["sql", sql, "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// The only value of a query.
pub fn value(project: &Project, sql: &str) -> serde_json::Value {
    rows(project, sql).remove(0).into_iter().next().unwrap().1
}

/// Waits until a condition holds, at most that long.
pub async fn until(seconds: u64, mut holds: impl AsyncFnMut() -> bool) {
    let waited = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(seconds), waited).await.expect("the condition holds in time");
}
