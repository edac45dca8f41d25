//! The text of queries.

/// The text of queries, and what to call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// `query`, or the name of the file.
    pub name: String,
    pub text: String,
    /// What answers them, for messages: `` `casebook sql` ``, or a schedule.
    pub reader: &'static str,
}
