//! Events that come in by requests: requests that are waiting together share one commit, and each is answered when it is durable.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use crate::error::{Error, Result};
use crate::input::piece::{Piece, Quarantined};
use crate::log::{Clock, InputsSummary, Log, Options, Summary, compact};

/// Requests that may wait; further ones are refused.
const WAITING_MAX: usize = 1024;
/// Bytes of the requests of one commit.
const COMMIT_BYTES_MAX: usize = 64 << 20;
/// Commits after which files are merged even though requests are waiting: these wait for a second or two then.
const COMMITS_UNMERGED_MAX: u32 = 48;

/// The events of one request.
#[derive(Clone, Debug)]
pub struct Arriving {
    /// Names the request in the quarantine: the same for the same request of the same user.
    pub name: Arc<str>,
    pub pieces: Vec<Piece>,
    /// Bytes of the request, unpacked.
    pub bytes: u64,
}

/// What became of a request, once it is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    pub summary: Summary,
    /// The lines that were set aside.
    pub refused: Vec<Quarantined>,
    /// The last batch of the log.
    pub batch: i64,
}

struct Waiting {
    arriving: Arriving,
    answer: oneshot::Sender<std::result::Result<Arrived, NotTaken>>,
}

/// Where requests wait for the next commit.
#[derive(Clone)]
pub struct Ingestion {
    waiting: mpsc::Sender<Waiting>,
}

/// Why a request was not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotTaken {
    #[error("too many requests are waiting; send it again later")]
    TooMany,
    #[error("the process ends; send it again later")]
    Ending,
    /// The disk has refused; nothing was added.
    #[error("{0}")]
    Failed(String),
    /// The bucket of the store has failed, or could not be reached; whether the events were added is not known.
    #[error("{0}")]
    NotKnown(String),
}

impl Ingestion {
    /// Begins to take requests, and commits them until `stop` and until those that were taken are answered; then the receiver has
    /// a message. They are committed by threads of their own, which have the priority of the thread that calls this.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn begin(engine: Arc<Engine>, stop: CancellationToken) -> Result<(Ingestion, oneshot::Receiver<()>)> {
        let (waiting, requests) = mpsc::channel(WAITING_MAX);
        let (ended, end) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Output)?;
        let work = move || {
            runtime.block_on(commit_all(engine, requests, stop));
            // The process may have ended for another reason.
            let _ = ended.send(());
        };
        std::thread::Builder::new().name("ingestion".to_owned()).spawn(work).map_err(Error::Output)?;
        Ok((Ingestion { waiting }, end))
    }

    /// Waits until the events of a request are durable.
    ///
    /// # Errors
    /// When too many are waiting, the process ends, or the log cannot be written; then nothing of it was added, or it is not
    /// known.
    pub async fn add(&self, arriving: Arriving) -> std::result::Result<Arrived, NotTaken> {
        let (answer, answered) = oneshot::channel();
        self.waiting.try_send(Waiting { arriving, answer }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotTaken::TooMany,
            mpsc::error::TrySendError::Closed(_) => NotTaken::Ending,
        })?;
        answered.await.map_err(|_| NotTaken::Ending)?
    }
}

/// What commits, one group of requests after the other.
struct Committer {
    engine: Arc<Engine>,
    /// The log as the last commit left it, so that the next one need not open it.
    log: Option<Log>,
    /// Commits since files were last merged.
    unmerged: u32,
}

async fn commit_all(engine: Arc<Engine>, mut requests: mpsc::Receiver<Waiting>, stop: CancellationToken) {
    let mut committer = Committer { engine, log: None, unmerged: 0 };
    let mut held = None;
    loop {
        let first = match held.take() {
            Some(first) => Some(first),
            None => tokio::select! {
                // What has been taken is committed also when the process is to end.
                first = requests.recv() => first,
                () = stop.cancelled(), if !requests.is_closed() => {
                    requests.close();
                    continue;
                }
            },
        };
        let Some(first) = first else { return };
        let mut group = vec![first];
        held = fill(&mut group, &mut requests);
        committer.commit(group).await;
        if (held.is_none() && requests.is_empty()) || committer.unmerged >= COMMITS_UNMERGED_MAX {
            committer.merge_files().await;
        }
    }
}

/// Adds the requests that are waiting; gives one that has to wait for the next commit.
fn fill(group: &mut Vec<Waiting>, requests: &mut mpsc::Receiver<Waiting>) -> Option<Waiting> {
    let mut bytes: usize = group.iter().map(Waiting::bytes).sum();
    while let Ok(next) = requests.try_recv() {
        bytes += next.bytes();
        // The same request again is counted as what it is: duplicates of the first.
        let is_there = group.iter().any(|waiting| waiting.arriving.name == next.arriving.name);
        if is_there || bytes > COMMIT_BYTES_MAX {
            return Some(next);
        }
        group.push(next);
    }
    None
}

