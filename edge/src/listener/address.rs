//! Who a request comes from, also behind proxies.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Hops of `X-Forwarded-For` that are looked at: more than any chain of proxies has.
const HOPS_MAX: usize = 32;

/// The address of a request's client: an extension of every request. What is counted, limited and
/// logged by address goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

/// What shares one allowance: an IPv4 address, or the 64 bits of an IPv6 one that a provider gives to
/// one customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl ClientAddress {
    /// Its network.
    #[must_use]
    pub fn network(self) -> Network {
        Network(match self.0 {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
        })
    }
}

/// The proxies whose word about addresses is taken. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// These networks.
    #[must_use]
    pub fn new(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }

    /// Whether this is one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client of a request that came by `peer`: the last hop that no trusted proxy vouches for. What
    /// stands before it anybody may have written.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        let mut client = peer.to_canonical();
        if self.contains(client) {
            let hops: Vec<&str> = headers
                .get_all(FORWARDED_FOR)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .collect();
            for hop in hops.into_iter().rev().take(HOPS_MAX) {
                let Some(address) = parse(hop.trim()) else { break };
                client = address;
                if !self.contains(client) {
                    break;
                }
            }
        }
        ClientAddress(client)
    }
}

/// An address as proxies write it: some add a port.
fn parse(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.split(']').next()).unwrap_or(hop);
    let address = bare.parse::<IpAddr>().or_else(|_| {
        let (host, _port) = bare.split_once(':').unwrap_or((bare, ""));
        host.parse()
    });
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let networks = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(value).unwrap());
        }
        let client = TrustedProxies::new(&networks).client(peer.parse().unwrap(), &headers);
        client.0.to_string()
    }

    #[test]
    fn the_client_is_the_last_hop_that_no_trusted_proxy_vouches_for() {
        for (peer, forwarded, expected) in [
            ("203.0.113.7", &["198.51.100.1"][..], "203.0.113.7"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["6.6.6.6, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["6.6.6.6", "198.51.100.1", "10.0.0.2"], "198.51.100.1"),
            ("::ffff:10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("fd00::1", &["[2001:db8::7]:443"], "2001:db8::7"),
            ("fd00::1", &["2001:db8::7"], "2001:db8::7"),
            ("10.0.0.1", &["6.6.6.6, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &[", ,"], "10.0.0.1"),
        ] {
            assert_eq!(client(peer, forwarded), expected, "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn neighbours_of_one_ipv6_network_share_an_allowance() {
        let network = |address: &str| ClientAddress(address.parse().unwrap()).network();
        assert_eq!(network("2001:db8:1:2:3::1"), network("2001:db8:1:2:9::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("198.51.100.1"), network("198.51.100.2"));
    }
}
