//! The text of a first mapping.

use std::fmt::Write;

use super::look::{Look, LookColumn};
use super::roles::{self, Roles, Timed};
use super::times;
use crate::spelling::shortened;

/// How many values of a column are shown.
const SHOWN_VALUES: usize = 8;
/// The longest value that is shown whole.
const SHOWN_CHARACTERS: usize = 40;
/// How many values a map takes.
const MAP_MAX: usize = 60;

/// The mapping.
pub(super) fn mapping(look: &Look, roles: &Roles, name: &str) -> String {
    let mut text = String::new();
    head(&mut text, look, name);
    columns(&mut text, look);
    root(&mut text, look, roles, name);
    created(&mut text, look, roles);
    assigned(&mut text, roles);
    replied(&mut text, roles);
    statuses(&mut text, look, roles);
    text
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted + "\""
}

/// A value in a comment: on one line and not too long.
fn shown(value: &str) -> String {
    format!("`{}`", shortened(&one_line(value), SHOWN_CHARACTERS))
}

fn head(text: &mut String, look: &Look, name: &str) {
    let _ = writeln!(
        text,
        "# A first mapping for {}, with {} rows. It is a guess from names and values: read it, correct it, and look at\n\
         # what it makes with\n#\n#     casebook import --dry-run --mapping {name}.toml {}\n#\n\
         # docs/mappings.md describes every key.\n",
        shown(&look.file),
        look.rows,
        look.file.replace(['\n', '\r'], " ")
    );
}

/// Every column as a comment.
fn columns(text: &mut String, look: &Look) {
    let _ = writeln!(
        text,
        "# The columns: how many different values, how many empty cells, and values with their counts.\n#"
    );
    for column in &look.columns {
        let _ = writeln!(text, "# `{}`: {}", one_line(&column.name), about(look, column));
        if let Some(guess) = times::guess(column) {
            let _ = writeln!(text, "#   times: {}", one_line(&guess.evidence));
        }
    }
    for (path, (count, members)) in &look.each {
        let names: Vec<String> = members.iter().map(|name| shown(name)).collect();
        let _ = writeln!(text, "# each = {}: {count} elements with {}", quoted(path), names.join(", "));
        if members.iter().any(|name| name == "id") && members.iter().any(|name| name == "value") {
            let field = path.strip_suffix("[]").unwrap_or(path);
            let _ = writeln!(text, "#   one of them is the column `{field}[id=ID].value`");
        }
    }
    text.push('\n');
}

