//! The wire protocol of PostgreSQL, for clients of SQL: log-in with SCRAM-SHA-256 over TLS, questions, and nothing else.
//!
//! The catalogue that clients browse, the forms of their statements and the encoding of rows are those of
//! `datafusion-postgres`. The protocol is read here, because what a server may be sent must be bounded before a user is known:
//! [`message`] understands bytes, [`login`] who sends them, [`statement`] what they ask for, [`session`] answers. Each user sees
//! what [`crate::query::rights`] allows, in every statement as of the moment at which it begins.

pub mod absent;
pub mod cancel;
pub mod catalogue;
pub mod functions;
pub mod limited;
pub mod login;
pub mod message;
pub mod output;
pub mod parameters;
pub mod prepared;
pub mod problem;
pub mod rows;
pub mod scram;
pub mod session;
pub mod settings;
pub mod shared;
pub mod statement;
pub mod tables;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::access::AccessFile;
use crate::error::Result;
use crate::serve::engine::Engine;
use cancel::Cancels;
use limited::Ends;
use login::LoggedIn;
use message::{BYTES_MAX, Message};
use output::Output;
use problem::{Answer, Problem};
use session::Session;
use shared::Shared;
use statement::Reader;

/// Connections that are logged in, and those that are about to.
const SESSIONS_MAX: usize = 100;
const LOG_INS_MAX: usize = 50;

/// How long a client may take to log in.
const LOG_IN_TIME: Duration = Duration::from_secs(10);

/// Serves connections of a listener until the server stops, and then until the statements that run have ended. Without
/// credentials every client is the owner; with them, SCRAM-SHA-256 is required, and with TLS that, too.
///
/// # Errors
/// When the system has no random bytes.
pub async fn serve_wire(
    engine: Arc<Engine>,
    listener: TcpListener,
    access: Option<Arc<AccessFile>>,
    tls: Option<Arc<rustls::ServerConfig>>,
    stop: CancellationToken,
) -> Result<()> {
    let shared = Arc::new(Shared {
        engine,
        access,
        tls: tls.as_deref().map(acceptor),
        reader: Reader::new(),
        cancels: Arc::new(Cancels::default()),
        places: Arc::new(Semaphore::new(SESSIONS_MAX)),
        stop: stop.clone(),
    });
    let log_ins = Arc::new(Semaphore::new(LOG_INS_MAX));
    let mut connections = JoinSet::new();
    loop {
        // No connection is taken from the system before there is a place for its log-in.
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = Arc::clone(&log_ins).acquire_owned() => place,
        };
        tokio::select! {
            () = stop.cancelled() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => {
                    let shared = Arc::clone(&shared);
                    connections.spawn(async move {
                        let logged_in = logged_in(&shared, stream, address).await;
                        drop(place);
                        if let Some(logged_in) = logged_in {
                            session(shared, logged_in).await;
                        }
                    });
                }
                // Such as too many open files: others may end meanwhile.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            },
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// The TLS of the server under the name that this protocol has in it.
fn acceptor(config: &rustls::ServerConfig) -> TlsAcceptor {
    let mut config = config.clone();
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn logged_in(shared: &Shared, stream: TcpStream, address: SocketAddr) -> Option<LoggedIn> {
    // Answers are small and expected at once.
    drop(stream.set_nodelay(true));
    let log_in = tokio::time::timeout(LOG_IN_TIME, login::log_in(shared, stream, address.ip()));
    tokio::select! {
        () = shared.stop.cancelled() => None,
        logged_in = log_in => logged_in.ok().flatten(),
    }
}

async fn session(shared: Arc<Shared>, logged_in: LoggedIn) {
    let LoggedIn { mut transport, viewer, credential, settings } = logged_in;
    let place = Arc::clone(&shared.places).try_acquire_owned();
    let (Ok(_place), Ok(cancel)) = (place, shared.cancels.enter()) else {
        let mut output = Output::new(transport);
        output.problem(
            b'E',
            "FATAL",
            &Problem::fatal("53300", format!("there are {SESSIONS_MAX} connections already")),
        );
        return output.close().await;
    };
    drop(transport.flush().await);
    let gone = CancellationToken::new();
    let ends = Ends { cancel: Arc::new(cancel), gone: gone.clone(), stop: shared.stop.clone() };
    let (reader, writer) = tokio::io::split(transport);
    // One message waits, so that the end of a connection is seen while a question runs.
    let (sender, messages) = mpsc::channel(1);
    let session = Session::new(shared, viewer, credential, settings, ends, Output::new(writer));
    tokio::select! {
        () = read(reader, sender, gone) => {}
        () = session.run(messages) => {}
    }
}

/// Reads messages as the session takes them. Does not end before the session does.
async fn read(mut reader: impl AsyncRead + Unpin, messages: mpsc::Sender<Answer<Message>>, gone: CancellationToken) {
    loop {
        let message = match message::frame(&mut reader, BYTES_MAX).await {
            Ok(Some((kind, content))) => Message::parse(kind, &content),
            Ok(None) => break,
            Err(problem) => Err(problem),
        };
        let is_last = matches!(message, Ok(Message::Terminate) | Err(_));
        let is_terminated = matches!(message, Ok(Message::Terminate));
        if is_terminated || messages.send(message).await.is_err() {
            break;
        }
        if is_last {
            return std::future::pending().await;
        }
    }
    gone.cancel();
    drop(messages);
    std::future::pending().await
}
