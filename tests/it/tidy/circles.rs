//! No circles of files: if one file uses another, the other does not use the first, not even through further files.
//!
//! A file uses another where it names one of its items. Declaring a module, and re-exporting a child's item, is not a use.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::{Source, sources, word};

#[test]
fn no_files_use_each_other_in_a_circle() {
    let uses = Uses::read();
    let mut complaints = String::new();
    for circle in &uses.circles() {
        let _ = writeln!(complaints, "{} files use each other in a circle:", circle.len());
        for (file, used) in uses.among(circle) {
            let _ = writeln!(complaints, "  {file} uses {used}");
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn uses_are_recognised_in_their_forms() {
    let uses = Uses::of(&[
        ("lib.rs", "pub mod a; pub mod b;"),
        (
            "a.rs",
            "mod c; mod d; pub use c::{Shown, other::Deep}; use crate::b::{self, Big as Large}; fn f() { d::g(); }",
        ),
        ("a/c.rs", "use super::{Own, d::h}; mod other; pub(in crate::a) struct Shown;"),
        ("a/d.rs", "use std::fmt; fn k(x: crate::a::Shown) -> Local::Variant { crate::a::c::other::deep() }"),
        ("a/c/other.rs", "use super::super::Deep; /* its own item, re-exported */"),
        ("b.rs", ""),
    ]);
    let found: Vec<String> = uses.all().map(|(file, used)| format!("{file} {used}")).collect();
    assert_eq!(
        found,
        ["a.rs a/d.rs", "a.rs b.rs", "a/c.rs a.rs", "a/c.rs a/d.rs", "a/d.rs a/c.rs", "a/d.rs a/c/other.rs"]
    );
    let circles: Vec<Vec<String>> = uses.circles().into_iter().map(|circle| circle.into_iter().collect()).collect();
    assert_eq!(circles, [["a.rs", "a/c.rs", "a/d.rs"]]);
}

/// Which file uses which, by their names below `src`.
struct Uses(BTreeMap<String, BTreeSet<String>>);

impl Uses {
    fn read() -> Uses {
        let sources: Vec<Source> = sources().filter(|source| source.name != "main.rs" && !source.is_test()).collect();
        let texts: Vec<(String, String)> =
            sources.into_iter().map(|source| (source.name.clone(), source.own_text())).collect();
        let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        Uses::of(&files)
    }

    fn of(files: &[(&str, &str)]) -> Uses {
        let crate_modules = Modules::of(files);
        let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, text) in files {
            let module = module_of(name);
            let mut used: BTreeSet<String> = BTreeSet::new();
            for path in paths(text) {
                let Some((target, item)) = crate_modules.resolve(&module, &path.segments) else { continue };
                let is_below = target.starts_with(&module) && target != module;
                let target = crate_modules.home(target, item);
                if target != module && !target.is_empty() && !(path.is_reexport && is_below) {
                    used.insert(crate_modules.files[&target].clone());
                }
            }
            uses.insert((*name).to_owned(), used);
        }
        Uses(uses)
    }

    fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(file, used)| used.iter().map(|used| (file.as_str(), used.as_str())))
    }

    fn among<'a>(&'a self, circle: &'a BTreeSet<String>) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.all().filter(|(file, used)| circle.contains(*file) && circle.contains(*used))
    }

    /// Sets of files in which each reaches each.
    fn circles(&self) -> BTreeSet<BTreeSet<String>> {
        let reached: BTreeMap<&String, BTreeSet<String>> =
            self.0.keys().map(|file| (file, self.reached(file))).collect();
        let circle = |file: &String| {
            reached[file]
                .iter()
                .filter(|other| reached.get(other).is_some_and(|back| back.contains(file)))
                .cloned()
                .collect()
        };
        self.0.keys().filter(|file| reached[file].contains(*file)).map(circle).collect()
    }

    fn reached(&self, file: &str) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut open = vec![file.to_owned()];
        while let Some(file) = open.pop() {
            for used in self.0.get(&file).into_iter().flatten() {
                if reached.insert(used.clone()) {
                    open.push(used.clone());
                }
            }
        }
        reached
    }
}

/// The modules of the crate, and the items that some of them re-export. A module is named by its path: `["log", "stage"]`.
struct Modules {
    files: BTreeMap<Vec<String>, String>,
    /// (module, name) to the path that is re-exported.
    reexports: BTreeMap<(Vec<String>, String), Vec<String>>,
}

impl Modules {
    fn of(files: &[(&str, &str)]) -> Modules {
        let names = files.iter().map(|(name, _)| (module_of(name), (*name).to_owned())).collect();
        let mut modules = Modules { files: names, reexports: BTreeMap::new() };
        for (name, text) in files {
            let module = module_of(name);
            for path in paths(text).into_iter().filter(|path| path.is_reexport) {
                let (Some(name), Some((target, _))) =
                    (path.segments.last().cloned(), modules.resolve(&module, &path.segments))
                else {
                    continue;
                };
                modules.reexports.insert((module.clone(), name), target);
            }
        }
        modules
    }

