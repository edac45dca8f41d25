//! `access`: who may connect to a server of the project. A token is printed once; no password and no hash ever is.

mod list;
mod typed;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::context::{CommandContext, Completion};
use super::output::OutputArguments;
use crate::access::change::{self, Change};
use crate::access::{AccessFile, Scope};
use crate::error::{Error, Result};
use crate::log::LogFolder;
use crate::model::time::{Instant, parse_duration_ms};
use crate::query::database::{Database, Opening};
use crate::query::moment::Moment;
use crate::query::people::People;
use crate::store::progress::Progress;

/// Arguments of `access`.
#[derive(Debug, Args)]
pub struct AccessArguments {
    #[command(subcommand)]
    operation: Operation,
}

/// What can be done with credentials.
#[derive(Debug, Subcommand)]
enum Operation {
    /// Give a user a password, for the web pages and the Postgres wire
    Add {
        /// The id of the user in the log
        user: String,
        #[command(flatten)]
        from: PasswordFrom,
    },
    /// Change a user's password
    Password {
        /// The id of the user in the log
        user: String,
        #[command(flatten)]
        from: PasswordFrom,
    },
    /// Make a token for a program, and print it: this once only
    Token {
        /// The id of the user in the log, with whose rights the program acts
        user: String,
        /// What the token is called in the list
        #[arg(long, value_name = "NAME")]
        name: String,
        /// What it may be used for
        #[arg(long, value_enum, value_delimiter = ',', required = true, value_name = "SCOPES")]
        scope: Vec<TypedScope>,
        /// For how long it is good, or until when
        #[arg(long, value_name = "DURATION|T", default_value = "90d")]
        expires: String,
    },
    /// Take away everything that a user can connect with, or one token; servers that run know it at once
    Revoke {
        user: String,
        /// Only this token
        #[arg(long, value_name = "NAME")]
        token: Option<String>,
    },
    /// Who has a password, and which tokens there are
    List {
        #[command(flatten)]
        output: OutputArguments,
    },
}

/// Where a password comes from.
#[derive(Clone, Copy, Debug, Args)]
struct PasswordFrom {
    /// Read the password from the first line of standard input [default: asked for, twice]
    #[arg(long)]
    stdin: bool,
}

/// A scope as it is typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum TypedScope {
    /// Ask questions
    Read,
    /// Add events
    Ingest,
}

/// Carries out what was typed.
pub async fn access(context: &CommandContext, arguments: &AccessArguments) -> Result<Completion> {
    match &arguments.operation {
        Operation::Add { user, from } => {
            let password = typed::password(from.stdin)?;
            apply(context, Change::Add { user: user.clone(), password })?;
            note_unknown(context, user).await;
            summary(context, format!("`{user}` has a password"), user)
        }
        Operation::Password { user, from } => {
            let password = typed::password(from.stdin)?;
            apply(context, Change::Password { user: user.clone(), password })?;
            summary(context, format!("`{user}` has another password"), user)
        }
        Operation::Token { user, name, scope, expires } => token(context, user, name, scope, expires).await,
        Operation::Revoke { user, token: None } => {
            apply(context, Change::Revoke { user: user.clone() })?;
            summary(context, format!("`{user}` has no credentials any more"), user)
        }
        Operation::Revoke { user, token: Some(name) } => {
            apply(context, Change::RevokeToken { user: user.clone(), name: name.clone() })?;
            summary(context, format!("the token `{name}` of `{user}` is not good any more"), user)
        }
        Operation::List { output } => list::list(context, output),
    }
}

/// Makes a token and prints it.
async fn token(
    context: &CommandContext,
    user: &str,
    name: &str,
    scopes: &[TypedScope],
    expires: &str,
) -> Result<Completion> {
    let expires_at = expires_at(context, expires)?;
    let mut scopes: Vec<Scope> = scopes.iter().map(|scope| scope.scope()).collect();
    scopes.sort_unstable();
    scopes.dedup();
    let change = Change::Token { user: user.to_owned(), name: name.to_owned(), scopes, expires_at };
    let Some(token) = apply(context, change)? else { return Ok(Completion::Done) };
    note_unknown(context, user).await;
    if context.printer.json_summary {
        context.printer.data(json!({"user": user, "name": name, "expires_at": expires_at, "token": token}))?;
    } else {
        context.printer.data(token)?;
        context
            .printer
            .talk(format!("the token `{name}` of `{user}` is good until {expires_at}; it is not shown again"));
    }
    Ok(Completion::Done)
}

impl TypedScope {
    fn scope(self) -> Scope {
        match self {
            TypedScope::Read => Scope::Read,
            TypedScope::Ingest => Scope::Ingest,
        }
    }
}

/// A duration from now on, or an instant to come.
fn expires_at(context: &CommandContext, typed: &str) -> Result<Instant> {
    let at = match parse_duration_ms(typed) {
        Ok(duration_ms) => Instant(context.now.0.saturating_add(duration_ms)),
        Err(_) => context
            .settings
            .instant("--expires", typed)
            .map_err(|error| error.with_hint("write a duration such as 90d, or a day such as 2027-04-01"))?,
    };
    if at <= context.now {
        return Err(Error::invalid("--expires", format!("`{typed}` is in the past")));
    }
    // What the file states must be readable again.
    Instant::parse(&at.to_string()).map_err(|_| Error::invalid("--expires", format!("`{typed}` is out of range")))
}

fn apply(context: &CommandContext, change: Change) -> Result<Option<String>> {
    let folder = &context.settings.project.value;
    let made = change::apply(folder, change)?;
    if let Some(warning) = AccessFile::of_project(folder).warning() {
        context.printer.talk(format!("warning: {warning}"));
    }
    Ok(made)
}

fn summary(context: &CommandContext, text: String, user: &str) -> Result<Completion> {
    context.printer.summary(text, &json!({"user": user}))?;
    Ok(Completion::Done)
}

/// Warns where the log does not know the user: they can log in and do nothing. Where there are no facts yet there is no
/// warning.
async fn note_unknown(context: &CommandContext, user: &str) {
    if matches!(is_known(context, user).await, Ok(Some(false))) {
        context.printer.talk(format!(
            "warning: the log does not know the user `{user}`, who may therefore see nothing; `casebook apply` adds users"
        ));
    }
}

/// Whether the facts, as they are, have the user; nothing where there are none.
async fn is_known(context: &CommandContext, user: &str) -> Result<Option<bool>> {
    if !context.has_log().await? {
        return Ok(None);
    }
    let log = LogFolder::existing(&context.store()?).await?;
    let opening = Opening {
        resources: context.settings.resources(),
        moment: Moment::default(),
        refresh: false,
        people: People::of_store(log.store(), false, false).await?,
        progress: Progress::default(),
        cluster: None,
    };
    let session = Database::open(&log, opening).await?.session();
    let users =
        session.table("users").await?.filter(datafusion::prelude::col("user").eq(datafusion::prelude::lit(user)))?;
    Ok(Some(users.count().await? > 0))
}
