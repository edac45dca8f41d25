//! The event log: the events that were accepted, each once, and the lines that were set aside.
//!
//! An ingestion is one batch ([`ingest`]): its lines are read in blocks, checked on every core and staged as Parquet files
//! ([`stage`]), compared with each other and with the log ([`identity`], [`lookup`]), and become visible all at once with
//! one commit ([`crate::store::table`]), as a later batch where another machine has added one meanwhile (`overtaken`). Lines
//! that break a rule go to the [`quarantine`]. The memory does not grow with the input.

pub mod case_events;
pub mod columns;
pub mod compact;
pub mod event_log;
pub mod identity;
pub mod ids;
pub mod ingest;
pub mod inspect;
pub mod lookup;
mod overtaken;
pub mod prepared;
pub mod quarantine;
pub mod retry;
pub mod rows;
pub mod stage;
pub mod staged;

pub use event_log::{Log, LogFolder};
pub use ingest::{Clock, Options};
pub use prepared::{InputsSummary, Summary};
