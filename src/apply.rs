//! Applying: what a supervisor writes into a TOML file, compared with what the log says, as the events that lie between.
//!
//! A file states wishes ([`mod@file`], in the terms of [`kind`]); the log's events about the desk are folded into its state as
//! of an instant ([`present`], [`read`]); a [`plan`] holds what differs, ready to be shown ([`show`]) and to be appended as
//! events. Everything but [`read`] is pure. Nothing here writes: lines go through the same door as everybody's.

pub mod file;
pub mod kind;
pub mod plan;
pub mod present;
pub mod read;
pub mod show;
mod tree;
pub mod warnings;
