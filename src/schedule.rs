//! Schedules: what is sent when, and where. Every run is rendered once, kept, and delivered to each of its targets.
//!
//! [`mod@file`] reads `schedules.toml`. [`pattern`] gives the instants of a cron pattern in a zone, and [`due`] those at which a
//! run is due. At such an instant [`daemon`] asks the [`condition`], has the [`content`] rendered and kept ([`outputs`]), and sends
//! a [`parcel`] to each [`target`] ([`mod@deliver`]), again where an attempt fails ([`retry`]).

pub mod condition;
pub mod content;
pub mod daemon;
pub mod deliver;
pub mod due;
pub mod encoding;
pub mod file;
pub mod outputs;
pub mod parcel;
pub mod pattern;
pub mod retry;
pub mod secret;
pub mod sources;
pub mod target;
pub mod template;
