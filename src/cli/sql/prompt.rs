//! The prompt: a query may take several lines and ends with `;`, Tab completes names, and queries are kept in a history.

use std::path::PathBuf;
use std::time::Instant as Stopwatch;

use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper, Highlighter, Hinter};

use super::answer::{answer, open};
use super::script;
use crate::cli::context::{CommandContext, Completion};
use crate::cli::output::OutputArguments;
use crate::error::{Error, Result};
use crate::export::Shown;
use crate::query::sql::Script;
use crate::query::sql::names::{columns_of, tables};

const HELP: &str = "\
queries end with `;` and may take several lines

  \\d         the tables and what a row of each means
  \\d TABLE   its columns and their types
  \\?         this page
  \\q         quit, as Ctrl-D does
  Tab        completes words of SQL, tables and columns; after `TABLE.` its columns
  Ctrl-C     forgets the line, or stops a query that runs
";

/// Words that Tab completes.
const KEYWORDS: &[&str] = &[
    "all",
    "and",
    "as",
    "asc",
    "at time zone",
    "avg",
    "between",
    "by",
    "case",
    "cast",
    "coalesce",
    "count",
    "cross join",
    "date_bin",
    "date_trunc",
    "desc",
    "distinct",
    "else",
    "end",
    "except",
    "exists",
    "explain",
    "extract",
    "false",
    "filter",
    "from",
    "full join",
    "group by",
    "having",
    "in",
    "inner join",
    "intersect",
    "interval",
    "is not null",
    "is null",
    "join",
    "lateral",
    "left join",
    "like",
    "limit",
    "max",
    "median",
    "min",
    "not",
    "null",
    "nulls last",
    "offset",
    "on",
    "or",
    "order by",
    "over",
    "partition by",
    "right join",
    "select",
    "sum",
    "then",
    "true",
    "union",
    "union all",
    "using",
    "values",
    "when",
    "where",
    "with",
];

/// Asks and answers until the user leaves.
pub async fn run(context: &CommandContext, output: &OutputArguments) -> Result<Completion> {
    if output.output.is_some() {
        let error = Error::refused("`-o` needs a query");
        return Err(error.with_hint("give it behind `casebook sql`, or in a file with `-f`"));
    }
    let session = open(context).await?;
    let mut editor = editor(Words::collect(&session).await)?;
    let history = history_file();
    if let Some(path) = &history {
        // There is no history before the first query.
        let _ = editor.load_history(path);
    }
    context.printer.talk("`\\?` helps, `\\d` lists the tables, `\\q` quits");
    loop {
        let line = match editor.readline("casebook> ") {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(Completion::Done),
            Err(error) => return Err(unreadable(error)),
        };
        if line.trim().is_empty() {
            continue;
        }
        remember(context, &mut editor, history.as_ref(), &line);
        match line.trim().trim_end_matches(';') {
            "\\q" => return Ok(Completion::Done),
            "\\?" => context.printer.data(HELP)?,
            _ => interruptible(context, &session, line, output).await?,
        }
    }
}

type Prompt = Editor<Assistant, FileHistory>;

fn editor(words: Words) -> Result<Prompt> {
    let config = Config::builder().completion_type(CompletionType::List).build();
    let mut editor = Editor::with_config(config).map_err(unreadable)?;
    editor.set_helper(Some(Assistant { words }));
    Ok(editor)
}

fn unreadable(error: ReadlineError) -> Error {
    match error {
        ReadlineError::Io(error) => Error::Output(error),
        error => Error::refused(format!("the terminal cannot be read: {error}")),
    }
}

/// `$CASEBOOK_HISTORY`, else a file in the user's home.
fn history_file() -> Option<PathBuf> {
    let chosen = std::env::var_os("CASEBOOK_HISTORY").filter(|path| !path.is_empty());
    chosen.map(PathBuf::from).or_else(|| Some(std::env::home_dir()?.join(".casebook_history")))
}

/// Keeps a line at once, so that a crash loses none.
fn remember(context: &CommandContext, editor: &mut Prompt, history: Option<&PathBuf>, line: &str) {
    let Some(path) = history else { return };
    let kept = editor.add_history_entry(line).and_then(|_| editor.append_history(path));
    if let Err(error) = kept {
        context.printer.talk(format!("note: {}: the history is not kept: {error}", path.display()));
    }
}

/// Answers one line. Ctrl-C stops the query and leads back to the prompt; only a closed standard output ends it all.
async fn interruptible(
    context: &CommandContext,
    session: &SessionContext,
    text: String,
    output: &OutputArguments,
) -> Result<()> {
    let script = Script { name: "query".to_owned(), text, reader: script::READER };
    let mut output = output.open(Shown::new(context.settings.zone()?, "Rows"))?;
    let begun = Stopwatch::now();
    let answered = tokio::select! {
        answered = answer(session, &script, &mut output) => answered,
        _ = tokio::signal::ctrl_c() => {
            context.printer.talk("stopped");
            return Ok(());
        }
    };
    match answered {
        Ok(rows) => {
            let noun = if rows == 1 { "row" } else { "rows" };
            context.printer.talk(format!("{rows} {noun} in {:.3} s", begun.elapsed().as_secs_f64()));
        }
        Err(error @ Error::Output(_)) => return Err(error),
        Err(error) => context.printer.error(&error),
    }
    Ok(())
}

