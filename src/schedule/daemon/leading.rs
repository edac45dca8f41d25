//! The work of the process that holds the lease.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::render::{has_rendering, remove_old, render_all};
use super::send::{Sending, end_runs};
use super::setup::{Progress, Until};
use super::shared::Shared;
use crate::error::Result;
use crate::model::time::Instant;
use crate::schedule::due::due;
use crate::schedule::retry;
use crate::schedule::target::Target;
use crate::store::lock::WriterLock;
use crate::store::run_log::{self, DeliveryState, Lease, LeaseState, Planned, RunKey};

/// How many ticks pass between two removals of old outputs.
const TICKS_PER_REMOVAL: u32 = 3600;

/// How many ticks pass between two renewals of the lease.
const BEAT_TICKS: u32 = 5;

/// How many ticks without a renewal a waiting process sees before it takes the lease over.
const LEASE_TICKS: u32 = 30;

/// How many renewals may fail before a holder stops: fewer than others need to take the lease over.
const LOST_BEATS: u32 = 4;

/// How long attempts that are going on may take when the process is to end.
const ENDING: Duration = Duration::from_secs(10);

/// A process that holds the lease.
pub(super) struct Leading {
    shared: Arc<Shared>,
    lease: Lease,
    /// Ends with the process, which others on the same machine see at once.
    _lock: Option<WriterLock>,
    lost: watch::Receiver<bool>,
    /// Set when the work is to end.
    ends: watch::Sender<bool>,
    /// They end with this.
    tasks: JoinSet<()>,
    /// When the next run of each schedule is due, and up to when its pattern was read.
    next: BTreeMap<String, Next>,
}

#[derive(Clone, Copy)]
struct Next {
    read_until: Instant,
    at: Option<Instant>,
}

impl Leading {
    /// Waits for the lease. Nothing where the only run that is wanted has ended meanwhile.
    pub async fn begin(shared: &Arc<Shared>) -> Result<Option<Leading>> {
        let holder = format!("{}/{}", shared.setup.host, uuid::Uuid::new_v4());
        let (mut seen, mut unchanged): (Option<LeaseState>, u32) = (None, 0);
        let mut lock = None;
        loop {
            let state = shared.log.lease().await?;
            if lock.is_none() {
                lock = WriterLock::try_take(&shared.setup.store, run_log::FOLDER).await?;
            }
            let is_of_here = |state: &LeaseState| state.holder.split('/').next() == Some(shared.setup.host.as_str());
            let is_free = state.as_ref().is_none_or(|state| lock.is_some() && is_of_here(state));
            unchanged = if state == seen { unchanged + 1 } else { 0 };
            if is_free || unchanged >= LEASE_TICKS {
                if let Some(lease) = shared.log.take_lease(&holder, state.clone()).await? {
                    return Leading::with(shared, lease, lock).await.map(Some);
                }
            } else if seen.is_none()
                && let Some(state) = &state
            {
                shared.report(&Progress::Waiting { holder: state.holder.clone() });
            }
            seen = state;
            if let Some(only) = &shared.only
                && shared.log.run(only).await?.is_some_and(|run| run.state.is_final())
            {
                return Ok(None);
            }
            tokio::time::sleep(shared.setup.tick).await;
        }
    }

    async fn with(shared: &Arc<Shared>, lease: Lease, lock: Option<WriterLock>) -> Result<Leading> {
        let (loses, lost) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let (ends, ending) = watch::channel(false);
        tasks.spawn(beat(Arc::clone(shared), lease.clone(), loses, ending.clone()));
        tasks.spawn(render_all(Arc::clone(shared), lease.clone(), ending));
        let shared = Arc::clone(shared);
        let mut leading = Leading { shared, lease, _lock: lock, lost, ends, tasks, next: BTreeMap::new() };
        leading.settle_interrupted().await?;
        leading.follow().await?;
        if leading.shared.only.is_none() {
            leading.shared.report(&Progress::Working { schedules: leading.next.len() });
        }
        Ok(leading)
    }

    /// Works until then. `true` where the lease was lost.
    pub async fn work(mut self, until: &Until, mut stop: std::pin::Pin<&mut impl Future<Output = ()>>) -> Result<bool> {
        let mut sending = Sending::new(&self.shared, &self.lease);
        let (mut ticks, mut only_sent) = (0_u32, false);
        let is_lost = loop {
            match self.step(&mut sending, ticks, only_sent).await {
                Ok(is_idle) if self.is_reached(until, is_idle).await? => break false,
                Ok(_) => {}
                // The disk may be full for a time. Nothing was lost: what was not recorded is done again.
                Err(error) if *until == Until::Stopped => self.shared.report(&Progress::Fault(&error)),
                Err(error) => return Err(error),
            }
            tokio::select! {
                () = stop.as_mut() => break false,
                () = self.shared.changed.notified() => only_sent = false,
                () = sending.ended() => only_sent = true,
                () = tokio::time::sleep(self.shared.setup.tick) => {
                    only_sent = false;
                    ticks = ticks.wrapping_add(1);
                }
                _ = self.lost.changed() => break true,
            }
        };
        let _ = self.ends.send(true);
        sending.finish(ENDING).await;
        // A run that is being rendered is rendered again by the next daemon, if it takes longer.
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(ENDING, ended).await;
        self.tasks.abort_all();
        if !is_lost {
            self.shared.log.give_lease_back(&self.lease).await?;
        }
        Ok(is_lost)
    }

