//! What all listeners of a process share: the present state of the facts, which follows the log, and who may see what of it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::{Notify, OnceCell, watch};
use tokio_util::sync::CancellationToken;

use super::answers::Answers;
use super::attempts::Attempts;
use super::http::reply::Answer;
use super::limits::{Limits, NotAnswered, Permit, Permits};
use crate::cluster::client::Cluster;
use crate::error::{Error, Result};
use crate::facts::tables::USERS;
use crate::log::{Log, LogFolder};
use crate::metric::catalogue::Catalogue;
use crate::model::time::Instant;
use crate::query::database::{Database, Opening};
use crate::query::moment::Moment;
use crate::query::people::People;
use crate::query::rights::Viewer;
use crate::query::sql::problem::too_much_memory;
use crate::store::engine::Resources;
use crate::store::objects::Store;
use crate::store::progress::Progress;

/// How often the log is looked at for what other processes have added.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The same for a store in a bucket, where each look is a request or two.
const LOOK_INTO_BUCKET_EVERY: Duration = Duration::from_secs(5);
/// While the log keeps growing, the facts are not brought up to date for twice as long as that took: events and questions have two
/// thirds of the time. But never for longer than this, so that figures follow events within seconds.
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// What an engine works with.
#[derive(Clone)]
pub struct EngineSetup {
    pub project: PathBuf,
    pub store: Store,
    /// Zone of days where a question names none.
    pub zone: TimeZone,
    pub resources: Resources,
    /// To where questions are sent.
    pub cluster: Option<Cluster>,
    /// Events that a file of the log should have.
    pub file_events: u64,
    /// The wall clock.
    pub clock: fn() -> Instant,
    pub limits: Limits,
    /// Where problems of the process are reported: not those of a request.
    pub report: Arc<dyn Fn(String) + Send + Sync>,
}

/// One state of the log, from which questions are answered.
pub struct State {
    /// Counts the states of this process, from 1.
    pub version: u64,
    pub catalogue: Arc<Catalogue>,
    database: Arc<Database>,
    of_viewers: Mutex<HashMap<Viewer, Arc<OnceCell<Arc<Database>>>>>,
    /// What was answered from it.
    pub answers: Answers<Answer>,
    /// Bytes of memory that one question may use.
    pub question_memory_bytes: usize,
}

/// How the facts relate to the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// The last batch of the log that the facts contain.
    pub batch: i64,
    /// Batches of the log that they do not contain.
    pub batches_behind: i64,
    /// When the facts were last found or made equal to the log.
    pub current_at: Option<Instant>,
    /// Why they could not be brought up to date.
    pub problem: Option<String>,
}

/// What came of comparing the facts with the log last.
#[derive(Debug, Default)]
struct Compared {
    /// When they were equal.
    equal_at: Option<Instant>,
    /// Why they could not be made equal.
    problem: Option<String>,
}

/// What all listeners share.
pub struct Engine {
    pub setup: EngineSetup,
    state: watch::Sender<Arc<State>>,
    compared: RwLock<Compared>,
    grown: Notify,
    permits: Permits,
    /// Attempts to log in, at any listener.
    pub attempts: Attempts,
}

impl State {
    /// The database that shows what a viewer may see, for one question, with a share of the memory of all.
    ///
    /// # Errors
    /// As [`State::seen_by`].
    pub async fn database(&self, viewer: &Viewer) -> Result<Arc<Database>> {
        Ok(Arc::new(self.seen_by(viewer).await?.for_question(self.question_memory_bytes)))
    }

    /// The database that shows what a viewer may see, for all their questions.
    ///
    /// # Errors
    /// When the log does not know the user, their role is `none`, or the facts cannot be read.
    pub async fn seen_by(&self, viewer: &Viewer) -> Result<Arc<Database>> {
        let cell = {
            let mut of_viewers = self.of_viewers.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(of_viewers.entry(viewer.clone()).or_default())
        };
        let seen = cell.get_or_try_init(|| async {
            Ok::<_, Error>(match viewer {
                Viewer::Owner => Arc::clone(&self.database),
                user @ Viewer::User(_) => Arc::new(self.database.seen_by(user).await?),
            })
        });
        seen.await.cloned()
    }

    /// Whether the log knows no user yet. What cannot be read is no such log.
    pub async fn has_no_users(&self) -> bool {
        let users = async { self.database.session().table(USERS.name).await?.limit(0, Some(1))?.count().await };
        users.await.is_ok_and(|count| count == 0)
    }

    /// When the last event happened.
    #[must_use]
    pub fn last_event_at(&self) -> Option<Instant> {
        self.database.pointer().last_event_at_ms.map(Instant)
    }
}

impl Engine {
    /// Opens the project, whose log is made if there is none, and brings its facts up to date.
    ///
    /// # Errors
    /// When the store cannot be read or written, or a metric of the project is faulty.
    pub async fn open(setup: EngineSetup) -> Result<Engine> {
        drop(Log::open(&setup.store).await?);
        let state = read(&setup, 1).await?;
        let permits = Permits::new(setup.limits);
        let (state, _) = watch::channel(Arc::new(state));
        let compared = RwLock::new(Compared { equal_at: Some((setup.clock)()), problem: None });
        let (grown, attempts) = (Notify::new(), Attempts::default());
        Ok(Engine { setup, state, compared, grown, permits, attempts })
    }

