//! The shape of the house, held by an ordinary test: which room may know which, and what appears nowhere.
//!
//! Reads the sources as text. A complaint names file and line, what was found, and the rule it breaks.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room and the rooms that it may name with `crate::`. `error` holds no more than what can go wrong.
const ROOMS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("json", &[]),
    ("model", &["json"]),
    ("wire", &["model", "json"]),
    ("explain", &["model", "json"]),
    ("generate", &["model", "json"]),
    ("store", &["model", "json", "error"]),
    ("input", &["store", "wire", "model", "json", "error"]),
    ("log", &["input", "store", "wire", "model", "json", "error"]),
    ("facts", &["log", "store", "model", "json", "error"]),
    ("replay", &["facts", "log", "store", "wire", "model", "json", "error"]),
    ("query", &["replay", "facts", "log", "store", "wire", "model", "json", "error"]),
    ("apply", &["query", "replay", "facts", "log", "input", "store", "wire", "model", "json", "error"]),
    ("import", &["query", "replay", "facts", "log", "input", "store", "wire", "model", "json", "error"]),
    ("metric", &["query", "replay", "facts", "log", "input", "store", "wire", "model", "json", "error"]),
    ("report", &["metric", "query", "replay", "facts", "log", "input", "store", "wire", "model", "json", "error"]),
    ("audit", &["metric", "query", "replay", "facts", "log", "input", "store", "wire", "model", "json", "error"]),
    (
        "cli",
        &[
            "audit", "report", "metric", "import", "apply", "query", "replay", "facts", "log", "input", "store",
            "wire", "model", "json", "error", "generate", "explain",
        ],
    ),
];

/// A crate, and the places that may name it: files, or folders with everything in them.
const CRATES: &[(&str, &[&str])] = &[
    // The error type carries the errors of the libraries; nothing else of them.
    ("deltalake", &["store/table.rs", "error.rs"]),
    ("plotters", &["report/draw/paint.rs"]),
    ("polars", &["report/frame.rs", "error.rs"]),
    ("polars_arrow", &["report/frame.rs"]),
    ("clap", &["cli.rs", "cli/"]),
    ("rustyline", &["cli.rs", "cli/"]),
    ("indicatif", &["cli/progress.rs"]),
];

/// What the model and the made-up desk do without: they are pure.
const IMPURE: &[&str] =
    &["arrow", "datafusion", "parquet", "tokio", "futures", "tempfile", "std::fs", "std::net", "std::env"];

/// Ways to read the wall clock or the machine's zone.
const CLOCKS: &[&str] = &["::now(", "SystemTime", ".elapsed(", "TimeZone::system"];

/// Ways to end the program, or to write past the printer.
const BLUNT: &[&str] = &[
    ".unwrap()",
    ".expect(",
    "panic!(",
    "todo!(",
    "unimplemented!(",
    "unreachable!(",
    "dbg!(",
    "println!(",
    "print!(",
];

/// Ways in which a query would read the clock.
const SQL_CLOCKS: &[&str] = &["now()", "current_date", "current_time", "localtime"];

