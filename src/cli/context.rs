//! What every command works with, and how it ends.

use super::people::PeopleArguments;
use super::printer::Printer;
use super::progress::Bar;
use super::settings::Settings;
use crate::error::{Error, Result};
use crate::log::{Clock, Log, LogFolder, Options};
use crate::metric::catalogue::Catalogue;
use crate::model::time::Instant;
use crate::query::database::{Database, Freshness, Opening};
use crate::query::moment::Moment;
use crate::query::people::People;
use crate::query::rights::Viewer;
use crate::replay;
use crate::replay::ReplayScope;
use crate::store::objects::Store;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    Done,
    /// Done, and the user should look at something.
    NeedsAttention,
}

/// What every command works with.
pub struct CommandContext {
    pub settings: Settings,
    pub printer: Printer,
    /// The wall clock when the command began; of commands that read as of another moment, that one.
    pub now: Instant,
    pub moment: Moment,
    pub people: PeopleArguments,
    /// Whether commands that read facts first bring them up to date with the log.
    pub refresh: bool,
}

impl CommandContext {
    /// The project's store. Nothing is read yet.
    pub fn store(&self) -> Result<Store> {
        Store::at(&self.settings.store.value)
    }

    /// Opens the project's log.
    pub async fn log(&self) -> Result<Log> {
        Log::open(&self.store()?).await
    }

    /// Whether the project has a log.
    pub async fn has_log(&self) -> Result<bool> {
        LogFolder::is_in(&self.store()?).await
    }

    /// Loads the metrics; every fault of every file is reported.
    pub async fn catalogue(&self) -> Result<Catalogue> {
        Catalogue::load(&self.settings.project.value).await.map_err(|errors| self.several(errors))
    }

    /// Reports all errors but the last, and gives that.
    pub fn several(&self, mut errors: Vec<Error>) -> Error {
        let last = errors.pop().unwrap_or_else(|| Error::refused("something is wrong, but no error was reported"));
        errors.iter().for_each(|error| self.printer.error(error));
        last
    }

    /// Opens the log of a project that has one; commands that read never create it.
    pub async fn existing_log(&self) -> Result<Log> {
        Ok(LogFolder::existing(&self.store()?).await?.log().await?.clone())
    }

    /// How this project ingests.
    pub fn ingest_options(&self) -> Options {
        Options {
            now: Clock::Wall(wall_clock),
            threads: self.settings.threads.value,
            memory_bytes: self.settings.memory_bytes.value / 2,
        }
    }

    /// Brings the facts up to date.
    pub async fn refresh(&self, log: &Log, scope: ReplayScope) -> Result<replay::steps::Summary> {
        let bar = Bar::of(self.printer, "replaying");
        let cluster = self.settings.cluster()?;
        replay::refresh_with_progress(log, self.settings.resources(), scope, bar.progress(), cluster.as_ref()).await
    }

    /// Opens the database of the moment that was typed, brought up to date first, and notes what it does not contain.
    pub async fn database(&self) -> Result<Database> {
        self.database_at(self.moment, &self.people).await
    }

    /// The same for another moment, in which people are shown like that, and to that user.
    pub async fn database_at(&self, moment: Moment, arguments: &PeopleArguments) -> Result<Database> {
        let log = LogFolder::existing(&self.store()?).await?;
        let doing = if moment.is_now() { "replaying" } else { "replaying the events of that moment" };
        let bar = Bar::of(self.printer, doing);
        let resources = self.settings.resources();
        let people = People::of_store(log.store(), arguments.anonymize, arguments.with_text).await?;
        let cluster = self.settings.cluster()?;
        let opening = Opening { resources, moment, refresh: self.refresh, people, progress: bar.progress(), cluster };
        let database = Database::open(&log, opening).await?;
        drop(bar);
        let Freshness { is_read_only, batches_behind } = database.freshness();
        if is_read_only {
            self.printer.talk("note: the store cannot be written, so the facts stay as they are");
        }
        if batches_behind > 0 {
            self.printer.talk(format!("note: the facts are {batches_behind} batches behind the log"));
        }
        match arguments.viewer() {
            Viewer::Owner => Ok(database),
            viewer => database.seen_by(&viewer).await.map_err(|error| error.at("--as-user")),
        }
    }
}

/// The time on the wall clock.
pub fn wall_clock() -> Instant {
    Instant(jiff::Timestamp::now().as_millisecond())
}
