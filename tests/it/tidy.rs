//! The structure of the crate: which module may use which, and what must not appear anywhere.
//!
//! The tests read the sources as text. A complaint names the file and line, what was found, and the rule that it breaks.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

mod circles;
mod decisions;
mod references;
mod words;

/// Each module with the modules that it may use by `crate::`, in the order in which to read them: a module may use those
/// before it, never one after it.
const MODULES: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("spelling", &[]),
    ("toml_file", &["error"]),
    ("json", &[]),
    ("model", &["json"]),
    ("wire", &["model", "json"]),
    ("explain", &["model", "json"]),
    ("generate", &["model", "json"]),
    ("store", &["model", "json", "error"]),
    ("cluster", &["error"]),
    ("access", &["store", "model", "error"]),
    ("input", &["store", "wire", "model", "json", "error"]),
    ("log", &["input", "store", "wire", "model", "json", "error"]),
    ("facts", &["cluster", "log", "store", "model", "json", "error"]),
    ("replay", &["cluster", "facts", "log", "store", "wire", "model", "json", "error"]),
    ("query", &["cluster", "replay", "facts", "log", "store", "wire", "model", "json", "error"]),
    ("apply", &["query", "replay", "facts", "log", "input", "store", "wire", "model", "json", "error"]),
    ("import", &["query", "replay", "facts", "log", "input", "store", "wire", "model", "json", "error"]),
    ("export", &["log", "input", "store", "wire", "model", "json", "error"]),
    ("timeline", &["export", "query", "replay", "facts", "store", "explain", "model", "json", "error"]),
    ("metric", &["cluster", "query", "replay", "facts", "log", "input", "store", "wire", "model", "json", "error"]),
    (
        "report",
        &[
            "timeline", "export", "metric", "query", "replay", "facts", "log", "input", "store", "explain", "wire",
            "model", "json", "error",
        ],
    ),
    ("audit", &["metric", "query", "replay", "facts", "log", "input", "store", "wire", "model", "json", "error"]),
    (
        "schedule",
        &[
            "cluster", "report", "timeline", "export", "metric", "query", "replay", "facts", "log", "input", "store",
            "wire", "model", "json", "error",
        ],
    ),
    (
        "mcp",
        &[
            "report", "timeline", "export", "metric", "query", "replay", "facts", "log", "input", "store", "explain",
            "wire", "model", "json", "error",
        ],
    ),
    (
        "serve",
        &[
            "cluster", "access", "mcp", "report", "timeline", "export", "metric", "query", "facts", "log", "input",
            "store", "explain", "model", "json", "error",
        ],
    ),
    ("node", &["metric", "query", "replay", "facts", "store", "cluster", "error"]),
    (
        "cli",
        &[
            "node", "cluster", "mcp", "serve", "schedule", "audit", "report", "metric", "timeline", "export", "import",
            "apply", "query", "replay", "facts", "log", "input", "access", "store", "wire", "model", "json", "error",
            "generate", "explain",
        ],
    ),
];

/// What modules that use `error` may use as well. `error` holds no more than what can go wrong.
const BESIDE_ERROR: &[&str] = &["spelling", "toml_file"];

/// Modules without I/O, async and Arrow.
const PURE: &[&str] = &["json", "model", "wire", "explain", "generate"];

/// Files of other modules that are pure, but use Arrow.
const PURE_FILES: &[&str] =
    &["facts/columns.rs", "facts/rows.rs", "facts/tables.rs", "replay/case_rows.rs", "replay/kernel.rs"];

/// Modules that may use the file system.
const WITH_FILES: &[&str] = &["store", "input", "cli"];

/// A library, and the files and folders that may name it.
const CRATES: &[(&str, &[&str])] = &[
    // `error.rs` names libraries only to carry their errors.
    ("deltalake", &["store/table.rs", "error.rs"]),
    ("ballista_core", &["cluster/", "node/"]),
    ("ballista_scheduler", &["node/scheduler.rs", "node/service.rs"]),
    ("ballista_executor", &["node/executor.rs"]),
    ("tonic", &["cluster/", "node/"]),
    ("plotters", &["report/draw/paint.rs"]),
    ("typst", &["report/format/pdf.rs"]),
    ("rust_xlsxwriter", &["export/workbook.rs", "report/format/xlsx.rs", "report/format/xlsx/", "import/tests/"]),
    ("polars", &["report/frame.rs", "error.rs"]),
    ("polars_arrow", &["report/frame.rs"]),
    ("clap", &["cli.rs", "cli/"]),
    ("rustyline", &["cli.rs", "cli/"]),
    ("indicatif", &["cli/progress.rs"]),
    ("croner", &["schedule/pattern.rs"]),
    ("lettre", &["schedule/deliver/email.rs", "schedule/deliver/email/", "schedule/target/email.rs"]),
    ("reqwest", &["schedule/deliver/webhook.rs", "schedule/deliver/webhook/"]),
];

