//! `casebook serve`: the process is started as a user starts it, and asked over HTTP.

mod api;
pub mod assistants;
mod guard;
mod hostile;
mod ingestion;
mod kills;
mod live;
mod login;
mod memory;
mod pages;
pub mod server;
