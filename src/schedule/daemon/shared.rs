//! What the tasks of a daemon share: the run log, and the file of schedules as it was last read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Notify;

use super::setup::{Progress, Setup};
use crate::error::{Error, Result};
use crate::model::time::Instant;
use crate::schedule::deliver::Deliverer;
use crate::schedule::file::ScheduleFile;
use crate::store::project;
use crate::store::run_log::{RunKey, RunLog};

/// What all tasks of a daemon share.
pub(super) struct Shared {
    pub setup: Setup,
    pub log: RunLog,
    /// The only run that is carried out; all that are due where there is none.
    pub only: Option<RunKey>,
    pub loaded: RwLock<Arc<Loaded>>,
    /// A run may be rendered.
    pub to_render: Notify,
    /// A run has deliveries, or has ended.
    pub changed: Notify,
}

/// The file of schedules as it was last read, with what deliveries need.
pub(super) struct Loaded {
    pub file: Arc<ScheduleFile>,
    pub deliverer: Arc<Deliverer>,
    pub written_at: Option<Instant>,
}

impl Shared {
    pub fn now(&self) -> Instant {
        (self.setup.clock)()
    }

    pub fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn report(&self, progress: &Progress<'_>) {
        (self.setup.observer)(progress);
    }

    /// Reports what of the file cannot be used.
    pub fn report_faults(&self) {
        let loaded = self.loaded();
        loaded.file.faults.iter().for_each(|fault| self.report(&Progress::Fault(&fault.error)));
    }

    /// Reads the file of schedules again where it has been written since, and gives whether it has other schedules now. A
    /// file that is not there or not TOML changes nothing.
    pub fn reload(&self) -> bool {
        let loaded = self.loaded();
        let written_at = project::written_at(&ScheduleFile::path(self.setup.environment.project()));
        if loaded.written_at == written_at {
            return false;
        }
        let read = Loaded::read(&self.setup);
        let (new, is_read) = match read {
            Ok(new) => (Arc::new(new), true),
            Err(error) => {
                self.report(&Progress::Fault(&error));
                (
                    Arc::new(Loaded {
                        written_at,
                        file: Arc::clone(&loaded.file),
                        deliverer: Arc::clone(&loaded.deliverer),
                    }),
                    false,
                )
            }
        };
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = new;
        if is_read {
            self.report_faults();
        }
        is_read
    }
}

impl Loaded {
    pub fn read(setup: &Setup) -> Result<Loaded> {
        let written_at = project::written_at(&ScheduleFile::path(setup.environment.project()));
        let file = ScheduleFile::read(setup.environment.project(), &setup.zone)?;
        let deliverer = Arc::new(Deliverer::new(setup.environment.clone(), file.mail.clone()));
        Ok(Loaded { file: Arc::new(file), deliverer, written_at })
    }

    /// The pattern of each schedule that is followed, with its zone.
    pub fn patterns(&self) -> BTreeMap<String, String> {
        let enabled = self.file.schedules.iter().filter(|schedule| schedule.enabled);
        enabled
            .map(|schedule| (schedule.name.clone(), format!("{} {}", schedule.pattern, schedule.zone_name())))
            .collect()
    }

    /// The schedules that have a fault. They keep their place: what they miss meanwhile is caught up on.
    pub fn faulty(&self) -> BTreeSet<String> {
        self.file.faults.iter().filter_map(|fault| fault.schedule.clone()).collect()
    }
}

/// An error of a schedule that is not in the file of schedules any more.
pub(super) fn gone(name: &str) -> Error {
    Error::refused(format!("schedule `{name}` is not in the file of schedules any more"))
}
