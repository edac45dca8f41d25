//! One connection: its statements, one after the other. Each sees the database as it is when it begins; what is being read
//! stays as it was.

mod begin;
mod extended;

use std::sync::Arc;

use tokio::io::AsyncWrite;
use tokio::sync::mpsc;

use super::limited::Ends;
use super::login::Credential;
use super::message::Message;
use super::output::Output;
use super::prepared::{Named, Prepared};
use super::problem::{Answer, PROTOCOL, Problem, STOPPING, WRONG_PASSWORD};
use super::rows::{self, Rows};
use super::settings::WireSettings;
use super::shared::Shared;
use super::statement::Asked;
use super::tables::Tables;
use crate::query::rights::Viewer;
use crate::serve::limits::{NotAnswered, Permit};

/// Whether a transaction is open. Nothing is ever written, so it only groups statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transaction {
    None,
    Open,
    /// A statement failed: the rest is refused until the transaction ends.
    Failed,
}

impl Transaction {
    fn state(self) -> u8 {
        match self {
            Transaction::None => b'I',
            Transaction::Open => b'T',
            Transaction::Failed => b'E',
        }
    }
}

/// One connection.
pub struct Session<W> {
    pub shared: Arc<Shared>,
    pub viewer: Viewer,
    pub credential: Option<Credential>,
    pub settings: WireSettings,
    pub ends: Ends,
    output: Output<W>,
    named: Named,
    transaction: Transaction,
    /// After an error, messages up to the next `Sync` are skipped.
    is_skipping: bool,
    tables: Option<Arc<Tables>>,
}

/// How a statement begins to be answered.
enum Begun {
    /// Rows, and what the statement is called when they are sent.
    Rows(Rows, &'static str),
    /// Rows of a cursor, at most that many.
    Fetch(String, Option<usize>),
    /// It is done, and called that.
    Done(String),
}

impl<W: AsyncWrite + Unpin> Session<W> {
    /// A connection that sends to this output.
    pub fn new(
        shared: Arc<Shared>,
        viewer: Viewer,
        credential: Option<Credential>,
        settings: WireSettings,
        ends: Ends,
        output: Output<W>,
    ) -> Session<W> {
        let (named, transaction) = (Named::default(), Transaction::None);
        Session {
            shared,
            viewer,
            credential,
            settings,
            ends,
            output,
            named,
            transaction,
            is_skipping: false,
            tables: None,
        }
    }

    /// Greets the client and answers its messages until one of both ends the connection.
    pub async fn run(mut self, mut messages: mpsc::Receiver<Answer<Message>>) {
        if let Err(problem) = self.greet().await {
            self.report(&Problem { is_fatal: true, ..problem });
            return self.output.close().await;
        }
        let stop = self.shared.stop.clone();
        loop {
            let message = tokio::select! {
                message = messages.recv() => message,
                () = stop.cancelled() => Some(Err(Problem::fatal(STOPPING, "the server stops"))),
            };
            let Some(message) = message else { return };
            let answered = match message {
                Ok(Message::Terminate) => return,
                Ok(message) => self.answer(message).await,
                Err(problem) => Err(problem),
            };
            if let Err(problem) = answered {
                self.report(&problem);
                if problem.is_fatal || self.output.send().await.is_err() {
                    return self.output.close().await;
                }
            }
        }
    }

    /// Makes sure that the user may see something, and sends what clients expect at the beginning.
    async fn greet(&mut self) -> Answer<()> {
        let ends = self.ends.clone();
        let tables = ends.limit(self.settings.question_time(), self.tables()).await;
        tables.map_err(|problem| Problem { code: super::problem::NOT_ALLOWED, ..problem })?;
        self.output.message(b'R', |buffer| buffer.extend_from_slice(&0_u32.to_be_bytes()));
        for (name, value) in self.settings.reported() {
            self.output.parameter(name, &value);
        }
        let (process, key) = (self.ends.cancel.process, self.ends.cancel.key);
        self.output.message(b'K', |buffer| {
            buffer.extend_from_slice(&process.to_be_bytes());
            buffer.extend_from_slice(&key.to_be_bytes());
        });
        self.ready().await
    }

    fn report(&mut self, problem: &Problem) {
        self.output.problem(b'E', if problem.is_fatal { "FATAL" } else { "ERROR" }, problem);
        if self.transaction == Transaction::Open {
            self.transaction = Transaction::Failed;
        }
    }

