//! Who asks, really: behind proxies that are trusted, what they say of their client; otherwise what the connection itself shows.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap};
use ipnet::IpNet;

/// Who asks, and for what it takes this server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The client's own address; the loopback address behind a Unix socket.
    pub address: IpAddr,
    /// `http` or `https`: what the client speaks.
    pub scheme: &'static str,
    /// The host it asked for, with its port if it said one; empty when it said none.
    pub host: String,
}

impl Client {
    /// Who asks. What headers say is believed from trusted proxies alone: addresses are walked from the right, where the nearest proxy
    /// wrote, up to the first that is not trusted; the scheme and the host are what the nearest proxy says last.
    #[must_use]
    pub fn of(request: &HttpRequest, trusted: &[IpNet]) -> Self {
        let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
        let own = Self {
            address: peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            scheme: if request.app_config().secure() { "https" } else { "http" },
            host: own_host(request),
        };
        if peer.is_some_and(|peer| is_of(trusted, peer)) { own.told_by(request.headers(), trusted) } else { own }
    }

    /// Its address alone, as [`Client::of`] finds it.
    #[must_use]
    pub fn address_of(request: &HttpRequest, trusted: &[IpNet]) -> Option<IpAddr> {
        let peer = request.peer_addr()?.ip().to_canonical();
        let is_proxied = !trusted.is_empty() && is_of(trusted, peer);
        Some(if is_proxied { Self::of(request, trusted).address } else { peer })
    }

    fn told_by(mut self, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let listed = |name: &str| list(headers, name);
        let forwarded = || listed("forwarded").into_iter().map(pairs).collect::<Vec<_>>();
        let mut hops: Vec<Option<IpAddr>> = listed("x-forwarded-for").into_iter().map(address).collect();
        let (mut proto, mut host) = (last(listed("x-forwarded-proto")), last(listed("x-forwarded-host")));
        if hops.is_empty() {
            let elements = forwarded();
            let said = |name: &str, pairs: &[(String, String)]| {
                pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
            };
            hops = elements.iter().map(|pairs| address(&said("for", pairs)?)).collect();
            if let Some(nearest) = elements.last() {
                proto = proto.or_else(|| said("proto", nearest));
                host = host.or_else(|| said("host", nearest));
            }
        }
        for hop in hops.into_iter().rev() {
            // What cannot be read ends the walk: who wrote it is the farthest that is known.
            let Some(hop) = hop else { break };
            self.address = hop;
            if !is_of(trusted, hop) {
                break;
            }
        }
        match proto.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("https") => self.scheme = "https",
            Some("http") => self.scheme = "http",
            _ => {}
        }
        self.host = host.filter(|host| is_host(host)).unwrap_or(self.host);
        self
    }
}

fn own_host(request: &HttpRequest) -> String {
    let authority = request.uri().authority().map(|authority| authority.as_str());
    let host = || request.headers().get(header::HOST)?.to_str().ok();
    authority.or_else(host).unwrap_or_default().to_owned()
}

fn is_of(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// The elements of every header of a name, from left to right.
fn list<'h>(headers: &'h HeaderMap, name: &str) -> Vec<&'h str> {
    let values = headers.get_all(name).filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|element| !element.is_empty()).collect()
}

fn last(elements: Vec<&str>) -> Option<String> {
    elements.last().map(|last| (*last).to_owned())
}

/// The pairs of an element of `Forwarded` (RFC 7239): `for="[2001:db8::1]:4711";proto=https`.
fn pairs(element: &str) -> Vec<(String, String)> {
    let pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"').to_owned())).collect()
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(text, |(inside, _)| inside);
    let parsed = bare.parse().ok().or_else(|| {
        let (host, port) = bare.rsplit_once(':')?;
        port.parse::<u16>().ok()?;
        host.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
    });
    parsed.map(|address: IpAddr| address.to_canonical())
}

/// Whether a text can be a host with a port, and nothing else.
fn is_host(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':' | b'[' | b']' | b'_');
    (1..=260).contains(&text.len()) && text.bytes().all(good)
}
