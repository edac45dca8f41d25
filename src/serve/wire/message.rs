//! Messages from clients: read within bounds, and checked to the last byte, before anything acts on them.

use tokio::io::{AsyncRead, AsyncReadExt};

use super::problem::{Answer, Problem};

/// Bytes of the first message of a connection.
const STARTUP_BYTES_MAX: usize = 10_000;

/// Bytes of a message before the client is known.
pub const LOGIN_BYTES_MAX: usize = 16 << 10;

/// Bytes of a message of a client that is known.
pub const BYTES_MAX: usize = 1 << 20;

/// How a connection begins.
#[derive(Debug, PartialEq, Eq)]
pub enum Startup {
    /// The client would like TLS.
    Tls,
    /// The client would like encryption by Kerberos.
    Kerberos,
    /// A question of another connection is to stop.
    Cancel { process: i32, key: i32 },
    /// Names and values, and the minor number of the version of the protocol, 3.
    Parameters { minor: u16, pairs: Vec<(String, String)> },
}

/// What a client that is logged in may send.
#[derive(Debug, PartialEq, Eq)]
pub enum Message {
    Query(String),
    Parse {
        name: String,
        text: String,
        types: Vec<u32>,
    },
    Bind(Bind),
    DescribeStatement(String),
    DescribePortal(String),
    Execute {
        portal: String,
        rows_max: usize,
    },
    CloseStatement(String),
    ClosePortal(String),
    Flush,
    Sync,
    Terminate,
    /// Data of a copy, which no copy asked for.
    Copy,
}

/// Values for the parameters of a statement.
#[derive(Debug, PartialEq, Eq)]
pub struct Bind {
    pub portal: String,
    pub statement: String,
    /// 0 is text, 1 binary: none, one for all, or one for each.
    pub formats: Vec<i16>,
    pub values: Vec<Option<Vec<u8>>>,
    /// The same for the columns of the result.
    pub result_formats: Vec<i16>,
}

/// Reads how a connection begins; nothing where it ends before.
///
/// # Errors
/// When that is no beginning of a connection of version 3.
pub async fn startup<R: AsyncRead + Unpin>(reader: &mut R) -> Answer<Option<Startup>> {
    let mut length = [0; 4];
    if reader.read_exact(&mut length).await.is_err() {
        return Ok(None);
    }
    let Some(body) = body(reader, length, STARTUP_BYTES_MAX).await? else { return Ok(None) };
    let mut body = Body(&body);
    let (major, minor) = (body.u16()?, body.u16()?);
    let startup = match (major, minor) {
        (1234, 5679) => Startup::Tls,
        (1234, 5680) => Startup::Kerberos,
        (1234, 5678) => Startup::Cancel { process: body.i32()?, key: body.i32()? },
        (3, minor) => Startup::Parameters { minor, pairs: body.pairs()? },
        _ => {
            return Err(Problem::fatal(
                "0A000",
                format!("version {major}.{minor} of the protocol is not supported; this is 3.0"),
            ));
        }
    };
    body.end()?;
    Ok(Some(startup))
}

/// Reads the kind and the content of a message; nothing where the connection has ended.
///
/// # Errors
/// When it is longer than that, or its length is none.
pub async fn frame<R: AsyncRead + Unpin>(reader: &mut R, bytes_max: usize) -> Answer<Option<(u8, Vec<u8>)>> {
    let mut head = [0; 5];
    if reader.read_exact(&mut head).await.is_err() {
        return Ok(None);
    }
    let [kind, length @ ..] = head;
    Ok(body(reader, length, bytes_max).await?.map(|body| (kind, body)))
}

/// The content of a message of that length. Memory is taken as the bytes arrive, not as the client announces them.
async fn body<R: AsyncRead + Unpin>(reader: &mut R, length: [u8; 4], bytes_max: usize) -> Answer<Option<Vec<u8>>> {
    let length = i64::from(i32::from_be_bytes(length));
    let bytes =
        usize::try_from(length - 4).map_err(|_| Problem::protocol(format!("{length} is no length of a message")))?;
    if bytes > bytes_max {
        let message = format!("a message of {bytes} bytes is refused; {bytes_max} is the limit here");
        return Err(Problem::fatal(super::problem::TOO_MUCH, message));
    }
    let mut content = Vec::new();
    match reader.take(bytes as u64).read_to_end(&mut content).await {
        Ok(read) if read == bytes => Ok(Some(content)),
        _ => Ok(None),
    }
}