    /// Does what is to be done now, and gives whether nothing is left for now. Where only an attempt has ended, and others are
    /// going on, the run log is not read again.
    async fn step(&mut self, sending: &mut Sending, ticks: u32, only_sent: bool) -> Result<bool> {
        if only_sent && sending.begin_ready(false).await? {
            return Ok(false);
        }
        if self.shared.reload() {
            self.follow().await?;
        }
        self.plan().await?;
        let has_ended = end_runs(&self.shared, &self.lease).await?;
        if ticks % TICKS_PER_REMOVAL == TICKS_PER_REMOVAL - 1 {
            remove_old(&self.shared).await?;
        }
        // An end may have reports of failures to be sent.
        let is_sending = sending.begin_ready(true).await?;
        Ok(!is_sending && !has_ended && !has_rendering(&self.shared).await?)
    }

    async fn is_reached(&self, until: &Until, is_idle: bool) -> Result<bool> {
        Ok(match until {
            Until::Stopped => false,
            Until::NothingToDo => is_idle,
            Until::Ended(run) => is_idle && self.shared.log.run(run).await?.is_none_or(|run| run.state.is_final()),
        })
    }

    /// Decides what becomes of attempts that were going on when their process ended.
    async fn settle_interrupted(&self) -> Result<()> {
        let loaded = self.shared.loaded();
        for delivery in self.shared.log.open_deliveries().await? {
            if delivery.state == DeliveryState::Attempting {
                let target = loaded.file.targets.get(&delivery.key.target);
                let can_be_asked = target.is_some_and(Target::can_be_asked);
                let now = self.shared.now();
                let attempt = retry::after_interruption(&delivery, can_be_asked, now);
                self.shared.log.end_attempt(&delivery.key, delivery.attempts, attempt, now).await?;
            }
        }
        Ok(())
    }

    /// Follows the schedules of the file.
    async fn follow(&mut self) -> Result<()> {
        if self.shared.only.is_some() {
            return Ok(());
        }
        let (loaded, now) = (self.shared.loaded(), self.shared.now());
        let read_until = self.shared.log.follow(&self.lease, loaded.patterns(), loaded.faulty(), now).await?;
        let next = read_until.into_iter().map(|(name, read_until)| (name, Next { read_until, at: Some(read_until) }));
        self.next = next.collect();
        Ok(())
    }

    /// Records the runs that are due.
    async fn plan(&mut self) -> Result<()> {
        let (loaded, now) = (self.shared.loaded(), self.shared.now());
        let mut planned = Vec::new();
        for schedule in &loaded.file.schedules {
            let Some(next) = self.next.get_mut(&schedule.name) else { continue };
            if next.at.is_none_or(|at| at > now) {
                continue;
            }
            let runs = due(schedule, next.read_until, now);
            next.read_until = next.read_until.max(now);
            next.at = schedule.pattern.next_after(next.read_until, &schedule.zone);
            if !runs.is_empty() {
                planned.push(Planned { name: schedule.name.clone(), until: now, runs });
            }
        }
        if planned.is_empty() {
            return Ok(());
        }
        let recorded = self.shared.log.plan(&self.lease, planned.clone(), now).await;
        if let Err(error) = recorded {
            // Read again from what the run log has.
            self.follow().await?;
            return Err(error);
        }
        for Planned { name, runs, .. } in planned {
            for run in runs {
                if let Some(reason) = run.skipped {
                    let run = RunKey { name: name.clone(), scheduled_at: run.scheduled_at };
                    self.shared.report(&Progress::Skipped { run, reason });
                }
            }
        }
        self.shared.to_render.notify_one();
        Ok(())
    }
}

/// Renews the lease until it is lost.
async fn beat(shared: Arc<Shared>, lease: Lease, loses: watch::Sender<bool>, mut ending: watch::Receiver<bool>) {
    let mut failed = 0;
    while failed < LOST_BEATS {
        tokio::select! {
            () = tokio::time::sleep(BEAT_TICKS * shared.setup.tick) => {}
            _ = ending.changed() => return,
        }
        match shared.log.renew_lease(&lease).await {
            Ok(true) => failed = 0,
            Ok(false) => break,
            Err(error) => {
                failed += 1;
                shared.report(&Progress::Fault(&error));
            }
        }
    }
    // Fails where the receiver, and with it all of this work, has ended.
    let _ = loses.send(true);
}
