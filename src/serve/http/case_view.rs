//! The question of a view of cases (7.3) as an address writes it.

use super::params::Params;
use super::problem::Problem;
use crate::error::{Error, Result};
use crate::model::event::{Priority, Sentiment, Status};
use crate::model::outcome::Outcome;
use crate::model::policy::Milestone;
use crate::model::time::parse_duration_ms;
use crate::model::view::{Sort, ViewConditions};
use crate::model::words::Keyword;
use crate::query::rights::Viewer;

/// The parameters of the conditions of 7.3. Each may list several values with commas, of which one is enough.
pub const CONDITIONS: &[&str] = &[
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

/// What an address asks of a view.
pub struct AskedView {
    /// Whose view; nothing where the visitor is no user and names none.
    pub user: Option<String>,
    pub sort: Option<Sort>,
    pub conditions: ViewConditions,
}

impl AskedView {
    /// Reads an address, whose parameters are `user`, `sort`, those of [`CONDITIONS`] and others.
    ///
    /// # Errors
    /// When a parameter is not among these, or a value is not one of those that are known.
    pub fn read(params: &Params, viewer: &Viewer, others: &[&str]) -> std::result::Result<AskedView, Problem> {
        params.check(&[&["user", "sort"], CONDITIONS, others].concat())?;
        let own = match viewer {
            Viewer::Owner => None,
            Viewer::User(user) => Some(user.as_str()),
        };
        let sort = match params.one("sort")? {
            None => None,
            Some(name) => Some(Sort::parse(name).ok_or_else(|| no_order(name))?),
        };
        let user = params.one("user")?.or(own).map(str::to_owned);
        Ok(AskedView { user, sort, conditions: conditions(params)? })
    }
}

fn no_order(name: &str) -> Error {
    let error = Error::invalid("sort", format!("`{name}` is no order"));
    error.with_hint(format!("the orders are {}", Sort::NAMES.join(", ")))
}

/// What must hold of a case beside the conditions of its view.
fn conditions(params: &Params) -> std::result::Result<ViewConditions, Problem> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_the_conditions_of_a_view() {
        let read = conditions(&Params::of(
            "status=open,new&assignee=none,ana&field=tier=gold,silver&text=refund&age_min=1d&outcome=overdue",
        ))
        .unwrap();
        assert_eq!(read.status, [Status::Open, Status::New]);
        assert_eq!(read.assignee, [None, Some("ana".to_owned())]);
        assert_eq!(read.fields, [("tier".to_owned(), vec!["gold".to_owned(), "silver".to_owned()])]);
        assert_eq!((read.text_any.len(), read.age_ms_min), (1, Some(86_400_000)));
        assert_eq!(read.outcome, [Outcome::Overdue]);
        for (query, detail) in [
            ("status=opened", "status: there is no `opened`"),
            ("field=tier", "field: `tier` has no `=`"),
            ("age_below=x", "age_below: "),
        ] {
            let problem = conditions(&Params::of(query)).unwrap_err();
            assert!(problem.detail.starts_with(detail), "{}", problem.detail);
        }
    }
}
