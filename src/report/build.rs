//! From a dashboard to a page: the list of chart kinds, and the question and answer of every widget.

mod categories;
mod figures;
mod heatmap;
mod histogram;
mod request;
mod series;
mod table;

use futures::future::BoxFuture;

use super::dashboard::{ChartKind, Dashboard, DashboardRow, Groups};
use super::page::{Page, Row, Scope, Widget};
use crate::error::Result;
use crate::facts::manifest::Pointer;
use crate::metric::filter::Filter;
use crate::metric::unit::number_text;
use crate::metric::values;
use crate::model::time::Instant;
use request::Request;
pub use request::Sources;

/// A kind of chart and the function that builds its widgets.
struct Builder {
    kind: ChartKind,
    build: for<'a> fn(&'a Request<'a>) -> BoxFuture<'a, Result<Widget>>,
}

const OVER_TIME_OR_GROUPS: ChartKind = ChartKind {
    name: "",
    about: "",
    groups: Groups::Top,
    compares: true,
    several_metrics: false,
    sums_instants: false,
    cuts: &[],
    width: 6,
};

/// Every kind of chart that a dashboard can name.
const BUILDERS: &[Builder] = &[
    Builder {
        kind: ChartKind {
            name: "number",
            about: "large numbers, each with its change",
            groups: Groups::None,
            several_metrics: true,
            width: 12,
            ..OVER_TIME_OR_GROUPS
        },
        build: |request| Box::pin(figures::build(request)),
    },
    Builder {
        kind: ChartKind {
            name: "line",
            about: "one line for each group or aggregation, over time",
            ..OVER_TIME_OR_GROUPS
        },
        build: |request| Box::pin(series::lines(request, false)),
    },
    Builder {
        kind: ChartKind { name: "area", about: "lines with the area under them filled", ..OVER_TIME_OR_GROUPS },
        build: |request| Box::pin(series::lines(request, true)),
    },
    Builder {
        kind: ChartKind { name: "bar", about: "bars over time, or one for each group", ..OVER_TIME_OR_GROUPS },
        build: |request| Box::pin(series::bars(request)),
    },
    Builder {
        kind: ChartKind {
            name: "stacked_bar",
            about: "bars over time, the groups on top of each other",
            compares: false,
            ..OVER_TIME_OR_GROUPS
        },
        build: |request| Box::pin(series::stacked_bars(request)),
    },
    Builder {
        kind: ChartKind {
            name: "heatmap",
            about: "weekdays by hours of the day, darker where there is more",
            groups: Groups::None,
            compares: false,
            sums_instants: true,
            cuts: &["day_of_week", "hour_of_day"],
            ..OVER_TIME_OR_GROUPS
        },
        build: |request| Box::pin(heatmap::build(request)),
    },
    Builder {
        kind: ChartKind {
            name: "histogram",
            about: "how many durations lie in each class, from 5 minutes to 7 days",
            groups: Groups::None,
            compares: false,
            ..OVER_TIME_OR_GROUPS
        },
        build: |request| Box::pin(histogram::build(request)),
    },
    Builder {
        kind: ChartKind {
            name: "table",
            about: "a row for each bucket and group, a column for each number",
            groups: Groups::All,
            compares: false,
            several_metrics: true,
            ..OVER_TIME_OR_GROUPS
        },
        build: |request| Box::pin(table::build(request)),
    },
];

/// Every kind of chart that a dashboard can name.
#[must_use]
pub fn chart_kinds() -> Vec<ChartKind> {
    BUILDERS.iter().map(|builder| builder.kind).collect()
}

/// The page that answers a dashboard.
///
/// # Errors
/// When a metric cannot be grouped as a widget asks for, or the engine fails.
pub async fn page(dashboard: &Dashboard, sources: &Sources<'_>) -> Result<Page> {
    values::check_fields_of(dashboard.dimensions(), sources.database).await?;
    let begins = sources.database.log_begins().await?;
    let mut rows = Vec::new();
    for row in &dashboard.rows {
        rows.push(build_row(dashboard, row, sources, begins).await?);
    }
    let scope = Scope {
        range: sources.range.clone(),
        as_of: sources.as_of(),
        last_batch: sources.database.pointer().last_batch,
        events: sources.database.pointer().events,
        filters: dashboard.filters.iter().map(Filter::in_words).collect(),
    };
    let (title, description) = (dashboard.title.clone(), dashboard.description.clone());
    Ok(Page { title, description, scope, rows, notes: notes(sources.database.pointer()) })
}

fn notes(pointer: &Pointer) -> Vec<String> {
    let noun = if pointer.findings == 1 { "finding" } else { "findings" };
    let text = match pointer.findings {
        0 => "No finding in the whole log: nothing contradicts the model.".to_owned(),
        count => format!(
            "{} {noun} in the whole log, not of this range alone: casebook sql \"SELECT rule, count(*) FROM findings WHERE severity <> 'hidden' GROUP BY rule\"",
            number_text(count as f64)
        ),
    };
    vec![text]
}

async fn build_row(
    dashboard: &Dashboard,
    row: &DashboardRow,
    sources: &Sources<'_>,
    begins: Option<Instant>,
) -> Result<Row> {
    let mut widgets = Vec::new();
    for plan in &row.widgets {
        let request = Request { dashboard, plan, sources, begins };
        if let Some(builder) = BUILDERS.iter().find(|builder| builder.kind == plan.chart) {
            widgets.push((builder.build)(&request).await?);
        }
    }
    Ok(Row { title: row.title.clone(), widgets })
}
