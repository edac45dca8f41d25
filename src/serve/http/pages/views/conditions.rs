//! The form of the conditions and the order of a view.

use datafusion::prelude::SessionContext;
use maud::{Markup, html};

use crate::error::Result;
use crate::model::event::{Priority, Sentiment, Status};
use crate::model::outcome::Outcome;
use crate::model::policy::Milestone;
use crate::model::view::Sort;
use crate::serve::http::case_view::CONDITIONS;
use crate::serve::http::pages::fields::{choice, suggested, values_of};
use crate::serve::http::pages::table::in_words;
use crate::serve::http::params::Params;

/// The form, which is open where a condition is set.
///
/// # Errors
/// When the tables with suggestions cannot be read.
pub async fn form(session: &SessionContext, params: &Params) -> Result<Markup> {
    let value = |name: &str| params.all(name).join(",");
    let is_set = CONDITIONS.iter().any(|name| !params.all(name).is_empty());
    let mut suggestions = Vec::new();
    for name in ["assignee", "platform", "profile", "language", "policy"] {
        let (title, values) = (in_words(name), values_of(session, "cases", name).await?);
        suggestions.push(suggested(&title, name, &values, &value(name)));
    }
    let sort = value("sort");
    let fields = params.all("field");
    Ok(html! {
        details class="filters" open[is_set] {
            summary { "Filters and order" }
            form class="ask" method="get" {
                @if let Ok(Some(user)) = params.one("user") { input type="hidden" name="user" value=(user); }
                (choice("Status", "status", Status::NAMES, &value("status")))
                (choice("Priority", "priority", Priority::NAMES, &value("priority")))
                @for suggestion in &suggestions { (suggestion) }
                (choice("Sentiment", "sentiment", Sentiment::NAMES, &value("sentiment")))
                (choice("Milestone", "milestone", Milestone::NAMES, &value("milestone")))
                (choice("Outcome", "outcome", Outcome::NAMES, &value("outcome")))
                @for field in &fields { label { "Field" input name="field" value=(field) size="14"; } }
                @if fields.is_empty() { label { "Field" input name="field" placeholder="tier=gold" size="14"; } }
                label { "Text has" input name="text" value=(value("text")) placeholder="refund, parcel" size="16"; }
                label { "At least as old as" input name="age_min" value=(value("age_min")) placeholder="1d" size="8"; }
                label { "Younger than" input name="age_below" value=(value("age_below")) placeholder="7d" size="8"; }
                label { "Order"
                    select name="sort" {
                        option value="" { "of the view" }
                        @for name in Sort::NAMES { option value=(name) selected[*name == sort] { (name.replace('_', " ")) } }
                    }
                }
                button { "Show" }
            }
        }
    })
}
