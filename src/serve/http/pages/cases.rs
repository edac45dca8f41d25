//! Cases: those of a search, sorted and paged.

use arrow::array::RecordBatch;
use axum::extract::State;
use datafusion::logical_expr::{Expr, SortExpr, or};
use datafusion::prelude::{DataFrame, SessionContext, col, lit, lower, strpos};
use maud::{Markup, html};

use super::fields::{choice, suggested, values_of};
use super::table::{Rows, case_link, collected, in_words, ordering};
use super::visit::{PageResult, PageVisitor};
use crate::error::{Error, Result};
use crate::model::event::{Priority, Status};
use crate::serve::http::app::App;
use crate::serve::http::params::Params;
use crate::serve::http::problem::Problem;
use crate::serve::http::site::{Framed, framed};

/// Cases of a page.
pub const ROWS: usize = 50;
/// What can be filtered by, and is shown.
const FILTERS: [&str; 4] = ["status", "priority", "platform", "assignee"];
const COLUMNS: [&str; 9] =
    ["case_id", "status", "priority", "assignee", "customer", "platform", "profile", "created_at", "resolved_at"];
/// Each order with its column, and whether it begins with the least.
const SORTS: [(&str, &str, bool); 7] = [
    ("newest", "created_at", false),
    ("oldest", "created_at", true),
    ("resolved-last", "resolved_at", false),
    ("resolved-first", "resolved_at", true),
    ("last-message", "last_customer_message_at", false),
    ("case", "case_id", true),
    ("case-last", "case_id", false),
];

/// What the page asks for.
struct Asked<'p> {
    page: usize,
    search: Option<&'p str>,
    filters: Vec<(&'static str, &'p str)>,
    sort: &'p str,
}

impl<'p> Asked<'p> {
    fn read(params: &'p Params) -> std::result::Result<Asked<'p>, Problem> {
        params.check(&["q", "sort", "page", "status", "priority", "platform", "assignee"])?;
        let mut filters = Vec::new();
        for name in FILTERS {
            filters.extend(params.one(name)?.map(|value| (name, value)));
        }
        let (page, search) = (params.number("page", 1..=1_000_000, 1)?, params.one("q")?);
        Ok(Asked { page, search, filters, sort: params.one("sort")?.unwrap_or("newest") })
    }
}

/// The cases of a search.
pub async fn cases(State(app): State<App>, params: Params, visitor: PageVisitor) -> PageResult<Markup> {
    let asked = Asked::read(&params).map_err(|problem| visitor.problem(problem))?;
    let viewer = &visitor.visitor.viewer;
    let answer = async {
        let database = app.engine.database(viewer).await?;
        let session = database.session();
        let frame = matching(session.table("cases").await?, asked.search, &asked.filters)?;
        let total = frame.clone().count().await?;
        let page = frame.sort(order(asked.sort)?)?.limit((asked.page - 1) * ROWS, Some(ROWS))?;
        let rows = collected(page.select_columns(&COLUMNS)?).await?;
        Ok((rows, total, form(&session, &params).await?, database.rights().role()))
    };
    let (rows, total, form, role) = app.engine.ask(viewer, answer).await.map_err(|error| visitor.problem(error))?;
    let caption = counted(total);
    let heading = |name: &str| {
        let orders = match name {
            "case_id" => [("case", true), ("case-last", false)],
            "created_at" => [("newest", false), ("oldest", true)],
            "resolved_at" => [("resolved-last", false), ("resolved-first", true)],
            _ => return None,
        };
        Some(ordering(&params, &in_words(name), orders, asked.sort))
    };
    let table = Rows::new(&caption, &rows, &app.engine.setup.zone).table_with(case_link, heading);
    let main = html! { (table.map_err(|error| visitor.problem(error))?) (pager(&params, asked.page, total)) };
    let page = Framed { title: "Cases", place: "/cases", is_live: true, head: form, main };
    Ok(framed(&visitor.visitor, role, &page))
}

/// How many cases there are, in words.
pub fn counted(total: usize) -> String {
    if total == 1 { "1 case".to_owned() } else { format!("{total} cases") }
}

/// The cases whose id, customer or text has the words, with those values.
fn matching(cases: DataFrame, search: Option<&str>, filters: &[(&str, &str)]) -> Result<DataFrame> {
    let mut frame = cases.filter(col("deleted_at").is_null())?;
    if let Some(search) = search {
        let has = |column: &str| -> Expr { strpos(lower(col(column)), lit(search.to_lowercase())).gt(lit(0)) };
        frame = frame.filter(or(or(has("case_id"), has("customer")), has("text")))?;
    }
    for (name, value) in filters {
        let condition = if *value == "none" { col(*name).is_null() } else { col(*name).eq(lit(*value)) };
        frame = frame.filter(condition)?;
    }
    Ok(frame)
}

fn order(sort: &str) -> Result<Vec<SortExpr>> {
    let known = SORTS.iter().find(|(name, ..)| *name == sort);
    let (_, column, is_ascending) = known.ok_or_else(|| {
        let names: Vec<&str> = SORTS.iter().map(|(name, ..)| *name).collect();
        Error::invalid("sort", format!("`{sort}` is no order"))
            .with_hint(format!("the orders are {}", names.join(", ")))
    })?;
    let mut order = vec![col(*column).sort(*is_ascending, false)];
    order.extend((*column != "case_id").then(|| col("case_id").sort(true, false)));
    Ok(order)
}

async fn form(session: &SessionContext, params: &Params) -> Result<Markup> {
    let value = |name: &str| params.one(name).ok().flatten().unwrap_or_default().to_owned();
    let sort = value("sort");
    let (platforms, assignees) =
        (values_of(session, "cases", "platform").await?, values_of(session, "cases", "assignee").await?);
    Ok(html! {
        form class="ask" method="get" role="search" {
            label { "Case, customer or text" input name="q" type="search" value=(value("q")) size="28"; }
            (choice("Status", "status", Status::NAMES, &value("status")))
            (choice("Priority", "priority", Priority::NAMES, &value("priority")))
            (suggested("Platform", "platform", &platforms, &value("platform")))
            (suggested("Assignee", "assignee", &assignees, &value("assignee")))
            label { "Order"
                select name="sort" { @for (name, ..) in SORTS { option value=(name) selected[name == sort] { (name.replace('-', " ")) } } }
            }
            button { "Show" }
        }
    })
}

/// The rows of a page of the list.
pub fn of_page(rows: &RecordBatch, page: usize) -> RecordBatch {
    let first = ((page - 1) * ROWS).min(rows.num_rows());
    rows.slice(first, ROWS.min(rows.num_rows() - first))
}

/// The way to the pages before and after.
pub fn pager(params: &Params, page: usize, total: usize) -> Markup {
    let pages = total.div_ceil(ROWS).max(1);
    html! {
        nav class="pages" aria-label="Pages of the list" {
            @if page > 1 { a rel="prev" href=(params.with("page", &[&(page - 1).to_string()])) { "Previous" } }
            span { "Page " (page) " of " (pages) }
            @if page < pages { a rel="next" href=(params.with("page", &[&(page + 1).to_string()])) { "Next" } }
        }
    }
}
