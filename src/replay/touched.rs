//! Which cases and customers the events of new batches touch, so that a refresh replays these and no others.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::TimestampMillisecondType;
use datafusion::functions_aggregate::expr_fn::min;
use datafusion::prelude::{DataFrame, Expr, SessionContext, col, lit};

use crate::error::Result;
use crate::facts::layers::{Keys, Layers, Texts};
use crate::facts::tables::LIFETIMES;
use crate::model::desk::DeskEvent;
use crate::model::event::EventType;
use crate::model::time::Instant;
use crate::replay::input::{DESK_COLUMNS, desk_events};
use crate::replay::select::{instant, is_among, of_rank_0, plain_texts};

/// What a refresh replays.
#[derive(Clone, Debug, Default)]
pub struct Touched {
    pub cases: Arc<Keys>,
    pub customers: Arc<Keys>,
    /// No event of these cases is earlier.
    pub since: Option<Instant>,
}

impl Touched {
    /// What the batches after that one touch: their own cases and customers, and the cases that their events about the
    /// desk may change. Those of `more` (cases, customers) are added, whether or not they are touched.
    ///
    /// # Errors
    /// When the log or the facts cannot be read.
    pub async fn find(context: &SessionContext, facts: &Layers, batch: i64, more: (Keys, Keys)) -> Result<Touched> {
        let new = context.table("log").await?.filter(col("batch").gt(lit(batch)))?;
        let (mut cases, mut customers) = more;
        let own = new.clone().filter(col("case_id").is_not_null())?.aggregate(vec![col("case_id")], vec![])?;
        collect_keys(own, &mut cases).await?;
        let about_desk = of_rank_0(new.clone())?;
        let batches = plain_texts(about_desk, DESK_COLUMNS)?.collect().await?;
        let mut desk = DeskChanges::default();
        for batch in &batches {
            for event in desk_events(batch)? {
                match event.kind {
                    EventType::CustomerUpdated => drop(customers.insert(event.subject.to_owned())),
                    _ => desk.note(&event),
                }
            }
        }
        let lifetimes = context.read_table(facts.provider(&LIFETIMES, Texts::Views)?)?;
        if let Some(condition) = desk.cases() {
            collect_keys(lifetimes.clone().filter(condition)?.select_columns(&["case_id"])?, &mut cases).await?;
        }
        let cases = Arc::new(cases);
        let known = lifetimes
            .filter(is_among(&cases, "case_id", Texts::Views))?
            .aggregate(vec![], vec![min(col("begun_at"))])?;
        let arrived = new.aggregate(vec![], vec![min(col("time"))])?;
        let since = instants(known).await?.into_iter().chain(instants(arrived).await?).min();
        Ok(Touched { cases, customers: Arc::new(customers), since })
    }
}

/// Events about the desk, and the cases whose facts they may change.
#[derive(Default)]
struct DeskChanges {
    since: Option<Instant>,
    removed_users: Vec<String>,
}

impl DeskChanges {
    fn note(&mut self, event: &DeskEvent<'_>) {
        if matches!(event.kind, EventType::ViewUpdated | EventType::ViewRemoved | EventType::SkillUpdated) {
            return;
        }
        self.since = Some(self.since.map_or(event.time, |since| since.min(event.time)));
        if event.kind == EventType::UserRemoved {
            self.removed_users.push(event.subject.to_owned());
        }
    }

    /// A case that was settled before the first of the changes stays as it is; its lifetime shows whether it was. Only the
    /// removal of a user changes resolved cases, too: those of which the user was the last assignee, even if the user has
    /// been removed before.
    fn cases(&self) -> Option<Expr> {
        let since = instant(self.since?);
        let alive = col("settled_at").is_null().or(col("settled_at").gt_eq(since));
        let removed = self.removed_users.iter().map(|user| lit(user.as_str())).collect();
        Some(alive.or(col("last_assignee").in_list(removed, false)))
    }
}

/// Adds the first column of a frame, of views, to the keys.
///
/// # Errors
/// When the frame cannot be read.
pub async fn collect_keys(frame: DataFrame, keys: &mut Keys) -> Result<()> {
    for batch in frame.collect().await? {
        keys.extend(batch.column(0).as_string_view().iter().flatten().map(str::to_owned));
    }
    Ok(())
}

async fn instants(frame: DataFrame) -> Result<Option<Instant>> {
    let batches = frame.collect().await?;
    let column = batches.first().map(|batch| batch.column(0).as_primitive::<TimestampMillisecondType>().clone());
    Ok(column.and_then(|times| times.iter().next().flatten()).map(Instant))
}
