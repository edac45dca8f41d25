//! Where the scheduler of a cluster is.

use std::fmt::{Display, Formatter};
use std::net::{IpAddr, ToSocketAddrs};

use crate::error::{Error, Result};

/// Host and port of a process of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterAddress {
    /// A name or an IP address; one of version 6 without its brackets.
    pub host: String,
    pub port: u16,
}

impl ClusterAddress {
    /// Reads `HOST:PORT`; `place` is where it was written.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(place: &str, text: &str) -> Result<ClusterAddress> {
        let refused = || {
            Error::invalid(place, format!("`{text}` is not the address of a process"))
                .with_hint("write a host and a port, such as `127.0.0.1:50050`")
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(refused)?;
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_name = |host: &str| {
            !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        };
        let is_host = inner.map_or_else(|| is_name(host), |inner| inner.parse::<std::net::Ipv6Addr>().is_ok());
        let port = port.parse().ok().filter(|port| *port != 0).filter(|_| is_host).ok_or_else(refused)?;
        Ok(ClusterAddress { host: inner.unwrap_or(host).to_owned(), port })
    }

    /// Whether every address of the host is of this machine alone.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => (self.host.as_str(), self.port).to_socket_addrs().is_ok_and(|addresses| {
                let mut addresses = addresses.peekable();
                addresses.peek().is_some() && addresses.all(|address| address.ip().is_loopback())
            }),
        }
    }
}

impl ClusterAddress {
    /// The host as URLs have it: an IP address of version 6 in brackets.
    #[must_use]
    pub fn url_host(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

impl Display for ClusterAddress {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.url_host(), self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for text in ["127.0.0.1:50050", "scheduler.example:1", "[::1]:50050"] {
            assert_eq!(ClusterAddress::parse("cluster", text).unwrap().to_string(), text);
        }
        for text in ["", "host", ":1", "host:0", "host:x", "host:70000", "::1:5", "http://host:1", "[host]:1", "a b:1"]
        {
            assert!(ClusterAddress::parse("cluster", text).is_err(), "{text}");
        }
        let is_loopback = |text| ClusterAddress::parse("cluster", text).unwrap().is_loopback();
        assert!(is_loopback("127.0.0.1:1") && is_loopback("[::1]:1") && is_loopback("localhost:1"));
        assert!(!is_loopback("10.0.0.1:1") && !is_loopback("0.0.0.0:1"));
    }
}
