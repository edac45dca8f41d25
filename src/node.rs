//! The processes of a cluster: one scheduler and its executors, in the same program as everything else.
//!
//! Ballista does the work ([`scheduler`], [`executor`]). Here is what it must know of this program: how its functions and its
//! operator are written and read ([`codec`]), and who may connect ([`gate`]). And here is what keeps it from wrong answers: plans
//! that it would cut wrongly ([`planner`]), and tasks whose end it would never learn ([`service`]).

pub mod codec;
pub mod executor;
pub mod gate;
pub mod planner;
pub mod scheduler;
pub mod service;

use std::sync::Arc;

use crate::cluster::address::ClusterAddress;
use crate::cluster::client::Cluster;
use crate::cluster::connector::{Certificates, Connector};
use crate::facts::manifest::FACTS_FORMAT;

/// What a process with those certificates shows to others of its cluster.
#[must_use]
pub fn connector(certificates: Option<Certificates>) -> Connector {
    Connector::new(certificates, format!("casebook/{} (facts {FACTS_FORMAT})", env!("CARGO_PKG_VERSION")))
}

/// The cluster whose scheduler is at that address.
#[must_use]
pub fn cluster(address: ClusterAddress, certificates: Option<Certificates>) -> Cluster {
    Cluster::new(address, connector(certificates), Arc::new(codec::LogicalCodec::default()))
}
