//! What one run sends: its condition is asked, its contents are rendered and kept, and each recipient gets a delivery.

use std::collections::{BTreeMap, HashMap};

use super::setup::Progress;
use super::shared::{Loaded, Shared, gone};
use crate::error::{Error, Result};
use crate::model::time::Instant;
use crate::schedule::condition::ConditionState;
use crate::schedule::content::notices::{self, Due, Notice};
use crate::schedule::content::{Content, merged};
use crate::schedule::deliver::check_target;
use crate::schedule::file::Schedule;
use crate::schedule::outputs;
use crate::schedule::parcel::{Output, Rendered, RunSummary};
use crate::schedule::sources::{Showing, Sources};
use crate::schedule::target::Target;
use crate::store::run_log::{Begun, DeliveryKind, NewDelivery, Run};

/// What became of a run.
pub(super) enum Made {
    /// The condition does not hold, or there is nothing to send; why.
    Quiet {
        reason: String,
        condition: Option<String>,
    },
    /// No recipient can be reached as things are; why.
    Unready {
        reason: String,
    },
    Rendered(Begun),
}

/// What was rendered for the runs of one instant, by what was asked.
#[derive(Default)]
pub(super) struct Kept {
    pub instant: Instant,
    contents: HashMap<String, Rendered>,
    outputs: HashMap<String, (RunSummary, Vec<Output>)>,
}

impl Kept {
    pub fn at(instant: Instant) -> Kept {
        Kept { instant, ..Kept::default() }
    }
}

/// A run with what it is made from.
struct Making<'m> {
    shared: &'m Shared,
    loaded: &'m Loaded,
    sources: &'m Sources,
    schedule: &'m Schedule,
    run: &'m Run,
}

/// Asks the condition of a run, and renders what it sends. Recipients are checked before.
pub(super) async fn made(
    shared: &Shared,
    loaded: &Loaded,
    sources: &Sources,
    run: &Run,
    kept: &mut Kept,
) -> Result<Made> {
    let schedule = loaded.file.schedules.iter().find(|schedule| schedule.name == run.key.name);
    let schedule = schedule.ok_or_else(|| gone(&run.key.name))?;
    let making = Making { shared, loaded, sources, schedule, run };
    if let Some(error) = making.unready() {
        return Ok(Made::Unready { reason: with_hint(&error) });
    }
    let (condition, reason) = match making.condition().await? {
        (condition, Ok(reason)) => (condition, reason),
        (condition, Err(reason)) => return Ok(Made::Quiet { reason, condition }),
    };
    let notices = making.notices().await?;
    let mut all = Vec::new();
    // What another run of this instant has sent is kept already.
    let is_kept = notices.is_none() && kept.outputs.contains_key(&making.key("")?);
    for content in schedule.send.iter().filter(|content| !is_kept && **content != Content::BreachNotices) {
        all.push(making.content(content, kept).await?);
    }
    if all.is_empty() && notices.as_ref().is_some_and(Vec::is_empty) {
        return Ok(Made::Quiet { reason: "there is no new breach".to_owned(), condition });
    }
    let complete = |mut summary: RunSummary| {
        if let Some(title) = &schedule.title {
            summary.title.clone_from(title);
        }
        summary.reasons.extend(reason.clone());
        serde_json::to_string(&summary)
    };
    let notices = notices.unwrap_or_default();
    let (personal, notified) = making.personal(&notices, &all, &complete).await?;
    let shared_targets = making.targets().filter(|(_, target)| !target.takes_recipients()).collect::<Vec<_>>();
    all.extend(notices.iter().map(|notice| notice.rendered.clone()));
    let (summary, outputs) = if shared_targets.is_empty() && !notices.is_empty() {
        (merged(all).summary, Vec::new())
    } else {
        making.kept(all, "", kept).await?
    };
    let mut deliveries: Vec<NewDelivery> =
        shared_targets.iter().flat_map(|(name, target)| of_target(name, target)).collect();
    let has_shared = !deliveries.is_empty();
    deliveries.extend(personal);
    if deliveries.is_empty() {
        let people: Vec<&str> = notices.iter().map(|notice| notice.recipient.as_str()).collect();
        let reason = format!("there is no mail address in `[addresses]` of {}", people.join(", "));
        return Ok(Made::Quiet { reason, condition });
    }
    let is_sent = |notice: &&Notice| has_shared || notified.contains(&notice.recipient);
    Ok(Made::Rendered(Begun {
        last_batch: sources.database(Showing::PLAIN).await?.pointer().last_batch,
        summary: complete(summary)?,
        outputs: serde_json::to_string(&outputs)?,
        condition,
        deliveries,
        notices: notices.iter().filter(is_sent).flat_map(|notice| notice.keys.clone()).collect(),
    }))
}

