//! What a case contributes to findings that look across cases (2.7): the spans of the log in which it blocks other cases and
//! in which it counts as workload.

use crate::model::position::LogPosition;

/// A span in which a case blocks others of the same customer and profile: it has that profile and is neither closed nor
/// deleted. Without `until` it has no end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSpan<'a> {
    pub profile: &'a str,
    pub since: LogPosition<'a>,
    pub until: Option<LogPosition<'a>>,
    /// Whether the span begins with the creation: if another case is open then, that is a `second_open_case`.
    pub created: bool,
}

impl<'a> OpenSpan<'a> {
    /// A span that has no end yet.
    #[must_use]
    pub fn begun(profile: &'a str, since: LogPosition<'a>, created: bool) -> OpenSpan<'a> {
        OpenSpan { profile, since, until: None, created }
    }
}

/// A span in which an open case is assigned to a user. Without `until` it has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadSpan<'a> {
    pub user: &'a str,
    pub since: LogPosition<'a>,
    pub until: Option<LogPosition<'a>>,
}
