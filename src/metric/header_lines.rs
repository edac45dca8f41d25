//! The head of a query's file: lines of the form `-- key: value`, then an empty line or SQL. Each kind of
//! file gives its keys a meaning; for all of them, every key is known, has a value and is there once.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::Error;
use crate::spelling::did_you_mean;

/// A kind of file: what it holds, which is also the key of its name, and its keys.
#[derive(Clone, Copy, Debug)]
pub struct FileKind {
    pub noun: &'static str,
    pub keys: &'static [&'static str],
    /// Keys that only some of these files have.
    pub more_keys: &'static [&'static str],
}

/// The lines of a header, and the SQL below them.
#[derive(Clone, Debug)]
pub struct HeaderLines<'a> {
    kind: FileKind,
    file: &'a str,
    found: BTreeMap<&'a str, (usize, &'a str)>,
    last_line: usize,
    /// The SQL, and the line on which it begins, from 1.
    pub sql: &'a str,
    pub sql_line: usize,
}

impl<'a> HeaderLines<'a> {
    /// Reads a file; what is wrong with its lines is added to the errors.
    pub fn read(kind: FileKind, file: &'a str, text: &'a str, errors: &mut Vec<Error>) -> HeaderLines<'a> {
        let mut lines = HeaderLines { kind, file, found: BTreeMap::new(), last_line: 1, sql: text, sql_line: 1 };
        while let Some(comment) = lines.sql.strip_prefix("--") {
            let (line, after) = comment.split_once('\n').unwrap_or((comment, ""));
            let number = lines.sql_line;
            match line.split_once(':') {
                Some((key, value)) => lines.insert(key.trim(), value.trim(), number, errors),
                None => errors.push(
                    Error::invalid(lines.place(number), "a header's line has the form `-- key: value`")
                        .with_hint("leave an empty line between the header and other comments"),
                ),
            }
            lines.last_line = number;
            lines.sql = after;
            lines.sql_line += 1;
        }
        lines.check_name(errors);
        lines
    }

    /// The line and the value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<(usize, &'a str)> {
        self.found.get(key).copied()
    }

    /// The value of a key, empty where the header has none.
    #[must_use]
    pub fn value(&self, key: &str) -> String {
        self.get(key).map_or(String::new(), |(_, value)| value.to_owned())
    }

    /// A line of the file, for messages.
    #[must_use]
    pub fn place(&self, number: usize) -> String {
        format!("{}:{number}", self.file)
    }

    /// Adds an error for each of these keys that the header lacks.
    pub fn demand<'k>(&self, keys: impl IntoIterator<Item = &'k &'k str>, errors: &mut Vec<Error>) {
        for key in keys.into_iter().filter(|key| !self.found.contains_key(**key)) {
            let error = Error::invalid(self.place(self.last_line), format!("the header lacks `{key}`"));
            errors.push(error.with_hint(format!("add `-- {key}: …`")));
        }
    }

    /// Adds an error if there is no SQL.
    pub fn demand_sql(&self, errors: &mut Vec<Error>) {
        if self.sql.trim().is_empty() {
            errors.push(Error::invalid(self.place(self.sql_line), "there is no SQL under the header"));
        }
    }

    fn insert(&mut self, key: &'a str, value: &'a str, number: usize, errors: &mut Vec<Error>) {
        let FileKind { noun, keys, more_keys } = self.kind;
        let place = self.place(number);
        if !keys.contains(&key) && !more_keys.contains(&key) {
            let known = keys.iter().chain(more_keys).copied();
            let hint = did_you_mean(key, known).unwrap_or_else(|| format!("the keys are {}", keys.join(", ")));
            errors.push(Error::invalid(place, format!("`{key}` is not a key of a {noun}'s header")).with_hint(hint));
        } else if value.is_empty() {
            errors.push(
                Error::invalid(place, format!("`{key}` has no value")).with_hint("write `none` where nothing applies"),
            );
        } else if self.found.insert(key, (number, value)).is_some() {
            errors.push(Error::invalid(place, format!("`{key}` is there twice")));
        }
    }

    /// A file is named after what it holds.
    fn check_name(&self, errors: &mut Vec<Error>) {
        let noun = self.kind.noun;
        let Some((number, name)) = self.get(noun) else { return };
        let stem = Path::new(self.file).file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
        if stem != name {
            let message = format!("the {noun} `{name}` is in a file named `{stem}.sql`");
            errors.push(Error::invalid(self.place(number), message).with_hint(format!("name the file `{name}.sql`")));
        }
    }
}
