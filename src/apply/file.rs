//! Reads a TOML file that states what the things of a desk should be. All errors of the file are reported, each with its line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value, json};
use toml::de::{DeTable, DeValue};

use super::kind::Kind;
use super::tree::{Fault, Node, Tree, read_members};
use crate::error::Error;
use crate::json::Json;
use crate::model::{Refusal, Step};
use crate::toml_file;
use crate::wire::members;

/// What a file states of one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Desired {
    pub kind: Kind,
    pub subject: String,
    /// The line at which the file begins to state it, from 1.
    pub line: u64,
    pub state: DesiredState,
}

/// The state that a thing should have.
#[derive(Clone, Debug, PartialEq)]
pub enum DesiredState {
    /// It should have these members; null takes back one that is set. A calendar and a policy have no others.
    Members(Map<String, Value>),
    /// It should not exist.
    Removed,
}

/// Keys that are no members of a thing.
const REMOVE: &str = "remove";
const CLEAR: &str = "clear";

/// Errors of one thing that are reported; each needs a check of all of it.
const FAULTS_MAX: usize = 100;

/// Reads a file; the result is in the order in which it becomes events.
///
/// # Errors
/// Everything that is wrong with the file, in the order of its lines: unknown keys with the nearest one, wrong types,
/// and what ingestion would refuse, a policy with the priority and the rule.
pub fn read(file: &Path, text: &str) -> Result<Vec<Desired>, Vec<Error>> {
    let table = toml_file::check_depth(text).and_then(|()| DeTable::parse(text));
    let table = table.map_err(|error| vec![toml_file::error(file, text, &error)])?;
    let mut reader = Reader { text, faults: Vec::new(), found: Vec::new() };
    reader.root(table.get_ref());
    reader.compare_members();
    let Reader { mut faults, mut found, .. } = reader;
    if faults.is_empty() {
        let removals_first = |thing: &Desired| (thing.state != DesiredState::Removed, thing.kind);
        found.sort_by(|a, b| (removals_first(a), &a.subject).cmp(&(removals_first(b), &b.subject)));
        return Ok(found);
    }
    faults.sort_by_key(|fault| fault.at);
    Err(faults.into_iter().map(|fault| error_of(file, text, fault)).collect())
}

fn error_of(file: &Path, text: &str, fault: Fault) -> Error {
    Error::invalid(toml_file::position(file, text, fault.at), fault.message).with_any_hint(fault.hint)
}

struct Reader<'a> {
    text: &'a str,
    faults: Vec<Fault>,
    found: Vec<Desired>,
}

