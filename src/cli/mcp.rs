//! `mcp`: the engine as tools for an assistant, over standard input and output.

use std::sync::Arc;

use clap::Args;
use futures::FutureExt;

use super::context::{CommandContext, Completion, wall_clock};
use super::people::PeopleArguments;
use crate::error::Result;
use crate::log::LogFolder;
use crate::mcp;
use crate::mcp::{Assistant, Sources};
use crate::query::database::{Database, Opening};
use crate::query::moment::Moment;
use crate::query::people::People;
use crate::query::rights::Viewer;
use crate::store::progress::Progress;

/// Arguments of `mcp`.
#[derive(Debug, Args)]
pub struct McpArguments {
    #[command(flatten)]
    pub people: PeopleArguments,
}

/// Serves until the client closes standard input. Each tool reads the facts as they are then.
pub async fn mcp(context: &CommandContext, arguments: &McpArguments) -> Result<Completion> {
    // What cannot be read at all is an error of the command.
    drop(context.database().await?);
    let (store, resources) = (context.store()?, context.settings.resources());
    let (people, refresh, cluster) = (arguments.people.clone(), context.refresh, context.settings.cluster()?);
    let open = move || {
        let (store, arguments, cluster) = (store.clone(), people.clone(), cluster.clone());
        async move {
            let log = LogFolder::existing(&store).await?;
            let people = People::of_store(log.store(), arguments.anonymize, arguments.with_text).await?;
            let (moment, progress) = (Moment::default(), Progress::default());
            let opening = Opening { resources, moment, refresh, people, progress, cluster };
            let database = Database::open(&log, opening).await?;
            Ok(Arc::new(match arguments.viewer() {
                Viewer::Owner => database,
                viewer => database.seen_by(&viewer).await?,
            }))
        }
        .boxed()
    };
    let sources = Sources {
        open: Box::new(open),
        catalogue: Arc::new(context.catalogue().await?),
        project: context.settings.project.value.clone(),
        zone: context.settings.zone()?,
        now: Box::new(wall_clock),
        within_limits: Box::new(|answering| answering),
    };
    mcp::serve(Assistant::new(sources)).await?;
    Ok(Completion::Done)
}
