//! A cluster: processes, on this machine or on others, that do a part of the work of a question or of a replay.
//!
//! Ballista distributes the work: its scheduler cuts a plan into stages, and executors carry out their tasks. This module is
//! what the process that asks knows of them: where the scheduler is and how processes recognise each other ([`address`],
//! [`connector`]), how a plan is sent there and its rows come back ([`client`], [`sent`]), how it is known that no executor ended meanwhile ([`executors`]), which parts of a plan are sent
//! ([`planner`]), and which functions another process can make again ([`portable`]). What is not sent is computed here, so an
//! answer does not depend on what is.

pub mod address;
pub mod client;
pub mod connector;
pub mod executors;
pub mod planner;
pub mod portable;
pub mod sent;