    /// The module that a path leads to from another one, and the name behind it, if one follows.
    fn resolve(&self, from: &[String], segments: &[String]) -> Option<(Vec<String>, Option<String>)> {
        let mut rest = segments.iter().peekable();
        let mut module = match rest.peek()?.as_str() {
            "crate" => {
                rest.next();
                Vec::new()
            }
            "self" => {
                rest.next();
                from.to_vec()
            }
            "super" => from.to_vec(),
            child => {
                let path = [from, &[child.to_owned()]].concat();
                self.files.contains_key(&path).then(|| from.to_vec())?
            }
        };
        while rest.next_if(|segment| segment.as_str() == "super").is_some() {
            module.pop()?;
        }
        while let Some(segment) = rest.next_if(|segment| {
            let path = [module.as_slice(), &[(*segment).clone()]].concat();
            self.files.contains_key(&path)
        }) {
            module.push(segment.clone());
        }
        Some((module, rest.next().cloned()))
    }

    /// Where an item is, if the module only re-exports it.
    fn home(&self, module: Vec<String>, item: Option<String>) -> Vec<String> {
        let Some(item) = item else { return module };
        let mut home = module;
        // Re-exports of re-exports; more than a few in a row would be a circle of their own.
        for _ in 0..5 {
            match self.reexports.get(&(home.clone(), item.clone())) {
                Some(next) if *next != home => home = next.clone(),
                _ => break,
            }
        }
        home
    }
}

/// `log/stage.rs` is the module `["log", "stage"]`, `lib.rs` the root.
fn module_of(name: &str) -> Vec<String> {
    if name == "lib.rs" {
        return Vec::new();
    }
    name.trim_end_matches(".rs").split('/').map(str::to_owned).collect()
}

/// A path in a source, such as `crate::log::stage::Piece`.
struct Named {
    segments: Vec<String>,
    is_reexport: bool,
}

/// All paths of a source: those of `use` statements, one for each name, and those in code.
fn paths(text: &str) -> Vec<Named> {
    let mut named = Vec::new();
    let mut code = String::new();
    let mut rest = text;
    while let Some(at) = next_use(rest) {
        let (before, statement) = rest.split_at(at);
        let (statement, after) = statement.split_once(';').unwrap_or((statement, ""));
        let is_reexport = before.rsplit([';', '}', '{', ']', '\n']).next().unwrap_or_default().contains("pub");
        let tree = statement.trim_start_matches("use ").split_whitespace().collect::<Vec<_>>().join(" ");
        named.extend(expanded(&tree).into_iter().map(|segments| Named { segments, is_reexport }));
        code.push_str(before);
        rest = after;
    }
    code.push_str(rest);
    named.extend(paths_of_code(&code).into_iter().map(|segments| Named { segments, is_reexport: false }));
    named
}

/// Where the next `use` statement begins.
fn next_use(text: &str) -> Option<usize> {
    let begins = |at: usize| {
        let before = text[..at].trim_end_matches(' ');
        before.is_empty() || before.ends_with([';', '}', '{', ']', ')', '\n']) || before.ends_with("pub")
    };
    text.match_indices("use ").map(|(at, _)| at).find(|at| begins(*at))
}

/// The paths of a tree such as `a::{b, c::{self, D as E}}`.
fn expanded(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some((before, group)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        let segments: Vec<String> = path.split("::").map(|segment| segment.trim().to_owned()).collect();
        return vec![segments.into_iter().filter(|segment| !segment.is_empty() && segment != "*").collect()];
    };
    let base: Vec<String> =
        before.split("::").map(|segment| segment.trim().to_owned()).filter(|segment| !segment.is_empty()).collect();
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    let mut paths = Vec::new();
    for part in parts_of_group(group) {
        for path in expanded(part) {
            let is_self = path == ["self"];
            paths.push(if is_self { base.clone() } else { [base.clone(), path].concat() });
        }
    }
    paths
}

/// The parts of `a, b::{c, d}, e` between the outermost commas.
fn parts_of_group(group: &str) -> Vec<&str> {
    let (mut depth, mut begins, mut parts) = (0_i32, 0, Vec::new());
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(group[begins..at].trim());
                begins = at + 1;
            }
            _ => {}
        }
    }
    parts.push(group[begins..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

/// Every chain of names with `::` in code, such as `disk::place`; not what follows a dot or ends with a visibility.
fn paths_of_code(code: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    let mut at = 0;
    while let Some(found) = code[at..].find("::").map(|found| at + found) {
        let begins = code[..found]
            .rfind(|letter: char| !letter.is_alphanumeric() && letter != '_')
            .map_or(0, |before| before + 1);
        let mut segments = vec![code[begins..found].to_owned()];
        let mut end = found;
        while let Some(rest) = code[end..].strip_prefix("::") {
            let name = word(rest);
            if name.is_empty() {
                break;
            }
            segments.push(name.to_owned());
            end += 2 + name.len();
        }
        let before = &code[..begins];
        let is_scope = before.trim_end().ends_with("(in");
        if !segments[0].is_empty() && !before.ends_with(['.', ':']) && !is_scope {
            paths.push(segments);
        }
        at = end.max(found + 2);
    }
    paths
}
