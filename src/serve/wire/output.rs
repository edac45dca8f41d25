//! Messages to clients: written into a buffer, and sent when it is large or an answer is complete.

use std::time::Duration;

use datafusion_postgres::pgwire::api::results::FieldInfo;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::problem::Problem;

/// Bytes after which a buffer is sent.
const FULL_BYTES: usize = 64 << 10;

/// How long a client may take to accept what is sent.
const SENDING_TIME: Duration = Duration::from_secs(60);

/// The client is gone, or accepts nothing.
#[derive(Debug)]
pub struct Gone;

/// What is sent to a client.
pub struct Output<W> {
    writer: W,
    buffer: Vec<u8>,
}

impl<W: AsyncWrite + Unpin> Output<W> {
    /// Sends to this writer.
    pub fn new(writer: W) -> Output<W> {
        Output { writer, buffer: Vec::new() }
    }

    /// Adds a message of that kind, whose content `write` appends.
    pub fn message(&mut self, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
        self.buffer.push(kind);
        let begins = self.buffer.len();
        self.buffer.extend_from_slice(&[0; 4]);
        write(&mut self.buffer);
        let length = u32::try_from(self.buffer.len() - begins).unwrap_or(u32::MAX).to_be_bytes();
        if let Some(place) = self.buffer.get_mut(begins..begins + 4) {
            place.copy_from_slice(&length);
        }
    }

    /// Adds a message without content.
    pub fn signal(&mut self, kind: u8) {
        self.message(kind, |_| {});
    }

    /// Adds bytes that are no message: the answer to a request for TLS.
    pub fn raw(&mut self, byte: u8) {
        self.buffer.push(byte);
    }

    /// Adds an error, or with `N` a notice.
    pub fn problem(&mut self, kind: u8, severity: &str, problem: &Problem) {
        self.message(kind, |buffer| {
            let position = problem.position.map(|position| position.to_string());
            let fields = [
                (b'S', Some(severity)),
                (b'V', Some(severity)),
                (b'C', Some(problem.code)),
                (b'M', Some(problem.message.as_str())),
                (b'H', problem.hint.as_deref()),
                (b'P', position.as_deref()),
            ];
            for (name, text) in fields {
                if let Some(text) = text {
                    buffer.push(name);
                    put_text(buffer, text);
                }
            }
            buffer.push(0);
        });
    }

    /// Adds the value of a parameter of the connection.
    pub fn parameter(&mut self, name: &str, value: &str) {
        self.message(b'S', |buffer| {
            put_text(buffer, name);
            put_text(buffer, value);
        });
    }

    /// Adds that a statement is done.
    pub fn complete(&mut self, tag: &str) {
        self.message(b'C', |buffer| put_text(buffer, tag));
    }

    /// Adds that the next statement may come: `I` outside of a transaction, `T` within, `E` after an error within.
    pub fn ready(&mut self, state: u8) {
        self.message(b'Z', |buffer| buffer.push(state));
    }

    /// Adds the types of parameters.
    pub fn parameters(&mut self, types: &[u32]) {
        self.message(b't', |buffer| {
            put_count(buffer, types.len());
            types.iter().for_each(|oid| buffer.extend_from_slice(&oid.to_be_bytes()));
        });
    }

    /// Adds the columns of a result.
    pub fn columns(&mut self, fields: &[FieldInfo]) {
        self.message(b'T', |buffer| {
            put_count(buffer, fields.len());
            for field in fields {
                put_text(buffer, field.name());
                // Of no table, and no column of one.
                buffer.extend_from_slice(&[0; 6]);
                buffer.extend_from_slice(&field.datatype().oid().to_be_bytes());
                buffer.extend_from_slice(&field.type_size().to_be_bytes());
                buffer.extend_from_slice(&field.type_modifier().to_be_bytes());
                buffer.extend_from_slice(&field.format().value().to_be_bytes());
            }
        });
    }

    /// Adds a row of that many values.
    pub fn row(&mut self, count: i16, values: &[u8]) {
        self.message(b'D', |buffer| {
            buffer.extend_from_slice(&count.to_be_bytes());
            buffer.extend_from_slice(values);
        });
    }

    /// Sends the buffer if it is large.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn send_if_full(&mut self) -> Result<(), Gone> {
        if self.buffer.len() >= FULL_BYTES { self.send().await } else { Ok(()) }
    }

    /// Sends the buffer. What was not sent when this is dropped stays in the buffer.
    ///
    /// # Errors
    /// When the client is gone, or accepts nothing for a minute.
    pub async fn send(&mut self) -> Result<(), Gone> {
        while !self.buffer.is_empty() {
            let written = tokio::time::timeout(SENDING_TIME, self.writer.write(&self.buffer)).await;
            match written {
                Ok(Ok(count)) if count > 0 => drop(self.buffer.drain(..count)),
                _ => return Err(Gone),
            }
        }
        if self.buffer.capacity() > 4 * FULL_BYTES {
            self.buffer = Vec::new();
        }
        let flushed = tokio::time::timeout(SENDING_TIME, self.writer.flush()).await;
        flushed.ok().and_then(std::result::Result::ok).ok_or(Gone)
    }

    /// Closes the connection after what is in the buffer.
    pub async fn close(&mut self) {
        if self.send().await.is_ok() {
            drop(tokio::time::timeout(Duration::from_secs(1), self.writer.shutdown()).await);
        }
    }
}

/// A text with its end. A zero byte would end it before.
fn put_text(buffer: &mut Vec<u8>, text: &str) {
    buffer.extend(text.bytes().filter(|byte| *byte != 0));
    buffer.push(0);
}

fn put_count(buffer: &mut Vec<u8>, count: usize) {
    buffer.extend_from_slice(&u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes());
}
