//! Casebook turns the event history of a customer-care desk into numbers a supervisor can defend.
//!
//! The rooms of the house, in reading order; dependencies point upwards only:
//!
//! - [`model`]: the life cycle of cases. Pure.
//! - [`explain`]: why a case's numbers are what they are. Pure.
//! - [`log`]: the event log: reading, checking, quarantine, appending.
//! - [`apply`]: policies, calendars, people and settings from a file, as events.

pub mod apply;
pub mod audit;
pub mod cli;
pub mod error;
pub mod explain;
pub mod generate;
pub mod import;
pub mod log;
pub mod metric;
pub mod model;
pub mod replay;
pub mod report;
