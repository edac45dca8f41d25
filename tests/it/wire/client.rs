//! A server of the wire within the test, and a small client that sends what it is asked to, byte by byte.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use casebook::access::AccessFile;
use casebook::model::time::Instant;
use casebook::serve::engine::{Engine, EngineSetup};
use casebook::serve::limits::Limits;
use casebook::serve::wire::serve_wire;
use casebook::store::Store;
use casebook::store::engine::Resources;
use datafusion_postgres::pgwire::api::auth::sasl::scram::gen_salted_password;
use hmac::{Hmac, KeyInit, Mac};
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::project::Project;

/// A server, which stops with this.
pub struct Server {
    pub address: SocketAddr,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    /// Serves a project: without credentials to its owner, or to its users.
    pub fn start(project: &Project, with_access: bool, limits: Limits) -> Server {
        Server::at(&project.path(""), "127.0.0.1:0", with_access, limits, None)
    }

    pub fn at(
        project: &std::path::Path,
        address: &str,
        with_access: bool,
        limits: Limits,
        tls: Option<Arc<rustls::ServerConfig>>,
    ) -> Server {
        let address = address.to_owned();
        let setup = EngineSetup {
            cluster: None,
            project: project.to_owned(),
            store: Store::open(&project.join("store")).unwrap(),
            zone: TimeZone::UTC,
            resources: Resources { memory_bytes: 256 << 20, threads: 2 },
            file_events: 1 << 20,
            clock: || Instant(jiff::Timestamp::now().as_millisecond()),
            limits,
            report: Arc::new(|problem| panic!("{problem}")),
        };
        let access = with_access.then(|| Arc::new(AccessFile::of_project(project)));
        let stop = CancellationToken::new();
        let (sender, receiver) = std::sync::mpsc::channel();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .thread_stack_size(16 << 20)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let engine = Arc::new(Engine::open(setup).await.unwrap());
                let listener = tokio::net::TcpListener::bind(&address).await.unwrap();
                sender.send(listener.local_addr().unwrap()).unwrap();
                let follower = Arc::clone(&engine);
                let following = stopped.clone();
                tokio::spawn(async move { follower.follow(following).await });
                serve_wire(engine, listener, access, tls, stopped).await.unwrap();
            });
        });
        let address = receiver.recv().unwrap();
        Server { address, stop, thread: Some(thread) }
    }

    pub fn client(&self) -> Client {
        self.log_in("ana", None).unwrap()
    }

    pub fn log_in(&self, user: &str, password: Option<&str>) -> Result<Client, Failure> {
        self.log_in_with(user, password, &[("application_name", "test")])
    }

    /// A client that states more on connecting than who it is.
    pub fn log_in_with(&self, user: &str, password: Option<&str>, more: &[(&str, &str)]) -> Result<Client, Failure> {
        let mut client = self.raw();
        client.startup(&[&[("user", user)], more].concat());
        client.authenticate(password)?;
        Ok(client)
    }

    /// A connection on which nothing was sent.
    pub fn raw(&self) -> Client {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Client { stream, process: 0, key: 0 }
    }

    /// Sends a request to stop a question.
    pub fn cancel(&self, process: i32, key: i32) {
        let mut client = self.raw();
        let mut message = Vec::new();
        for number in [16, 80_877_102, process, key] {
            message.extend_from_slice(&i32::to_be_bytes(number));
        }
        client.write(&message);
        assert_eq!(client.rest(), b"");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking());
    }
}

/// An error that the server sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub code: String,
    pub message: String,
    pub hint: String,
    pub position: String,
    pub severity: String,
}

pub type Row = Vec<Option<String>>;

pub struct Client {
    stream: TcpStream,
    pub process: i32,
    pub key: i32,
}

impl Client {
    pub fn write(&mut self, bytes: &[u8]) {
        // The server may have closed the connection.
        let _ = self.stream.write_all(bytes);
    }

    pub fn end_sending(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// What the server sends until it closes the connection.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let _ = self.stream.read_to_end(&mut bytes);
        bytes
    }

