//! The flags that choose how people and what they write are shown, and whose rights hold.

use clap::Args;

use crate::query::rights::Viewer;
use crate::report::question::Choices;

/// How people are shown, and to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct PeopleArguments {
    /// Show users and customers by pseudonyms, the same ones in everything that this project shows
    #[arg(long)]
    pub anonymize: bool,
    /// Show the texts of messages, too
    #[arg(long)]
    pub with_text: bool,
    /// Show only what this user of the log may see
    #[arg(long, value_name = "USER")]
    pub as_user: Option<String>,
}

impl PeopleArguments {
    /// What was chosen for a report.
    #[must_use]
    pub fn of_report(choices: &Choices) -> PeopleArguments {
        let Choices { anonymize, with_text, as_user, .. } = choices;
        PeopleArguments { anonymize: *anonymize, with_text: *with_text, as_user: as_user.clone() }
    }

    /// Who sees what is shown.
    #[must_use]
    pub fn viewer(&self) -> Viewer {
        self.as_user.clone().map_or(Viewer::Owner, Viewer::User)
    }
}
