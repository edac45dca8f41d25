//! From a dashboard to a page: the list of chart kinds, and the question and answer of every widget.

mod cases;
mod categories;
mod figures;
mod funnel;
mod gauge;
mod heatmap;
mod histogram;
mod parts;
mod request;
mod series;
mod table;

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::runtime::SpawnedTask;
use datafusion::error::DataFusionError;
use futures::future::BoxFuture;
use futures::{StreamExt, stream};

use super::dashboard::{Buckets, ChartKind, Dashboard, Groups, Hours};
use super::page::{Body, Definition, Page, Row, Scope, Tab, Widget};
use super::table::capitalized;
use crate::error::Result;
use crate::metric::catalogue::Catalogue;
use crate::metric::filter::Filter;
use crate::metric::header::Metric;
use crate::metric::question::Question;
use crate::metric::shared::Shared;
use crate::metric::unit::number_text;
use crate::metric::values;
use crate::model::time::Instant;
use crate::query::database::Database;
use crate::timeline::Timeline;
use cases::Candidates;
pub use request::Sources;
use request::{Built, Request};

/// A kind of chart and the function that builds its widgets.
struct Builder {
    kind: ChartKind,
    build: for<'a> fn(&'a Request<'a>) -> BoxFuture<'a, Result<Built>>,
}

const OVER_TIME_OR_GROUPS: ChartKind = ChartKind {
    name: "",
    about: "",
    groups: Groups::Top,
    compares: true,
    several_metrics: false,
    needs_target: false,
    sums_instants: false,
    cuts: &[],
    buckets: Buckets::Always,
    width: 6,
};

/// Widgets that are asked for at once: while one query is planned, on one core, another runs.
const QUESTIONS_AT_ONCE: usize = 3;