    pub fn startup(&mut self, pairs: &[(&str, &str)]) {
        let mut body = 196_608_i32.to_be_bytes().to_vec();
        for (name, value) in pairs {
            body.extend_from_slice(&[name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
        }
        body.push(0);
        let length = i32::try_from(body.len() + 4).unwrap();
        self.write(&[&length.to_be_bytes(), body.as_slice()].concat());
    }

    pub fn send(&mut self, kind: u8, body: &[u8]) {
        let length = i32::try_from(body.len() + 4).unwrap();
        self.write(&[&[kind], length.to_be_bytes().as_slice(), body].concat());
    }

    /// The next message; nothing at the end.
    pub fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head).ok()?;
        let length = i32::from_be_bytes(head[1..].try_into().unwrap());
        let mut body = vec![0; usize::try_from(length).unwrap() - 4];
        self.stream.read_exact(&mut body).unwrap();
        Some((head[0], body))
    }

    /// Messages until the server is ready again, or closes the connection.
    pub fn until_ready(&mut self) -> Vec<(u8, Vec<u8>)> {
        let mut messages = Vec::new();
        while let Some(message) = self.next() {
            let is_ready = message.0 == b'Z';
            messages.push(message);
            if is_ready {
                break;
            }
        }
        messages
    }

    fn authenticate(&mut self, password: Option<&str>) -> Result<(), Failure> {
        let mut client_first = String::new();
        let mut auth_message = String::new();
        let mut server_key = Vec::new();
        loop {
            let (kind, body) = self.next().expect("the connection ended while logging in");
            match kind {
                b'E' => return Err(failure(&body)),
                b'R' => match (i32::from_be_bytes(body[..4].try_into().unwrap()), &body[4..]) {
                    (0, _) => {}
                    (10, mechanisms) => {
                        assert_eq!(mechanisms, b"SCRAM-SHA-256\0\0");
                        client_first = "n=,r=fyko+d2lbbFgONRv9qkxdawL".to_owned();
                        let message = format!("n,,{client_first}");
                        let length = i32::try_from(message.len()).unwrap().to_be_bytes();
                        self.send(b'p', &[b"SCRAM-SHA-256\0", length.as_slice(), message.as_bytes()].concat());
                    }
                    (11, server_first) => {
                        let server_first = std::str::from_utf8(server_first).unwrap();
                        let part =
                            |name: &str| server_first.split(',').find_map(|part| part.strip_prefix(name)).unwrap();
                        let salt = STANDARD.decode(part("s=")).unwrap();
                        let salted = gen_salted_password(password.unwrap(), &salt, part("i=").parse().unwrap());
                        let without_proof = format!("c=biws,r={}", part("r="));
                        auth_message = format!("{client_first},{server_first},{without_proof}");
                        let key = hmac(&salted, b"Client Key");
                        let signature = hmac(&Sha256::digest(&key), auth_message.as_bytes());
                        let proof: Vec<u8> = key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
                        server_key = hmac(&salted, b"Server Key");
                        self.send(b'p', format!("{without_proof},p={}", STANDARD.encode(proof)).as_bytes());
                    }
                    (12, signature) => {
                        let expected = STANDARD.encode(hmac(&server_key, auth_message.as_bytes()));
                        assert_eq!(std::str::from_utf8(signature).unwrap(), format!("v={expected}"));
                    }
                    other => panic!("{other:?}"),
                },
                b'K' => {
                    self.process = i32::from_be_bytes(body[..4].try_into().unwrap());
                    self.key = i32::from_be_bytes(body[4..].try_into().unwrap());
                }
                b'S' => {}
                b'Z' => return Ok(()),
                other => panic!("{}", char::from(other)),
            }
        }
    }

    /// The rows of a text of statements, by the simple protocol.
    pub fn query(&mut self, text: &str) -> Result<Vec<Row>, Failure> {
        self.send(b'Q', &[text.as_bytes(), b"\0"].concat());
        rows(self.until_ready())
    }

    /// The only value of an answer.
    pub fn value(&mut self, text: &str) -> String {
        let rows = self.query(text).unwrap_or_else(|failure| panic!("{text}: {failure:?}"));
        assert!(rows.len() == 1 && rows[0].len() == 1, "{text}: {rows:?}");
        rows[0][0].clone().unwrap_or_else(|| "null".to_owned())
    }

