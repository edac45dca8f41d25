//! The Model Context Protocol: the engine as tools for an assistant, with the rights of whom it works for.
//!
//! `tools` lists the tools and what they take, `answers` answers them. An [`Assistant`] can be cloned, so that one is served
//! over standard input ([`serve`]) or mounted in a server.

mod answers;
mod sources;
mod tools;

use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, ServerHandler, ServiceExt};

use crate::error::{Error, Result};
pub use sources::{Opener, Sources};

/// Answers the tools of one viewer.
#[derive(Clone)]
pub struct Assistant {
    sources: Arc<Sources>,
}

/// What an assistant should know before it asks.
const INSTRUCTIONS: &str = "\
    Casebook answers questions about the cases of a help desk. Every answer has the definition of what it shows, what it was \
    counted from and what was left out; quote these with a number. Start with list_metrics.";

impl Assistant {
    /// An assistant that is answered from these sources.
    #[must_use]
    pub fn new(sources: Sources) -> Assistant {
        Assistant { sources: Arc::new(sources) }
    }
}

impl ServerHandler for Assistant {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("casebook", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> std::result::Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult { tools: tools::all(), ..ListToolsResult::default() })
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> std::result::Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let answer = answers::answer(&self.sources, &request.name, &arguments).await;
        let result = match answer {
            Ok(contents) => CallToolResult::success(contents),
            Err(error) => CallToolResult::error(vec![ContentBlock::text(message(&error))]),
        };
        Ok(result.into())
    }
}

fn message(error: &Error) -> String {
    match error.hint() {
        Some(hint) => format!("{error}\nhint: {hint}"),
        None => error.to_string(),
    }
}

/// Serves over standard input and output until the client closes it.
///
/// # Errors
/// When the client does not speak the protocol.
pub async fn serve(assistant: Assistant) -> Result<()> {
    let failed =
        |error: String| Error::refused(format!("the client and the server did not understand each other: {error}"));
    let running = assistant.serve(rmcp::transport::stdio()).await.map_err(|error| failed(error.to_string()))?;
    running.waiting().await.map(drop).map_err(|error| failed(error.to_string()))
}
