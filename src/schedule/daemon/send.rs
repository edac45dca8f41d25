//! Deliveries: attempts, each a task of its own, and the end of runs.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::setup::Progress;
use super::shared::{Loaded, Shared, gone};
use crate::error::{Error, Result};
use crate::model::time::Instant;
use crate::schedule::deliver::{self, Deliverer, Failure, Receipt};
use crate::schedule::file::Schedule;
use crate::schedule::outputs;
use crate::schedule::parcel::{Output, Parcel, RunName, RunSummary};
use crate::schedule::retry;
use crate::schedule::target::Target;
use crate::store::run_log::{
    Attempt, Delivery, DeliveryKey, DeliveryKind, DeliveryState, Ended, Lease, NewDelivery, Run, RunState,
};

/// Attempts to one mail server, bucket, receiver, folder or program at once.
const ATTEMPTS_AT_ONCE: usize = 8;

/// Attempts that are begun with one record in the run log.
const BEGUN_TOGETHER: usize = 64;

/// The attempts that are going on.
pub(super) struct Sending {
    shared: Arc<Shared>,
    lease: Lease,
    tasks: JoinSet<DeliveryKey>,
    going_on: BTreeSet<DeliveryKey>,
    /// Those whose time has come, as the run log was last read.
    ready: VecDeque<DeliveryKey>,
    /// How many more attempts may begin, by what the targets share.
    free: BTreeMap<String, Arc<Semaphore>>,
}

impl Sending {
    pub fn new(shared: &Arc<Shared>, lease: &Lease) -> Sending {
        let (shared, lease) = (Arc::clone(shared), lease.clone());
        Sending {
            shared,
            lease,
            tasks: JoinSet::new(),
            going_on: BTreeSet::new(),
            ready: VecDeque::new(),
            free: BTreeMap::new(),
        }
    }

    /// Begins the attempts whose time has come, and gives whether any is going on or ready. `reads` is whether the run log may
    /// have others than when it was last read.
    pub async fn begin_ready(&mut self, reads: bool) -> Result<bool> {
        if reads {
            self.read_ready().await?;
        }
        let (loaded, now) = (self.shared.loaded(), self.shared.now());
        let (mut permits, mut others) = (BTreeMap::new(), VecDeque::new());
        while let Some(key) = self.ready.pop_front() {
            match self.permit(&loaded, &key.target) {
                Some(permit) if permits.len() < BEGUN_TOGETHER => drop(permits.insert(key, permit)),
                _ => others.push_back(key),
            }
        }
        self.ready = others;
        let keys = permits.keys().cloned().collect();
        for delivery in self.shared.log.begin_attempts(&self.lease, keys, now).await? {
            if let Some(permit) = permits.remove(&delivery.key) {
                self.begin(delivery, permit);
            }
        }
        Ok(!self.ready.is_empty() || !self.going_on.is_empty())
    }

    /// Waits until an attempt ends; for ever where none is going on.
    pub async fn ended(&mut self) {
        match self.tasks.join_next().await {
            Some(Ok(key)) => drop(self.going_on.remove(&key)),
            // The run log has it as begun, and the next daemon settles it.
            Some(Err(error)) => self.shared.report(&Progress::Fault(&Error::from(error))),
            None => std::future::pending().await,
        }
    }

    /// Reads which deliveries may be attempted now.
    async fn read_ready(&mut self) -> Result<()> {
        let (open, now) = (self.shared.log.open_deliveries().await?, self.shared.now());
        let is_ready = |delivery: &Delivery| {
            delivery.state == DeliveryState::Waiting
                && self.shared.only.as_ref().is_none_or(|only| *only == delivery.key.run)
                && !self.going_on.contains(&delivery.key)
                && retry::is_ready(delivery.next_attempt_at, delivery.delay_ms, now)
        };
        self.ready = open.into_iter().filter(is_ready).map(|delivery| delivery.key).collect();
        Ok(())
    }

    fn begin(&mut self, delivery: Delivery, permit: OwnedSemaphorePermit) {
        self.going_on.insert(delivery.key.clone());
        let shared = Arc::clone(&self.shared);
        self.tasks.spawn(async move {
            shared.attempt(&delivery).await;
            drop(permit);
            delivery.key
        });
    }

