//! What a replay reads: the whole log, or what new events touch.

use datafusion::prelude::{DataFrame, SessionContext, col, lit};

use crate::error::Result;
use crate::facts::layers::{Keys, Layers, Texts};
use crate::facts::manifest::{Layer, Pointer};
use crate::facts::tables::DESK_EVENTS;
use crate::replay::exchange::CaseIds;
use crate::replay::select::{instant, is_among, rank_0};
use crate::replay::touched::Touched;
use crate::store::objects::Store;

/// Layers after the first that are kept before a refresh makes one of them.
const LAYERS_MAX: usize = 8;

/// What a replay reads.
pub enum Sources {
    /// The whole log, in which as much is known of the cases.
    All(CaseIds),
    /// What new events touch. The rows are a layer over the facts there are.
    Touched(Box<Refresh>),
}

/// A replay of what new events touch.
pub struct Refresh {
    /// The facts there are.
    pub facts: Layers,
    pub before: Pointer,
    pub touched: Touched,
}

impl Sources {
    /// What the batches of the log after those of the facts touch; everything where that is more than such a share of all
    /// cases.
    ///
    /// # Errors
    /// When the log or the facts cannot be read.
    pub async fn since(before: Pointer, context: &SessionContext, home: &Store, share: f64) -> Result<Sources> {
        let facts = Layers::open(home, &before).await?;
        let absorbed = match before.layers.len() > LAYERS_MAX {
            true => (facts.replaced_cases(), facts.replaced_customers()),
            false => (Keys::default(), Keys::default()),
        };
        let replaced: u64 = before.layers.iter().map(|layer| layer.replaced_cases).sum();
        let touched = Touched::find(context, &facts, before.last_batch, absorbed).await?;
        let work = touched.cases.len() as u64 + replaced;
        Ok(match work as f64 <= share * before.cases as f64 {
            true => Sources::Touched(Box::new(Refresh { facts, before, touched })),
            false => Sources::All(CaseIds::Unknown),
        })
    }

    /// The number of the first case that is replayed: those of a layer follow those of the layers before.
    #[must_use]
    pub fn first_case_number(&self) -> u64 {
        match self {
            Sources::All(_) => 0,
            Sources::Touched(refresh) => refresh.before.next_case_number,
        }
    }

    /// Events among which those about the desk are all that the log has.
    ///
    /// # Errors
    /// When the log or the facts cannot be read.
    pub async fn desk_events(&self, context: &SessionContext) -> Result<DataFrame> {
        let Sources::Touched(refresh) = self else { return rank_0(context).await };
        let names: Vec<&str> = DESK_EVENTS.columns.iter().map(|(name, _)| *name).collect();
        let known = context.read_table(refresh.facts.provider(&DESK_EVENTS, Texts::Views)?)?;
        let new = rank_0(context).await?.filter(col("batch").gt(lit(refresh.before.last_batch)))?;
        Ok(known.union(new.select_columns(&names)?)?)
    }

    /// Events among which are all events of each case that is replayed, and what is known of these cases.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn case_events(&self, context: &SessionContext) -> Result<(DataFrame, CaseIds)> {
        let log = context.table("log").await?;
        match self {
            Sources::All(ids) => Ok((log, ids.clone())),
            Sources::Touched(refresh) => {
                let Touched { cases, since, .. } = &refresh.touched;
                let mut events = log.filter(is_among(cases, "case_id", Texts::Views))?;
                if let Some(since) = since {
                    events = events.filter(col("time").gt_eq(instant(*since)))?;
                }
                Ok((events, CaseIds::Known(cases.iter().cloned().collect())))
            }
        }
    }

    /// Events among which are all events of each customer that is replayed; nothing where there is no such customer.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub async fn customer_events(&self, context: &SessionContext) -> Result<Option<DataFrame>> {
        let log = context.table("log").await?;
        match self {
            Sources::All(_) => Ok(Some(log)),
            Sources::Touched(refresh) if refresh.touched.customers.is_empty() => Ok(None),
            Sources::Touched(refresh) => {
                Ok(Some(log.filter(is_among(&refresh.touched.customers, "subject", Texts::Views))?))
            }
        }
    }

    /// The layers of the facts when the rows of this replay are the last.
    #[must_use]
    pub fn layers(&self, last: Layer) -> Vec<Layer> {
        let before = match self {
            Sources::All(_) => &[][..],
            Sources::Touched(refresh) => refresh.kept(),
        };
        before.iter().cloned().chain([last]).collect()
    }
}

impl Refresh {
    /// The layers that stay. A refresh that absorbs others replaces all of their rows.
    fn kept(&self) -> &[Layer] {
        let layers = &self.before.layers;
        if layers.len() > LAYERS_MAX { layers.get(..1).unwrap_or(layers) } else { layers }
    }
}
