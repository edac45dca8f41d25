//! Cases: those of a search, sorted and paged.

use axum::extract::State;
use datafusion::logical_expr::{Expr, SortExpr, or};
use datafusion::prelude::{DataFrame, col, lit, lower, strpos};
use maud::{Markup, html};

use super::table::{case_link, collected, table};
use super::visit::{PageResult, PageVisitor};
use crate::error::{Error, Result};
use crate::serve::http::app::App;
use crate::serve::http::params::Params;
use crate::serve::http::site::{Framed, framed};

/// Cases of a page.
pub const ROWS: usize = 50;
/// What can be filtered by, and is shown.
const FILTERS: [&str; 4] = ["status", "priority", "platform", "assignee"];
const COLUMNS: [&str; 9] =
    ["case_id", "status", "priority", "assignee", "customer", "platform", "profile", "created_at", "resolved_at"];
const SORTS: [(&str, &str, bool); 4] = [
    ("newest", "created_at", false),
    ("oldest", "created_at", true),
    ("last-message", "last_customer_message_at", false),
    ("case", "case_id", true),
];

/// The cases of a search.
pub async fn cases(State(app): State<App>, params: Params, visitor: PageVisitor) -> PageResult<Markup> {
    let read = || {
        params.check(&["q", "sort", "page", "status", "priority", "platform", "assignee"])?;
        let page = params.number("page", 1..=1_000_000, 1)?;
        let filters = FILTERS.map(|name| (name, params.one(name)));
        Ok::<_, crate::serve::http::problem::Problem>((page, params.one("q")?, filters, params.one("sort")?))
    };
    let (page, search, filters, sort) = read().map_err(|problem| visitor.problem(problem))?;
    let mut found = Vec::new();
    for (name, value) in filters {
        found.extend(value.map_err(|problem| visitor.problem(problem))?.map(|value| (name, value.to_owned())));
    }
    let viewer = &visitor.visitor.viewer;
    let asked = async {
        let database = app.engine.database(viewer).await?;
        let frame = matching(database.session().table("cases").await?, search, &found)?;
        let total = frame.clone().count().await?;
        let sorted = frame.sort(order(sort)?)?.limit((page - 1) * ROWS, Some(ROWS))?.select_columns(&COLUMNS)?;
        let rows = collected(sorted).await?;
        Ok((rows, total, database.rights().role()))
    };
    let (rows, total, role) = app.engine.ask(viewer, asked).await.map_err(|error| visitor.problem(error))?;
    let caption = format!("{total} cases");
    let table = table(&caption, &rows, &app.engine.setup.zone, case_link).map_err(|error| visitor.problem(error))?;
    let main = html! { (table) (pager(&params, page, total)) };
    let page = Framed { title: "Cases", place: "/cases", is_live: true, head: form(&params), main };
    Ok(framed(&visitor.visitor, role, &page))
}

/// The cases whose id, customer or text has the words, with those values.
fn matching(cases: DataFrame, search: Option<&str>, filters: &[(&str, String)]) -> Result<DataFrame> {
    let mut frame = cases.filter(col("deleted_at").is_null())?;
    if let Some(search) = search {
        let has = |column: &str| -> Expr { strpos(lower(col(column)), lit(search.to_lowercase())).gt(lit(0)) };
        frame = frame.filter(or(or(has("case_id"), has("customer")), has("text")))?;
    }
    for (name, value) in filters {
        let condition = if value == "none" { col(*name).is_null() } else { col(*name).eq(lit(value.as_str())) };
        frame = frame.filter(condition)?;
    }
    Ok(frame)
}

fn order(sort: Option<&str>) -> Result<Vec<SortExpr>> {
    let sort = sort.unwrap_or("newest");
    let known = SORTS.iter().find(|(name, ..)| *name == sort);
    let (_, column, is_ascending) = known.ok_or_else(|| {
        let names: Vec<&str> = SORTS.iter().map(|(name, ..)| *name).collect();
        Error::invalid("sort", format!("`{sort}` is no order"))
            .with_hint(format!("the orders are {}", names.join(", ")))
    })?;
    Ok(vec![col(*column).sort(*is_ascending, false), col("case_id").sort(true, false)])
}

fn form(params: &Params) -> Markup {
    let value = |name: &str| params.one(name).ok().flatten().unwrap_or_default().to_owned();
    let sort = value("sort");
    html! {
        form class="ask" method="get" role="search" {
            label { "Case, customer or text" input name="q" type="search" value=(value("q")) size="28"; }
            @for name in FILTERS { label { (name) input name=(name) value=(value(name)) size="12"; } }
            label { "Order"
                select name="sort" { @for (name, ..) in SORTS { option value=(name) selected[name == sort] { (name.replace('-', " ")) } } }
            }
            button { "Show" }
        }
    }
}

/// The way to the pages before and after.
pub fn pager(params: &Params, page: usize, total: usize) -> Markup {
    let pages = total.div_ceil(ROWS).max(1);
    html! {
        nav class="pages" aria-label="Pages of the list" {
            @if page > 1 { a rel="prev" href=(params.with("page", &[&(page - 1).to_string()])) { "Before" } }
            span { "Page " (page) " of " (pages) }
            @if page < pages { a rel="next" href=(params.with("page", &[&(page + 1).to_string()])) { "After" } }
        }
    }
}