#[test]
fn rooms_know_only_the_rooms_below_them() {
    let mut complaints = String::new();
    for source in sources() {
        let Some(room) = source.room() else { continue };
        let Some((_, known)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            complain(&mut complaints, &source, 1, &format!("the room `{room}` is not in ROOMS of tests/it/tidy.rs"));
            continue;
        };
        for (line, other) in source.rooms_named() {
            if other != room && !known.contains(&other.as_str()) {
                complain(&mut complaints, &source, line, &format!("`{room}` must not know `{other}`"));
            }
        }
        for (line, _) in source.climbs_out() {
            complain(&mut complaints, &source, line, "`super` reaches the root of the crate; say `crate::`");
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn libraries_stay_in_the_files_that_know_them() {
    let mut complaints = String::new();
    for source in sources() {
        for (name, places) in CRATES {
            let at_home = places.iter().any(|place| source.is_in(place));
            for line in source.all.lines_with(|line| !at_home && names_path(line, name)) {
                complain(&mut complaints, &source, line, &format!("only {} may name `{name}`", places.join(", ")));
            }
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn the_model_and_the_made_up_desk_are_pure() {
    let mut complaints = String::new();
    for source in
        sources().filter(|source| matches!(source.room(), Some("json" | "model" | "wire" | "generate" | "explain")))
    {
        for name in IMPURE {
            for line in source.all.lines_with(|line| names_path(line, name)) {
                complain(&mut complaints, &source, line, &format!("this room must not know `{name}`"));
            }
        }
        for line in source.all.lines_with(|line| line.contains("async ") || line.contains(".await")) {
            complain(&mut complaints, &source, line, "this room waits for nothing");
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn only_the_command_line_reads_the_clock_and_the_environment() {
    let mut complaints = String::new();
    for source in sources().filter(|source| source.room() != Some("cli")) {
        for line in source.own.lines_with(|line| CLOCKS.iter().any(|clock| line.contains(clock))) {
            complain(
                &mut complaints,
                &source,
                line,
                "only src/cli may read the clock; take the instant as an argument",
            );
        }
        for line in source.own.lines_with(|line| line.contains("env::var")) {
            complain(
                &mut complaints,
                &source,
                line,
                "only src/cli may read the environment; take the value as an argument",
            );
        }
    }
    for path in files_below(&root().join("queries"), "sql") {
        let text = read(&path);
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.starts_with("--")) {
            if SQL_CLOCKS.iter().any(|clock| line.to_lowercase().contains(clock)) {
                let _ = writeln!(complaints, "{}:{number}: a query must not read the clock: {line}", shown(&path));
            }
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn everything_durable_goes_through_one_file() {
    let durable = ["sync_all", "sync_data", "fs::rename", "hard_link", "create_new(", "remove_file", "create_dir("];
    let mut complaints = String::new();
    for source in sources().filter(|source| matches!(source.room(), Some("store" | "log" | "facts" | "replay"))) {
        for line in source.own.lines_with(|line| durable.iter().any(|act| line.contains(act))) {
            if !source.is_in("store/disk.rs") {
                complain(
                    &mut complaints,
                    &source,
                    line,
                    "what must outlive a power cut goes through src/store/disk.rs",
                );
            }
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn nothing_ends_the_program_or_writes_past_the_printer() {
    let mut complaints = String::new();
    for source in sources() {
        let printer = source.is_in("cli/printer.rs");
        for blunt in BLUNT.iter().filter(|blunt| !(printer && blunt.contains("print"))) {
            for line in source.own.lines_with(|line| line.contains(blunt)) {
                complain(&mut complaints, &source, line, &format!("`{blunt}` is for tests"));
            }
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn every_file_says_what_it_is() {
    let mut complaints = String::new();
    for source in sources().filter(|source| !source.text.starts_with("//! ")) {
        complain(&mut complaints, &source, 1, "a file begins with `//!` and a sentence that says what it is");
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

/// Types, functions and constants; of fields and variants the names must do (`Priority::Urgent`), which is why this is not
/// the compiler's `missing_docs`.
#[test]
fn every_public_item_says_what_it_means() {
    let mut complaints = String::new();
    let kinds = ["fn ", "async fn ", "const ", "struct ", "enum ", "trait ", "type ", "static "];
    for source in sources().filter(|source| !source.is_private()) {
        let lines: Vec<&str> = source.text.lines().collect();
        for (number, line) in &source.own.0 {
            let item = line.trim_start().strip_prefix("pub ").unwrap_or_default();
            let above = lines[..number - 1].iter().rev().find(|line| !line.trim_start().starts_with("#["));
            let documented = above.is_some_and(|line| line.trim_start().starts_with("///"));
            if kinds.iter().any(|kind| item.starts_with(kind)) && !item.contains('$') && !documented {
                complain(&mut complaints, &source, *number, "what is public says what it means, with `///`");
            }
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn documents_name_files_that_exist() {
    let mut complaints = String::new();
    for document in ["README.md", "ARCHITECTURE.md", "DECISIONS.md"] {
        let text = read(&root().join(document));
        for (number, line) in (1..).zip(text.lines()) {
            let quoted: Vec<&str> = line.split('`').skip(1).step_by(2).collect();
            for path in quoted.iter().filter(|quoted| is_path(quoted) && !root().join(quoted).exists()) {
                let _ = writeln!(complaints, "{document}:{number}: there is no `{path}`");
            }
            // In the table of invariants the name of a test follows its file.
            for pair in
                quoted.windows(2).filter(|pair| line.starts_with('|') && is_path(pair[0]) && pair[1].contains('_'))
            {
                let file = fs::read_to_string(root().join(pair[0])).unwrap_or_default();
                if !file.contains(&format!("fn {}(", pair[1])) {
                    let _ =
                        writeln!(complaints, "{document}:{number}: there is no test `{}` in `{}`", pair[1], pair[0]);
                }
            }
        }
        if document == "ARCHITECTURE.md" && text.lines().count() >= 200 {
            let _ = writeln!(complaints, "{document}: the walk has 200 lines or more; shorten it");
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

/// A quoted text that names a file or folder of this repository, without gaps to fill.
fn is_path(quoted: &str) -> bool {
    let folders = ["src/", "tests/", "queries/", "dashboards/", "data/", "benches/", ".ci/"];
    folders.iter().any(|folder| quoted.starts_with(folder)) && !quoted.contains(['*', ' ', '{', '<'])
}

/// One source file: as it is, without comments, and without its tests.
struct Source {
    path: PathBuf,
    /// Relative to `src`, with `/`.
    name: String,
    text: String,
    /// Everything but comments.
    all: Lines,
    /// Everything but comments and tests.
    own: Lines,
}

/// Numbered lines of code.
struct Lines(Vec<(usize, String)>);

impl Lines {
    fn lines_with<'a>(&'a self, holds: impl Fn(&str) -> bool + 'a) -> impl Iterator<Item = usize> + 'a {
        self.0.iter().filter(move |(_, line)| holds(line)).map(|(number, _)| *number)
    }
}

impl Source {
    fn read(path: PathBuf) -> Source {
        let name = path.strip_prefix(root().join("src")).unwrap().to_string_lossy().replace('\\', "/");
        let text = read(&path);
        let all: Vec<(usize, String)> =
            (1..).zip(text.lines()).map(|(number, line)| (number, without_comment(line).to_owned())).collect();
        // Tests stand at the end of a file, or in a file of their own.
        let is_tests = name.ends_with("/tests.rs") || name.contains("/tests/");
        let own = all.iter().take_while(|(_, line)| !is_tests && line.trim() != "#[cfg(test)]").cloned().collect();
        Source { path, name, text, all: Lines(all), own: Lines(own) }
    }

    /// The room that the file belongs to; none of `lib.rs` and `main.rs`, which are the map and the door.
    fn room(&self) -> Option<&str> {
        let first = self.name.split('/').next()?;
        let room = first.trim_end_matches(".rs");
        (!matches!(self.name.as_str(), "lib.rs" | "main.rs")).then_some(room)
    }

    /// Whether the module is declared without `pub`, and so is nobody's but its parent's.
    fn is_private(&self) -> bool {
        let folder = self.path.parent().unwrap();
        let parent = if folder == root().join("src") { folder.join("lib.rs") } else { folder.with_extension("rs") };
        let module = self.path.file_stem().unwrap().to_string_lossy();
        read(&parent).lines().any(|line| line == format!("mod {module};"))
    }

    fn is_in(&self, place: &str) -> bool {
        if place.ends_with('/') { self.name.starts_with(place) } else { self.name == place }
    }

    /// Every `crate::room` and every room of a `crate::{…}`, with its line.
    fn rooms_named(&self) -> Vec<(usize, String)> {
        let mut named = Vec::new();
        for (position, (number, line)) in self.all.0.iter().enumerate() {
            for (at, _) in line.match_indices("crate::").filter(|(at, _)| begins_word(line, *at)) {
                let rest = &line[at + "crate::".len()..];
                if let Some(group) = rest.strip_prefix('{') {
                    let more = self.all.0[position + 1..].iter().map(|(_, line)| line.as_str());
                    let group = std::iter::once(group).chain(more).collect::<Vec<_>>().join(" ");
                    named.extend(names_of_group(&group).into_iter().map(|name| (*number, name)));
                } else {
                    named.push((*number, word(rest).to_owned()));
                }
            }
        }
        // Macros and items of the root have no room of their own.
        named.retain(|(_, name)| !name.is_empty());
        named
    }

    /// Chains of `super::` that are long enough to leave the room.
    fn climbs_out(&self) -> Vec<(usize, usize)> {
        let depth = self.name.matches('/').count() + 1;
        let tests_from = self.own.0.len();
        let steps = |line: &str| {
            line.split("super::").skip(1).fold((0, 0), |(longest, run), rest| {
                let run = run + 1;
                (longest.max(run), if rest.is_empty() { run } else { 0 })
            })
        };
        let deep = |position: usize| if position >= tests_from && tests_from > 0 { depth + 1 } else { depth };
        let lines = self.all.0.iter().enumerate();
        lines
            .map(|(position, (number, line))| (position, *number, steps(line).0))
            .filter(|(position, _, steps)| *steps >= deep(*position))
            .map(|(_, number, steps)| (number, steps))
            .collect()
    }
}

/// The first names of a `{a, b::{c, d}, e}` whose opening brace has been taken off.
fn names_of_group(group: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut depth, mut expects_name) = (0, true);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => expects_name = true,
            _ if depth == 0 && expects_name && !letter.is_whitespace() => {
                names.push(word(&group[at..]).to_owned());
                expects_name = false;
            }
            _ => {}
        }
    }
    names
}

fn word(text: &str) -> &str {
    let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(text.len());
    &text[..end]
}

fn begins_word(line: &str, at: usize) -> bool {
    !line[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_' || letter == '$')
}

/// Whether a line names something of that crate or module: `name::`, or `use name`.
fn names_path(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let rest = &line[at + name.len()..];
        let before = &line[..at];
        begins_word(line, at)
            && !before.ends_with("::")
            && (rest.starts_with("::") || before.trim_end().ends_with("use") && rest.starts_with([';', ' ']))
    })
}

fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with("//") { "" } else { line.find(" // ").map_or(line, |at| &line[..at]) }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn sources() -> impl Iterator<Item = Source> {
    files_below(&root().join("src"), "rs").into_iter().map(Source::read)
}

/// The files below a folder, if there is one, in the order of their names.
fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut entries: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let inside = entries.into_iter().flat_map(|path| match path.is_dir() {
        true => files_below(&path, extension),
        false => vec![path],
    });
    inside.filter(|path| path.extension().is_some_and(|found| found == extension)).collect()
}

fn complain(complaints: &mut String, source: &Source, line: usize, complaint: &str) {
    let text = source.text.lines().nth(line - 1).unwrap_or_default().trim();
    let _ = writeln!(complaints, "{}:{line}: {complaint}: {text}", shown(&source.path));
}