    /// The present state.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.borrow())
    }

    /// The states as they come.
    #[must_use]
    pub fn states(&self) -> watch::Receiver<Arc<State>> {
        self.state.subscribe()
    }

    /// The database of the present state that shows what a viewer may see, for all their questions.
    ///
    /// # Errors
    /// As [`State::seen_by`].
    pub async fn seen_by(&self, viewer: &Viewer) -> Result<Arc<Database>> {
        self.state().seen_by(viewer).await
    }

    /// The same for one question.
    ///
    /// # Errors
    /// As [`State::seen_by`].
    pub async fn database(&self, viewer: &Viewer) -> Result<Arc<Database>> {
        self.state().database(viewer).await
    }

    /// The limits of questions.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.setup.limits
    }

    /// The time on the wall clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        (self.setup.clock)()
    }

    /// How the facts relate to the log as it is now.
    pub async fn readiness(&self) -> Readiness {
        // The log is read after the facts, so that these are never ahead of it.
        let batch = self.state().database.pointer().last_batch;
        let last_batch = self.last_batch().await;
        let compared = self.compared.read().unwrap_or_else(PoisonError::into_inner);
        let (current_at, problem) = (compared.equal_at, compared.problem.clone());
        match last_batch {
            Ok(last) => Readiness { batch, batches_behind: last.saturating_sub(batch), current_at, problem },
            Err(error) => Readiness { batch, batches_behind: 0, current_at, problem: Some(error.to_string()) },
        }
    }

    /// The last batch of the log as it is now.
    async fn last_batch(&self) -> Result<i64> {
        LogFolder::existing(&self.setup.store).await?.last_batch().await
    }

    /// Waits until the viewer may ask one more question.
    ///
    /// # Errors
    /// When that takes too long, or the process ends.
    pub async fn permit(&self, viewer: &Viewer) -> std::result::Result<Permit, NotAnswered> {
        self.permits.permit(viewer).await
    }

    /// Answers a question within the limits. It ends when the future is dropped.
    ///
    /// # Errors
    /// When the question fails, takes too long, or has to wait too long.
    pub async fn ask<T>(
        &self,
        viewer: &Viewer,
        question: impl Future<Output = Result<T>>,
    ) -> std::result::Result<T, NotAnswered> {
        let _permit = self.permit(viewer).await?;
        match tokio::time::timeout(self.setup.limits.question_time, question).await {
            Ok(answer) => Ok(answer.map_err(of_memory)?),
            Err(_) => Err(NotAnswered::TookTooLong(self.setup.limits.question_time)),
        }
    }

    /// The log has grown: the facts are brought up to date soon.
    pub fn log_has_grown(&self) {
        self.grown.notify_one();
    }

    /// Follows the log until `stop`, also where another process writes to it. Then no more questions are answered.
    pub async fn follow(&self, stop: CancellationToken) {
        let look_every = if self.setup.store.is_in_bucket() { LOOK_INTO_BUCKET_EVERY } else { LOOK_EVERY };
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.grown.notified() => {}
                () = tokio::time::sleep(look_every) => {}
            }
            // A refresh is not interrupted: it would have to be made again.
            let begun = self.now();
            if let Err(error) = self.catch_up().await {
                self.failed(&error);
            }
            let took = Duration::from_millis(u64::try_from(self.now().since_ms(begun)).unwrap_or(0));
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep((2 * took).min(PAUSE_MAX)) => {}
            }
        }
        self.permits.close();
    }

    /// Brings the facts up to date with the log, where they are not.
    async fn catch_up(&self) -> Result<()> {
        let state = self.state();
        if self.last_batch().await? != state.database.pointer().last_batch {
            let next = read(&self.setup, state.version + 1).await?;
            self.state.send_replace(Arc::new(next));
        }
        let compared = Compared { equal_at: Some(self.now()), problem: None };
        *self.compared.write().unwrap_or_else(PoisonError::into_inner) = compared;
        Ok(())
    }

    /// Records why the facts are not up to date; it is reported once.
    fn failed(&self, error: &Error) {
        let text = error.to_string();
        let mut compared = self.compared.write().unwrap_or_else(PoisonError::into_inner);
        if compared.problem.as_ref() != Some(&text) {
            (self.setup.report)(format!("the facts are not brought up to date: {text}"));
        }
        compared.problem = Some(text);
    }
}

/// The error of a question; one about its memory with the next step.
fn of_memory(error: Error) -> Error {
    match &error {
        Error::Engine(source) => too_much_memory(source).unwrap_or(error),
        _ => error,
    }
}

/// The present state of a project.
async fn read(setup: &EngineSetup, version: u64) -> Result<State> {
    let catalogue = Catalogue::load(&setup.project).await.map_err(|mut errors| {
        errors.pop().unwrap_or_else(|| Error::refused("a metric is faulty, but no error was reported"))
    })?;
    let log = LogFolder::existing(&setup.store).await?;
    let opening = Opening {
        resources: setup.resources,
        moment: Moment::default(),
        refresh: true,
        people: People::default(),
        progress: Progress::default(),
        cluster: setup.cluster.clone(),
    };
    let database = Database::open(&log, opening).await?;
    let (database, catalogue) = (Arc::new(database), Arc::new(catalogue));
    let question_memory_bytes = setup.resources.memory_bytes / setup.limits.memory_parts.max(1);
    let (of_viewers, answers) = (Mutex::default(), Answers::default());
    Ok(State { version, catalogue, database, of_viewers, answers, question_memory_bytes })
}
