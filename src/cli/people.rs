//! The flags that choose how people and what they write are shown.

use clap::Args;

use crate::report::question::Choices;

/// How people are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Args)]
pub struct PeopleArguments {
    /// Show users and customers by pseudonyms, the same ones in everything that this project shows
    #[arg(long)]
    pub anonymize: bool,
    /// Show the texts of messages, too
    #[arg(long)]
    pub with_text: bool,
}

impl PeopleArguments {
    /// What was chosen for a report.
    #[must_use]
    pub fn of_report(choices: &Choices) -> PeopleArguments {
        PeopleArguments { anonymize: choices.anonymize, with_text: choices.with_text }
    }
}
