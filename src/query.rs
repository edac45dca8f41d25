//! Where SQL sees the log and the facts: sessions with every table, view and function.
//!
//! [`session`] opens one over the present facts, [`moment`] over those of another moment, [`memory`] over events that are in
//! memory; [`views`] and [`functions`] are what a session has beside the tables; [`compare`] compares the facts of a store
//! with those of a full replay.

pub mod compare;
pub mod functions;
pub mod memory;
pub mod moment;
pub mod session;
pub mod views;
