//! Applying: compares a TOML file, which states what a desk should be, with the log, and makes events of what differs.
//!
//! [`mod@file`] reads the file, in the terms of [`kind`]. [`desk_events`] reads the events about the desk, and [`state`]
//! applies them up to an instant. A [`plan`] holds each [`change`] between the two, to be shown ([`show`]) and appended as
//! events. Everything but [`desk_events`] is pure. Nothing here writes: the lines are ingested like any others.

pub mod change;
pub mod desk_events;
pub mod file;
pub mod kind;
pub mod plan;
pub mod show;
pub mod state;
mod tree;
pub mod warnings;