/// What pure modules must not use.
const IMPURE: &[&str] =
    &["arrow", "datafusion", "parquet", "tokio", "futures", "tempfile", "std::fs", "std::net", "std::env"];

/// Ways to read the wall clock or the machine's zone.
const CLOCKS: &[&str] = &["::now(", "SystemTime", ".elapsed(", "TimeZone::system"];

/// Ways to end the program, or to write without the printer.
const FORBIDDEN: &[&str] = &[
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
fn modules_use_only_the_modules_they_may_use() {
    let mut complaints = String::new();
    for source in sources() {
        let Some(module) = source.module() else { continue };
        let Some((_, usable)) = MODULES.iter().find(|(name, _)| *name == module) else {
            complain(
                &mut complaints,
                &source,
                1,
                &format!("the module `{module}` is not in MODULES of tests/it/tidy.rs"),
            );
            continue;
        };
        for (line, other) in source.modules_named() {
            let may_use =
                usable.contains(&other.as_str()) || usable.contains(&"error") && BESIDE_ERROR.contains(&other.as_str());
            if other != module && !may_use {
                complain(&mut complaints, &source, line, &format!("`{module}` must not use `{other}`"));
            }
        }
        for (line, _) in source.reaches_root() {
            complain(&mut complaints, &source, line, "`super` reaches the root of the crate; write `crate::`");
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn libraries_are_used_only_in_the_files_that_may_use_them() {
    let mut complaints = String::new();
    for source in sources() {
        for (name, places) in CRATES {
            let may_use = places.iter().any(|place| source.is_in(place));
            for line in source.all.lines_with(|line| !may_use && names_path(line, name)) {
                complain(&mut complaints, &source, line, &format!("only {} may name `{name}`", places.join(", ")));
            }
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn pure_modules_use_no_impure_library() {
    let mut complaints = String::new();
    for source in sources() {
        let may_use_arrow = PURE_FILES.contains(&source.name.as_str());
        if !may_use_arrow && source.module().is_none_or(|module| !PURE.contains(&module)) {
            continue;
        }
        for name in IMPURE.iter().filter(|name| !(may_use_arrow && **name == "arrow")) {
            for line in source.all.lines_with(|line| names_path(line, name)) {
                complain(&mut complaints, &source, line, &format!("this module must not use `{name}`"));
            }
        }
        for line in source.all.lines_with(|line| line.contains("async ") || line.contains(".await")) {
            complain(&mut complaints, &source, line, "this module has no async code");
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn only_the_command_line_reads_the_clock_and_the_environment() {
    let mut complaints = String::new();
    for source in sources().filter(|source| source.module() != Some("cli")) {
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
    for source in sources().filter(|source| !matches!(source.module(), Some("cli" | "import"))) {
        for line in source.own.lines_with(|line| durable.iter().any(|operation| line.contains(operation))) {
            // Files in a temporary folder need not survive.
            if !source.is_in("store/disk.rs") && !source.is_in("store/scratch.rs") {
                complain(
                    &mut complaints,
                    &source,
                    line,
                    "what must survive a power cut goes through src/store/disk.rs",
                );
            }
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn only_some_modules_use_the_file_system() {
    let mut complaints = String::new();
    for source in sources().filter(|source| source.module().is_some_and(|module| !WITH_FILES.contains(&module))) {
        for line in source.own.lines_with(names_file_system) {
            let rule = format!("only {} may use the file system", WITH_FILES.join(", "));
            complain(&mut complaints, &source, line, &rule);
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

/// `std::fs` or `tokio::fs`, also in a group such as `use std::{fs, io}`.
fn names_file_system(line: &str) -> bool {
    ["std::fs", "tokio::fs"].iter().any(|path| line.contains(path))
        || line.trim_start().starts_with("use std::{")
            && line.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|name| name == "fs")
}

#[test]
fn nothing_panics_or_bypasses_the_printer() {
    let mut complaints = String::new();
    for source in sources() {
        let printer = source.is_in("cli/printer.rs");
        for name in FORBIDDEN.iter().filter(|name| !(printer && name.contains("print"))) {
            for line in source.own.lines_with(|line| line.contains(name)) {
                complain(&mut complaints, &source, line, &format!("`{name}` is only for tests"));
            }
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

/// `src/lib.rs` is where a reader begins.
#[test]
fn the_crate_documentation_lists_every_module_in_reading_order() {
    let text = read(&root().join("src/lib.rs"));
    let listed: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("//! - [`")?.split_once("`]: "))
        .map(|(name, _)| name)
        .collect();
    let order: Vec<&str> = MODULES.iter().map(|(name, _)| *name).collect();
    assert_eq!(listed, order, "src/lib.rs lists each module with one sentence, in the order of MODULES");
    let mut declared: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let mut names = order;
    names.sort_unstable();
    declared.sort_unstable();
    assert_eq!(declared, names, "MODULES has the modules that src/lib.rs declares");
    for (at, (name, usable)) in MODULES.iter().enumerate() {
        let later: Vec<&&str> =
            usable.iter().filter(|other| !MODULES[..at].iter().any(|(name, _)| name == *other)).collect();
        assert!(later.is_empty(), "`{name}` may not use {later:?}, which comes later");
    }
}

#[test]
fn every_file_has_a_description() {
    let mut complaints = String::new();
    for source in sources().filter(|source| !source.text.starts_with("//! ")) {
        complain(&mut complaints, &source, 1, "a file begins with `//!` and a sentence that describes it");
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

/// Types, functions and constants. Fields and variants need no documentation where the name is enough (`Priority::Urgent`),
/// which is why this is not the compiler's `missing_docs`.
#[test]
fn every_public_item_has_documentation() {
    let mut complaints = String::new();
    let kinds = ["fn ", "async fn ", "const ", "struct ", "enum ", "trait ", "type ", "static "];
    for source in sources().filter(|source| !source.is_private()) {
        let lines: Vec<&str> = source.text.lines().collect();
        for (number, line) in &source.own.0 {
            let item = line.trim_start().strip_prefix("pub ").unwrap_or_default();
            let documented = line_above_attributes(&lines[..number - 1]).is_some_and(|line| line.starts_with("///"));
            if kinds.iter().any(|kind| item.starts_with(kind)) && !item.contains('$') && !documented {
                complain(&mut complaints, &source, *number, "a public item has its meaning in `///`");
            }
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

/// The last line that is not part of an attribute.
fn line_above_attributes<'l>(lines: &[&'l str]) -> Option<&'l str> {
    let mut is_within = false;
    lines.iter().rev().map(|line| line.trim_start()).find(|line| {
        let begins = line.starts_with("#[");
        let is_part = begins || is_within || *line == ")]";
        is_within = is_part && !begins;
        !is_part
    })
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
        // Tests are at the end of a file, or in a file of their own.
        let is_tests = is_test_file(&name);
        let own = all.iter().take_while(|(_, line)| !is_tests && line.trim() != "#[cfg(test)]").cloned().collect();
        Source { path, name, text, all: Lines(all), own: Lines(own) }
    }

    /// The top-level module that the file belongs to; none for `lib.rs` and `main.rs`.
    fn module(&self) -> Option<&str> {
        let first = self.name.split('/').next()?;
        let module = first.trim_end_matches(".rs");
        (!matches!(self.name.as_str(), "lib.rs" | "main.rs")).then_some(module)
    }

    /// Whether the module is declared without `pub`, so that only its parent can use it.
    fn is_private(&self) -> bool {
        let folder = self.path.parent().unwrap();
        let parent = if folder == root().join("src") { folder.join("lib.rs") } else { folder.with_extension("rs") };
        let module = self.path.file_stem().unwrap().to_string_lossy();
        read(&parent).lines().any(|line| line == format!("mod {module};"))
    }

    fn is_test(&self) -> bool {
        is_test_file(&self.name)
    }

    /// The code without comments and tests.
    fn own_text(&self) -> String {
        self.own.0.iter().map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n")
    }

    fn is_in(&self, place: &str) -> bool {
        if place.ends_with('/') { self.name.starts_with(place) } else { self.name == place }
    }

    /// Every `crate::module` and every module of a `crate::{…}`, with its line.
    fn modules_named(&self) -> Vec<(usize, String)> {
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
        // A macro of the root belongs to no module.
        named.retain(|(_, name)| !name.is_empty());
        named
    }

    /// Chains of `super::` that are long enough to reach the root of the crate.
    fn reaches_root(&self) -> Vec<(usize, usize)> {
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

fn is_test_file(name: &str) -> bool {
    name.ends_with("/tests.rs") || name.contains("/tests/")
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
