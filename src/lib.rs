//! Casebook turns the event history of a customer-care desk into numbers a supervisor can defend.
//!
//! The rooms of the house, in reading order; dependencies point upwards only:
//!
//! - [`model`]: the life cycle of cases. Pure.

pub mod model;
