//! The wire format of events: CloudEvents in JSON, one event a line.
//!
//! [`mod@line`] reads and checks one line; [`members`] is the table of the members that the `data` of each event type may have.

pub mod line;
pub mod members;
