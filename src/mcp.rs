//! The Model Context Protocol: the engine as tools for an assistant, with the rights of whom it works for.
//!
//! `tools` lists the tools and what they take, `answers` answers them. An [`Assistant`] is served over standard input
//! ([`serve`]), or answers single requests of HTTP ([`over_http`]).

mod answers;
mod sources;
mod tools;

use std::sync::Arc;

use futures::FutureExt;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::StreamableHttpServerConfig;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::tower::StreamableHttpService;
use rmcp::{ErrorData, ServerHandler, ServiceExt};

use crate::error::{Error, Result};
pub use sources::{Answering, Opener, Sources};

/// Answers requests of HTTP to one assistant.
pub type HttpAssistant = StreamableHttpService<Assistant, NeverSessionManager>;

/// Bytes of a request over HTTP.
const REQUEST_BYTES_MAX: usize = 1 << 20;

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
        context: RequestContext<RoleServer>,
    ) -> std::result::Result<CallToolResponse, ErrorData> {
        let sources = Arc::clone(&self.sources);
        let answering = async move {
            let arguments = request.arguments.unwrap_or_default();
            answers::answer(&sources, &request.name, &arguments).await
        };
        let answer = tokio::select! {
            answer = (self.sources.within_limits)(answering.boxed()) => answer,
            // The client does not wait for it any more.
            () = context.ct.cancelled() => Err(Error::refused("the question was ended, as the client asked")),
        };
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

/// Answers requests of HTTP, each on its own: there are no sessions that could be left behind. Who may ask, and by which name
/// of the host, is a matter of the server.
#[must_use]
pub fn over_http(assistant: Assistant) -> HttpAssistant {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .disable_allowed_hosts()
        .with_max_request_body_bytes(REQUEST_BYTES_MAX);
    StreamableHttpService::new(move || Ok(assistant.clone()), Arc::new(NeverSessionManager::default()), config)
}
