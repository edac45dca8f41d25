//! One process over one project that a whole desk looks at: web pages, an HTTP API, ingestion over HTTP, and the Postgres wire.
//!
//! Every listener answers from one [`engine::Engine`], which follows the log: it holds the present state of the facts, gives each
//! user a database of their own rights, and limits how many questions are asked at once and for how long.

pub mod answers;
pub mod attempts;
pub mod engine;
pub mod http;
pub mod ingestion;
pub mod limits;
pub mod tls;
pub mod wire;
