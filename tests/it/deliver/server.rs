//! Servers of mail and of requests that answer as a test asks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What a server does next.
#[derive(Clone, Debug)]
pub enum Answer {
    Text(String),
    /// Closes the connection.
    Close,
    /// Keeps the connection open without a word.
    Silence,
}

impl From<&str> for Answer {
    fn from(text: &str) -> Answer {
        Answer::Text(text.to_owned())
    }
}

/// A server, and what it has received.
#[derive(Clone, Debug)]
pub struct Server<T> {
    pub port: u16,
    pub received: Arc<Mutex<Vec<T>>>,
}

/// Listens on a port of this machine and passes connections on.
async fn listen<T: Send + 'static, F>(serve: impl Fn(TcpStream, Arc<Mutex<Vec<T>>>) -> F + Send + 'static) -> Server<T>
where
    F: Future<Output = Option<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server { port: listener.local_addr().unwrap().port(), received: Arc::default() };
    let received = Arc::clone(&server.received);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&received)));
        }
    });
    server
}

/// A port on which no server is.
pub async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// A message, with the commands before it.
#[derive(Clone, Debug, Default)]
pub struct Received {
    pub commands: Vec<String>,
    pub message: String,
}

/// A mail server. `script` has its answers by the first word of a command, or `greeting`, or `end` for the end of a message;
/// what is not in it succeeds. With `part`, it reads only a line of a message before it answers.
pub async fn mail(script: &[(&str, Answer)]) -> Server<Received> {
    let script: BTreeMap<String, Answer> =
        script.iter().map(|(name, answer)| ((*name).to_owned(), answer.clone())).collect();
    listen(move |stream, received| {
        let script = script.clone();
        async move { converse(stream, &script, &received).await }
    })
    .await
}

async fn converse(stream: TcpStream, script: &BTreeMap<String, Answer>, received: &Mutex<Vec<Received>>) -> Option<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let mut mail = Received::default();
    let mut step = "greeting".to_owned();
    loop {
        let usual = match step.as_str() {
            "greeting" => "220 test",
            "EHLO" => "250-test\r\n250 AUTH PLAIN",
            "AUTH" => "235 welcome",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        if step == "end" || step == "part" {
            received.lock().unwrap().push(mail.clone());
        }
        match script.get(&step).cloned().unwrap_or_else(|| usual.into()) {
            Answer::Text(text) => writer.write_all(format!("{text}\r\n").as_bytes()).await.ok()?,
            Answer::Close => return None,
            Answer::Silence => {
                let _ = reader.read_to_end(&mut Vec::new()).await;
                return None;
            }
        }
        if step == "DATA" && script.get("DATA").is_none() {
            step = "end".to_owned();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).await.ok()? == 0 {
                    return None;
                }
                if line == ".\r\n" {
                    break;
                }
                mail.message.push_str(line.strip_prefix('.').unwrap_or(&line));
                if script.contains_key("part") {
                    step = "part".to_owned();
                    break;
                }
            }
            continue;
        }
        let mut line = String::new();
        if reader.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        step = line.split([' ', ':']).next().unwrap_or_default().to_owned();
        mail.commands.push(line);
    }
}

/// A request: its first line, its headers with names in lower case, and its body.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub line: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// A server that answers each request by a function.
pub async fn http(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Server<Request> {
    let answer = Arc::new(answer);
    listen(move |stream, received| {
        let answer = Arc::clone(&answer);
        async move {
            let mut stream = BufReader::new(stream);
            loop {
                let request = read_request(&mut stream).await?;
                received.lock().unwrap().push(request.clone());
                match answer(&request) {
                    Answer::Text(text) => stream.write_all(text.as_bytes()).await.ok()?,
                    Answer::Close => return None,
                    Answer::Silence => {
                        let _ = stream.read_to_end(&mut Vec::new()).await;
                        return None;
                    }
                }
            }
        }
    })
    .await
}

async fn read_request(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut request = Request::default();
    stream.read_line(&mut request.line).await.ok().filter(|bytes| *bytes > 0)?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|bytes| *bytes > 0)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        request.headers.insert(name.to_lowercase(), value.to_owned());
    }
    let bytes = request.headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    request.body = vec![0; bytes];
    stream.read_exact(&mut request.body).await.ok()?;
    Some(request)
}

/// An answer with that status, these further headers and a body.
pub fn status(status: &str, headers: &str, body: &str) -> Answer {
    Answer::Text(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len()))
}