impl Message {
    /// Understands a message.
    ///
    /// # Errors
    /// When it is of no kind that a client sends, or its content is not what its kind has.
    pub fn parse(kind: u8, content: &[u8]) -> Answer<Message> {
        let mut body = Body(content);
        let message = match kind {
            b'Q' => Message::Query(body.text()?),
            b'P' => Message::Parse { name: body.text()?, text: body.text()?, types: body.counted(Body::u32)? },
            b'B' => Message::Bind(Bind {
                portal: body.text()?,
                statement: body.text()?,
                formats: body.counted(Body::format)?,
                values: body.counted(Body::value)?,
                result_formats: body.counted(Body::format)?,
            }),
            b'D' | b'C' => {
                let (target, name) = (body.u8()?, body.text()?);
                match (kind, target) {
                    (b'D', b'S') => Message::DescribeStatement(name),
                    (b'D', b'P') => Message::DescribePortal(name),
                    (_, b'S') => Message::CloseStatement(name),
                    (_, b'P') => Message::ClosePortal(name),
                    _ => return Err(Problem::protocol("a message names neither a statement nor a portal")),
                }
            }
            // Zero and less than zero are all rows.
            b'E' => {
                Message::Execute { portal: body.text()?, rows_max: usize::try_from(body.i32()?).unwrap_or_default() }
            }
            b'H' => Message::Flush,
            b'S' => Message::Sync,
            b'X' => Message::Terminate,
            b'd' | b'c' | b'f' => {
                body.0 = &[];
                Message::Copy
            }
            _ => return Err(Problem::protocol(format!("there is no message of the kind {:?}", char::from(kind)))),
        };
        body.end()?;
        Ok(message)
    }
}

/// The rest of a message.
struct Body<'a>(&'a [u8]);

impl<'a> Body<'a> {
    fn bytes(&mut self, count: usize) -> Answer<&'a [u8]> {
        let (taken, rest) =
            self.0.split_at_checked(count).ok_or_else(|| Problem::protocol("a message ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const COUNT: usize>(&mut self) -> Answer<[u8; COUNT]> {
        let taken = self.bytes(COUNT)?;
        taken.try_into().map_err(|_| Problem::protocol("a message ends too early"))
    }

    fn u8(&mut self) -> Answer<u8> {
        self.array().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Answer<u16> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Answer<u32> {
        self.array().map(u32::from_be_bytes)
    }

    fn i32(&mut self) -> Answer<i32> {
        self.array().map(i32::from_be_bytes)
    }

    fn format(&mut self) -> Answer<i16> {
        let format = self.array().map(i16::from_be_bytes)?;
        match format {
            0 | 1 => Ok(format),
            _ => Err(Problem::protocol(format!("{format} is no format; 0 is text, 1 is binary"))),
        }
    }

    /// A text that ends with a zero byte.
    fn text(&mut self) -> Answer<String> {
        let end = memchr::memchr(0, self.0).ok_or_else(|| Problem::protocol("a text of a message has no end"))?;
        let text = self.bytes(end)?;
        self.bytes(1)?;
        String::from_utf8(text.to_vec()).map_err(|_| Problem::fatal("22021", "a text of a message is not UTF-8"))
    }

    fn value(&mut self) -> Answer<Option<Vec<u8>>> {
        match self.i32()? {
            -1 => Ok(None),
            length => {
                let length = usize::try_from(length).map_err(|_| Problem::protocol("a value has a negative length"))?;
                Ok(Some(self.bytes(length)?.to_vec()))
            }
        }
    }

    /// A count, and as many things. Each takes bytes of the message, so no more memory is taken than these allow.
    fn counted<T>(&mut self, read: impl Fn(&mut Body<'a>) -> Answer<T>) -> Answer<Vec<T>> {
        let count = self.u16()?;
        (0..count).map(|_| read(self)).collect()
    }

    /// Names and values up to an empty name.
    fn pairs(&mut self) -> Answer<Vec<(String, String)>> {
        let mut pairs = Vec::new();
        loop {
            let name = self.text()?;
            if name.is_empty() {
                return Ok(pairs);
            }
            pairs.push((name, self.text()?));
        }
    }

    fn end(&self) -> Answer<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::protocol("a message has more bytes than its content")) }
    }
}
