//! The tests that look at the program from outside, in one binary: one link instead of one per file.

// Clippy knows a test by its attribute, not the functions that tests share.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "here a panic is a failed test"
)]

mod access;
mod apply;
mod audit;
mod auditor;
mod boards;
mod bucket;
mod case;
mod case_views;
mod cases;
mod catalogue;
mod check;
mod cluster;
mod commands;
mod compact;
mod condition;
mod content;
mod deliver;
mod desk;
mod disk;
mod drill;
mod facts_format;
mod fields;
mod filters;
mod formats;
mod fuzz;
mod golden;
mod import;
mod ingest;
mod laws;
mod log;
mod lookup;
mod mapping;
mod mcp;
mod metric;
mod moment;
mod needs;
mod people;
mod plain_metrics;
mod power;
mod project;
mod proof;
mod quarantine;
mod query;
mod real;
mod refresh;
mod report;
mod rights;
mod samples;
mod schedule;
mod serve;
mod shared;
mod sql;
mod store;
mod stream;
mod tangle;
mod tidy;
mod torture;
mod wire;
