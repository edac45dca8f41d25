//! What the numbers were computed from, in words.

use super::asked::Asked;
use super::columns::Column;
use super::order::Ordered;
use crate::metric::aggregation::Aggregation;
use crate::metric::ask::Listing;
use crate::metric::compare::{Compare, buckets_more, running_text};
use crate::metric::header::MetricKind;
use crate::metric::question::Question;
use crate::metric::range::{Range, zone_name};
use crate::model::time::Instant;

/// A line for each range, and what a reader has to know to compare them. `begins` is when the log begins.
pub fn lines(asked: &[Asked], begins: Option<Instant>) -> Vec<String> {
    let Some(first) = asked.first() else { return Vec::new() };
    let mut lines = vec![format!("{}: {}", first.answer.metric.title, counted(first, &first.question.range.text()))];
    lines.extend(overlap(first));
    lines.extend(cases_in_several_rows(first));
    lines.extend(readings(first));
    lines.extend(opening(first));
    for (earlier, compare) in asked.iter().filter_map(|asked| Some((asked, asked.compare?))) {
        let range = &first.question.range;
        let named = format!("{} ({})", earlier.question.range.text(), compare.title(range));
        lines.push(format!("{}: {}", compare.name(), counted(earlier, &named)));
        lines.extend(overlap(earlier));
        lines.extend(cases_in_several_rows(earlier));
        let running = running_text(&first.question, first.answer.metric.kind, &earlier.question.range);
        lines.extend(running.map(|text| format!("note: {text}")));
        lines.extend(begins.and_then(|begins| before_the_log(&earlier.question.range, begins)));
        lines.extend(by_position(&first.question, &earlier.question, compare));
    }
    lines
}

/// A line for a list of cases, and why a contribution may be in several rows.
#[must_use]
pub fn of_cases(question: &Question, listing: &Listing) -> Vec<String> {
    let Listing { title, contributions, cases, left_out, .. } = listing;
    let mut lines =
        vec![format!("{title}: {}", totals(question, &question.range.text(), (*contributions, *cases), left_out))];
    let note = |name| format!("note: a contribution is listed once for each value of `{name}` that it has");
    lines.extend(listing.several.iter().map(note));
    lines
}

/// What a limit leaves out, and how much of what adds up.
pub fn hidden(columns: &[Column], ordered: &Ordered) -> Option<String> {
    let hidden = ordered.hidden();
    if hidden.is_empty() {
        return None;
    }
    let sums: Vec<String> = columns.iter().filter_map(|column| column.sum_text(&hidden)).collect();
    let sums = if sums.is_empty() { String::new() } else { format!("; together they have {}", sums.join(", ")) };
    Some(format!("note: {} of {} rows are not shown{sums}", hidden.len(), ordered.len()))
}

fn counted(asked: &Asked, range: &str) -> String {
    let Asked { question, answer, .. } = asked;
    totals(question, range, (answer.contributions, answer.cases), &answer.left_out)
}

fn totals(question: &Question, range: &str, (contributions, cases): (i64, i64), left_out: &[(String, i64)]) -> String {
    let mut text = format!("{range}, as of {}; {contributions} contributions of {cases} cases", as_of_text(question));
    for (name, count) in left_out.iter().filter(|(_, count)| *count > 0) {
        text.push_str(&format!("; left out: {name} {count}"));
    }
    text
}

fn overlap(asked: &Asked) -> Option<String> {
    asked.answer.overlap_text().map(|text| format!("note: {text}"))
}

/// The as-of on the clock of the range's zone.
fn as_of_text(question: &Question) -> String {
    instant_text(question.as_of, &question.range)
}

fn instant_text(instant: Instant, range: &Range) -> String {
    let zone = range.zone();
    format!("{} {}", instant.to_local(zone).strftime("%Y-%m-%d %H:%M:%S%.3f"), zone_name(zone))
}

/// A range that the log does not hold whole, so that its zeros mean nothing.
fn before_the_log(range: &Range, begins: Instant) -> Option<String> {
    let part = match begins {
        _ if begins <= range.from => return None,
        _ if begins < range.to => "holds only a part",
        _ => "holds nothing",
    };
    Some(format!("note: the log begins at {}, so it {part} of {}", instant_text(begins, range), range.text()))
}

/// The column `cases` counts a case in every row that it contributes to.
fn cases_in_several_rows(asked: &Asked) -> Option<String> {
    // Other notes state it already.
    if overlap(asked).is_some() || readings(asked).is_some() {
        return None;
    }
    let sum: i64 = asked.answer.rows.iter().map(|row| row.cases).sum();
    let whole = asked.answer.cases;
    let column = asked.column("cases");
    (sum > whole).then(|| format!("note: a case is in each row that it contributes to: `{column}` adds up to {sum}, all together there are {whole}"))
}

/// The readings of a stock are of different instants.
fn readings(asked: &Asked) -> Option<String> {
    let grain = asked.question.grain.filter(|_| asked.answer.metric.kind == MetricKind::Stock)?;
    Some(format!(
        "note: a stock is read at the end of each {0}, so the numbers of several {0}s do not add up",
        grain.name()
    ))
}

/// When an opening stock is read.
fn opening(asked: &Asked) -> Option<String> {
    let Question { range, grain, .. } = &asked.question;
    let before = range.from.plus_ms(-1);
    if !asked.answer.show.contains(&Aggregation::Opening) || before > asked.question.as_of {
        return None;
    }
    let first = instant_text(before, range);
    let next = grain.map_or_else(String::new, |grain| {
        format!("; that of each later {0} is the stock at the end of the {0} before", grain.name())
    });
    Some(format!("note: the opening stock is read at {first}{next}"))
}

/// Which bucket stands beside which.
fn by_position(now: &Question, earlier: &Question, compare: Compare) -> Option<String> {
    let grain = now.grain?;
    let name = grain.name();
    let rest = match buckets_more(&now.range, &earlier.range, grain) {
        (0, _) => String::new(),
        (1.., text) => format!("; {text}, in rows without a {name}"),
        (_, text) => format!("; {text}, so the last rows have no {name}_{}", compare.column()),
    };
    Some(format!("note: the first {name} stands beside the first, the second beside the second, and so on{rest}"))
}
