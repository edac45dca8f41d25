//! `casebook serve`: the process is started as a user starts it, and asked over HTTP.

mod api;
mod guard;
mod ingestion;
mod kills;
mod live;
mod login;
mod pages;
mod server;
