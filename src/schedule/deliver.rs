//! One attempt to deliver what a run has rendered to one recipient of one target.
//!
//! An attempt ends with a [`Receipt`] or a [`Failure`], which states whether the parcel may have been received, and whether
//! another attempt has any sense. Every attempt ends in bounded time, and waits for no other. When to try again is for the
//! caller, who also records the attempts.

use crate::model::time::Instant;

mod body;
mod check;
mod command;
mod contents;
mod email;
mod folder;
mod object;
mod receipt;
mod webhook;

pub use check::{check_target, connect};
pub use receipt::{Certainty, Failure, REPEAT_NOTE, Receipt};

use super::parcel::Parcel;
use super::secret::Environment;
use super::target::Target;
use super::target::email::MailSettings;
use email::Mailer;
use webhook::Clients;

/// What deliveries share: what the process is given from outside, the mail server, and the clients for requests.
#[derive(Debug)]
pub struct Deliverer {
    pub environment: Environment,
    mailer: Option<Mailer>,
    clients: Clients,
}

impl Deliverer {
    /// What deliveries of a file of schedules share.
    #[must_use]
    pub fn new(environment: Environment, server: Option<MailSettings>) -> Deliverer {
        Deliverer { environment, mailer: server.map(Mailer::new), clients: Clients::default() }
    }

    /// The mail server.
    ///
    /// # Errors
    /// When there is none.
    fn mailer(&self) -> Result<&Mailer, Failure> {
        self.mailer.as_ref().ok_or_else(|| Failure::for_good("there is no mail server; write `[email]` with `server`"))
    }
}

/// Delivers a parcel to a recipient of a target, which is one of [`Target::recipients`] or, where the target takes
/// recipients of the run, any address.
///
/// # Errors
/// When it is not delivered, or may not be.
pub async fn deliver(
    target: &Target,
    recipient: Option<&str>,
    parcel: &Parcel,
    now: Instant,
    with: &Deliverer,
) -> Result<Receipt, Failure> {
    let environment = &with.environment;
    match target {
        Target::Folder(target) => folder::deliver(target, parcel, environment.project()).await,
        Target::Object(target) => object::deliver(target, parcel, environment).await,
        Target::Email(target) => email::deliver(target, recipient, parcel, now, with.mailer()?, environment).await,
        Target::Webhook(target) => webhook::deliver(target, parcel, now, &with.clients, environment).await,
        Target::Command(target) => command::deliver(target, parcel, environment.project()).await,
    }
}
