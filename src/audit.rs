//! Checks: audit queries that derive the same things another way, in SQL alone, from the events and the facts (4.3).
//!
//! A check is a file of SQL under a header with the meaning of its rows. It returns none when all is well. No check
//! uses the code of replay, because it would share its mistakes.

use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::prelude::{DataFrame, SessionContext, ident};
use futures::StreamExt;

use crate::error::{Error, Result};
use crate::metric::catalogue::{empty_session, own_files, sql_place};
use crate::metric::functions;
use crate::metric::header_lines::{FileKind, HeaderLines};
use crate::query::database::Database;
use crate::spelling::did_you_mean;
use crate::store::engine::use_cores;

const KEYS: &[&str] = &["check", "title", "meaning", "when it speaks"];
const FILE_KIND: FileKind = FileKind { noun: "check", keys: KEYS, more_keys: &[] };

/// Path and text of each named file of `queries/check/`.
macro_rules! built_in {
    ($($name:literal)*) => {
        &[$((concat!("queries/check/", $name, ".sql"), include_str!(concat!("../queries/check/", $name, ".sql")))),*]
    };
}

/// The checks that come with the program, from the events to what rests on them.
const BUILT_IN: &[(&str, &str)] = built_in! {
    "events_once"
    "events_accounted"
    "findings_of_events"
    "cases_from_events"
    "periods_tile"
    "stays_and_neighbours"
    "period_causes"
    "standing_from_events"
    "cases_as_periods"
    "backlog_identity"
    "assignments_as_periods"
    "workload_two_ways"
    "assignees_then"
    "first_assignment"
    "first_response"
    "turns_in_order"
    "turns_and_messages"
    "active_time"
    "messages_from_events"
    "message_findings"
    "case_counts"
    "resolutions_in_order"
    "resolutions_from_events"
    "field_values_tile"
    "desk_versions_tile"
    "milestones_valid_once"
    "milestones_as_facts"
    "ledger_sums"
    "ledger_as_periods"
    "outcomes_from_ledger"
};

/// A check, as its file states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    pub name: String,
    pub title: String,
    /// What holds when it is silent.
    pub meaning: String,
    /// What a row means, and what to do.
    pub when_it_speaks: String,
    pub sql: String,
    /// Where the file is, for messages.
    pub file: String,
    /// Line on which the SQL begins, from 1.
    pub sql_line: usize,
}

/// What a check found.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// How many rows it returned; none when all is well.
    pub rows: usize,
    pub schema: SchemaRef,
    /// The first rows, in the order of their columns.
    pub first: Vec<RecordBatch>,
}

/// Every check that can be run.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    list: Vec<Check>,
}

impl Checks {
    /// The built-in checks, and behind them those of a project's `queries/check/`; a file of the same name takes the
    /// place of a built-in one. All are read and planned at once, against tables without rows.
    ///
    /// # Errors
    /// Everything that is wrong with any file: file, line and the fix.
    pub async fn load(project: &Path) -> std::result::Result<Checks, Vec<Error>> {
        let own = own_files(&project.join("queries").join("check")).map_err(|error| vec![error])?;
        let built_in = BUILT_IN.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned()));
        let (mut checks, mut errors) = (Checks::default(), Vec::new());
        for (file, text) in built_in.chain(own) {
            match Check::parse(&file, &text) {
                Ok(check) => checks.put(check),
                Err(found) => errors.extend(found),
            }
        }
        match empty_session().await {
            Ok(context) => errors.extend(checks.plan_all(&context).await),
            Err(error) => errors.push(error),
        }
        if errors.is_empty() { Ok(checks) } else { Err(errors) }
    }

    /// The checks of those names, in that order; all, where none is named.
    ///
    /// # Errors
    /// When there is no check of a name; the nearest one is the hint.
    pub fn select(&self, names: &[String]) -> Result<Vec<&Check>> {
        if names.is_empty() {
            return Ok(self.list.iter().collect());
        }
        names.iter().map(|name| self.get(name)).collect()
    }

    fn get(&self, name: &str) -> Result<&Check> {
        self.list.iter().find(|check| check.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.list.iter().map(|check| check.name.as_str()).collect();
            let hint = did_you_mean(name, names.iter().copied());
            let error = Error::refused(format!("there is no check `{name}`"));
            error.with_hint(hint.unwrap_or_else(|| format!("there are: {}", names.join(", "))))
        })
    }

    fn put(&mut self, check: Check) {
        match self.list.iter_mut().find(|known| known.name == check.name) {
            Some(known) => *known = check,
            None => self.list.push(check),
        }
    }

    async fn plan_all(&self, context: &SessionContext) -> Vec<Error> {
        let mut errors = Vec::new();
        for check in &self.list {
            errors.extend(check.plan(context).await.err());
        }
        errors
    }
}