fn one_line(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn about(look: &Look, column: &LookColumn) -> String {
    let more = if column.cut { "more than " } else { "" };
    let mut about = format!("{more}{} values, {} empty", column.values.len(), look.rows.saturating_sub(column.filled));
    if column.filled > 0 {
        let values = column.frequent();
        let with_counts = values.first().is_some_and(|(_, count)| *count > 1);
        let value =
            |(value, count): &(&str, u64)| if with_counts { format!("{} {count}", shown(value)) } else { shown(value) };
        let examples: Vec<String> = values.iter().take(if with_counts { SHOWN_VALUES } else { 3 }).map(value).collect();
        let _ = write!(about, ": {}", examples.join(", "));
    }
    if column.repeated {
        about.push_str("; another column has this name: `occurrence` chooses");
    }
    if roles::is_business(&column.name) {
        about.push_str("; business hours, left out: Casebook counts them itself, by a calendar");
    }
    about
}

fn root(text: &mut String, look: &Look, roles: &Roles, name: &str) {
    let _ = writeln!(text, "source = {}", quoted(name));
    text.push_str("# How long a message reopens a case that is done; \"never\" for a desk that closes nothing.\ngrace_period = \"3d\"\n");
    if let Some(delimiter) = look.delimiter {
        let _ = writeln!(
            text,
            "delimiter = {}",
            if delimiter == b'\t' { "\"\\t\"".to_owned() } else { quoted(&char::from(delimiter).to_string()) }
        );
    }
    if let Some(encoding) = look.encoding {
        let _ = writeln!(
            text,
            "# The bytes are not UTF-8: look at letters with accents, and try `windows-1250` if they are wrong.\nencoding = {}",
            quoted(encoding)
        );
    }
    if look.skip_lines > 0 {
        let _ = writeln!(text, "# Lines before the header.\nskip_lines = {}", look.skip_lines);
    }
    if look.rows_uneven > 0 {
        let _ =
            writeln!(text, "# {} rows have more or fewer cells than the header.\nuneven_rows = true", look.rows_uneven);
    }
    if let Some(rows) = &look.rows_path {
        let _ = writeln!(text, "# The rows within the document.\nrows = {}", quoted(rows));
    }
    if roles.case_is_distinct {
        let _ = writeln!(
            text,
            "# No two rows have the same: it identifies a row, and becomes part of the ids of its events.\nkey = [{}]",
            quoted(&roles.case)
        );
        text.push_str(
            "# If a row is the state of its case when it was exported, and later exports have it again: `snapshots = true` and rules with\n\
             # `on = \"change\"` bring what changed. Without that, a case whose row changed keeps its first state.\n",
        );
    } else {
        text.push_str("# Without a `key`, a row is identified by all its cells. Name the columns that identify one, if there are such.\n# key = []\n");
    }
    let _ = write!(text, "\n[time]\ncolumn = {}\n{}", quoted(&roles.created.column), format_of(&roles.created, "\n"));
    if !roles.created.guess.has_offset {
        text.push_str("# The times have no offset. Write the zone of the program that wrote them, such as \"Europe/Prague\".\nzone = \"UTC\"\n");
    }
    let _ = writeln!(text, "\n[case]\nid = {}", quoted(&roles.case));
}

/// The keys of a column of times.
fn format_of(timed: &Timed, end: &str) -> String {
    format!("format = {}{end}", quoted(&timed.guess.format))
}

/// A time of an event; what it does not state is as in `[time]`.
fn time(timed: &Timed, roles: &Roles) -> String {
    let (guess, general) = (&timed.guess, &roles.created.guess);
    if guess.format == general.format && guess.has_offset == general.has_offset {
        return format!("time = {}", quoted(&timed.column));
    }
    let zone = if general.has_offset && !guess.has_offset { ", zone = \"UTC\"" } else { "" };
    format!("time = {{ column = {}, {}{zone} }}", quoted(&timed.column), format_of(timed, ""))
}

fn filled(column: &str) -> String {
    format!("when = {{ column = {}, empty = false }}", quoted(column))
}

fn created(text: &mut String, look: &Look, roles: &Roles) {
    let on = if roles.case_is_distinct { "row" } else { "first" };
    let _ = writeln!(text, "\n[[event]]\ntype = \"case.created\"\non = \"{on}\"\n\n[event.data]");
    match &roles.customer {
        Some(customer) => {
            let _ = writeln!(text, "customer = {{ column = {}, default = \"unknown\" }}", quoted(customer));
        }
        None => {
            let _ = writeln!(
                text,
                "# No column seems to be the customer: each case is its own one.\ncustomer = {{ column = {} }}",
                quoted(&roles.case)
            );
        }
    }
    if let Some(priority) = &roles.priority {
        let _ = writeln!(text, "\n[event.data.priority]\ncolumn = {}", quoted(priority));
        map(text, look, "event.data.priority", priority, roles::priority, |_| true);
    }
}

/// A map of the values of a column. Those that are not known are comments.
fn map(
    text: &mut String,
    look: &Look,
    table: &str,
    column: &str,
    known: impl Fn(&str) -> Option<&'static str>,
    is_taken: impl Fn(&str) -> bool,
) {
    let _ = writeln!(text, "\n[{table}.map]");
    let Some(column) = look.columns.iter().find(|other| other.name == column) else { return };
    for (value, count) in column.frequent().into_iter().take(MAP_MAX).filter(|(value, _)| is_taken(value)) {
        match known(value) {
            Some(word) => {
                let _ = writeln!(text, "{} = \"{word}\" # {count}", quoted(value));
            }
            None => {
                let _ = writeln!(text, "# not known ({count}), write what it means: {} = \"?\"", quoted(value));
            }
        }
    }
}

fn assigned(text: &mut String, roles: &Roles) {
    let Some(agent) = &roles.agent else {
        text.push_str("\n# No column seems to be the agent of a case: there are no assignments.\n");
        return;
    };
    if roles.case_is_distinct {
        let _ = writeln!(text, "\n[[event]]\ntype = \"case.assigned\"\non = \"row\"");
    } else {
        let _ = writeln!(text, "\n[[event]]\ntype = \"case.assigned\"\non = \"change\"\nof = \"agent\"");
    }
    match &roles.assigned {
        Some(timed) => {
            let all = format!(
                "when = [{{ column = {}, empty = false }}, {{ column = {}, empty = false }}]",
                quoted(agent),
                quoted(&timed.column)
            );
            let _ = writeln!(text, "{all}\n{}", time(timed, roles));
        }
        None if roles.case_is_distinct => {
            let _ =
                writeln!(text, "{}\n# No column has the time of the assignment: it is that of the row.", filled(agent));
        }
        None => {
            let _ = writeln!(text, "{}", filled(agent));
        }
    }
    let _ = writeln!(text, "data.agent = {{ column = {} }}", quoted(agent));
}

fn replied(text: &mut String, roles: &Roles) {
    let (column, time) = match (&roles.replied, &roles.reply_after) {
        (Some(timed), _) => (&timed.column, time(timed, roles)),
        (None, Some((column, unit))) => {
            let plus = format!("plus = {{ column = {}, unit = \"{unit}\" }}", quoted(column));
            (column, format!("time = {{ column = {}, {plus} }}", quoted(&roles.created.column)))
        }
        (None, None) => {
            text.push_str("\n# No column has the time of a reply: there are no messages.\n");
            return;
        }
    };
    let on = if roles.case_is_distinct { "row" } else { "first" };
    let _ = writeln!(
        text,
        "\n# The first reply.\n[[event]]\ntype = \"message.sent\"\non = \"{on}\"\n{}\n{time}\ndata.message = {{ text = {} }}",
        filled(column),
        quoted(&format!("{{{}}}/reply", roles.case))
    );
    if let Some(agent) = &roles.agent {
        let _ = writeln!(text, "data.by = {{ column = {} }}", quoted(agent));
    }
}

fn statuses(text: &mut String, look: &Look, roles: &Roles) {
    let resolved = roles.resolved.as_ref().filter(|_| roles.case_is_distinct);
    if let Some(timed) = resolved {
        let _ = writeln!(
            text,
            "\n[[event]]\ntype = \"case.status_changed\"\nname = \"resolved\"\non = \"row\"\n{}\n{}\ndata.status = \"done\"",
            filled(&timed.column),
            time(timed, roles)
        );
    }
    let Some(status) = &roles.status else { return };
    let _ = writeln!(text, "\n[[event]]\ntype = \"case.status_changed\"");
    if roles.case_is_distinct {
        text.push_str("on = \"row\"\n# The status at the time of the export, and not when it became so.\n");
    } else {
        text.push_str("on = \"change\"\nof = \"status\"\n");
    }
    let done = values(look, status, |word| matches!(word, "done" | "spam"));
    let left: Vec<String> = if resolved.is_some() { done } else { Vec::new() };
    let mut conditions = Vec::new();
    if !left.is_empty() {
        let values: Vec<String> = left.iter().map(|value| quoted(value)).collect();
        conditions.push(format!("{{ column = {}, not_in = [{}] }}", quoted(status), values.join(", ")));
    }
    let updated = roles.updated.as_ref().filter(|_| roles.case_is_distinct);
    if let Some(timed) = updated {
        conditions.push(format!("{{ column = {}, empty = false }}", quoted(&timed.column)));
    }
    if !conditions.is_empty() {
        let _ = writeln!(text, "when = [{}]", conditions.join(", "));
    }
    if let Some(timed) = updated {
        let _ = writeln!(text, "{}", time(timed, roles));
    }
    let _ = writeln!(text, "\n[event.data.status]\ncolumn = {}", quoted(status));
    map(text, look, "event.data.status", status, roles::status, |value| !left.iter().any(|other| other == value));
}

/// The values of a column whose word is wanted.
fn values(look: &Look, column: &str, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let column = look.columns.iter().find(|other| other.name == column);
    let values = column.into_iter().flat_map(LookColumn::frequent).map(|(value, _)| value.to_owned());
    values.filter(|value| roles::status(value).is_some_and(&wanted)).collect()
}
