//! Why a query was not answered: the place in its text, what was expected, and the nearest name.

use datafusion::common::{Column, DataFusionError, SchemaError, TableReference};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::keywords::ALL_KEYWORDS;

use super::names::tables;
use super::script::Script;
use crate::error::{Error, lower_first};
use crate::spelling::{did_you_mean, nearest};
use crate::store::question_memory::QuestionMemory;

/// Words that begin the parts of a query; a slip in one of them puzzles the parser most.
const PARTS: &[&str] = &["select", "from", "where", "group", "order", "having", "limit", "join", "union", "with"];

/// There is nothing but white space and comments.
pub fn nothing_asked(script: &Script) -> Error {
    Error::invalid(&script.name, "there is nothing to answer").with_hint("`casebook sql '\\d'` lists the tables")
}

/// The text is not SQL.
pub fn unreadable(error: &DataFusionError, script: &Script) -> Error {
    let text = plain(error);
    let (message, place) = match text.rsplit_once(" at Line: ") {
        Some((message, place)) => {
            let (line, column) = place.split_once(", Column: ").unwrap_or((place, "1"));
            (message, at(script, line, column))
        }
        None => (text.as_str(), script.name.clone()),
    };
    let message = message.trim_start_matches("sql parser error: ").replace("Expected: ", "expected ");
    let (expected, found) = message.split_once(", found: ").unwrap_or((&message, ""));
    match found {
        "" => Error::invalid(place, lower_first(expected)),
        "EOF" => Error::invalid(place, format!("{}, found the end", lower_first(expected))),
        _ => misplaced(Error::invalid(place, format!("{}, found `{found}`", lower_first(expected))), found),
    }
}

/// A hint about a word in a wrong place.
fn misplaced(error: Error, found: &str) -> Error {
    let word = found.to_lowercase();
    if ALL_KEYWORDS.binary_search(&found.to_uppercase().as_str()).is_ok() {
        return error.with_hint(format!("`{word}` is a word of SQL; a column of that name is `\"{word}\"`"));
    }
    error.with_any_hint(did_you_mean(&word, PARTS.iter().copied()))
}

/// The statement would change something.
#[must_use]
pub fn read_only(what: &str, script: &Script) -> Error {
    let error = Error::refused(format!("`{what}` is refused: {} only reads", script.reader));
    error.with_hint("`-o FILE` writes the rows of a query to a file; the log grows by `casebook ingest`")
}

/// The statement is SQL, but names what is not there or compares what cannot be compared.
pub fn meaningless(session: &SessionContext, error: DataFusionError, statement: &Statement, script: &Script) -> Error {
    let place = place(&error, script);
    match error.find_root() {
        DataFusionError::SchemaError(problem, _) => match problem.as_ref() {
            SchemaError::FieldNotFound { field, valid_fields } => {
                unknown_column(session, place, field, valid_fields, script)
            }
            _ => general(place, &error),
        },
        DataFusionError::Plan(_) => match unknown_table(session, statement) {
            Some(table) => no_such_table(session, place, &table),
            None => general(place, &error),
        },
        _ => general(place, &error),
    }
}

/// The query went wrong while it ran.
pub fn failed(error: DataFusionError, script: &Script) -> Error {
    if let Some(refused) = too_much_memory(&error) {
        return refused;
    }
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_) => {
            let error = Error::refused("the query needs more memory than it may have, and cannot spill");
            error.with_hint("give it more with `--memory`, such as `--memory 8GiB`, or ask for fewer columns")
        }
        _ => general(script.name.clone(), &error),
    }
}

/// The error of a question that needs more memory than a question may have; nothing where it failed for another reason.
#[must_use]
pub fn too_much_memory(error: &DataFusionError) -> Option<Error> {
    let refused = Error::refused(QuestionMemory::refusal(error)?);
    Some(refused.with_hint("ask for fewer columns or a shorter range, or ask again later; `--memory` of the process gives every question more"))
}

/// The error for a table that is not there.
pub fn no_such_table(session: &SessionContext, place: String, table: &str) -> Error {
    let names = tables(session);
    let hint = did_you_mean(table, names.iter().map(String::as_str));
    let error = Error::invalid(place, format!("there is no table `{table}`"));
    error.with_hint(hint.unwrap_or_else(|| "`casebook sql '\\d'` lists the tables".to_owned()))
}

