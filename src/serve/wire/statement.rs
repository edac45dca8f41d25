//! Statements as clients write them: what each asks for. What is not a question, a setting or a step of a transaction that
//! only reads is refused here, before anything is planned.

use datafusion::sql::parser::{DFParser, Statement as Parsed};
use datafusion::sql::sqlparser::ast::{
    CloseCursor, ContextModifier, DiscardObject, Expr, FetchDirection, Ident, Reset, Set, SetExpr, Statement as Sql,
    TransactionAccessMode, TransactionMode, Value,
};
use datafusion_postgres::datafusion_pg_catalog::sql::PostgresCompatibilityParser;

use super::absent::without_absent;
use super::problem::{Answer, NOT_SUPPORTED, Problem, READ_ONLY, SYNTAX, TOO_MUCH};
use crate::query::sql::script::Script;
use crate::query::sql::{self, problem, size};

/// What one statement asks for.
#[derive(Clone, Debug)]
pub enum Asked {
    Question(Question),
    Show(String),
    ShowAll,
    Set(Vec<(String, String)>),
    Reset(Option<String>),
    Begin,
    Commit,
    Rollback,
    /// Within a transaction: the tag of what has no effect, since nothing is written.
    Savepoint(&'static str),
    RollbackToSavepoint,
    Declare {
        cursor: String,
        question: Question,
    },
    Fetch {
        cursor: String,
        rows_max: Option<usize>,
    },
    Close(Option<String>),
    Deallocate(Option<String>),
    Discard,
    /// The tag of what is accepted and has no effect.
    Nothing(&'static str),
}

/// A question that the engine answers.
#[derive(Clone, Debug)]
pub struct Question {
    /// What the statement is called when it is done.
    pub tag: &'static str,
    pub text: String,
    /// As it was written.
    pub written: Option<Box<Parsed>>,
    /// With PostgreSQL's names and forms replaced by those that the engine has.
    pub compatible: Option<Box<Sql>>,
    /// Whether it is about PostgreSQL's catalogue, or what only that has.
    pub is_about_catalogue: bool,
}

/// Understands texts.
#[derive(Debug)]
pub struct Reader {
    compatible: PostgresCompatibilityParser,
}

/// Parts of a text that only PostgreSQL's catalogue and functions have.
const CATALOGUE_MARKS: &[&str] =
    &["pg_", "::reg", "information_schema", "current_", "session_user", "version(", "operator(", "collate"];

/// What answers the statements, for messages.
const READER: &str = "the Postgres wire";

impl Reader {
    /// A reader. It is made once, since it knows many statements of clients.
    #[must_use]
    pub fn new() -> Reader {
        Reader { compatible: PostgresCompatibilityParser::new() }
    }

    /// The statements of a text; none where it has nothing but white space and comments.
    ///
    /// # Errors
    /// When it is too large, no SQL, or a statement does more than read.
    pub fn read(&self, text: &str) -> Answer<Vec<Asked>> {
        if let Some(excess) = size::excess(text) {
            return Err(Problem::new(TOO_MUCH, excess));
        }
        let written = DFParser::parse_sql(text);
        let compatible = self.compatible.parse(text);
        let (mut written, mut compatible) = match (written, compatible) {
            (Ok(written), compatible) => (Vec::from(written), compatible.unwrap_or_default()),
            (Err(_), Ok(compatible)) => (Vec::new(), compatible),
            (Err(error), Err(_)) => return Err(Problem::of(problem::unreadable(&error, &script(text)), SYNTAX, text)),
        };
        if compatible.is_empty() {
            let questions = written.into_iter().map(|statement| question(text, Some(statement), None));
            return questions.map(|question| question.map(Asked::Question)).collect();
        }
        if written.len() != compatible.len() {
            written.clear();
        }
        compatible.iter_mut().for_each(without_absent);
        let mut written = written.into_iter();
        compatible.into_iter().map(|statement| asked(text, written.next(), statement)).collect()
    }
}

impl Default for Reader {
    fn default() -> Reader {
        Reader::new()
    }
}

/// A text for messages.
#[must_use]
pub fn script(text: &str) -> Script {
    Script { name: "query".to_owned(), text: text.to_owned(), reader: READER }
}

fn asked(text: &str, written: Option<Parsed>, statement: Sql) -> Answer<Asked> {
    Ok(match statement {
        Sql::ShowVariable { variable } if !is_of_engine(&variable) => match words(&variable).as_str() {
            "all" => Asked::ShowAll,
            "transaction isolation level" => Asked::Show("transaction_isolation".to_owned()),
            "time zone" => Asked::Show("timezone".to_owned()),
            "session authorization" => Asked::Show("session_authorization".to_owned()),
            name => Asked::Show(name.to_owned()),
        },
        Sql::Set(set) => settings(set)?,
        Sql::Reset(reset) => match reset.reset {
            Reset::ALL => Asked::Reset(None),
            Reset::ConfigurationParameter(name) => Asked::Reset(Some(name.to_string())),
        },
        Sql::StartTransaction { modes, .. } => {
            check_modes(&modes)?;
            Asked::Begin
        }
        Sql::Commit { .. } => Asked::Commit,
        Sql::Rollback { savepoint: None, .. } => Asked::Rollback,
        Sql::Rollback { .. } => Asked::RollbackToSavepoint,
        Sql::Savepoint { .. } => Asked::Savepoint("SAVEPOINT"),
        Sql::ReleaseSavepoint { .. } => Asked::Savepoint("RELEASE"),
        Sql::Declare { stmts } => declared(text, stmts)?,
        Sql::Fetch { name, direction, into: None, .. } => {
            Asked::Fetch { cursor: name.value, rows_max: rows_max(&direction)? }
        }
        Sql::Close { cursor: CloseCursor::All } => Asked::Close(None),
        Sql::Close { cursor: CloseCursor::Specific { name } } => Asked::Close(Some(name.value)),
        Sql::Deallocate { name, .. } if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("all") => {
            Asked::Deallocate(None)
        }
        Sql::Deallocate { name, .. } => Asked::Deallocate(Some(name.value)),
        Sql::Discard { object_type: DiscardObject::ALL } => Asked::Discard,
        Sql::Discard { .. } => Asked::Nothing("DISCARD"),
        Sql::UNLISTEN { .. } => Asked::Nothing("UNLISTEN"),
        Sql::Prepare { .. } | Sql::Execute { .. } => {
            let problem = Problem::new(NOT_SUPPORTED, "statements are prepared by the protocol here, not by SQL");
            return Err(problem.with_hint("drivers do this for statements with parameters"));
        }
        statement => Asked::Question(question(text, written, Some(statement))?),
    })
}

/// A question of the engine, if it only reads.
fn question(text: &str, written: Option<Parsed>, compatible: Option<Sql>) -> Answer<Question> {
    let is_about_catalogue = {
        let lower = text.to_lowercase();
        compatible.is_some() && CATALOGUE_MARKS.iter().any(|mark| lower.contains(mark))
    };
    let as_compatible = compatible.clone().map(|statement| Parsed::Statement(Box::new(statement)));
    for statement in written.iter().chain(&as_compatible) {
        if !sql::reads(statement) || writes(statement) {
            let word = problem::first_word(statement);
            let problem = Problem::new(READ_ONLY, format!("`{word}` is refused: {READER} only reads"));
            return Err(problem.with_hint("events are added by `casebook ingest` or the HTTP API"));
        }
    }
    let tag = match written.as_ref().or(as_compatible.as_ref()) {
        Some(Parsed::Explain(_)) => "EXPLAIN",
        Some(Parsed::Statement(statement)) => match statement.as_ref() {
            Sql::Explain { .. } | Sql::ExplainTable { .. } => "EXPLAIN",
            Sql::Query(_) => "SELECT",
            _ => "SHOW",
        },
        _ => "SELECT",
    };
    let (written, compatible) = (written.map(Box::new), compatible.map(Box::new));
    Ok(Question { tag, text: text.to_owned(), written, compatible, is_about_catalogue })
}

/// Whether what has the form of a query changes something, as after `WITH` or `DECLARE`.
fn writes(statement: &Parsed) -> bool {
    let Parsed::Statement(statement) = statement else { return false };
    let Sql::Query(query) = statement.as_ref() else { return false };
    use SetExpr::{Delete, Insert, Merge, Update};
    matches!(*query.body, Delete(_) | Insert(_) | Merge(_) | Update(_))
}

/// `SHOW TABLES` and the like are answered by the engine.
fn is_of_engine(variable: &[Ident]) -> bool {
    matches!(words(variable).as_str(), "tables" | "columns" | "functions")
}

fn words(variable: &[Ident]) -> String {
    variable.iter().map(|ident| ident.value.to_lowercase()).collect::<Vec<_>>().join(" ")
}

fn settings(set: Set) -> Answer<Asked> {
    let refuse =
        |what: &str| Err(Problem::new(NOT_SUPPORTED, format!("`{what}` is refused: rights are those of the log-in")));
    Ok(match set {
        Set::SingleAssignment {
            scope: None | Some(ContextModifier::Session | ContextModifier::Local),
            variable,
            values,
            ..
        } => {
            let values: Vec<String> = values.iter().map(text_of).collect();
            Asked::Set(vec![(variable.to_string().replace('"', ""), values.join(", "))])
        }
        Set::SetTimeZone { value, .. } => Asked::Set(vec![("timezone".to_owned(), text_of(&value))]),
        Set::SetNames { charset_name, .. } => Asked::Set(vec![("client_encoding".to_owned(), charset_name.value)]),
        Set::SetTransaction { modes, snapshot: None, .. } => {
            check_modes(&modes)?;
            Asked::Nothing("SET")
        }
        Set::SetSessionAuthorization(_) => return refuse("SET SESSION AUTHORIZATION"),
        Set::SetRole { .. } => return refuse("SET ROLE"),
        other => return Err(Problem::new(NOT_SUPPORTED, format!("`{other}` is not supported"))),
    })
}

/// Transactions may only read.
fn check_modes(modes: &[TransactionMode]) -> Answer<()> {
    let writes = |mode: &TransactionMode| matches!(mode, TransactionMode::AccessMode(TransactionAccessMode::ReadWrite));
    if modes.iter().any(writes) {
        return Err(Problem::new(READ_ONLY, format!("`READ WRITE` is refused: {READER} only reads")));
    }
    Ok(())
}

/// The value of a setting.
fn text_of(value: &Expr) -> String {
    match value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => text.clone(),
            other => other.to_string(),
        },
        Expr::Identifier(ident) => ident.value.clone(),
        other => other.to_string(),
    }
}

