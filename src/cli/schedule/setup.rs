//! What a daemon works with, from the settings and the environment.

use std::time::Duration;

use super::progress::observer;
use crate::cli::context::CommandContext;
use crate::error::{Error, Result};
use crate::schedule::daemon::{Clock, Setup};
use crate::schedule::secret::Environment;

/// How often the daemon looks whether anything is to be done.
const TICK: Duration = Duration::from_secs(1);

/// What a daemon works with.
pub fn setup(context: &CommandContext, clock: Clock) -> Result<Setup> {
    let settings = &context.settings;
    Ok(Setup {
        cluster: context.settings.cluster()?,
        store: context.store()?,
        zone: settings.zone()?,
        resources: settings.resources(),
        environment: environment(context)?,
        clock,
        tick: TICK,
        host: host(),
        observer: observer(context.printer, settings.zone()?),
    })
}

/// What secrets and relative paths of the file of schedules refer to.
pub fn environment(context: &CommandContext) -> Result<Environment> {
    let project = &context.settings.project.value;
    let project = std::path::absolute(project).map_err(Error::file(project))?;
    Ok(Environment::new(&project, |name| std::env::var(name).ok()))
}

/// The name of the machine.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().replace('/', "-")
}
