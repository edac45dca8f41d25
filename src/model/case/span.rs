//! What a case contributes to findings across cases (2.7): from where to where in the log it blocks other cases of its customer
//! and counts as workload.

use crate::model::position::Position;

/// A stretch in which a case stands in the way of another of the same customer and profile: it has that profile and
/// is neither closed nor deleted; no `until`: still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSpan<'a> {
    pub profile: &'a str,
    pub since: Position<'a>,
    pub until: Option<Position<'a>>,
    /// The span begins with the case itself: if another one is still open then, that is a `second_open_case`.
    pub created: bool,
}

/// A stretch in which an open case is assigned to a user; no `until`: still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadSpan<'a> {
    pub user: &'a str,
    pub since: Position<'a>,
    pub until: Option<Position<'a>>,
}
