//! Rendering: each run once, one after another. Runs of one instant that send the same share what is rendered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::watch;

use super::made::{Kept, Made, made, with_hint};
use super::send::{end, of_failure};
use super::setup::{Progress, Setup};
use super::shared::{Loaded, Shared};
use crate::error::{Error, Result};
use crate::facts::manifest::{self, Pointer};
use crate::log::LogFolder;
use crate::metric::catalogue::Catalogue;
use crate::model::time::Instant;
use crate::replay::{self, ReplayScope};
use crate::schedule::file::Schedule;
use crate::schedule::outputs;
use crate::schedule::parcel::Output;
use crate::schedule::retry;
use crate::schedule::sources::Sources;
use crate::store::progress;
use crate::store::run_log::{Ended, Lease, Run, RunState};

/// How many ticks pass between two looks at the log of events.
const TICKS_PER_REFRESH: u32 = 5;

/// How often rendering a run is tried where the disk or the engine refuses.
const ATTEMPTS_MAX: u32 = 3;

/// Renders what is due, and keeps the facts up to date meanwhile, for as long as the task lives.
pub(super) async fn render_all(shared: Arc<Shared>, lease: Lease, mut ending: watch::Receiver<bool>) {
    let mut ticks = 0_u32;
    while !*ending.borrow() {
        match render_due(&shared, &lease, &ending).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => shared.report(&Progress::Fault(&error)),
        }
        if ticks.is_multiple_of(TICKS_PER_REFRESH) && shared.only.is_none() && !*ending.borrow() {
            match refresh(&shared).await {
                Ok(true) => shared.report(&Progress::Refreshed),
                Ok(false) => {}
                Err(error) => shared.report(&Progress::Fault(&error)),
            }
        }
        tokio::select! {
            () = shared.to_render.notified() => {}
            () = tokio::time::sleep(shared.setup.tick) => ticks = ticks.wrapping_add(1),
            _ = ending.changed() => {}
        }
    }
}

/// Whether a run is to be rendered now.
pub(super) async fn has_rendering(shared: &Shared) -> Result<bool> {
    Ok(!ready(shared).await?.is_empty())
}

/// Removes what old runs have rendered.
pub(super) async fn remove_old(shared: &Shared) -> Result<()> {
    let (loaded, now) = (shared.loaded(), shared.now());
    let keep: BTreeMap<&str, i64> =
        loaded.file.schedules.iter().map(|schedule| (schedule.name.as_str(), schedule.keep_ms)).collect();
    let longest = keep.values().copied().max().unwrap_or(Schedule::KEEP_MS).max(Schedule::KEEP_MS);
    let is_kept = |run: &Run| {
        let keep = keep.get(run.key.name.as_str()).copied().unwrap_or(longest);
        run.ended_at.is_none_or(|ended| now.since_ms(ended) < keep)
    };
    let runs = shared.log.runs().await?;
    let kept: BTreeSet<Instant> = runs.iter().filter(|run| is_kept(run)).map(|run| run.key.scheduled_at).collect();
    outputs::remove_others(&shared.setup.store, &kept).map(drop)
}

/// The runs that are to be rendered now.
async fn ready(shared: &Shared) -> Result<Vec<Run>> {
    let now = shared.now();
    let mut runs = shared.log.runs_to_render().await?;
    runs.retain(|run| {
        shared.only.as_ref().is_none_or(|only| *only == run.key)
            && retry::is_ready(run.next_attempt_at, retry::pause_ms(&run.key.name, run.attempts), now)
    });
    Ok(runs)
}