impl Making<'_> {
    fn instant(&self) -> Instant {
        self.run.key.scheduled_at
    }

    fn targets(&self) -> impl Iterator<Item = (&String, &Target)> {
        self.schedule.to.iter().filter_map(|name| self.loaded.file.targets.get_key_value(name))
    }

    /// What is wrong where every target is of mail and none could be sent any: an address, a password, a certificate. Other
    /// targets are tried for as long as the schedule wants.
    fn unready(&self) -> Option<Error> {
        let mut error = None;
        for (name, target) in self.targets() {
            let is_mail = matches!(target, Target::Email(_));
            match check_target(name, target, &self.loaded.deliverer) {
                Err(found) if is_mail => error = Some(found),
                _ => return None,
            }
        }
        error
    }

    /// What the condition found, for the next run; and why something is sent, or why not.
    async fn condition(&self) -> Result<(Option<String>, std::result::Result<Option<String>, String>)> {
        let Some(when) = &self.schedule.when else { return Ok((None, Ok(None))) };
        let before = self.shared.log.condition_before(&self.run.key).await?;
        let before: Option<ConditionState> = before.map(|text| serde_json::from_str(&text)).transpose()?;
        let found = when.evaluate(self.sources, self.instant(), &self.schedule.zone, before.as_ref()).await?;
        let state = Some(serde_json::to_string(&found.state)?);
        Ok((state, if found.holds { Ok(Some(format!("{}.", found.text))) } else { Err(found.text) }))
    }

    /// A content, rendered once for all runs of one instant.
    async fn content(&self, content: &Content, kept: &mut Kept) -> Result<Rendered> {
        let key = content.key(self.instant(), &self.schedule.zone)?;
        if let Some(rendered) = kept.contents.get(&key) {
            return Ok(rendered.clone());
        }
        let rendered = content.render(self.sources, self.instant(), &self.schedule.zone).await?;
        kept.contents.insert(key, rendered.clone());
        Ok(rendered)
    }

    /// The breaches since the schedule was first followed of which it has not given notice; nothing where it sends none.
    async fn notices(&self) -> Result<Option<Vec<Notice>>> {
        if !self.schedule.send.contains(&Content::BreachNotices) {
            return Ok(None);
        }
        let since = self.shared.log.followed_since().await?;
        // One that is only carried out by a command gives notice of a day.
        let day = self.instant().plus_ms(-crate::model::time::DAY_MS);
        let after = since.get(&self.schedule.name).copied().unwrap_or(day);
        let (due, sent) = (Due { after, until: self.instant() }, self.shared.log.notices(&self.schedule.name).await?);
        notices::render(self.sources, due, self.instant(), &self.schedule.zone, &sent).await.map(Some)
    }

    /// A delivery to each person who has an address, and who these are.
    async fn personal(
        &self,
        notices: &[Notice],
        others: &[Rendered],
        complete: &impl Fn(RunSummary) -> serde_json::Result<String>,
    ) -> Result<(Vec<NewDelivery>, Vec<String>)> {
        let (mut deliveries, mut notified) = (Vec::new(), Vec::new());
        let targets: Vec<&String> =
            self.targets().filter(|(_, target)| target.takes_recipients()).map(|(name, _)| name).collect();
        // Several people may have one address.
        let mut by_address: BTreeMap<&String, Vec<Rendered>> = BTreeMap::new();
        for notice in notices.iter().filter(|_| !targets.is_empty()) {
            let Some(address) = self.loaded.file.addresses.get(&notice.recipient) else {
                let message = format!("`{}` gets no notice of a breach: no mail address", notice.recipient);
                let error = Error::invalid(format!("schedule `{}`", self.schedule.name), message);
                self.shared.report(&Progress::Fault(&error.with_hint("add the address to `[addresses]`")));
                continue;
            };
            by_address.entry(address).or_default().push(notice.rendered.clone());
            notified.push(notice.recipient.clone());
        }
        for (address, rendered) in by_address {
            let all = others.iter().cloned().chain(rendered).collect();
            let (summary, outputs) = self.kept(all, address, &mut Kept::at(self.instant())).await?;
            for target in &targets {
                deliveries.push(NewDelivery {
                    kind: DeliveryKind::Report,
                    target: (*target).clone(),
                    recipient: address.clone(),
                    summary: Some(complete(summary.clone())?),
                    outputs: Some(serde_json::to_string(&outputs)?),
                });
            }
        }
        Ok((deliveries, notified))
    }

    /// A key of what is sent to everybody, or to one address. Runs that send the same have the same key.
    fn key(&self, address: &str) -> Result<String> {
        let (send, zone) = (&self.schedule.send, &self.schedule.zone);
        let keys = send.iter().map(|content| content.key(self.instant(), zone));
        let mut keys: Vec<String> = keys.collect::<Result<_>>()?;
        if send.contains(&Content::BreachNotices) {
            keys.extend([self.schedule.name.clone(), address.to_owned()]);
        }
        Ok(outputs::key(&keys.join("\n")))
    }

    /// What is sent, merged and kept in the store.
    async fn kept(&self, all: Vec<Rendered>, address: &str, kept: &mut Kept) -> Result<(RunSummary, Vec<Output>)> {
        let key = self.key(address)?;
        if let Some(kept) = kept.outputs.get(&key) {
            return Ok(kept.clone());
        }
        let rendered = merged(all);
        let outputs = outputs::keep(&self.shared.setup.store, self.instant(), &key, &rendered).await?;
        kept.outputs.insert(key, (rendered.summary.clone(), outputs.clone()));
        Ok((rendered.summary, outputs))
    }
}

/// An error with the next step, on one line.
pub(super) fn with_hint(error: &Error) -> String {
    error.hint().map_or_else(|| error.to_string(), |hint| format!("{error}; {hint}"))
}

/// A delivery to each recipient of a target.
fn of_target(name: &str, target: &Target) -> Vec<NewDelivery> {
    let new = |recipient: Option<String>| NewDelivery {
        kind: DeliveryKind::Report,
        target: name.to_owned(),
        recipient: recipient.unwrap_or_default(),
        summary: None,
        outputs: None,
    };
    target.recipients().into_iter().map(new).collect()
}