impl Check {
    /// Reads a check's file.
    ///
    /// # Errors
    /// Everything that is wrong with the header, each with file, line and the fix.
    pub fn parse(file: &str, text: &str) -> std::result::Result<Check, Vec<Error>> {
        let mut errors = Vec::new();
        let lines = HeaderLines::read(FILE_KIND, file, text, &mut errors);
        lines.demand(KEYS, &mut errors);
        lines.demand_sql(&mut errors);
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Check {
            name: lines.value("check"),
            title: lines.value("title"),
            meaning: lines.value("meaning"),
            when_it_speaks: lines.value("when it speaks"),
            sql: lines.sql.trim_end().trim_end_matches(';').to_owned(),
            file: file.to_owned(),
            sql_line: lines.sql_line,
        })
    }

    /// Runs the check on a database, on so many cores.
    ///
    /// # Errors
    /// When the query cannot be run; the message names its file.
    pub async fn run_on(&self, database: &Database, limit: usize, cores: usize) -> Result<Verdict> {
        let context = functions::session(database);
        use_cores(&context, cores);
        self.run(&context, limit).await
    }

    /// Runs the check and keeps its first rows. Rows are put in order, so that the same facts give the same rows.
    ///
    /// # Errors
    /// When the query cannot be run; the message names its file.
    pub async fn run(&self, context: &SessionContext, limit: usize) -> Result<Verdict> {
        let frame = self.plan(context).await?;
        self.collect(frame, limit).await.map_err(|error| self.wrong(&error))
    }

    async fn collect(&self, frame: DataFrame, limit: usize) -> Result<Verdict> {
        let schema = frame.schema().inner().clone();
        let plain = schema.fields().iter().filter(|field| !field.data_type().is_nested());
        let order = plain.map(|field| ident(field.name()).sort(true, false)).collect();
        let mut stream = frame.sort(order)?.execute_stream().await?;
        let mut verdict = Verdict { rows: 0, schema, first: Vec::new() };
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            let wanted = limit.saturating_sub(verdict.rows).min(batch.num_rows());
            if wanted > 0 {
                verdict.first.push(batch.slice(0, wanted));
            }
            verdict.rows += batch.num_rows();
        }
        Ok(verdict)
    }

    /// Understands the SQL, which must name the case that a row is about.
    async fn plan(&self, context: &SessionContext) -> Result<DataFrame> {
        let frame = context.sql(&self.sql).await.map_err(|error| self.wrong(&error.into()))?;
        let texts = [DataType::Utf8View, DataType::Utf8, DataType::LargeUtf8, DataType::Null];
        let case_id = frame.schema().as_arrow().field_with_name("case_id");
        if case_id.is_ok_and(|field| texts.contains(field.data_type())) {
            return Ok(frame);
        }
        let error = Error::invalid(format!("{}:{}", self.file, self.sql_line), "the SQL lacks the column `case_id`");
        Err(error.with_hint("a row names the case it is about, null where it is about none"))
    }

    fn wrong(&self, error: &Error) -> Error {
        Error::invalid(sql_place(&self.file, self.sql_line, error), error.to_string())
            .with_hint("the SQL under the header must run by itself, without parameters")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_built_in_checks_are_the_files_of_their_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("queries").join("check");
        let checks = Checks::load(Path::new("/nowhere")).await.unwrap();
        let mut names: Vec<String> = checks.list.iter().map(|check| format!("{}.sql", check.name)).collect();
        names.sort();
        let entries = std::fs::read_dir(folder).unwrap();
        let mut files: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        files.sort();
        assert_eq!(names, files);
    }

    #[test]
    fn every_fault_of_a_header_is_named_with_its_line() {
        let text = "-- check: mine\n-- titel: Mine\n-- meaning: All is well.\nSELECT 1";
        let errors = Check::parse("queries/check/yours.sql", text).unwrap_err();
        let texts: Vec<String> =
            errors.iter().map(|error| format!("{error} / {}", error.hint().unwrap_or("-"))).collect();
        assert_eq!(
            texts,
            [
                "queries/check/yours.sql:2: `titel` is not a key of a check's header / did you mean `title`?",
                "queries/check/yours.sql:1: the check `mine` is in a file named `yours.sql` / name the file `mine.sql`",
                "queries/check/yours.sql:3: the header lacks `title` / add `-- title: …`",
                "queries/check/yours.sql:3: the header lacks `when it speaks` / add `-- when it speaks: …`",
            ]
        );
    }
}
