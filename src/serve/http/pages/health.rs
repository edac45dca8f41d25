//! Health: how old and large the log is, what was set aside, findings by rule, and schedules with their last runs.

use axum::extract::State;
use maud::{Markup, html};

use super::table::{Rows, collected};
use super::visit::{PageResult, PageVisitor};
use crate::query::rights::granted::ViewerRole;
use crate::serve::http::app::App;
use crate::serve::http::problem::Problem;
use crate::serve::http::site::{Framed, framed, is_of_supervisors};

/// What the page asks, under which heading.
const PARTS: [(&str, &str); 4] = [
    (
        "The log",
        "SELECT count(*) AS events, count(DISTINCT source) AS sources, min(time) AS first_event, max(time) AS last_event, \
         max(ingested_at) AS last_arrival, max(batch) AS last_batch FROM events",
    ),
    (
        "Lines that were set aside, by rule",
        "SELECT rule, count(*) AS lines, count(DISTINCT file) AS files, max(ingested_at) AS last FROM quarantine \
         GROUP BY rule ORDER BY lines DESC, rule",
    ),
    (
        "Findings, by rule",
        "SELECT rule, severity, count(*) AS findings, count(DISTINCT case_id) AS cases, max(time) AS last FROM findings \
         GROUP BY rule, severity ORDER BY findings DESC, rule",
    ),
    (
        "Last runs of schedules",
        "SELECT name, scheduled_at, state, ended_at, error FROM schedule_runs ORDER BY scheduled_at DESC, name LIMIT 20",
    ),
];

/// The page.
pub async fn health(State(app): State<App>, visitor: PageVisitor) -> PageResult<Markup> {
    let viewer = &visitor.visitor.viewer;
    let asked = async {
        let database = app.engine.database(viewer).await?;
        let role = database.rights().role();
        let mut parts = Vec::new();
        for (heading, sql) in PARTS.iter().filter(|_| is_of_supervisors(role)) {
            let frame = database.session().sql(sql).await?;
            let rows = collected(frame).await?;
            parts.push(Rows::new(heading, &rows, &app.engine.setup.zone).table(|_, _| None)?);
        }
        Ok((parts, role))
    };
    let (parts, role) = app.engine.ask(viewer, asked).await.map_err(|error| visitor.problem(error))?;
    if !is_of_supervisors(role) {
        return Err(visitor.problem(Problem::forbidden("this page is for supervisors and admins")));
    }
    let readiness = app.engine.readiness().await;
    let state = match (&readiness.problem, readiness.batches_behind) {
        // It may name files, or what not every supervisor may see.
        (Some(problem), _) if matches!(role, ViewerRole::Owner | ViewerRole::Admin) => {
            format!("The facts are not brought up to date: {problem}")
        }
        (Some(_), _) => "The facts are not brought up to date; admins see here why.".to_owned(),
        (None, 0) => format!("The facts contain every batch of the log, the last is {}.", readiness.batch),
        (None, behind) => format!("The facts are {behind} batches behind the log."),
    };
    let main = html! { @for part in parts { (part) } };
    let head = html! { p class="description" { (state) } };
    let page = Framed { title: "Health", place: "/health", is_live: true, head, main };
    Ok(framed(&visitor.visitor, role, &page))
}
