//! The rows of a query as content: a file of the project, which may use the range and the instant of the run.

use std::path::Path;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use futures::StreamExt;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::board::summary_figure;
use super::file::ContentFile;
use super::output::{Exported, at, check_name, check_row_formats, rendered_mail, words};
use crate::error::{Error, Result};
use crate::export::Shown;
use crate::metric::catalogue::empty_session;
use crate::metric::question::instant_value;
use crate::metric::range::{Range, zone_name};
use crate::model::time::Instant;
use crate::query::sql;
use crate::query::sql::{Script, problem};
use crate::report::format::mail::letter::{Block, Card, Letter, Part};
use crate::report::format::mail::of_letter;
use crate::report::table::capitalized;
use crate::report::text;
use crate::report::value::Value;
use crate::schedule::parcel::{Rendered, RunSummary};
use crate::schedule::sources::{Showing, Sources};
use crate::store::project;

/// What queries may use for the range, and for the instant of the run.
const OF_RANGE: [&str; 2] = ["$from", "$to"];
const SCHEDULED_AT: &str = "$scheduled_at";

/// The rows of a query that are sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SqlContent {
    /// Relative to the project.
    file: String,
    range: Option<String>,
    formats: Vec<String>,
    name: Option<String>,
    anonymize: bool,
    with_text: bool,
}

impl SqlContent {
    /// What is sent, in a few words.
    #[must_use]
    pub fn words(&self) -> String {
        words(&format!("rows of {}", self.file), self.range.as_deref(), &self.formats)
    }

    /// Reads the keys of a query.
    ///
    /// # Errors
    /// When there is a key that does nothing.
    pub fn of(file: ContentFile) -> std::result::Result<SqlContent, String> {
        file.check_keys("sql", &["range", "formats", "anonymize", "with_text", "name"])?;
        Ok(SqlContent {
            file: file.sql.unwrap_or_default(),
            range: file.range,
            formats: file.formats.map_or_else(|| vec!["csv".to_owned()], |formats| formats.0),
            name: file.name,
            anonymize: file.anonymize.unwrap_or_default(),
            with_text: file.with_text.unwrap_or_default(),
        })
    }

    /// What the names of the files begin with.
    pub fn stem(&self) -> &str {
        let stem = || Path::new(&self.file).file_stem().and_then(|stem| stem.to_str());
        self.name.as_deref().or_else(stem).unwrap_or("rows")
    }

    /// Everything that is wrong with what is written at that place. The query is understood, and not run.
    pub async fn check(&self, sources: &Sources, place: &str) -> Vec<Error> {
        let mut faults = check_row_formats(&self.formats, place);
        faults.extend(check_name(self.name.as_deref(), place));
        let range = self.range(&TimeZone::UTC, Instant(0), place);
        faults.extend(match range {
            Ok(range) => self.check_query(sources, range.as_ref(), place).await.err(),
            Err(error) => Some(error),
        });
        faults
    }

    async fn check_query(&self, sources: &Sources, range: Option<&Range>, place: &str) -> Result<()> {
        let script = self.script(sources, place)?;
        let session = match sources.has_log().await? {
            true => sql::session(sources.database(self.showing()).await?.as_ref()),
            false => sql::with_places(empty_session().await?),
        };
        self.plan(&session, &script, (range, Instant(0)), place).await.map(drop)
    }

    fn showing(&self) -> Showing {
        Showing { anonymize: self.anonymize, with_text: self.with_text }
    }

    fn range(&self, zone: &TimeZone, now: Instant, place: &str) -> Result<Option<Range>> {
        let range = self.range.as_deref().map(|range| Range::parse(range, zone, now)).transpose();
        range.map_err(|error| error.at(at(place, "range")))
    }

    fn script(&self, sources: &Sources, place: &str) -> Result<Script> {
        let path = sources.project.join(&self.file);
        let text = project::read_text(&path).map_err(|error| match Error::file(&path)(error) {
            error @ Error::File { .. } => {
                let hint = "name a file of the project, such as `exports/open-cases.sql`";
                Error::invalid(at(place, "sql"), error.to_string()).with_hint(hint)
            }
            error => error,
        })?;
        Ok(Script { name: self.file.clone(), text, reader: "a schedule" })
    }

