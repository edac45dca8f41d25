//! `view`: the cases of a view of a user, or the views that a user has.

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::context::{CommandContext, Completion};
use super::moment::MomentArguments;
use super::output::OutputArguments;
use super::people::PeopleArguments;
use crate::error::{Error, Result};
use crate::export::Shown;
use crate::model::view::{Sort, ViewConditions};
use crate::query::case_views::{self, ViewQuestion};

/// Arguments of `view`.
#[derive(Debug, Args)]
pub struct ViewArguments {
    #[command(flatten)]
    pub moment: MomentArguments,
    #[command(flatten)]
    pub people: PeopleArguments,
    /// A built-in view such as inbox, or the id of a view of the desk [default: list the views of the user]
    view: Option<String>,
    /// Whose view [default: the user of --as-user]
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// The order of the cases [default: that of the view]
    #[arg(long, value_name = "SORT", value_parser = PossibleValuesParser::new(Sort::NAMES.iter().copied()))]
    sort: Option<String>,
    #[command(flatten)]
    output: OutputArguments,
}

/// Prints the cases of a view, or the views of a user.
pub async fn view(context: &CommandContext, arguments: &ViewArguments) -> Result<Completion> {
    let user = arguments.user.as_ref().or(arguments.people.as_user.as_ref()).ok_or_else(|| {
        let error = Error::invalid("--user", "views are those of a user");
        error.with_hint("name one, such as `casebook view inbox --user ana`")
    })?;
    let zone = context.settings.zone()?;
    let Some(view) = &arguments.view else {
        let database = context.database().await?;
        let views = case_views::views_of(&database, user).await?;
        arguments.output.print(Shown::new(zone, "Views"), &case_views::listed(&views)?)?;
        return Ok(Completion::Done);
    };
    let sort = arguments.sort.as_deref().and_then(Sort::parse);
    let (view, user, conditions) = (view.clone(), user.clone(), ViewConditions::default());
    let database = context.database().await?;
    let cases = case_views::cases_of(&database, &ViewQuestion { view, user, sort, conditions }).await?;
    arguments.output.print(Shown::new(zone, "Cases"), &cases)?;
    let noun = if cases.num_rows() == 1 { "case" } else { "cases" };
    context.printer.talk(format!("{} {noun}, as of {}", cases.num_rows(), database.as_of()));
    Ok(Completion::Done)
}