/// What a statement does, in its own first word.
pub fn first_word(statement: &Statement) -> String {
    let text = statement.to_string();
    let mut words = text.split_whitespace().filter(|word| !matches!(*word, "EXPLAIN" | "ANALYZE" | "VERBOSE"));
    words.next().unwrap_or_default().to_owned()
}

fn unknown_column(session: &SessionContext, at: String, field: &Column, valid: &[Column], script: &Script) -> Error {
    let name = field.name();
    let error = Error::invalid(at, format!("there is no column `{}`", field.flat_name()));
    // `status = "Done"` is meant as a text.
    if script.text.contains(&format!("\"{name}\"")) && nearest(name, valid.iter().map(Column::name)).is_none() {
        return error.with_hint(format!("a text is written in single quotes: `'{name}'`"));
    }
    let near = did_you_mean(name, valid.iter().map(Column::name));
    error.with_hint(near.unwrap_or_else(|| {
        let table = valid.iter().find_map(|column| column.relation.as_ref()).map(TableReference::table);
        match table.filter(|table| tables(session).iter().any(|known| known == table)) {
            Some(table) => format!("`casebook sql '\\d {table}'` lists the columns"),
            None if valid.is_empty() => "columns come from a table: `select … from TABLE`".to_owned(),
            None => format!("there are {}", valid.iter().map(Column::quoted_flat_name).collect::<Vec<_>>().join(", ")),
        }
    }))
}

/// The first table of a statement that does not exist.
fn unknown_table(session: &SessionContext, statement: &Statement) -> Option<String> {
    let state = session.state();
    let references = state.resolve_table_references(statement).ok()?;
    let unknown = references.into_iter().find(|reference| {
        let function = state.table_functions().contains_key(reference.table());
        !function && !session.table_exist(reference.clone()).unwrap_or(true)
    })?;
    Some(unknown.to_string())
}

/// The engine's own words; those after the first line are advice.
fn general(place: String, error: &DataFusionError) -> Error {
    let text = plain(error);
    // The engine reports a call with wrong types at length, as an error of its own; the end of the text is enough.
    let text = text.find("No function matches").and_then(|at| text.get(at..)).unwrap_or(&text);
    let ends = ["Did you mean", "You might need", "The calendars are", "The log has no", "\n"];
    let end = ends.iter().filter_map(|end| text.find(end)).min().unwrap_or(text.len());
    let (message, advice) = text.split_at(end);
    let error = Error::invalid(place, quoted(&lower_first(message.trim().trim_end_matches('.'))));
    let advice = advice.split_whitespace().collect::<Vec<_>>().join(" ");
    if advice.is_empty() { error } else { error.with_hint(quoted(&lower_first(&advice))) }
}

/// The engine's name of the type of texts as `\d` shows it, and its quotes as ours where they are paired.
fn quoted(text: &str) -> String {
    let text = text.replace("Utf8View", "text");
    if text.matches('\'').count().is_multiple_of(2) { text.replace('\'', "`") } else { text }
}

/// The engine's message without the names of its layers.
fn plain(error: &DataFusionError) -> String {
    match error {
        DataFusionError::Diagnostic(_, source) | DataFusionError::Context(_, source) => plain(source),
        error => strip_layers(&error.find_root().strip_backtrace()),
    }
}

fn strip_layers(text: &str) -> String {
    let layers = [
        "Error during planning: ",
        "SQL error: ",
        "Schema error: ",
        "Execution error: ",
        "External error: ",
        "Arrow error: ",
        "Optimizer rule error: ",
        "Cast error: ",
        "Parser error: ",
        "This feature is not implemented: ",
    ];
    let stripped = layers.iter().fold(text, |text, layer| text.strip_prefix(layer).unwrap_or(text));
    let stripped =
        stripped.strip_prefix("ParserError(\"").and_then(|rest| rest.strip_suffix("\")")).unwrap_or(stripped);
    stripped.to_owned()
}

fn place(error: &DataFusionError, script: &Script) -> String {
    match error.diagnostic().and_then(|diagnostic| diagnostic.span) {
        Some(span) => at(script, &span.start.line.to_string(), &span.start.column.to_string()),
        None => script.name.clone(),
    }
}

fn at(script: &Script, line: &str, column: &str) -> String {
    format!("{}:{line}:{column}", script.name)
}
