//! The order of the cases of a view. Ties are broken by the case's id.

use std::cmp::{Ordering, Reverse};

use super::state::CaseOfView;
use crate::model::outcome::Outcome;
use crate::model::time::Instant;
use crate::model::view::Sort;

/// A case, and when the user was last mentioned in it.
pub(super) type Row = (CaseOfView, Option<Instant>);

/// Sorts the cases of a view.
pub(super) fn sort(rows: &mut [Row], sort: Sort) {
    rows.sort_by(|one, other| compare(one, other, sort).then_with(|| one.0.case_id.cmp(&other.0.case_id)));
}

fn compare((one, mention): &Row, (other, other_mention): &Row, sort: Sort) -> Ordering {
    let newest = |at: fn(&CaseOfView) -> Option<Instant>| last_if_none(Reverse, at(one), at(other));
    let oldest = |at: fn(&CaseOfView) -> Option<Instant>| last_if_none(|at| at, at(one), at(other));
    match sort {
        Sort::CreatedOldest => oldest(|case| Some(case.state.created_at)),
        Sort::CreatedNewest => newest(|case| Some(case.state.created_at)),
        Sort::CustomerMessageNewest => newest(|case| case.last_customer_message_at),
        Sort::CustomerMessageOldest => oldest(|case| case.last_customer_message_at),
        Sort::MessageNewest => newest(|case| case.last_message_at),
        Sort::MessageOldest => oldest(|case| case.last_message_at),
        Sort::MentionNewest => last_if_none(Reverse, *mention, *other_mention),
        Sort::TimeLeftShortest => oldest(|case| next_breach(case).map(|(_, due_at)| due_at)),
        Sort::TimeLeftLongest => longest(next_breach(one), next_breach(other)),
        Sort::PriorityHighest => one.state.priority.cmp(&other.state.priority),
        Sort::PriorityLowest => other.state.priority.cmp(&one.state.priority),
    }
}

/// Compares by a key of two instants; what has none comes last.
fn last_if_none<K: Ord>(key: impl Fn(Instant) -> K, one: Option<Instant>, other: Option<Instant>) -> Ordering {
    match (one, other) {
        (Some(one), Some(other)) => key(one).cmp(&key(other)),
        (one, other) => other.is_some().cmp(&one.is_some()),
    }
}

/// Whether a clock of the case is overdue, and when the first of its clocks that are not over is or was due; nothing where none
/// is foreseen to be.
fn next_breach(case: &CaseOfView) -> Option<(bool, Instant)> {
    let open = case.instances.iter().filter(|one| matches!(one.outcome, Outcome::Running | Outcome::Overdue));
    let first =
        open.filter_map(|instance| Some((instance.due_at?, instance.outcome))).min_by_key(|(due_at, _)| *due_at);
    first.map(|(due_at, outcome)| (outcome == Outcome::Overdue, due_at))
}

/// Overdue ones first, those that have been the longest before; then by the time that is left, the longest first.
fn longest(one: Option<(bool, Instant)>, other: Option<(bool, Instant)>) -> Ordering {
    match (one, other) {
        (Some((true, one)), Some((true, other))) => one.cmp(&other),
        (Some((false, one)), Some((false, other))) => other.cmp(&one),
        (Some((one, _)), Some((other, _))) => other.cmp(&one),
        (one, other) => other.is_some().cmp(&one.is_some()),
    }
}
