//! The connections of the listener: how many there may be, and how long a client may take to accept what is sent.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

/// How long a client may accept nothing of what is sent.
const SENDING_TIME: Duration = Duration::from_secs(60);

/// Takes connections as long as there are places.
#[derive(Clone, Debug)]
pub struct Places {
    free: Arc<Semaphore>,
    sending_time: Duration,
}

/// A connection; it gives its place back when it ends.
pub struct Connection {
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
    sending_time: Duration,
    /// Runs while the client accepts nothing.
    sending: Option<Pin<Box<Sleep>>>,
}

impl Places {
    /// That many places.
    #[must_use]
    pub fn new(connections: usize) -> Places {
        Places { free: Arc::new(Semaphore::new(connections)), sending_time: SENDING_TIME }
    }
}

impl<S> Accept<TcpStream, S> for Places {
    type Stream = Connection;
    type Service = S;
    type Future = std::future::Ready<io::Result<(Connection, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        // Answers are small and expected at once; where that cannot be set, they come a little later.
        drop(stream.set_nodelay(true));
        let (place, sending_time) = (Arc::clone(&self.free).try_acquire_owned(), self.sending_time);
        let taken = |place| (Connection { stream, _place: place, sending_time, sending: None }, service);
        std::future::ready(place.map(taken).map_err(|_| io::Error::other("there are too many connections")))
    }
}

impl Connection {
    /// The outcome of a step of sending, which fails once the client has accepted nothing for too long.
    fn within_time<T>(&mut self, context: &mut Context<'_>, sent: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if sent.is_ready() {
            self.sending = None;
            return sent;
        }
        let time = self.sending_time;
        let sending = self.sending.get_or_insert_with(|| Box::pin(tokio::time::sleep(time)));
        sending.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.within_time(context, sent)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.within_time(context, sent)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.stream).poll_flush(context);
        self.within_time(context, sent)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(context);
        self.within_time(context, ended)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    async fn pair(listener: &TcpListener, address: SocketAddr) -> (TcpStream, TcpStream) {
        let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
        (client.unwrap(), server.unwrap().0)
    }

    #[tokio::test]
    async fn a_connection_gives_its_place_back_when_it_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let places = Places::new(2);
        let mut clients = Vec::new();
        let mut taken = async || {
            let (client, server) = pair(&listener, address).await;
            clients.push(client);
            places.accept(server, ()).await
        };
        let (first, second) = (taken().await.unwrap(), taken().await.unwrap());
        assert!(taken().await.is_err());
        drop(first);
        assert!(taken().await.is_ok());
        drop(second);
    }

    #[tokio::test]
    async fn a_client_that_accepts_nothing_is_left() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (_client, server) = pair(&listener, listener.local_addr().unwrap()).await;
        let (mut connection, ()) =
            Places { sending_time: Duration::from_millis(50), ..Places::new(1) }.accept(server, ()).await.unwrap();
        let bytes = vec![0; 64 << 20];
        let error = connection.write_all(&bytes).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
