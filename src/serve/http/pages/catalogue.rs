//! The metrics: the catalogue, and a page of each, which asks it anything.

use axum::extract::{Path, State};
use maud::{Markup, html};

use super::command;
use super::table::Rows;
use super::visit::{PageResult, PageVisitor};
use crate::metric::header::{Metric, MetricKind};
use crate::metric::range::Grain;
use crate::serve::http::api::numbers::{self, PARAMETERS};
use crate::serve::http::app::App;
use crate::serve::http::params::Params;
use crate::serve::http::problem::Problem;
use crate::serve::http::site::{Framed, framed};

/// The catalogue.
pub async fn list(State(app): State<App>, visitor: PageVisitor) -> PageResult<Markup> {
    let database = app.engine.seen_by(&visitor.visitor.viewer).await.map_err(|error| visitor.problem(error))?;
    let catalogue = &app.engine.state().catalogue;
    let main = html! {
        div class="frame" tabindex="0" role="group" aria-label="Metrics" {
            table class="list" {
                caption class="caption" { (catalogue.iter().count()) " metrics" }
                thead { tr { th scope="col" { "Metric" } th scope="col" { "Unit" } th scope="col" { "Meaning" } } }
                tbody {
                    @for metric in catalogue.iter() {
                        tr { td { a href={ "/catalogue/" (metric.name) } { (metric.title) } } td { (if metric.unit == "ms" { "time" } else { metric.unit.as_str() }) } td class="long" { (metric.meaning) } }
                    }
                }
            }
        }
    };
    let page = Framed { title: "Metrics", place: "/catalogue", is_live: false, head: html! {}, main };
    Ok(framed(&visitor.visitor, database.rights().role(), &page))
}

/// One metric: what it means, and its numbers where a range is given.
pub async fn metric(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
    visitor: PageVisitor,
) -> PageResult<Markup> {
    let state = app.engine.state();
    let metric = state.catalogue.get(&name).map_err(|error| visitor.problem(Problem::not_found(error)))?;
    let database = state.seen_by(&visitor.visitor.viewer).await.map_err(|error| visitor.problem(error))?;
    let has_range = params.one("range").map_err(|problem| visitor.problem(problem))?.is_some();
    let answer = match has_range {
        false => html! { p class="hint" { "Choose a range to see the numbers." } },
        true => answer(&app, &visitor, metric, &params).await?,
    };
    let main = html! { (answer) (definition(metric)) };
    let page =
        Framed { title: &metric.title, place: "/catalogue", is_live: has_range, head: form(metric, &params), main };
    Ok(framed(&visitor.visitor, database.rights().role(), &page))
}

async fn answer(app: &App, visitor: &PageVisitor, metric: &Metric, params: &Params) -> PageResult<Markup> {
    let name = &metric.name;
    let asked = numbers::ask(app, &visitor.visitor, name, params).await;
    let (numbers, zone) = asked.map_err(|problem| visitor.problem(problem))?;
    let rows = numbers.for_people().map_err(|error| visitor.problem(error))?;
    let has_grain = params.one("grain").map_err(|problem| visitor.problem(problem))?.is_some();
    let keys = params.list("by").len() + usize::from(has_grain);
    let table = Rows::new(&metric.title, &rows, &zone).with_numbers_from(keys).table(|_, _| None);
    let table = table.map_err(|error| visitor.problem(error))?;
    let flags: Vec<&str> = PARAMETERS.iter().copied().filter(|flag| *flag != "format").collect();
    Ok(html! {
        @for note in &numbers.unknown { p class="hint" { (note) } }
        @for line in numbers.caption() { p class="hint counted" { (line) } }
        (table)
        p class="exports" {
            span { "Export" }
            @for format in ["csv", "xlsx", "parquet", "json"] {
                a class="button plain" href={ "/api/v1/metrics/" (name) "/numbers" (params.with("format", &[format])) } { (format.to_uppercase()) }
            }
        }
        (cases_behind(metric, params))
        details class="more" {
            summary { "The same question elsewhere" }
            p { "Command: " code { (command::metric(name, params, &flags)) } }
            p { "API: " code { "GET /api/v1/metrics/" (name) "/numbers" (params.with("", &[])) } }
            p { "SQL: that of the contributions is below, in the definition" }
        }
    })
}

/// The way to all cases behind the numbers; of a ratio those of both its sides.
fn cases_behind(metric: &Metric, params: &Params) -> Markup {
    let sides: Vec<String> = match metric.kind {
        MetricKind::Ratio => metric.sides().map(|sides| sides.map(|side| side.metric).to_vec()).unwrap_or_default(),
        MetricKind::Flow | MetricKind::Stock => vec![metric.name.clone()],
    };
    let query =
        ["grain", "show", "compare", "sort", "limit"].iter().fold(params.clone(), |params, name| params.without(name));
    html! {
        p class="exports" {
            @for side in &sides {
                a href={ "/catalogue/" (side) "/cases" (query.with("", &[])) } { "Cases behind " (side.replace('_', " ")) }
            }
        }
    }
}

fn form(metric: &Metric, params: &Params) -> Markup {
    let value = |name: &str| params.one(name).ok().flatten().unwrap_or_default().to_owned();
    let grain = value("grain");
    html! {
        p class="description" { (metric.meaning) }
        form class="ask" method="get" {
            label { "Range" input name="range" value=(value("range")) placeholder="last full month" required size="20"; }
            label { "By" input name="by" value=(value("by")) placeholder="agent, platform" size="18"; }
            label { "Grain"
                select name="grain" {
                    option value="" { "the whole range" }
                    @for one in Grain::NAMES { option value=(one) selected[one == grain] { (one) } }
                }
            }
            label { "Only" input name="where" value=(value("where")) placeholder="platform=email" size="18"; }
            label { "Show" input name="show" value=(value("show")) placeholder=(metric.aggregate) size="16"; }
            label { "Compared with" input name="compare" value=(value("compare")) placeholder="previous" size="10"; }
            button { "Ask" }
        }
    }
}

fn definition(metric: &Metric) -> Markup {
    let sql = metric.sql.as_deref().unwrap_or_default().trim();
    html! {
        h2 class="part" { "Definition" }
        div class="frame" {
            dl class="header" { @for (key, value) in &metric.header { dt { (key) } dd { (value) } } }
            @if !sql.is_empty() { details { summary { "SQL of the contributions" } pre tabindex="0" { code { (sql) } } } }
        }
    }
}
