//! `access list`: who has which credentials.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray};

use crate::access::change;
use crate::access::file::FILE;
use crate::access::{AccessFile, Scope};
use crate::cli::context::{CommandContext, Completion};
use crate::cli::output::OutputArguments;
use crate::error::Result;
use crate::export::Shown;

/// One credential.
struct Line {
    user: String,
    kind: &'static str,
    name: Option<String>,
    scopes: Option<String>,
    expires_at: Option<String>,
    is_good: bool,
}

/// Prints one row for each password and each token; never a secret or a hash.
pub fn list(context: &CommandContext, output: &OutputArguments) -> Result<Completion> {
    let folder = &context.settings.project.value;
    let content = change::content(folder)?;
    let mut lines = Vec::new();
    for (user, credentials) in &content.users {
        if credentials.password.is_some() {
            let (user, kind) = (user.clone(), "password");
            lines.push(Line { user, kind, name: None, scopes: None, expires_at: None, is_good: true });
        }
        for token in &credentials.tokens {
            let scopes: Vec<&str> = token.scopes.iter().map(|scope: &Scope| scope.name()).collect();
            lines.push(Line {
                user: user.clone(),
                kind: "token",
                name: Some(token.name.clone()),
                scopes: Some(scopes.join(", ")),
                expires_at: Some(token.expires_at.clone()),
                is_good: context.now < token.expires_at(),
            });
        }
    }
    let texts =
        |of: &dyn Fn(&Line) -> Option<String>| -> ArrayRef { Arc::new(lines.iter().map(of).collect::<StringArray>()) };
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("user", texts(&|line| Some(line.user.clone())), false),
        ("kind", texts(&|line| Some(line.kind.to_owned())), false),
        ("name", texts(&|line| line.name.clone()), true),
        ("scopes", texts(&|line| line.scopes.clone()), true),
        ("expires_at", texts(&|line| line.expires_at.clone()), true),
        ("good", Arc::new(lines.iter().map(|line| Some(line.is_good)).collect::<BooleanArray>()), false),
    ])?;
    output.print(Shown::new(context.settings.zone()?, "Access"), &batch)?;
    if let Some(warning) = AccessFile::of_project(folder).warning() {
        context.printer.talk(format!("warning: {warning}"));
    }
    if lines.is_empty() {
        context
            .printer
            .talk(format!("note: {FILE} has no credentials; `casebook access add USER` gives a user a password"));
    }
    Ok(Completion::Done)
}
