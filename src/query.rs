//! Where SQL sees the log and the facts: sessions with every table, view and function.
//!
//! [`database::Database`] is opened once for a state of the store, at present or at another [`moment`], and gives every
//! question a session of its own. [`memory`] makes a session over events that are in memory; [`views`] and [`functions`]
//! are what a session has beside the tables, which the module `tables` makes when they are asked for. [`compare`] compares
//! the facts of a store with those of a full replay; [`contents`] sums up which events a moment has; [`people`] puts pseudonyms in the place of
//! people; [`rights`] leave out what a user may not see; [`case_views`] are lists of cases; [`sql`] understands queries that users write.

pub mod by_number;
pub mod case_views;
pub mod compare;
mod conditions;
pub mod contents;
pub mod database;
pub mod functions;
pub mod lookup;
pub mod memory;
pub mod moment;
pub mod names;
mod numbers;
pub mod people;
mod present;
pub mod rights;
mod schedule_runs;
mod shared;
pub mod sql;
mod tables;
pub mod views;