/// What can be completed.
struct Words {
    tables: Vec<(String, Vec<String>)>,
}

impl Words {
    async fn collect(session: &SessionContext) -> Words {
        let mut known = Vec::new();
        for table in tables(session) {
            let columns = columns_of(session, &table).await.unwrap_or_default();
            known.push((table, columns.into_iter().map(|(name, _)| name).collect()));
        }
        Words { tables: known }
    }

    /// Where the last word of `before` begins, and what it may become.
    fn complete(&self, before: &str) -> (usize, Vec<String>) {
        let in_name = |char: char| char.is_alphanumeric() || char == '_';
        let begin = before.trim_end_matches(in_name).len();
        let (head, word) = before.split_at(begin);
        let mut found: Vec<String> = match head.strip_suffix('.') {
            Some(qualified) => {
                let table = qualified.get(qualified.trim_end_matches(in_name).len()..).unwrap_or_default();
                self.columns(table).filter(|name| starts(name, word)).cloned().collect()
            }
            None if head.trim_start().starts_with('\\') => {
                self.names().filter(|name| starts(name, word)).cloned().collect()
            }
            // Every name fits an empty word, so a list would be of no use.
            None if word.is_empty() => Vec::new(),
            None => {
                let keywords =
                    KEYWORDS.iter().filter(|keyword| starts(keyword, word)).map(|keyword| like(keyword, word));
                let names = self.names().chain(self.columns("")).filter(|name| starts(name, word)).cloned();
                keywords.chain(names).collect()
            }
        };
        found.sort();
        found.dedup();
        (begin, found)
    }

    fn names(&self) -> impl Iterator<Item = &String> {
        self.tables.iter().map(|(name, _)| name)
    }

    /// The columns of a table, or of all where the name is none, such as an alias.
    fn columns<'a>(&'a self, table: &str) -> impl Iterator<Item = &'a String> {
        let one = self.names().any(|name| name == table).then(|| table.to_owned());
        let chosen = self.tables.iter().filter(move |(name, _)| one.as_ref().is_none_or(|one| one == name));
        chosen.flat_map(|(_, columns)| columns)
    }
}

fn starts(name: &str, word: &str) -> bool {
    name.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
}

/// A keyword in the case in which the user writes.
fn like(keyword: &str, word: &str) -> String {
    if word.chars().any(char::is_uppercase) { keyword.to_uppercase() } else { keyword.to_owned() }
}

/// Helps while a query is typed.
#[derive(Helper, Highlighter, Hinter)]
struct Assistant {
    words: Words,
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.words.complete(line.get(..pos).unwrap_or(line)))
    }
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        let complete = complete(context.input());
        Ok(if complete { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

/// Whether Enter ends the input: commands and nothing at once, queries with `;` outside of texts and comments.
fn complete(input: &str) -> bool {
    let trimmed = input.trim();
    if trimmed.is_empty() || trimmed.starts_with('\\') {
        return true;
    }
    // An unclosed text cannot be read yet.
    let tokens = Tokenizer::new(&GenericDialect {}, input).tokenize().unwrap_or_default();
    let last = tokens.iter().rev().find(|token| !matches!(token, Token::Whitespace(_)));
    last.is_some_and(|token| *token == Token::SemiColon)
}

#[cfg(test)]
mod tests {
    use super::{Words, complete};

    #[test]
    fn a_query_ends_with_its_semicolon() {
        let whole = ["", "  ", "\\d cases", "select 1;", "select ';' ; -- done", "select 1;\n"];
        let open = ["select 1", "select ';", "select 1 -- ;", "select 1; select 2", "select /* ;"];
        assert!(whole.iter().all(|input| complete(input)), "{whole:?}");
        assert!(!open.iter().any(|input| complete(input)), "{open:?}");
    }

    #[test]
    fn tab_knows_words_tables_and_columns() {
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let words = Words {
            tables: vec![
                ("cases".into(), columns(&["case_id", "status"])),
                ("turns".into(), columns(&["case_id", "n"])),
            ],
        };
        let at = |before: &str| words.complete(before);
        assert_eq!(at("sel"), (0, vec!["select".into()]));
        assert_eq!(at("SEL"), (0, vec!["SELECT".into()]));
        assert_eq!(at("select case"), (7, vec!["case".into(), "case_id".into(), "cases".into()]));
        assert_eq!(at("select turns."), (13, vec!["case_id".into(), "n".into()]));
        assert_eq!(at("select t.s"), (9, vec!["status".into()]));
        assert_eq!(at("\\d t"), (3, vec!["turns".into()]));
        assert_eq!(at("select "), (7, Vec::new()));
    }
}