/// Every kind of chart that a dashboard can name.
const BUILDERS: &[Builder] = &[
    Builder {
        kind: ChartKind {
            name: "number",
            about: "large numbers, each with its change",
            groups: Groups::None,
            several_metrics: true,
            width: 12,
            buckets: Buckets::Never,
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
        kind: ChartKind {
            name: "bar",
            about: "bars over time, or one for each group",
            buckets: Buckets::WithoutGroups,
            ..OVER_TIME_OR_GROUPS
        },
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
            buckets: Buckets::Never,
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
            buckets: Buckets::Never,
            ..OVER_TIME_OR_GROUPS
        },
        build: |request| Box::pin(histogram::build(request)),
    },
    Builder {
        kind: ChartKind {
            name: "gauge",
            about: "one number against its target",
            groups: Groups::None,
            compares: false,
            needs_target: true,
            buckets: Buckets::Never,
            width: 4,
            ..OVER_TIME_OR_GROUPS
        },
        build: |request| Box::pin(gauge::build(request)),
    },
    Builder {
        kind: ChartKind {
            name: "funnel",
            about: "counts one below the other, each as a part of the first",
            groups: Groups::None,
            compares: false,
            several_metrics: true,
            buckets: Buckets::Never,
            ..OVER_TIME_OR_GROUPS
        },
        build: |request| Box::pin(funnel::build(request)),
    },
    Builder {
        kind: ChartKind {
            name: "table",
            about: "a row for each bucket and group, a column for each number",
            groups: Groups::All,
            several_metrics: true,
            buckets: Buckets::OfGrain,
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
pub async fn page(dashboard: &Dashboard, mut sources: Sources) -> Result<Page> {
    values::check_fields_of(dashboard.dimensions(), &sources.database).await?;
    let begins = sources.database.log_begins().await?;
    let of_widget = |plan| Request { dashboard, plan, sources: &sources, begins }.questions();
    let questions: Vec<Question> = dashboard.widgets().flat_map(of_widget).collect();
    sources.shared = Shared::new(questions, &sources.catalogue);
    let sources = Arc::new(sources);
    let shared_dashboard = Arc::new(dashboard.clone());
    let mut widgets = stream::iter(0..dashboard.widgets().count())
        .map(|position| build_on_any_core(Arc::clone(&shared_dashboard), position, Arc::clone(&sources), begins))
        .buffered(QUESTIONS_AT_ONCE);
    let mut tabs = Vec::new();
    let mut candidates = Vec::new();
    for tab in &dashboard.tabs {
        let mut rows = Vec::new();
        for row in &tab.rows {
            let mut shown = Vec::new();
            for _ in &row.widgets {
                if let Some((widget, may_list)) = widgets.next().await.transpose()?.flatten() {
                    shown.push(widget);
                    candidates.push(may_list);
                }
            }
            rows.push(Row { title: row.title.clone(), widgets: shown });
        }
        tabs.push(Tab { title: tab.title.clone(), rows });
    }
    let counts = sources.database.visible_counts().await?;
    let scope = Scope {
        range: sources.range.clone(),
        as_of: sources.as_of(),
        last_batch: sources.database.pointer().last_batch,
        events: counts.events,
        business_hours: dashboard.hours == Hours::Business,
        filters: dashboard.filters.iter().map(Filter::in_words).collect(),
    };
    let (title, description) = (dashboard.title.clone(), dashboard.description.clone());
    let definitions = definitions(dashboard, &sources.catalogue);
    let (notes, unknown, cases) = (Vec::new(), Vec::new(), Vec::new());
    let mut page = Page { title, description, scope, tabs, cases, definitions, notes, unknown };
    list_cases(&mut page, candidates, &sources).await?;
    page.unknown = unknown_values(dashboard, &page, &sources.database).await?;
    page.notes.extend(page.unknown.iter().map(|text| format!("{}.", capitalized(text))));
    if sources.database.people().pseudonyms.is_some() {
        page.notes.push("Users and customers are shown by pseudonyms.".to_owned());
    }
    if sources.database.rights().is_limited() {
        page.notes.push("Only what a user of the log may see is counted and listed.".to_owned());
    }
    page.notes.push(findings(counts.findings));
    Ok(page)
}

/// Puts the lists of cases into the widgets, and what happened in each case into the page.
async fn list_cases(page: &mut Page, candidates: Vec<Candidates>, sources: &Sources) -> Result<()> {
    let database = &sources.database;
    let ids = database.case_ids(&candidates.iter().flat_map(Candidates::numbers).collect()).await?;
    for (widget, candidates) in page.widgets_mut().zip(candidates) {
        widget.behind = candidates.choose(&ids, sources.cases);
    }
    if !sources.has_timelines {
        return Ok(());
    }
    let listed = page.widgets().flat_map(|widget| &widget.behind.cases).map(|case| case.case.clone());
    let listed: Vec<String> = listed.collect::<BTreeSet<String>>().into_iter().collect();
    page.cases = Timeline::read(database, &listed, sources.timelines_as_of).await?;
    Ok(())
}

/// The keys of a metric's header that a reader of a number asks for.
const DETAILS: [&str; 6] = ["date", "agent", "excludes", "bots", "reopenings", "pauses"];

/// What the metrics of a dashboard mean, each once, in the order in which widgets show them.
fn definitions(dashboard: &Dashboard, catalogue: &Catalogue) -> Vec<Definition> {
    let mut known = BTreeSet::new();
    let metrics = dashboard.widgets().flat_map(|widget| &widget.metrics);
    let names = metrics.flat_map(|metric| std::iter::once(&metric.metric).chain(&metric.of));
    let metrics = names.filter(|name| known.insert(*name)).filter_map(|name| catalogue.get(name).ok());
    metrics.map(definition).collect()
}

fn definition(metric: &Metric) -> Definition {
    let is_asked = |(key, value): &&(String, String)| DETAILS.contains(&key.as_str()) && value != "none";
    // A header marks code as Markdown does, and most formats would show the marks.
    let plain = |text: &str| text.replace('`', "");
    let details = metric.header.iter().filter(is_asked).map(|(key, value)| (key.clone(), plain(value)));
    Definition {
        name: metric.name.clone(),
        title: metric.title.clone(),
        meaning: plain(&metric.meaning),
        details: details.collect(),
    }
}

/// Notes about values of the filters that nothing in the log has. A number of 0 looks like a result.
async fn unknown_values(dashboard: &Dashboard, page: &Page, database: &Database) -> Result<Vec<String>> {
    let is_empty = page.widgets().all(|widget| matches!(widget.body, Body::Empty(_)));
    // Metrics of the project may have other values than the usual ones, and where there are data they do.
    let in_question = |filter: &&Filter| is_empty || filter.dimension.usual_values().is_empty();
    let filters = dashboard.filters.iter().chain(dashboard.widgets().flat_map(|widget| &widget.filters));
    values::notes(filters.filter(in_question), database).await
}

/// The note about findings.
fn findings(count: u64) -> String {
    let noun = if count == 1 { "finding" } else { "findings" };
    match count {
        0 => "No finding in the whole log: nothing contradicts the model.".to_owned(),
        count => format!(
            "{} {noun} in the whole log, not of this range alone: casebook sql \"SELECT rule, count(*) FROM findings WHERE severity <> 'hidden' GROUP BY rule\"",
            number_text(count as f64)
        ),
    }
}

/// Builds a widget as a task of its own, beside others.
async fn build_on_any_core(
    dashboard: Arc<Dashboard>,
    position: usize,
    sources: Arc<Sources>,
    begins: Option<Instant>,
) -> Result<Option<(Widget, Candidates)>> {
    let build = async move {
        let (dashboard, sources) = (dashboard.as_ref(), sources.as_ref());
        match dashboard.widgets().nth(position) {
            Some(plan) => build_widget(Request { dashboard, plan, sources, begins }).await,
            None => Ok(None),
        }
    };
    SpawnedTask::spawn(build).join().await.map_err(|error| DataFusionError::External(error.into()))?
}

async fn build_widget(request: Request<'_>) -> Result<Option<(Widget, Candidates)>> {
    let Some(builder) = BUILDERS.iter().find(|builder| builder.kind == request.plan.chart) else { return Ok(None) };
    let built = (builder.build)(&request).await.map_err(|error| request.plan.at(error))?;
    let candidates = Candidates::of(&request, &built);
    Ok(Some((built.widget, candidates)))
}