    /// The plan of the only query, with its parameters.
    async fn plan(
        &self,
        session: &SessionContext,
        script: &Script,
        (range, scheduled_at): (Option<&Range>, Instant),
        place: &str,
    ) -> Result<LogicalPlan> {
        let plans = sql::plans(session, script).await.map_err(|error| match error {
            Error::Refused { message, .. } => {
                Error::invalid(&script.name, message).with_hint("write one query, which begins with SELECT or WITH")
            }
            error => error,
        })?;
        let [plan] = <[LogicalPlan; 1]>::try_from(plans).map_err(|plans| {
            let error = Error::invalid(&script.name, format!("expected one query, found {}", plans.len()));
            error.with_hint("write a file for each query, and `[[schedule.send]]` for each file")
        })?;
        let used = plan.get_parameter_names()?;
        if let Some(name) = used.iter().find(|name| *name != SCHEDULED_AT && !OF_RANGE.contains(&name.as_str())) {
            let error = Error::invalid(&script.name, format!("`{name}` is not a parameter"));
            return Err(error.with_hint("a query may use $from, $to and $scheduled_at"));
        }
        match (used.iter().any(|name| OF_RANGE.contains(&name.as_str())), range) {
            (true, None) => {
                let error = Error::invalid(
                    at(place, "range"),
                    format!("{} uses $from or $to, and there is no range", script.name),
                );
                return Err(error.with_hint("add one, such as `range = \"last full week\"`"));
            }
            (false, Some(_)) => {
                let error = Error::invalid(at(place, "range"), format!("{} uses neither $from nor $to", script.name));
                return Err(error
                    .with_hint("leave the range out, or use them: `WHERE created_at >= $from AND created_at < $to`"));
            }
            _ => {}
        }
        let mut values: Vec<(String, ScalarValue)> = vec![("scheduled_at".to_owned(), instant_value(scheduled_at))];
        if let Some(range) = range {
            values.extend(
                [("from", range.from), ("to", range.to)].map(|(name, at)| (name.to_owned(), instant_value(at))),
            );
        }
        plan.with_param_values(values).map_err(|error| problem::failed(error, script))
    }

    /// Renders the rows as of an instant.
    pub async fn render(&self, sources: &Sources, scheduled_at: Instant, zone: &TimeZone) -> Result<Rendered> {
        let script = self.script(sources, "")?;
        let range = self.range(zone, scheduled_at, "")?;
        let session = sql::session(sources.database(self.showing()).await?.as_ref());
        let plan = self.plan(&session, &script, (range.as_ref(), scheduled_at), "").await?;
        let mut stream = sql::run(&session, plan, &script).await?;
        let (schema, mut batches) = (stream.schema(), Vec::new());
        while let Some(batch) = stream.next().await {
            batches.push(batch.map_err(|error| problem::failed(error, &script))?);
        }
        let exported = Exported { schema, batches, shown: Shown::new(zone.clone(), "Rows") };
        let mut files = exported.files(self.stem(), &self.formats)?;
        let title = self.stem().replace(['_', '-'], " ");
        let title = capitalized(&title);
        let mut facts = Vec::new();
        if let Some(range) = &range {
            facts.push(("Range".to_owned(), range.text()));
        }
        facts.push(("Zone".to_owned(), zone_name(zone)));
        facts.push(("As of".to_owned(), text::as_of(scheduled_at, zone)));
        let rows = summary_figure("Rows", &Value::Count(exported.count() as f64));
        let block = match exported.count() {
            0 => Block::Text("The query gives no row.".to_owned()),
            _ => Block::Table(exported.in_mail(zone)?),
        };
        let card = Card { blocks: vec![block], ..Card::default() };
        let preview = format!("{} {}", rows.label, rows.text);
        let letter =
            Letter { title: title.clone(), facts, preview, parts: vec![Part::Card(card)], ..Letter::default() };
        files.extend(rendered_mail(of_letter(&letter)));
        let range = range.map_or_else(String::new, |range| format!("{} ({})", range.text(), zone_name(zone)));
        Ok(Rendered { summary: RunSummary { title, range, figures: vec![rows], ..RunSummary::default() }, files })
    }
}
