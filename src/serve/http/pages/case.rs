//! One case: what happened, its clocks with their ledgers, why it has its policy, its customer and their other cases.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use datafusion::scalar::ScalarValue;
use maud::{Markup, html};

use super::table::{Rows, case_link, collected};
use super::visit::{PageResult, PageVisitor};
use crate::explain::choice::{Choice, Tried};
use crate::explain::current::Current;
use crate::explain::{Explanation, words};
use crate::model::time::Instant;
use crate::model::time::duration_text;
use crate::query::database::Database;
use crate::report::format::html::case_section;
use crate::serve::http::app::App;
use crate::serve::http::problem::Problem;
use crate::serve::http::site::{Framed, framed, made};
use crate::timeline::ExplainedCase;

/// The customer of a case, and their other cases.
const OTHERS: &str = "SELECT case_id, status, priority, assignee, platform, created_at, resolved_at FROM cases \
                      WHERE customer = $customer AND case_id <> $case ORDER BY created_at DESC, case_id LIMIT 50";
const CUSTOMER: &str = "SELECT customer, name, since, data FROM customers WHERE customer = $customer AND until IS NULL";
const MESSAGES: &str = "SELECT time, direction, kind, by, text FROM messages WHERE case_id = $case \
                        ORDER BY time, message LIMIT 500";

/// A case.
pub async fn case(State(app): State<App>, Path(id): Path<String>, visitor: PageVisitor) -> PageResult<Markup> {
    let state = app.engine.state();
    let viewer = &visitor.visitor.viewer;
    let asked = async {
        let database = state.database(viewer).await?;
        let Some(case) = ExplainedCase::read(&database, &id, state.last_event_at()).await? else { return Ok(None) };
        let main = main(&app, &database, &case).await?;
        Ok(Some((main, database.rights().role())))
    };
    let found = app.engine.ask(viewer, asked).await.map_err(|error| visitor.problem(error))?;
    let Some((main, role)) = found else {
        let problem = Problem::new(StatusCode::NOT_FOUND, format!("there is no case `{id}`"));
        return Err(visitor.problem(problem));
    };
    let page = Framed { title: &format!("Case {id}"), place: "/cases", is_live: true, head: html! {}, main };
    Ok(framed(&visitor.visitor, role, &page))
}

async fn main(app: &App, database: &Database, case: &ExplainedCase) -> crate::error::Result<Markup> {
    let timeline = &case.timeline;
    let zone = &app.engine.setup.zone;
    let as_of = timeline.as_of.unwrap_or(Instant(0));
    let session = database.session();
    let customer = timeline.head.as_ref().and_then(|head| head.customer.clone()).unwrap_or_default();
    let rows = async |sql: &str| {
        let values = vec![
            ("customer", ScalarValue::from(customer.as_str())),
            ("case", ScalarValue::from(timeline.case.as_str())),
        ];
        let values: Vec<_> = values.into_iter().filter(|(name, _)| sql.contains(&format!("${name}"))).collect();
        let frame = session.sql(sql).await?.with_param_values(values)?;
        collected(frame).await
    };
    let (others, data, messages) = (rows(OTHERS).await?, rows(CUSTOMER).await?, rows(MESSAGES).await?);
    Ok(html! {
        (made(&case_section(timeline, zone, as_of)?))
        @if let Some(explanation) = &case.explanation { (policy(&explanation.choice, explanation)) }
        h2 class="part" { "Messages" }
        (Rows::new("The texts that the log has, in order", &messages, zone).table(|_, _| None)?)
        h2 class="part" { "Customer" }
        @if data.num_rows() > 0 { (Rows::new("What the log has of the customer", &data, zone).table(|_, _| None)?) }
        (Rows::new("Their other cases, on any profile that you may see", &others, zone).table(case_link)?)
    })
}

/// Why the case has its policy.
fn policy(choice: &Choice, explanation: &Explanation) -> Markup {
    let name = |tried: &Tried| match &tried.name {
        Some(name) => format!("{} \"{name}\" (position {})", tried.policy, tried.position),
        None => format!("{} (position {})", tried.policy, tried.position),
    };
    html! {
        h2 class="part" { "Why this policy" }
        div class="frame" {
            ol {
                @for tried in &choice.rejected { li { (name(tried)) ": not chosen: " (tried.detail) } }
                @if let Some(chosen) = &choice.chosen {
                    li { strong { (name(chosen)) ": chosen, its conditions hold: " } (chosen.detail) }
                }
            }
            @if choice.chosen.is_none() { p { "No policy took the case, so it has no milestones." } }
            @if let Some(current) = &explanation.current { p { "Now: " (header(current)) } }
        }
    }
}

/// The header of a case, in its colour (3.6).
fn header(current: &Current) -> Markup {
    let class = match current.verdict() {
        Some(true) => "green",
        Some(false) => "red",
        None => "grey",
    };
    let text = match current {
        Current::Left { milestone, turn, left_ms, .. } => {
            format!("{}: {} left", words::milestone(*milestone, *turn), duration_text(*left_ms))
        }
        Current::Overdue { milestone, turn, for_ms, .. } => {
            format!("{}: overdue for {}", words::milestone(*milestone, *turn), duration_text(*for_ms))
        }
        Current::Completed { milestone, turn, outcome, .. } => {
            format!("{}: {}", words::milestone(*milestone, *turn), outcome.name())
        }
        Current::Closed { resolution_ms, .. } => format!("closed, resolved in {}", duration_text(*resolution_ms)),
    };
    html! { span class=(class) { (text) } }
}
