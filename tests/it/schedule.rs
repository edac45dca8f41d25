//! Schedules: their instants, and what becomes of their runs.

mod pattern;
