//! What a function may reach: rules over addresses and names, without I/O.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

use crate::functions::model::Network;

/// What kind of address it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Anybody's, in the Internet.
    Public,
    /// This machine's or its network's: reached only by a name that the function's list has.
    Private(&'static str),
    /// No function's business: metadata services, multicast, what is reserved.
    Never(&'static str),
}

/// How an allowed request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// To public addresses only.
    Public,
    /// To private ones, too: the function's list has the host.
    Listed,
    /// To this very server.
    Own,
}

/// Why a request is not made, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{host}: {reason}")]
pub struct Refusal {
    pub host: String,
    pub reason: String,
}

impl Refusal {
    pub(super) fn new(host: &str, reason: impl Into<String>) -> Self {
        Self { host: host.to_owned(), reason: reason.into() }
    }

    /// The host resolves to an address that may not be reached.
    pub(super) fn of_address(host: &str, address: IpAddr, class: Class) -> Self {
        match class {
            Class::Private(kind) => {
                let reason = format!(
                    "{address} is not a public address ({kind}); to let the function reach it, set `network: [\"{host}\"]` in its \
                     configuration"
                );
                Self::new(host, reason)
            }
            Class::Never(kind) => Self::new(host, format!("no function may reach {address} ({kind})")),
            Class::Public => Self::new(host, format!("{address} is not the kind of address that was asked for")),
        }
    }
}

/// Decides about a request, as far as its address tells; what a name resolves to is looked at when it is. `is_own` says whether an
/// origin (scheme, host, port) is this server.
///
/// # Errors
/// [`Refusal`] with what to set.
pub fn route(url: &Url, network: &Network, is_own: impl Fn(&Url) -> bool) -> Result<Route, Refusal> {
    let host = host_of(url);
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Refusal::new(&host, format!("{}: is not http: or https:", url.scheme())));
    }
    if host.is_empty() {
        return Err(Refusal::new(url.as_str(), "the address has no host"));
    }
    if *network == Network::None {
        let reason = "the function has no network (`network: \"none\"`); set `network` to \"public\" or to a list of hosts";
        return Err(Refusal::new(&host, reason));
    }
    if is_own(url) {
        return Ok(Route::Own);
    }
    let listed = match network {
        Network::Hosts(hosts) => hosts.iter().any(|entry| matches_entry(entry, &host, url.port_or_known_default())),
        Network::Public | Network::None => false,
    };
    if let (Network::Hosts(_), false) = (network, listed) {
        let reason = format!("it is not in the function's list; add it: `network: [\"{host}\", …]`");
        return Err(Refusal::new(&host, reason));
    }
    if let Some(address) = literal(&host) {
        match classify(address) {
            Class::Public => {}
            Class::Private(_) if listed => {}
            class => return Err(Refusal::of_address(&host, address, class)),
        }
    }
    Ok(if listed { Route::Listed } else { Route::Public })
}

/// The host as it is shown and compared: in lower case, without the dot that may end it; an IPv6 address without brackets.
pub(super) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase()
}

fn literal(host: &str) -> Option<IpAddr> {
    host.parse().ok()
}

/// Whether an entry of a list means this host: `example.com`, `*.example.com` (its subdomains), an address, each with a port or
/// without.
fn matches_entry(entry: &str, host: &str, port: Option<u16>) -> bool {
    let (name, entry_port) = split_port(entry);
    if entry_port.is_some() && entry_port != port {
        return false;
    }
    let name = name.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    if let Some(parent) = name.strip_prefix("*.") {
        let is_below = host.strip_suffix(parent).is_some_and(|below| below.len() > 1 && below.ends_with('.'));
        return is_below && literal(host).is_none();
    }
    match (literal(name), literal(host)) {
        (Some(listed), Some(asked)) => listed == asked,
        (None, None) => name.eq_ignore_ascii_case(host),
        _ => false,
    }
}

/// An entry's name and its port. A bare IPv6 address has colons, but no port.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    match entry.rsplit_once(':') {
        Some((name, port)) if name.ends_with(']') || !name.contains(':') => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

/// What kind of address it is. IPv6 addresses that carry an IPv4 address are what that is, and never better.
#[must_use]
pub fn classify(address: IpAddr) -> Class {
    match address {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => classify_v6(address),
    }
}

fn classify_v4(address: Ipv4Addr) -> Class {
    match address.octets() {
        [0, ..] => Class::Never("unspecified"),
        [127, ..] => Class::Private("loopback"),
        [10, ..] | [192, 168, ..] | [172, 16..=31, ..] => Class::Private("private"),
        [100, 64..=127, ..] => Class::Private("shared by a provider's customers"),
        [198, 18 | 19, ..] => Class::Private("for benchmarks"),
        [169, 254, ..] => Class::Never("link-local"),
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] => Class::Never("reserved"),
        [224..=239, ..] => Class::Never("multicast"),
        [240..=255, ..] => Class::Never("reserved"),
        _ => Class::Public,
    }
}

fn classify_v6(address: Ipv6Addr) -> Class {
    let segments = address.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    let last = v4(segments[6], segments[7]);
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Class::Never("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Class::Private("loopback"),
        // IPv4-mapped, -compatible, -translated, and translated by NAT64.
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => classify_v4(last),
        [0x64, 0xff9b, 1, ..] => worse(Class::Private("translated locally"), classify_v4(last)),
        // 6to4, and Teredo with the addresses of its server and of its client.
        [0x2002, high, low, ..] => classify_v4(v4(high, low)),
        [0x2001, 0, high, low, ..] => worse(classify_v4(v4(high, low)), classify_v4(v4(!segments[6], !segments[7]))),
        [0xfc00..=0xfdff, ..] => Class::Private("private"),
        [0xfec0..=0xfeff, ..] => Class::Private("site-local"),
        [0xfe80..=0xfebf, ..] => Class::Never("link-local"),
        [0xff00..=0xffff, ..] => Class::Never("multicast"),
        [0x2001, 0x10..=0x2f | 0xdb8 | 2, ..] | [0x3fff, 0..=0xfff, ..] => Class::Never("reserved"),
        [0x2000..=0x3fff, ..] => Class::Public,
        _ => Class::Never("reserved"),
    }
}

const fn worse(one: Class, other: Class) -> Class {
    match (one, other) {
        (Class::Never(_), _) | (Class::Private(_), Class::Public | Class::Private(_)) => one,
        _ => other,
    }
}
