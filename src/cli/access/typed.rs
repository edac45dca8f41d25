//! Passwords as they are typed: twice and without being shown, or once from standard input.

use std::borrow::Cow;
use std::io::{self, BufRead, IsTerminal, Read};

use rustyline::config::Configurer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::history::MemHistory;
use rustyline::{ColorMode, Completer, Config, Editor, Helper, Hinter, Validator};

use crate::access::password;
use crate::error::{Error, Result};

/// Shows nothing of a line.
#[derive(Completer, Helper, Hinter, Validator)]
struct Hidden;

impl Highlighter for Hidden {
    fn highlight<'l>(&self, _line: &'l str, _position: usize) -> Cow<'l, str> {
        Cow::Borrowed("")
    }

    fn highlight_char(&self, _line: &str, _position: usize, _kind: CmdKind) -> bool {
        true
    }
}

/// A new password.
pub fn password(from_stdin: bool) -> Result<String> {
    let password = if from_stdin { first_line()? } else { typed_twice()? };
    password::check(&password)?;
    Ok(password)
}

fn first_line() -> Result<String> {
    let mut line = Vec::new();
    // One byte more than is allowed, and the end of the line.
    let limit = password::BYTES_MAX as u64 + 3;
    io::stdin().lock().take(limit).read_until(b'\n', &mut line)?;
    let text = String::from_utf8(line).map_err(|_| Error::invalid("password", "it is not UTF-8"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn typed_twice() -> Result<String> {
    if !io::stdin().is_terminal() {
        let error = Error::refused("there is no terminal to ask for a password");
        return Err(error.with_hint("`--stdin` reads it from the first line of standard input"));
    }
    let refused = |error: ReadlineError| Error::refused(format!("no password was typed: {error}"));
    let config = Config::builder().auto_add_history(false).build();
    let mut editor: Editor<Hidden, MemHistory> = Editor::with_history(config, MemHistory::new()).map_err(refused)?;
    editor.set_helper(Some(Hidden));
    // The highlighter is asked even where NO_COLOR is set.
    editor.set_color_mode(ColorMode::Forced);
    let first = editor.readline("password: ").map_err(refused)?;
    let second = editor.readline("the same again: ").map_err(refused)?;
    if first != second {
        return Err(Error::refused("the two passwords differ"));
    }
    Ok(first)
}
