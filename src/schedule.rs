//! Schedules: what is sent when, and where. Every run is rendered once, kept, and delivered to each of its targets.

pub mod parcel;
pub mod pattern;
