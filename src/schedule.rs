//! Schedules: what is sent when, and where. Every run is rendered once, kept, and delivered to each of its targets.

pub mod content;
pub mod deliver;
pub mod encoding;
pub mod parcel;
pub mod pattern;
pub mod secret;
pub mod sources;
pub mod target;
pub mod template;
