//! What runs are answered from: a project's files, and one state of its log.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::cluster::client::Cluster;
use crate::error::Result;
use crate::log::LogFolder;
use crate::metric::catalogue::Catalogue;
use crate::query::database::{Database, Opening};
use crate::query::moment::Moment;
use crate::query::people::People;
use crate::store::engine::Resources;
use crate::store::objects::Store;
use crate::store::progress::Progress;

/// How people and what they write are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Showing {
    /// By pseudonyms.
    pub anonymize: bool,
    /// The texts of messages, too.
    pub with_text: bool,
}

impl Showing {
    /// As people are.
    pub const PLAIN: Showing = Showing { anonymize: false, with_text: false };
}

/// What runs are answered from. The facts are brought up to date when the first run needs them; everything that is asked of the same
/// sources is then answered from that state of the log.
pub struct Sources {
    pub project: PathBuf,
    pub store: Store,
    pub resources: Resources,
    cluster: Option<Cluster>,
    pub catalogue: Arc<Catalogue>,
    plain: OnceCell<State>,
    anonymized: OnceCell<Arc<Database>>,
    with_text: OnceCell<Arc<Database>>,
    anonymized_with_text: OnceCell<Arc<Database>>,
}

/// A state of the log.
struct State {
    log: LogFolder,
    database: Arc<Database>,
}

impl Sources {
    /// The same, whose questions are sent to a cluster.
    #[must_use]
    pub fn asking(self, cluster: Option<Cluster>) -> Sources {
        Sources { cluster, ..self }
    }

    /// The sources of a project; nothing is opened yet.
    #[must_use]
    pub fn new(project: &Path, store: &Store, resources: Resources, catalogue: Arc<Catalogue>) -> Sources {
        Sources {
            project: project.to_owned(),
            store: store.clone(),
            resources,
            cluster: None,
            catalogue,
            plain: OnceCell::new(),
            anonymized: OnceCell::new(),
            with_text: OnceCell::new(),
            anonymized_with_text: OnceCell::new(),
        }
    }

    /// Whether the store has a log.
    ///
    /// # Errors
    /// When a bucket cannot be read.
    pub async fn has_log(&self) -> Result<bool> {
        LogFolder::is_in(&self.store).await
    }

    /// The database that shows people like that, opened once.
    ///
    /// # Errors
    /// When there is no log, or the store cannot be read.
    pub async fn database(&self, showing: Showing) -> Result<Arc<Database>> {
        let State { log, database } = self.state().await?;
        let Showing { anonymize, with_text } = showing;
        let shown = match (anonymize, with_text) {
            (false, false) => return Ok(Arc::clone(database)),
            (true, false) => &self.anonymized,
            (false, true) => &self.with_text,
            (true, true) => &self.anonymized_with_text,
        };
        let open = || async {
            let people = People::of_store(log.store(), anonymize, with_text).await?;
            Ok::<_, crate::error::Error>(Arc::new(database.showing(people)))
        };
        shown.get_or_try_init(open).await.cloned()
    }

    /// The log that the databases are of.
    ///
    /// # Errors
    /// When there is none, or the store cannot be read.
    pub async fn log(&self) -> Result<&LogFolder> {
        Ok(&self.state().await?.log)
    }

    async fn state(&self) -> Result<&State> {
        let open = || async {
            let log = LogFolder::existing(&self.store).await?;
            let (people, progress) = (People::default(), Progress::default());
            let (resources, cluster) = (self.resources, self.cluster.clone());
            let opening = Opening { resources, moment: Moment::default(), refresh: true, people, progress, cluster };
            let database = Arc::new(Database::open(&log, opening).await?);
            Ok(State { log, database })
        };
        self.plain.get_or_try_init(open).await
    }
}