impl Reader<'_> {
    fn root(&mut self, root: &DeTable<'_>) {
        let known = Kind::ALL.map(Kind::table);
        for (key, value) in root.iter() {
            let (at, name) = (key.span().start, key.get_ref().as_ref());
            let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.table() == name) else {
                self.faults.push(Fault::unknown_key(at, "", name, &known));
                continue;
            };
            let Some(table) = self.table(name, at, value.get_ref()) else { continue };
            if kind == Kind::Settings {
                self.thing(kind, "settings", name, at, table);
                continue;
            }
            for (key, value) in table.iter() {
                let (at, subject) = (key.span().start, key.get_ref().as_ref());
                let path = format!("{name}.{subject}");
                if let Some(table) = self.table(&path, at, value.get_ref()) {
                    self.thing(kind, subject, &path, at, table);
                }
            }
        }
    }

    fn table<'t>(&mut self, path: &str, at: usize, value: &'t DeValue<'t>) -> Option<&'t DeTable<'t>> {
        if value.as_table().is_none() {
            let fault = Fault::new(at, format!("`{path}` must be a table, found {}", type_name(value)));
            self.faults.push(fault.with_hint(format!("write `[{path}]` above its members")));
        }
        value.as_table()
    }

    fn thing(&mut self, kind: Kind, subject: &str, path: &str, at: usize, table: &DeTable<'_>) {
        let before = self.faults.len();
        if !(1..=256).contains(&subject.len()) {
            let message = format!("`{path}`: a name has 1 to 256 bytes, found {}", subject.len());
            self.faults.push(Fault::new(at, message));
        }
        let mut known = kind.members();
        known.extend([(REMOVE, super::kind::MemberType::Value), (CLEAR, super::kind::MemberType::Value)]);
        let mut members = read_members(path, table, &known, &mut self.faults);
        let remove = take(&mut members, REMOVE);
        let clear = take(&mut members, CLEAR);
        let node = Node { at, tree: Tree::Table(members) };
        let state = match remove.and_then(|remove| self.removal(kind, path, &remove, &node, clear.as_ref())) {
            Some(removed) => removed,
            None => {
                self.check(kind, subject, &node);
                let cleared = clear.map_or_else(Vec::new, |clear| self.cleared(kind, path, &clear, &node));
                let mut data = object(node.json(&BTreeSet::new()));
                data.extend(cleared.into_iter().map(|name| (name, Value::Null)));
                DesiredState::Members(data)
            }
        };
        if self.faults.len() == before {
            let line = 1 + self.text.get(..at).unwrap_or("").matches('\n').count() as u64;
            self.found.push(Desired { kind, subject: subject.to_owned(), line, state });
        }
    }

    /// `remove = true`; nothing where it is false.
    fn removal(
        &mut self,
        kind: Kind,
        path: &str,
        remove: &Node,
        rest: &Node,
        clear: Option<&Node>,
    ) -> Option<DesiredState> {
        let fault = match (&remove.tree, kind.removed()) {
            (Tree::Leaf(Value::Bool(false)), _) => return None,
            (Tree::Leaf(Value::Bool(true)), None) => {
                Fault::new(remove.at, format!("`{path}`: no event removes {}", plural(kind)))
                    .with_hint("leave it out; what the file does not name stays as it is")
            }
            (Tree::Leaf(Value::Bool(true)), Some(_)) => match rest.parts().first().map(|(_, node)| *node).or(clear) {
                None => return Some(DesiredState::Removed),
                Some(other) => Fault::new(other.at, format!("`{path}` is to be removed and has members"))
                    .with_hint("leave out either `remove` or the members"),
            },
            _ => Fault::new(remove.at, format!("`{path}`: `remove` must be true or false")),
        };
        self.faults.push(fault);
        Some(DesiredState::Removed)
    }

    /// The members to take back.
    fn cleared(&mut self, kind: Kind, path: &str, clear: &Node, stated: &Node) -> Vec<String> {
        let Tree::List(items) = &clear.tree else {
            let fault = Fault::new(clear.at, format!("`{path}`: `clear` must be a list of members"));
            let example = kind.clearable().first().unwrap_or(&"team");
            self.faults.push(fault.with_hint(format!("write it like `clear = [\"{example}\"]`")));
            return Vec::new();
        };
        let mut names = Vec::new();
        for item in items {
            let written = item.json(&BTreeSet::new());
            let name = written.as_str().unwrap_or_default();
            if !kind.clearable().contains(&name) {
                let can = match kind.clearable() {
                    [] => format!("nothing of {} can be", plural(kind)),
                    names => format!("only `{}` can be", names.join("` and `")),
                };
                self.faults.push(Fault::new(item.at, format!("`{path}`: {written} cannot be cleared; {can}")));
            } else if stated.parts().iter().any(|(stated, _)| *stated == name) {
                self.faults.push(Fault::new(item.at, format!("`{path}`: `{name}` is both stated and cleared")));
            } else if names.iter().any(|known| known == name) {
                self.faults.push(Fault::new(item.at, format!("`{path}`: `clear` lists `{name}` twice")));
            } else {
                names.push(name.to_owned());
            }
        }
        names
    }

    /// Checks a thing by the rules of ingestion. A part that is refused is taken out, one that is missing is filled in, and
    /// the rest is checked again, so that one error does not hide another.
    fn check(&mut self, kind: Kind, subject: &str, node: &Node) {
        // What could not be read is reported already.
        let without = self.faults.iter().map(|fault| fault.at).collect();
        let mut trial = Trial { kind, subject, node, without, filled: BTreeSet::new() };
        for _ in 0..FAULTS_MAX {
            let Err(refusal) = trial.check() else { return };
            let refused = trial.find(refusal.path());
            // A part may be refused only because something in it was taken out.
            if refused.is_none_or(|refused| !refused.holds_any(&trial.without)) {
                let text = if kind.is_whole() { "" } else { &format!("{}: ", kind.named(subject)) };
                self.faults.push(Fault::new(refused.unwrap_or(node).at, format!("{text}{refusal}")));
            }
            let goes_on = match refused {
                Some(refused) => trial.without.insert(refused.at),
                None => trial.fill(&refusal),
            };
            if !goes_on {
                return;
            }
        }
    }

    /// A file can state who is in which group at the user and at the group; both must agree.
    fn compare_members(&mut self) {
        let of = |kind: Kind, name: &str| -> BTreeMap<String, (u64, BTreeSet<String>)> {
            let desired = self.found.iter().filter(|thing| thing.kind == kind);
            desired.filter_map(|thing| Some((thing.subject.clone(), (thing.line, texts(thing, name)?)))).collect()
        };
        let (users, groups) = (of(Kind::User, "groups"), of(Kind::Group, "members"));
        for (user, (user_line, of_user)) in &users {
            for (group, (group_line, of_group)) in &groups {
                if of_user.contains(group) == of_group.contains(user) {
                    continue;
                }
                let (names, leaves) = ("names", "does not name");
                let (of_user, of_group) = if of_user.contains(group) { (names, leaves) } else { (leaves, names) };
                let message = format!(
                    "`users.{user}` and `groups.{group}` contradict each other: `groups` {of_user} the group, \
                     `members` {of_group} the user"
                );
                let at = offset_of(self.text, *user_line);
                let hint = format!("state it at one of them only; `groups.{group}` is in line {group_line}");
                self.faults.push(Fault::new(at, message).with_hint(hint));
            }
        }
    }
}