    async fn ready(&mut self) -> Answer<()> {
        self.output.ready(self.transaction.state());
        self.send().await
    }

    async fn send(&mut self) -> Answer<()> {
        self.output.send().await.map_err(|_| Problem::fatal(PROTOCOL, "the client is gone"))
    }

    async fn answer(&mut self, message: Message) -> Answer<()> {
        match message {
            Message::Sync => {
                self.is_skipping = false;
                if self.transaction == Transaction::None {
                    self.named.close_unfinished();
                }
                self.ready().await
            }
            Message::Query(text) => {
                self.is_skipping = false;
                match self.simple(&text).await {
                    Err(problem) if problem.is_fatal => return Err(problem),
                    Err(problem) => self.report(&problem),
                    Ok(()) => {}
                }
                self.ready().await
            }
            Message::Terminate | Message::Copy => Ok(()),
            _ if self.is_skipping => Ok(()),
            Message::Flush => self.send().await,
            message => {
                let answered = self.extended(message).await;
                self.is_skipping = answered.is_err();
                answered
            }
        }
    }

    /// The statements of a text, each answered with its rows in text.
    async fn simple(&mut self, text: &str) -> Answer<()> {
        // A statement and a portal without a name end here, as for PostgreSQL.
        self.named.forget_statement(Some(""));
        self.named.close_portals(Some(""));
        let statements = self.shared.reader.read(text)?;
        if statements.is_empty() {
            self.output.signal(b'I');
        }
        for asked in statements {
            let ends = self.ends.clone();
            ends.limit(self.settings.question_time(), self.statement(asked)).await?;
        }
        Ok(())
    }

    async fn statement(&mut self, asked: Asked) -> Answer<()> {
        let prepared = Prepared::new(Some(asked), Vec::new(), 0);
        let permit = self.permit().await?;
        match self.begin(&prepared, Vec::new()).await? {
            Begun::Done(tag) => self.output.complete(&tag),
            Begun::Rows(mut rows, tag) => {
                let fields = rows::fields(rows.shown(), &[])?;
                self.output.columns(&fields);
                let sent = rows.send(&mut self.output, &fields, None).await?;
                self.output.complete(&complete_tag(tag, sent));
            }
            Begun::Fetch(cursor, rows_max) => self.fetch(&cursor, rows_max, &[], true).await?,
        }
        drop(permit);
        Ok(())
    }

    /// Sends the next rows of a cursor.
    async fn fetch(&mut self, name: &str, rows_max: Option<usize>, formats: &[i16], with_columns: bool) -> Answer<()> {
        let mut portal = self.named.take_portal(name)?;
        let Some(rows) = &mut portal.rows else { return Err(Problem::new("55000", format!("`{name}` is not open"))) };
        let fields = rows::fields(rows.shown(), formats)?;
        if with_columns {
            self.output.columns(&fields);
        }
        let sent = rows.send(&mut self.output, &fields, rows_max).await?;
        self.output.complete(&complete_tag("FETCH", sent));
        self.named.keep_portal(name.to_owned(), portal)
    }

    async fn permit(&mut self) -> Answer<Permit> {
        // Also before more rows of a cursor, which asks for no tables.
        self.check_credential()?;
        let permit = self.shared.engine.permit(&self.viewer).await;
        permit.map_err(|refused| match refused {
            NotAnswered::Failed(error) => Problem::from(error),
            refused => Problem::new("53000", refused.to_string()),
        })
    }

    fn check_credential(&self) -> Answer<()> {
        match self.credential.as_ref().is_none_or(Credential::is_good) {
            true => Ok(()),
            false => Err(Problem::fatal(WRONG_PASSWORD, "the password of this connection was changed or revoked")),
        }
    }

    /// The tables of the database as it is now, for a user whose credential is still good.
    async fn tables(&mut self) -> Answer<Arc<Tables>> {
        self.check_credential()?;
        let database = self.shared.engine.seen_by(&self.viewer).await?;
        match &self.tables {
            Some(tables) if tables.are_of(&database) => Ok(Arc::clone(tables)),
            _ => {
                let tables = Arc::new(Tables::new(database, self.viewer.clone()));
                self.tables = Some(Arc::clone(&tables));
                Ok(tables)
            }
        }
    }
}

/// What a statement is called when it has sent that many rows.
fn complete_tag(tag: &str, rows: usize) -> String {
    match tag {
        "SELECT" | "FETCH" => format!("{tag} {rows}"),
        tag => tag.to_owned(),
    }
}