/// Renders the runs that are due, all from one state of the log; `true` where there were any.
async fn render_due(shared: &Shared, lease: &Lease, ending: &watch::Receiver<bool>) -> Result<bool> {
    let runs = ready(shared).await?;
    if runs.is_empty() {
        return Ok(false);
    }
    let (loaded, mut kept) = (shared.loaded(), Kept::default());
    let sources = open(shared).await;
    for run in &runs {
        if *ending.borrow() || !shared.log.begin_run(lease, &run.key, shared.now()).await? {
            break;
        }
        if kept.instant != run.key.scheduled_at {
            kept = Kept::at(run.key.scheduled_at);
        }
        let made = match &sources {
            Ok(sources) => made(shared, &loaded, sources, run, &mut kept).await,
            Err(error) => Err(Error::refused(error.clone())),
        };
        record(shared, &loaded, lease, run, made).await?;
    }
    Ok(true)
}

/// What the runs are answered from; where the metrics have faults, what is wrong with the last of them.
async fn open(shared: &Shared) -> std::result::Result<Sources, String> {
    let Setup { store, resources, environment, cluster, .. } = &shared.setup;
    let project = environment.project();
    match Catalogue::load(project).await {
        Ok(catalogue) => Ok(Sources::new(project, store, *resources, Arc::new(catalogue)).asking(cluster.clone())),
        Err(errors) => {
            errors.iter().for_each(|error| shared.report(&Progress::Fault(error)));
            Err(errors.last().map_or_else(String::new, ToString::to_string))
        }
    }
}

/// Brings the facts up to date with the log; `true` where the log had grown.
async fn refresh(shared: &Shared) -> Result<bool> {
    let log = LogFolder::existing(&shared.setup.store).await?;
    let (pointer, last_batch) = (Pointer::read(&manifest::home(log.store())).await?, log.last_batch().await?);
    if pointer.is_some_and(|pointer| pointer.last_batch == last_batch) {
        return Ok(false);
    }
    let Setup { resources, cluster, .. } = &shared.setup;
    let (log, progress) = (log.log().await?, progress::Progress::default());
    let refreshed =
        replay::refresh_with_progress(log, *resources, ReplayScope::REFRESH, progress, cluster.as_ref()).await;
    refreshed.map(|_| true)
}

/// Records what became of a run.
async fn record(shared: &Shared, loaded: &Loaded, lease: &Lease, run: &Run, made: Result<Made>) -> Result<()> {
    let (key, now) = (&run.key, shared.now());
    match made {
        Ok(Made::Rendered(begun)) => {
            let outputs: Vec<Output> = serde_json::from_str(&begun.outputs)?;
            let (files, bytes) = (outputs.len(), outputs.iter().map(|output| output.bytes).sum());
            shared.log.begin_deliveries(lease, key, begun, now).await?;
            shared.report(&Progress::Rendered { run: key.clone(), files, bytes });
            shared.changed.notify_one();
            Ok(())
        }
        Ok(Made::Quiet { reason, condition }) => {
            let ended = Ended { state: RunState::Quiet, error: Some(reason), condition, deliveries: Vec::new() };
            end(shared, lease, run, ended).await
        }
        Ok(Made::Unready { reason }) => not_rendered(shared, loaded, lease, run, reason, true).await,
        Err(error) => {
            // What a person has to repair is not tried again.
            let may_pass = !matches!(error, Error::Invalid { .. } | Error::Refused { .. });
            not_rendered(shared, loaded, lease, run, with_hint(&error), may_pass).await
        }
    }
}

/// Records that a run was not rendered: it is tried again if that may help, or has failed.
async fn not_rendered(
    shared: &Shared,
    loaded: &Loaded,
    lease: &Lease,
    run: &Run,
    reason: String,
    may_pass: bool,
) -> Result<()> {
    let (key, attempts) = (&run.key, run.attempts + 1);
    if may_pass && attempts < ATTEMPTS_MAX {
        let at = shared.now().plus_ms(retry::pause_ms(&key.name, attempts));
        return shared.log.render_again(lease, key, reason, at).await;
    }
    let deliveries = of_failure(loaded, &key.name, std::slice::from_ref(&reason))?;
    end(shared, lease, run, Ended { state: RunState::Failed, error: Some(reason), condition: None, deliveries }).await
}