/// A thing as it would be ingested, without the parts that are known to be wrong.
struct Trial<'a> {
    kind: Kind,
    subject: &'a str,
    node: &'a Node,
    without: BTreeSet<usize>,
    /// Missing members that have a replacement, so that the other members are checked.
    filled: BTreeSet<&'static str>,
}

/// Members that must be there, in the order in which they are checked, and a correct value of each.
fn replacements(kind: Kind) -> Vec<(&'static str, Value)> {
    match kind {
        Kind::Policy => vec![("position", json!(1)), (TARGETS, json!({"low": {"assign": "1h"}}))],
        Kind::Calendar => vec![("time_zone", json!("UTC")), ("hours", json!({}))],
        _ => Vec::new(),
    }
}

/// The member of a policy that may be there and still be empty.
const TARGETS: &str = "targets";

impl<'a> Trial<'a> {
    /// Whether ingestion would accept an event that states the thing.
    fn check(&self) -> Result<(), Refusal> {
        let mut data = object(self.node.json(&self.without));
        for (name, value) in replacements(self.kind) {
            if !data.contains_key(name) && (self.states(name) || self.filled.contains(name)) {
                data.insert(name.to_owned(), value);
            }
        }
        let text = Value::Object(data).to_string();
        let unreadable = |error| Refusal::new("invalid_json", format!("cannot be written as JSON: {error}"));
        members::check(self.kind.updated(), self.subject, &Json::parse(&text).map_err(unreadable)?)
    }

    fn states(&self, name: &str) -> bool {
        self.node.parts().iter().any(|(stated, _)| *stated == name)
    }

    /// Fills in what is missing; false if there is nothing to fill in.
    fn fill(&mut self, refusal: &Refusal) -> bool {
        let mut names = replacements(self.kind).into_iter().map(|(name, _)| name);
        let missing = match refusal.rule {
            "missing_member" => names.find(|name| !self.states(name) && !self.filled.contains(name)),
            _ => names.find(|name| *name == TARGETS),
        };
        missing.is_some_and(|name| self.filled.insert(name))
    }

    /// The part of the file that a path leads to, or the last one on the way; nothing for the thing as a whole.
    fn find(&self, path: &[Step]) -> Option<&'a Node> {
        let (mut found, mut node) = (None, self.node);
        for step in path {
            let parts = node.parts().into_iter();
            let mut parts = parts.filter(|(_, part)| !self.without.contains(&part.at));
            let next = match step {
                Step::Member(name) => parts.find(|(known, _)| known == name),
                Step::Item(index) => parts.nth(*index),
            };
            let Some((_, part)) = next else { break };
            (found, node) = (Some(part), part);
        }
        found
    }
}

fn take(members: &mut Vec<(String, Node)>, name: &str) -> Option<Node> {
    let position = members.iter().position(|(known, _)| known == name)?;
    Some(members.remove(position).1)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn texts(thing: &Desired, name: &str) -> Option<BTreeSet<String>> {
    let DesiredState::Members(data) = &thing.state else { return None };
    Some(data.get(name)?.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

fn offset_of(text: &str, line: u64) -> usize {
    let before = usize::try_from(line.saturating_sub(1)).unwrap_or(0);
    text.split_inclusive('\n').take(before).map(str::len).sum()
}

fn plural(kind: Kind) -> &'static str {
    if kind == Kind::Settings { "the settings" } else { kind.table() }
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a flag",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
