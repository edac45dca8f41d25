//! Casebook turns the event history of a customer-care desk into numbers a supervisor can defend.
//!
//! The modules, in reading order; each uses only those above it:
//!
//! - [`error`]: what can go wrong.
//! - [`spelling`]: names that are probably meant where an unknown one was written.
//! - [`toml_file`]: TOML files that users write.
//! - [`json`]: JSON values and their fingerprints.
//! - [`model`]: the life cycle of cases. Pure.
//! - [`wire`]: the wire format of events. Pure.
//! - [`explain`]: why the numbers of a case are what they are. Pure.
//! - [`generate`]: events of a desk that does not exist. Pure.
//! - [`store`]: everything durable: Parquet files, commits, locks, flushing.
//! - [`cluster`]: work for other processes, and what comes back.
//! - [`access`]: who may connect: passwords and tokens.
//! - [`input`]: the inputs of an ingestion, as pieces of lines.
//! - [`log`]: the event log: checking, identity, quarantine, appending, compacting.
//! - [`facts`]: the fact tables and the files that hold them.
//! - [`replay`]: events in, fact tables out.
//! - [`query`]: sessions in which SQL sees the log and the facts.
//! - [`apply`]: policies, calendars, people and settings from a file, as events.
//! - [`import`]: foreign exports, through a mapping, as events.
//! - [`export`]: rows as bytes of a file.
//! - [`timeline`]: what happened in cases.
//! - [`metric`]: metrics, questions and answers.
//! - [`report`]: dashboards, pages and their formats.
//! - [`audit`]: checks that derive the facts another way.
//! - [`schedule`]: what is sent when, and where.
//! - [`mcp`]: the engine as tools for an assistant.
//! - [`serve`]: pages, an API and ingestion over HTTP, for a whole desk.
//! - [`node`]: the processes of a cluster: scheduler and executors.
//! - [`cli`]: the command line.

pub mod access;
pub mod apply;
pub mod audit;
pub mod cli;
pub mod cluster;
pub mod error;
pub mod explain;
pub mod export;
pub mod facts;
pub mod generate;
pub mod import;
pub mod input;
pub mod json;
pub mod log;
pub mod mcp;
pub mod metric;
pub mod model;
pub mod node;
pub mod query;
pub mod replay;
pub mod report;
pub mod schedule;
pub mod serve;
pub mod spelling;
pub mod store;
pub mod timeline;
pub mod toml_file;
pub mod wire;
