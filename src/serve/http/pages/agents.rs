//! Agents: who is online, what each holds against their capacity, and their skills.

use axum::extract::State;
use maud::{Markup, html};

use super::table::collected;
use super::visit::{PageResult, PageVisitor};
use crate::export;
use crate::serve::http::app::App;
use crate::serve::http::site::{Framed, framed, in_path};

/// The users as they are now: presence, workload as `x/y` in its colour (2.5), and skills.
const AGENTS: &str = r#"
SELECT users."user", users.name, users.role, users.team, coalesce(presence.presence, 'offline') AS presence,
       coalesce(workload.shown, '0/' || users.capacity) AS workload, coalesce(workload.colour, 'green') AS colour,
       skills.skills
FROM users
LEFT JOIN presence ON presence."user" = users."user" AND presence.until IS NULL
LEFT JOIN workload ON workload."user" = users."user" AND workload.until IS NULL
LEFT JOIN (SELECT "user", string_agg(DISTINCT skill, ', ' ORDER BY skill) AS skills FROM user_skills
           WHERE until IS NULL GROUP BY "user") AS skills ON skills."user" = users."user"
WHERE users.until IS NULL AND users.role <> 'none' AND NOT users.bot
ORDER BY CASE coalesce(presence.presence, 'offline') WHEN 'online' THEN 0 WHEN 'away' THEN 1 ELSE 2 END, users."user""#;

/// The agents.
pub async fn agents(State(app): State<App>, visitor: PageVisitor) -> PageResult<Markup> {
    let viewer = &visitor.visitor.viewer;
    let asked = async {
        let database = app.engine.database(viewer).await?;
        let frame = database.session().sql(AGENTS).await?;
        let rows = collected(frame).await?;
        Ok((export::texts(&rows, &app.engine.setup.zone)?, database.rights().role()))
    };
    let (rows, role) = app.engine.ask(viewer, asked).await.map_err(|error| visitor.problem(error))?;
    let online = rows.iter().filter(|row| row.get(4).is_some_and(|presence| presence == "online")).count();
    let main = html! {
        div class="frame" tabindex="0" role="group" aria-label="Agents" {
            table class="list" {
                caption class="caption" { (rows.len()) " users, " (online) " online. Workload is open cases against the capacity." }
                thead { tr { th scope="col" { "User" } th scope="col" { "Role" } th scope="col" { "Team" } th scope="col" { "Presence" }
                             th scope="col" { "Workload" } th scope="col" { "Skills" } } }
                tbody { @for row in &rows { (agent(row)) } }
            }
        }
    };
    let page = Framed { title: "Agents", place: "/agents", is_live: true, head: html! {}, main };
    Ok(framed(&visitor.visitor, role, &page))
}

fn agent(row: &[String]) -> Markup {
    let at = |place: usize| row.get(place).map(String::as_str).unwrap_or_default();
    let name = if at(1).is_empty() { at(0).to_owned() } else { format!("{} ({})", at(1), at(0)) };
    html! {
        tr {
            td { a href={ "/cases?assignee=" (in_path(at(0))) "&status=open" } { (name) } }
            td { (at(2)) } td { (at(3)) } td { (at(4)) } td class=(at(6)) { (at(5)) } td { (at(7)) }
        }
    }
}
