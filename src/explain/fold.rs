//! Shortens long ledgers: the lines at their ends and beside their marks are shown, the others are summed.

use super::ledger::{Line, add};
use crate::model::case::clock::Sums;

/// The longest ledger, in intervals, that is not shortened.
const INTERVALS_MAX: usize = 12;

/// How many lines at each end of a longer one are shown.
const ENDS: usize = 3;

/// What a reader sees of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown<'l> {
    Line(&'l Line),
    /// Intervals that were left out: how many, their sums, and what was counted at the end of the last.
    Folded {
        intervals: usize,
        sums: Sums,
        counted_ms: i64,
    },
}

/// Shortens a ledger, if it is long.
#[must_use]
pub fn fold(lines: &[Line]) -> Vec<Shown<'_>> {
    let intervals = lines.iter().filter(|line| matches!(line, Line::Interval(_))).count();
    if intervals <= INTERVALS_MAX {
        return lines.iter().map(Shown::Line).collect();
    }
    let mut shown = Vec::new();
    let mut folding: Vec<&Line> = Vec::new();
    for (position, line) in lines.iter().enumerate() {
        if is_kept(lines, position) {
            shown.extend(folded(&mut folding));
            shown.push(Shown::Line(line));
        } else {
            folding.push(line);
        }
    }
    shown.extend(folded(&mut folding));
    shown
}

/// Whether a line is a mark, is beside one, or is at one of the ends.
fn is_kept(lines: &[Line], position: usize) -> bool {
    let is_mark = |position: usize| matches!(lines.get(position), Some(Line::Mark(..)));
    let beside = position.checked_sub(1).is_some_and(is_mark) || is_mark(position + 1);
    position < ENDS || position + ENDS >= lines.len() || is_mark(position) || beside
}

/// One line for those that are left out; a single line is shown itself, because its sum would not be shorter.
fn folded<'l>(folding: &mut Vec<&'l Line>) -> Option<Shown<'l>> {
    let lines = std::mem::take(folding);
    if let [line] = lines.as_slice() {
        return Some(Shown::Line(line));
    }
    let (mut sums, mut last_ms) = (Sums::default(), None);
    for line in &lines {
        if let Line::Interval(interval) = line {
            add(&mut sums, interval.label, interval.until.since_ms(interval.since));
            last_ms = Some(interval.counted_ms);
        }
    }
    last_ms.map(|counted_ms| Shown::Folded { intervals: lines.len(), sums, counted_ms })
}

#[cfg(test)]
mod tests {
    use super::super::ledger::{Interval, Mark};
    use super::*;
    use crate::model::case::clock::Label;
    use crate::model::event::Status;
    use crate::model::time::Instant;

    /// Intervals, alternately counted and off hours, with a mark before one of them.
    fn days(count: i64, mark_at: Option<i64>) -> Vec<Line> {
        let mut lines = Vec::new();
        for n in 0..count {
            if mark_at == Some(n) {
                lines.push(Line::Mark(Instant(n * 10), Mark::Due { target_ms: n, counted_ms: n }));
            }
            let label = if n % 2 == 0 { Label::Counted } else { Label::OffHours };
            let counted_ms = (n / 2 + 1) * 10;
            let (since, until) = (Instant(n * 10), Instant(n * 10 + 10));
            lines.push(Line::Interval(Interval { since, until, label, status: Status::Open, counted_ms }));
        }
        lines
    }

    fn shape(lines: &[Line]) -> String {
        let letter = |shown: &Shown<'_>| match shown {
            Shown::Line(Line::Interval(_)) => "i".to_owned(),
            Shown::Line(Line::Mark(..)) => "!".to_owned(),
            Shown::Folded { intervals, .. } => format!("({intervals})"),
        };
        fold(lines).iter().map(letter).collect()
    }

    #[test]
    fn long_ledgers_keep_their_ends_and_what_touches_a_mark() {
        assert_eq!(shape(&days(12, None)), "iiiiiiiiiiii");
        assert_eq!(shape(&days(13, None)), "iii(7)iii");
        assert_eq!(shape(&days(21, Some(10))), "iii(6)i!i(7)iii");
        assert_eq!(shape(&days(13, Some(4))), "iiii!i(5)iii");
    }

    #[test]
    fn a_fold_sums_up_what_it_hides() {
        let lines = days(13, None);
        let shown = fold(&lines);
        let Some(Shown::Folded { sums, counted_ms, .. }) = shown.get(3) else { panic!("no fold") };
        assert_eq!((sums.counted_ms, sums.off_hours_ms, *counted_ms), (30, 40, 50));
    }
}