impl Waiting {
    fn bytes(&self) -> usize {
        usize::try_from(self.arriving.bytes).unwrap_or(usize::MAX)
    }
}

impl Committer {
    /// Commits the requests as one batch, and answers each.
    async fn commit(&mut self, group: Vec<Waiting>) {
        let (arriving, answers): (Vec<_>, Vec<_>) =
            group.into_iter().map(|Waiting { arriving, answer }| (arriving, answer)).unzip();
        let named: Vec<(Arc<str>, u64, u64)> = arriving.iter().map(Arriving::counted).collect();
        match self.ingest(arriving).await {
            Ok((inputs, batch)) => {
                self.unmerged += 1;
                self.engine.log_has_grown();
                for (arrived, answer) in arrived(&named, inputs, batch).into_iter().zip(answers) {
                    // A client that has gone away has no need of its answer.
                    let _ = answer.send(Ok(arrived));
                }
            }
            Err(error) => {
                let text = error.to_string();
                let is_known = error.is_overtaken() || !self.engine.setup.store.is_in_bucket();
                let happened = if is_known { "were not added" } else { "may not have been added" };
                self.report(format!("events of {} requests {happened}: {text}", answers.len()));
                let not_taken = if is_known { NotTaken::Failed(text) } else { NotTaken::NotKnown(text) };
                for answer in answers {
                    let _ = answer.send(Err(not_taken.clone()));
                }
            }
        }
    }

    async fn ingest(&mut self, arriving: Vec<Arriving>) -> Result<(InputsSummary, i64)> {
        let setup = &self.engine.setup;
        let mut log = match self.log.take() {
            Some(log) => log,
            None => Log::open(&setup.store).await?,
        };
        let options = Options {
            now: Clock::Wall(setup.clock),
            threads: setup.resources.threads,
            memory_bytes: setup.resources.memory_bytes / 4,
        };
        let added = log.ingest_by_input(options, move |take| {
            let mut bytes = 0;
            let pieces = arriving.into_iter().flat_map(|arriving| {
                bytes += arriving.bytes;
                arriving.pieces
            });
            for (piece, number) in pieces.zip(0..) {
                take(piece.numbered(number))?;
            }
            Ok(bytes)
        });
        let (_, inputs) = added.await?;
        let batch = log.last_batch()?;
        self.log = Some(log);
        Ok((inputs, batch))
    }

    /// Merges files of the log, where there are enough of them.
    async fn merge_files(&mut self) {
        self.unmerged = 0;
        let Some(log) = &mut self.log else { return };
        let setup = &self.engine.setup;
        if let Err(error) = compact::after_ingestion(log, setup.resources, setup.file_events).await {
            self.report(format!("files of the log were not merged: {error}"));
        }
    }

    fn report(&self, text: String) {
        (self.engine.setup.report)(text);
    }
}

impl Arriving {
    /// Its name, lines and bytes.
    fn counted(&self) -> (Arc<str>, u64, u64) {
        (Arc::clone(&self.name), self.pieces.iter().map(Piece::lines).sum(), self.bytes)
    }
}

/// What became of each request.
fn arrived(named: &[(Arc<str>, u64, u64)], inputs: InputsSummary, batch: i64) -> Vec<Arrived> {
    let mut refused: HashMap<Arc<str>, Vec<Quarantined>> = HashMap::new();
    for line in inputs.refused {
        refused.entry(Arc::clone(&line.file)).or_default().push(line);
    }
    let of_request = |(name, read, bytes): &(Arc<str>, u64, u64)| {
        let mut refused = refused.remove(name).unwrap_or_default();
        refused.sort_by_key(|line| line.line);
        let (added, quarantined) = (inputs.added.get(name).copied().unwrap_or_default(), refused.len() as u64);
        let conflicts = refused.iter().filter(|line| line.rule == "conflict").count() as u64;
        let duplicates = read.saturating_sub(added + quarantined);
        let summary = Summary { read: *read, added, duplicates, conflicts, quarantined, bytes: *bytes };
        Arrived { summary, refused, batch }
    };
    named.iter().map(of_request).collect()
}

impl From<NotTaken> for Error {
    fn from(not_taken: NotTaken) -> Error {
        Error::refused(not_taken.to_string())
    }
}
