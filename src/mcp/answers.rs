//! The answers of the tools. Each has what a reader needs to judge it: definition, counts, what was left out.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::ScalarValue;
use rmcp::model::ContentBlock;
use serde_json::{Map, Value, json};

use super::sources::Sources;
use crate::error::{Error, Result};
use crate::export;
use crate::export::{Format, Shown};
use crate::metric::numbers::NumbersRequest;
use crate::metric::object::{definition, short, whole};
use crate::metric::range::parse_zone;
use crate::model::view::{Sort, ViewConditions};
use crate::query::case_views::{ViewQuestion, cases_of};
use crate::query::moment::Moment;
use crate::query::sql::Script;
use crate::query::sql::rows as rows_of_query;
use crate::report::dashboard_names;
use crate::report::made::ReportPlan;
use crate::report::question::Choices;
use crate::timeline::ExplainedCase;
use crate::timeline::object::object;

/// Rows of a query, unless another number is asked for.
const ROWS: usize = 200;
/// Cases of a search, unless another number is asked for.
const CASES: usize = 50;

/// Answers a tool.
pub(super) async fn answer(sources: &Sources, tool: &str, arguments: &Map<String, Value>) -> Result<Vec<ContentBlock>> {
    let asked = Asked { arguments };
    let answer = match tool {
        "list_metrics" => list_metrics(sources),
        "explain_metric" => explain_metric(sources, &asked)?,
        "ask_metric" => ask_metric(sources, &asked).await?,
        "render_widget" => return render_widget(sources, &asked).await,
        "find_cases" => find_cases(sources, &asked).await?,
        "explain_case" => explain_case(sources, &asked).await?,
        "sql" => query(sources, &asked).await?,
        _ => return Err(Error::refused(format!("there is no tool `{tool}`"))),
    };
    Ok(vec![ContentBlock::text(serde_json::to_string_pretty(&answer)?)])
}

/// What was passed to a tool.
struct Asked<'a> {
    arguments: &'a Map<String, Value>,
}

impl Asked<'_> {
    fn text(&self, name: &str) -> Result<Option<String>> {
        match self.arguments.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Error::invalid(name, "expected a text")),
        }
    }

    fn needed(&self, name: &str) -> Result<String> {
        self.text(name)?.ok_or_else(|| Error::invalid(name, "is needed"))
    }

    fn texts(&self, name: &str) -> Result<Vec<String>> {
        let wrong = || Error::invalid(name, "expected a list of texts");
        match self.arguments.get(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text.clone()]),
            Some(Value::Array(items)) => {
                items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
            }
            Some(_) => Err(wrong()),
        }
    }

    fn limit(&self, usual: usize) -> Result<usize> {
        let wrong = || Error::invalid("limit", "expected a whole number of rows, 1 or more");
        match self.arguments.get("limit") {
            None | Some(Value::Null) => Ok(usual),
            Some(value) => {
                let rows = value.as_u64().and_then(|rows| usize::try_from(rows).ok());
                rows.filter(|rows| *rows > 0).ok_or_else(wrong)
            }
        }
    }
}

fn list_metrics(sources: &Sources) -> Value {
    let metrics: Vec<Value> = sources.catalogue.iter().map(short).map(Value::from).collect();
    json!({"metrics": metrics, "boards": dashboard_names(&sources.project)})
}

fn explain_metric(sources: &Sources, asked: &Asked<'_>) -> Result<Value> {
    Ok(whole(sources.catalogue.get(&asked.needed("metric")?)?))
}

async fn ask_metric(sources: &Sources, asked: &Asked<'_>) -> Result<Value> {
    let request = NumbersRequest {
        metric: asked.needed("metric")?,
        range: asked.needed("range")?,
        by: asked.texts("by")?,
        grain: asked.text("grain")?,
        show: asked.texts("show")?,
        filters: asked.texts("where")?,
        compare: asked.texts("compare")?,
        sort: asked.texts("sort")?,
        limit: Some(asked.limit(ROWS)?),
    };
    let question = request.read(str::to_owned, &sources.zone, (sources.now)(), &sources.catalogue)?;
    let database = (sources.open)().await?;
    let numbers = question.shown(&database).await?.answer(&database, &sources.catalogue).await?;
    let metric = sources.catalogue.get(&request.metric)?;
    Ok(json!({
        "rows": rows(sources, &[numbers.for_machines()?])?,
        "counted_from": numbers.caption(),
        "notes": numbers.unknown,
        "definition": definition(metric),
    }))
}