    pub fn code(&mut self, text: &str) -> String {
        match self.query(text) {
            Ok(rows) => panic!("{text}: {rows:?}"),
            Err(failure) => failure.code,
        }
    }

    pub fn parse(&mut self, name: &str, text: &str, types: &[u32]) {
        let mut body = [name.as_bytes(), b"\0", text.as_bytes(), b"\0"].concat();
        body.extend_from_slice(&u16::try_from(types.len()).unwrap().to_be_bytes());
        types.iter().for_each(|oid| body.extend_from_slice(&oid.to_be_bytes()));
        self.send(b'P', &body);
    }

    pub fn bind(&mut self, portal: &str, statement: &str, format: i16, values: &[Option<&[u8]>], result_format: i16) {
        let mut body = [portal.as_bytes(), b"\0", statement.as_bytes(), b"\0"].concat();
        body.extend_from_slice(&[&1_i16.to_be_bytes(), format.to_be_bytes().as_slice()].concat());
        body.extend_from_slice(&u16::try_from(values.len()).unwrap().to_be_bytes());
        for value in values {
            match value {
                Some(value) => {
                    body.extend_from_slice(&i32::try_from(value.len()).unwrap().to_be_bytes());
                    body.extend_from_slice(value);
                }
                None => body.extend_from_slice(&(-1_i32).to_be_bytes()),
            }
        }
        body.extend_from_slice(&[&1_i16.to_be_bytes(), result_format.to_be_bytes().as_slice()].concat());
        self.send(b'B', &body);
    }

    pub fn execute(&mut self, portal: &str, rows_max: i32) {
        self.send(b'E', &[portal.as_bytes(), b"\0", rows_max.to_be_bytes().as_slice()].concat());
    }

    /// The rows of a statement with values in text, by the extended protocol.
    pub fn ask(&mut self, text: &str, values: &[Option<&str>]) -> Result<Vec<Row>, Failure> {
        let values: Vec<Option<&[u8]>> = values.iter().map(|value| value.map(str::as_bytes)).collect();
        self.parse("", text, &[]);
        self.bind("", "", 0, &values, 0);
        self.execute("", 0);
        self.send(b'S', b"");
        rows(self.until_ready())
    }
}

/// The rows among messages, or the first error.
pub fn rows(messages: Vec<(u8, Vec<u8>)>) -> Result<Vec<Row>, Failure> {
    if let Some((_, body)) = messages.iter().find(|(kind, _)| *kind == b'E') {
        return Err(failure(body));
    }
    assert_eq!(messages.last().map(|(kind, _)| *kind), Some(b'Z'), "{messages:?}");
    Ok(messages.iter().filter(|(kind, _)| *kind == b'D').map(|(_, body)| row(body)).collect())
}

/// The values of a row; those that are no text as their bytes in hexadecimal digits.
fn row(mut body: &[u8]) -> Row {
    let count = i16::from_be_bytes(body[..2].try_into().unwrap());
    body = &body[2..];
    let values = (0..count).map(|_| {
        let length = i32::from_be_bytes(body[..4].try_into().unwrap());
        body = &body[4..];
        let length = usize::try_from(length).ok()?;
        let value = &body[..length];
        body = &body[length..];
        let is_text = value.iter().all(|byte| *byte >= b' ' || *byte == b'\n');
        let text = std::str::from_utf8(value).ok().filter(|_| is_text).map(str::to_owned);
        Some(text.unwrap_or_else(|| value.iter().map(|byte| format!("{byte:02x}")).collect()))
    });
    let values = values.collect();
    assert_eq!(body, b"");
    values
}

pub fn failure(body: &[u8]) -> Failure {
    let field = |name: u8| {
        let fields = body.split(|byte| *byte == 0).filter(|field| field.first() == Some(&name));
        fields.map(|field| String::from_utf8(field[1..].to_vec()).unwrap()).next().unwrap_or_default()
    };
    Failure { code: field(b'C'), message: field(b'M'), hint: field(b'H'), position: field(b'P'), severity: field(b'S') }
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}
