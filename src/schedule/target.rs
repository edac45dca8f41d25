//! Targets: where what a run has rendered is sent, as a file of schedules writes it.

use serde::Deserialize;

pub mod command;
pub mod email;
pub mod folder;
pub mod object;
pub mod webhook;
mod written;

use command::CommandTarget;
use email::EmailTarget;
pub use email::MailSettings;
use folder::FolderTarget;
use object::ObjectTarget;
use webhook::WebhookTarget;

/// A target: a folder, a bucket, addresses, a receiver of requests, or a program.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Target {
    Folder(FolderTarget),
    Object(Box<ObjectTarget>),
    Email(EmailTarget),
    Webhook(Box<WebhookTarget>),
    Command(CommandTarget),
}

impl Target {
    /// The recipients, to each of which the same is delivered apart; one without a name where the target is the recipient.
    /// None where the run has recipients of its own.
    #[must_use]
    pub fn recipients(&self) -> Vec<Option<String>> {
        match self {
            Target::Email(target) => target.recipients().into_iter().map(Some).collect(),
            _ => vec![None],
        }
    }

    /// Whether the run has recipients of its own, such as the people whom a breach concerns.
    #[must_use]
    pub fn takes_recipients(&self) -> bool {
        matches!(self, Target::Email(target) if target.takes_recipients())
    }

    /// Whether a delivery that may have been received can be attempted again, because the target shows what it has, or
    /// remembers the key of a delivery.
    #[must_use]
    pub fn can_be_asked(&self) -> bool {
        match self {
            Target::Folder(_) | Target::Object(_) => true,
            Target::Webhook(target) => target.idempotent,
            Target::Email(_) | Target::Command(_) => false,
        }
    }

    /// Whether each run leaves files of its own. Otherwise the files of a run replace those of the run before.
    #[must_use]
    pub fn names_the_run(&self) -> bool {
        match self {
            Target::Folder(target) => target.path.names_the_run(),
            Target::Object(target) => target.url.names_the_run(),
            Target::Email(_) | Target::Webhook(_) | Target::Command(_) => true,
        }
    }

    /// Where it is, for people who look at what is sent. It holds no secret.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Target::Folder(target) => target.path.to_string(),
            Target::Object(target) => target.url.to_string(),
            Target::Email(target) if target.takes_recipients() => "the recipients of the run".to_owned(),
            Target::Email(target) => target.recipients().join(", "),
            Target::Webhook(target) => target.place(),
            Target::Command(target) => target.run.first().map_or_else(String::new, ToString::to_string),
        }
    }
}