    /// Waits for the attempts that are going on; those that take longer have an unknown end.
    pub async fn finish(&mut self, longest: Duration) {
        let all = async { while self.tasks.join_next().await.is_some() {} };
        // The end of those that are not over is unknown, which the next daemon sees in the run log.
        drop(tokio::time::timeout(longest, all).await);
        self.tasks.abort_all();
    }

    fn permit(&mut self, loaded: &Loaded, target: &str) -> Option<OwnedSemaphorePermit> {
        let channel = match loaded.file.targets.get(target) {
            // All mail goes to one server.
            Some(Target::Email(_)) => "email".to_owned(),
            _ => format!("target {target}"),
        };
        let free = self.free.entry(channel).or_insert_with(|| Arc::new(Semaphore::new(ATTEMPTS_AT_ONCE)));
        Arc::clone(free).try_acquire_owned().ok()
    }
}

impl Shared {
    /// Attempts a delivery, and records how it ended.
    async fn attempt(self: Arc<Self>, delivery: &Delivery) {
        let (shared, of_task, key) = (Arc::clone(&self), delivery.clone(), &delivery.key);
        // In a task of its own, so that a fault of the program ends this attempt and nothing else.
        let attempt = match tokio::spawn(async move { shared.attempted(&of_task).await }).await {
            Ok(attempt) => attempt,
            Err(error) => {
                let failure = Failure::unknown(format!("the attempt stopped: {error}"));
                retry::after(&failure, delivery, false, 0, self.now())
            }
        };
        loop {
            match self.log.end_attempt(key, delivery.attempts, attempt.clone(), self.now()).await {
                Ok(()) => break,
                // What was done must be recorded; until then the delivery counts as going on.
                Err(error) => self.report(&Progress::Fault(&error)),
            }
            tokio::time::sleep(self.setup.tick).await;
        }
        let (run, target) = (key.run.clone(), target_text(key));
        self.report(&match attempt {
            Attempt::Delivered { receipt } | Attempt::Superseded { receipt } => {
                Progress::Delivered { run, target, receipt, is_repeat: delivery.is_repeat }
            }
            Attempt::Again { error, at, .. } => Progress::Delayed { run, target, error, until: at },
            Attempt::Failed { error } => Progress::NotDelivered { run, target, error },
        });
    }

    async fn attempted(&self, delivery: &Delivery) -> Attempt {
        let (loaded, key) = (self.loaded(), &delivery.key);
        let Some(target) = loaded.file.targets.get(&key.target) else {
            return Attempt::Failed { error: format!("there is no target `{}` any more", key.target) };
        };
        let schedule = loaded.file.schedules.iter().find(|schedule| schedule.name == key.run.name);
        let Some(schedule) = schedule else {
            return Attempt::Failed { error: gone(&key.run.name).to_string() };
        };
        let parcel = async {
            if key.kind == DeliveryKind::Report && !target.names_the_run() && self.log.is_superseded(key).await? {
                return Ok(None);
            }
            self.parcel(delivery, schedule).await.map(Some)
        };
        let parcel = match parcel.await {
            Ok(Some(parcel)) => parcel,
            Ok(None) => {
                let receipt = "a later run has written these files, and they are left".to_owned();
                return Attempt::Superseded { receipt };
            }
            Err(error) => return self.failed(&Failure::of(&error), delivery, target, schedule),
        };
        let recipient = Some(key.recipient.as_str()).filter(|recipient| !recipient.is_empty());
        match delivered(target, recipient, &parcel, self.now(), &loaded.deliverer).await {
            Ok(Receipt { text, .. }) => Attempt::Delivered { receipt: text },
            Err(failure) => self.failed(&failure, delivery, target, schedule),
        }
    }

    fn failed(&self, failure: &Failure, delivery: &Delivery, target: &Target, schedule: &Schedule) -> Attempt {
        retry::after(failure, delivery, target.can_be_asked(), schedule.retry_for_ms, self.now())
    }