/// The rows of batches as JSON.
fn rows(sources: &Sources, batches: &[RecordBatch]) -> Result<Value> {
    let Some(first) = batches.first() else { return Ok(json!([])) };
    let shown = Shown::new(sources.zone.clone(), "Rows");
    Ok(serde_json::from_slice(&export::file(Format::Json, &first.schema(), batches, &shown)?)?)
}

async fn render_widget(sources: &Sources, asked: &Asked<'_>) -> Result<Vec<ContentBlock>> {
    let choices = Choices {
        dashboard: asked.needed("board")?,
        widget: Some(asked.needed("widget")?),
        filters: asked.texts("where")?,
        formats: vec!["svg".to_owned(), "csv".to_owned()],
        ..Choices::default()
    };
    let zone = |own: Option<&str>| own.map_or_else(|| Ok(sources.zone.clone()), parse_zone);
    let project = (sources.project.as_path(), sources.catalogue.as_ref());
    let plan = ReportPlan::new(choices, asked.text("range")?, project, zone, (sources.now)())?;
    let database = (sources.open)().await?;
    let report = plan.answer(database, Arc::clone(&sources.catalogue), Moment::default()).await?;
    let files = report.question.choices.files(&report.page)?;
    let mut contents: Vec<ContentBlock> = files
        .into_iter()
        .map(|(_, file)| ContentBlock::text(String::from_utf8_lossy(&file.bytes).into_owned()))
        .collect();
    let (notes, range) = (&report.page.notes, &report.question.range.days);
    contents.push(ContentBlock::text(json!({"range": range, "notes": notes}).to_string()));
    Ok(contents)
}

/// Cases that have a text in their id, customer or text.
const SEARCH: &str = "\
    SELECT case_id, customer, profile, status, assignee, priority, created_at FROM cases \
    WHERE case_id = $search OR customer = $search OR strpos(lower(text), lower($search)) > 0 \
    ORDER BY created_at DESC, case_id";

async fn find_cases(sources: &Sources, asked: &Asked<'_>) -> Result<Value> {
    let limit = asked.limit(CASES)?;
    let database = (sources.open)().await?;
    let found = match (asked.text("view")?, asked.text("search")?) {
        (Some(view), None) => {
            let sort = asked.text("sort")?.map(|name| {
                let unknown = || Error::invalid("sort", format!("expected one of {}", Sort::NAMES.join(", ")));
                Sort::parse(&name).ok_or_else(unknown)
            });
            let (user, conditions) = (asked.needed("user")?, ViewConditions::default());
            let sort = sort.transpose()?;
            vec![cases_of(&database, &ViewQuestion { view, user, sort, conditions }).await?]
        }
        (None, Some(search)) => {
            let frame = database.session().sql(SEARCH).await?;
            frame.with_param_values(vec![("search", ScalarValue::from(search.as_str()))])?.collect().await?
        }
        _ => return Err(Error::refused("name either a `view` or what to `search` for")),
    };
    let count: usize = found.iter().map(RecordBatch::num_rows).sum();
    let shown = first(found, limit);
    Ok(json!({
        "cases": rows(sources, &shown)?,
        "found": count,
        "left_out": count.saturating_sub(limit),
        "as_of": database.as_of().to_string(),
    }))
}

/// The first rows of batches.
fn first(batches: Vec<RecordBatch>, rows: usize) -> Vec<RecordBatch> {
    let mut left = rows;
    let cut = |batch: RecordBatch| {
        let batch = batch.slice(0, left.min(batch.num_rows()));
        left -= batch.num_rows();
        batch
    };
    batches.into_iter().map(cut).collect()
}

async fn explain_case(sources: &Sources, asked: &Asked<'_>) -> Result<Value> {
    let id = asked.needed("case")?;
    let database = (sources.open)().await?;
    let Some(case) = ExplainedCase::read(&database, &id, Some(database.as_of())).await? else {
        return Err(Error::refused(format!("there is no case `{id}`")).with_hint("`find_cases` finds some"));
    };
    object(&id, &case.rows, case.explanation.as_ref(), database.people().pseudonyms.is_none())
}

async fn query(sources: &Sources, asked: &Asked<'_>) -> Result<Value> {
    let (text, limit) = (asked.needed("query")?, asked.limit(ROWS)?);
    let script = Script { name: "query".to_owned(), text, reader: "the tool `sql`" };
    let database = (sources.open)().await?;
    let answer = rows_of_query::rows(&database, &script, Some(limit)).await?;
    let (rows, as_of) = (rows(sources, &[answer.batch])?, database.as_of().to_string());
    Ok(json!({"rows": rows, "is_cut": answer.is_cut, "as_of": as_of}))
}