fn declared(text: &str, mut cursors: Vec<datafusion::sql::sqlparser::ast::Declare>) -> Answer<Asked> {
    let unsupported =
        || Problem::new(NOT_SUPPORTED, "`DECLARE` takes one cursor for one query: `DECLARE name CURSOR FOR SELECT …`");
    let cursor = cursors.pop().filter(|_| cursors.is_empty()).ok_or_else(unsupported)?;
    if cursor.scroll == Some(true) {
        return Err(Problem::new(NOT_SUPPORTED, "a cursor reads forward only; leave `SCROLL` out"));
    }
    let name = cursor.names.into_iter().next().ok_or_else(unsupported)?.value;
    let query = Sql::Query(cursor.for_query.ok_or_else(unsupported)?);
    let written = Parsed::Statement(Box::new(query.clone()));
    let question = Question { tag: "SELECT", ..question(text, Some(written), Some(query))? };
    Ok(Asked::Declare { cursor: name, question })
}

/// How many rows are fetched; without a number, all that are left.
fn rows_max(direction: &FetchDirection) -> Answer<Option<usize>> {
    match direction {
        FetchDirection::Next | FetchDirection::Forward { limit: None } => Ok(Some(1)),
        FetchDirection::All | FetchDirection::ForwardAll => Ok(None),
        FetchDirection::Forward { limit: Some(limit) } | FetchDirection::Count { limit } => {
            let number = limit.value.to_string();
            number.parse().map(Some).map_err(|_| Problem::new(SYNTAX, format!("`{number}` is no number of rows")))
        }
        _ => Err(Problem::new("55000", "a cursor reads forward only")),
    }
}
