//! `[[upstreams]]`: servers that requests are passed on to, and how one of them is chosen.

use crate::config::tables::{Field, Kind};

/// Servers that do the same work.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Upstream {
    /// Where it is written: `file:line:column`.
    pub place: String,
    pub name: String,
    pub servers: Vec<Server>,
    pub balance: Balance,
}

/// One server, as it is written; a name may stand for many addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// An IP address or a name.
    pub host: String,
    pub port: u16,
    /// Its share beside the others', from 1 to 100.
    pub weight: u32,
}

/// How the next server is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// Smooth weighted round robin.
    #[default]
    RoundRobin,
    LeastConnections,
    /// The faster of two that are taken at random.
    PowerOfTwo,
    /// By a key of the request.
    Hash,
}

impl Kind for Upstream {
    const NAME: &'static str = "upstream";
    const FIELDS: &'static [&'static [Field<Self>]] = &[OWN];

    fn set_place(&mut self, place: String) {
        self.place = place;
    }
}

const OWN: &[Field<Upstream>] = &[
    Field {
        key: "name",
        default: "",
        meaning: "What routes call it.",
        allowed: "1 to 64 of a-z, A-Z, 0-9, '-', '_' and '.'",
        set: |upstream, raw| {
            let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            let name = raw.text().filter(|name| name.len() <= 64 && name.bytes().all(good))?;
            name.clone_into(&mut upstream.name);
            Some(())
        },
    },
    Field {
        key: "servers",
        default: "",
        meaning: "The servers.",
        allowed: "host:port, a table such as { address = \"10.0.0.1:80\", weight = 2 }, or a list of them",
        set: |upstream, raw| raw.each(server).map(|servers| upstream.servers = servers),
    },
    Field {
        key: "balance",
        default: "round_robin",
        meaning: "How the next server is chosen.",
        allowed: "\"round_robin\", \"least_connections\", \"power_of_two\" or \"hash\"",
        set: |upstream, raw| {
            upstream.balance = match raw.text()? {
                "round_robin" => Balance::RoundRobin,
                "least_connections" => Balance::LeastConnections,
                "power_of_two" => Balance::PowerOfTwo,
                "hash" => Balance::Hash,
                _ => return None,
            };
            Some(())
        },
    },
];

fn server(raw: &crate::config::Raw<'_>) -> Option<Server> {
    let crate::config::Raw::Table(entries) = raw else { return address(raw.text()?, 1) };
    let mut found = None;
    let mut weight = 1;
    for (name, value) in entries {
        match *name {
            "address" => found = Some(value.text()?),
            "weight" => weight = value.whole(1..=100)?,
            _ => return None,
        }
    }
    address(found?, weight)
}

/// `host:port`; an IPv6 address is in brackets.
fn address(text: &str, weight: u32) -> Option<Server> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let port = port.parse().ok().filter(|port| *port > 0)?;
    let host = super::site::host(host).filter(|host| !host.contains('*'))?;
    Some(Server { host, port, weight })
}
