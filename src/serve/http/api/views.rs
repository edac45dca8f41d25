//! The views that a user has, and the cases of one.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::encode::RowFormat;
use crate::error::Error;
use crate::export::Shown;
use crate::query::case_views::{ViewQuestion, cases_of, listed, views_of};
use crate::serve::http::app::App;
use crate::serve::http::case_view::AskedView;
use crate::serve::http::params::Params;
use crate::serve::http::problem::Problem;
use crate::serve::http::visitor::Visitor;

/// The views that a user has, with the number of cases in each
#[utoipa::path(
    get, path = "/views",
    params(
        ("user" = Option<String>, Query, description = "Whose views; else those of the user of the token"),
        ("format" = Option<String>, Query, description = "json, csv, ndjson, parquet, xlsx, arrow; else by `Accept`"),
    ),
    responses((status = 200, description = "The built-in views, then the others by id"), (status = 400, description = "No user, or another agent")),
)]
pub async fn list(
    State(app): State<App>,
    params: Params,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    params.check(&["user", "format"])?;
    let format = RowFormat::asked(&params, &headers)?;
    let user = user(AskedView::read(&params, &visitor.viewer, &["format"])?.user)?;
    let shown = Shown::new(app.engine.setup.zone.clone(), "Views");
    let answer = async {
        let views = listed(&views_of(&*app.engine.database(&visitor.viewer).await?, &user).await?)?;
        format.answer(&views.schema(), &[views], &shown, "views")
    };
    Ok(app.engine.ask(&visitor.viewer, answer).await?.response(&headers))
}

/// The cases of a view, in its order, each with its header
#[utoipa::path(
    get, path = "/views/{name}",
    params(
        ("name" = String, Path, description = "A built-in view such as `inbox`, or the id of a view of the desk"),
        ("user" = Option<String>, Query, description = "Whose view; else that of the user of the token"),
        ("sort" = Option<String>, Query, description = "The order; else that of the view"),
        ("status" = Option<String>, Query, description = "Of each condition several values, separated by commas, of which one is enough"),
        ("priority" = Option<String>, Query),
        ("assignee" = Option<String>, Query, description = "`none` is a case without one, also below"),
        ("platform" = Option<String>, Query),
        ("profile" = Option<String>, Query),
        ("policy" = Option<String>, Query),
        ("sentiment" = Option<String>, Query),
        ("language" = Option<String>, Query),
        ("milestone" = Option<String>, Query),
        ("outcome" = Option<String>, Query),
        ("field" = Option<Vec<String>>, Query, description = "`NAME=VALUE`; may be given several times"),
        ("text" = Option<String>, Query, description = "Words, of which the text has one"),
        ("age_min" = Option<String>, Query, description = "Such as `1d`: cases that are at least as old"),
        ("age_below" = Option<String>, Query, description = "Such as `7d`: cases that are younger"),
        ("format" = Option<String>, Query, description = "json, csv, ndjson, parquet, xlsx, arrow; else by `Accept`"),
    ),
    responses(
        (status = 200, description = "The cases as of the last event"),
        (status = 400, description = "The question cannot be understood"),
        (status = 404, description = "The user has no such view"),
    ),
)]
pub async fn view(
    State(app): State<App>,
    Path(view): Path<String>,
    params: Params,
    visitor: Visitor,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let format = RowFormat::asked(&params, &headers)?;
    let AskedView { user: asked, sort, conditions } = AskedView::read(&params, &visitor.viewer, &["format"])?;
    let user = user(asked)?;
    let shown = Shown::new(app.engine.setup.zone.clone(), "Cases");
    let answer = async {
        let database = app.engine.database(&visitor.viewer).await?;
        let question = ViewQuestion { view: view.clone(), user, sort, conditions };
        match cases_of(&database, &question).await {
            Ok(cases) => Ok(Some(format.answer(&cases.schema(), &[cases], &shown, "cases")?)),
            // Only then the views are counted, which reads the cases of each.
            Err(error) => {
                let views = views_of(&database, &question.user).await?;
                if views.iter().any(|known| known.name == view) { Err(error) } else { Ok(None) }
            }
        }
    };
    let missing = || Problem::new(StatusCode::NOT_FOUND, format!("there is no view `{view}`"));
    let missing = || missing().with_hint("`/api/v1/views` lists them");
    Ok(app.engine.ask(&visitor.viewer, answer).await?.ok_or_else(missing)?.response(&headers))
}

fn user(asked: Option<String>) -> Result<String, Error> {
    asked.ok_or_else(|| Error::invalid("user", "views are those of a user").with_hint("name one, such as `user=ana`"))
}