    /// What the recipient of a delivery gets.
    async fn parcel(&self, delivery: &Delivery, schedule: &Schedule) -> Result<Parcel> {
        let key = &delivery.key;
        let run = self.log.run(&key.run).await?;
        let run = run.ok_or_else(|| Error::refused("the run log has no such run any more"))?;
        let of_run = match key.kind {
            DeliveryKind::Report => (run.summary, Some(run.outputs)),
            DeliveryKind::Failure => (None, None),
        };
        let summary = delivery.summary.clone().or(of_run.0);
        let outputs = delivery.outputs.clone().or(of_run.1);
        let outputs: Vec<Output> = outputs.map_or_else(|| Ok(Vec::new()), |text| serde_json::from_str(&text))?;
        let kind = key.kind.name();
        let named = format!("{} {} {kind} {} {}", key.run.name, key.run.scheduled_at, key.target, key.recipient);
        Ok(Parcel {
            run: RunName { schedule: key.run.name.clone(), scheduled_at: key.run.scheduled_at },
            summary: summary.map_or_else(|| Ok(RunSummary::default()), |text| serde_json::from_str(&text))?,
            outputs: outputs::located(&self.setup.store, outputs),
            key: outputs::key(&named),
            is_repeat: delivery.is_repeat,
            zone: schedule.zone.clone(),
        })
    }
}

/// [`deliver::deliver`] behind a pointer: the compiler does not find out by itself that it may move between threads.
fn delivered<'a>(
    target: &'a Target,
    recipient: Option<&'a str>,
    parcel: &'a Parcel,
    now: Instant,
    with: &'a Deliverer,
) -> BoxFuture<'a, std::result::Result<Receipt, Failure>> {
    deliver::deliver(target, recipient, parcel, now, with).boxed()
}

/// Ends the runs of which every delivery has ended; `true` where there were any.
pub(super) async fn end_runs(shared: &Shared, lease: &Lease) -> Result<bool> {
    let (loaded, mut has_ended) = (shared.loaded(), false);
    for run in shared.log.runs_to_end().await? {
        if shared.only.as_ref().is_some_and(|only| *only != run.key) {
            continue;
        }
        has_ended = true;
        let deliveries = shared.log.deliveries(&run.key).await?;
        let reports = || deliveries.iter().filter(|delivery| delivery.key.kind == DeliveryKind::Report);
        let failed: Vec<String> = reports()
            .filter(|delivery| delivery.state == DeliveryState::Failed)
            .map(|delivery| {
                format!("{}: {}", target_text(&delivery.key), delivery.error.as_deref().unwrap_or_default())
            })
            .collect();
        if failed.is_empty() {
            end(
                shared,
                lease,
                &run,
                Ended { state: RunState::Done, error: None, condition: None, deliveries: Vec::new() },
            )
            .await?;
            continue;
        }
        let error = format!("{} of {} deliveries failed: {}", failed.len(), reports().count(), failed.join("; "));
        let deliveries = of_failure(&loaded, &run.key.name, &failed)?;
        let ended = Ended { state: RunState::Failed, error: Some(error), condition: None, deliveries };
        end(shared, lease, &run, ended).await?;
    }
    Ok(has_ended)
}

/// Ends a run, and reports it.
pub(super) async fn end(shared: &Shared, lease: &Lease, run: &Run, ended: Ended) -> Result<()> {
    shared.log.end_run(lease, &run.key, ended.clone(), shared.now()).await?;
    shared.changed.notify_one();
    shared.report(&match ended.state {
        RunState::Quiet => Progress::Quiet { run: run.key.clone(), reason: ended.error.unwrap_or_default() },
        _ => Progress::Ended { run: run.key.clone(), error: ended.error },
    });
    Ok(())
}

/// The reports of a failure, to where the schedule wants them.
pub(super) fn of_failure(loaded: &Loaded, name: &str, reasons: &[String]) -> Result<Vec<NewDelivery>> {
    let Some(schedule) = loaded.file.schedules.iter().find(|schedule| schedule.name == name) else {
        return Ok(Vec::new());
    };
    let title = format!("Not delivered: {}", schedule.title.as_deref().unwrap_or(name));
    let summary = RunSummary { title, notes: reasons.to_vec(), ..RunSummary::default() };
    let summary = serde_json::to_string(&summary)?;
    let targets = schedule.on_failure.iter().filter_map(|target| Some((target, loaded.file.targets.get(target)?)));
    let recipients = targets.flat_map(|(name, target)| target.recipients().into_iter().map(move |to| (name, to)));
    let deliveries = recipients.map(|(target, recipient)| NewDelivery {
        kind: DeliveryKind::Failure,
        target: target.clone(),
        recipient: recipient.unwrap_or_default(),
        summary: Some(summary.clone()),
        outputs: None,
    });
    Ok(deliveries.collect())
}

/// A target and its recipient, for people.
fn target_text(key: &DeliveryKey) -> String {
    if key.recipient.is_empty() { key.target.clone() } else { format!("{} ({})", key.target, key.recipient) }
}
