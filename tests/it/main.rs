//! The tests that look at the program from outside, in one binary: one link instead of one per file.

mod commands;
mod golden;
mod log;
mod project;
mod real;
mod tidy;
