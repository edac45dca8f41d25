//! The conditions of 7.3 in an address: what must hold of a case beside the conditions of its view. A parameter may list several
//! values with commas, of which one is enough.

use datafusion::prelude::SessionContext;
use maud::{Markup, html};

use crate::error::{Error, Result};
use crate::model::event::{Priority, Sentiment, Status};
use crate::model::outcome::Outcome;
use crate::model::policy::Milestone;
use crate::model::time::parse_duration_ms;
use crate::model::view::{Sort, ViewConditions};
use crate::model::words::Keyword;
use crate::serve::http::pages::fields::{choice, suggested, values_of};
use crate::serve::http::pages::table::in_words;
use crate::serve::http::params::Params;
use crate::serve::http::problem::Problem;

/// The parameters.
pub const PARAMETERS: &[&str] = &[
    "status",
    "priority",
    "assignee",
    "platform",
    "profile",
    "policy",
    "sentiment",
    "language",
    "milestone",
    "outcome",
    "field",
    "text",
    "age_min",
    "age_below",
];

/// The conditions in an address.
///
/// # Errors
/// When a value is not one of those that are known.
pub fn read(params: &Params) -> std::result::Result<ViewConditions, Problem> {
    let text = params.list("text");
    let field = |typed: &String| match typed.split_once('=') {
        Some((name, values)) => Ok((name.trim().to_owned(), parts(values))),
        None => Err(Error::invalid("field", format!("`{typed}` has no `=`")).with_hint("such as `field=tier=gold`")),
    };
    Ok(ViewConditions {
        status: named(params, "status", Status::NAMES, Status::parse)?,
        assignee: or_none(params, "assignee"),
        profile: or_none(params, "profile"),
        policy: or_none(params, "policy"),
        priority: named(params, "priority", Priority::NAMES, Priority::parse)?,
        platform: params.list("platform"),
        sentiment: named(params, "sentiment", Sentiment::NAMES, Sentiment::parse)?,
        language: params.list("language"),
        milestone: named(params, "milestone", Milestone::NAMES, Milestone::parse)?,
        outcome: named(params, "outcome", Outcome::NAMES, Outcome::parse)?,
        fields: params.all("field").iter().map(field).collect::<Result<_>>()?,
        text_any: text.iter().map(|word| Keyword::new(word)).collect(),
        age_ms_min: duration(params, "age_min")?,
        age_ms_below: duration(params, "age_below")?,
        ..ViewConditions::default()
    })
}

fn parts(values: &str) -> Vec<String> {
    values.split(',').map(|value| value.trim().to_owned()).collect()
}

fn named<T>(
    params: &Params,
    name: &str,
    names: &[&str],
    parse: fn(&str) -> Option<T>,
) -> std::result::Result<Vec<T>, Problem> {
    let one = |typed: &String| {
        let unknown = || Error::invalid(name, format!("there is no `{typed}`"));
        parse(typed).ok_or_else(|| unknown().with_hint(format!("there are {}", names.join(", "))))
    };
    Ok(params.list(name).iter().map(one).collect::<Result<_>>()?)
}

/// Texts, of which `none` is a case without one.
fn or_none(params: &Params, name: &str) -> Vec<Option<String>> {
    params.list(name).into_iter().map(|value| (value != "none").then_some(value)).collect()
}

fn duration(params: &Params, name: &str) -> std::result::Result<Option<i64>, Problem> {
    let Some(text) = params.one(name)? else { return Ok(None) };
    let ms = parse_duration_ms(text).map_err(|refusal| Error::invalid(name, refusal.to_string()));
    Ok(Some(ms?))
}

/// The form, which is open where a condition is set.
///
/// # Errors
/// When the tables with suggestions cannot be read.
pub async fn form(session: &SessionContext, params: &Params) -> Result<Markup> {
    let value = |name: &str| params.all(name).join(",");
    let is_set = PARAMETERS.iter().any(|name| !params.all(name).is_empty());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_the_conditions_of_a_view() {
        let conditions = read(&Params::of(
            "status=open,new&assignee=none,ana&field=tier=gold,silver&text=refund&age_min=1d&outcome=overdue",
        ))
        .unwrap();
        assert_eq!(conditions.status, [Status::Open, Status::New]);
        assert_eq!(conditions.assignee, [None, Some("ana".to_owned())]);
        assert_eq!(conditions.fields, [("tier".to_owned(), vec!["gold".to_owned(), "silver".to_owned()])]);
        assert_eq!((conditions.text_any.len(), conditions.age_ms_min), (1, Some(86_400_000)));
        assert_eq!(conditions.outcome, [Outcome::Overdue]);
        for (query, detail) in [
            ("status=opened", "status: there is no `opened`"),
            ("field=tier", "field: `tier` has no `=`"),
            ("age_below=x", "age_below: "),
        ] {
            let problem = read(&Params::of(query)).unwrap_err();
            assert!(problem.detail.starts_with(detail), "{}", problem.detail);
        }
    }
}
