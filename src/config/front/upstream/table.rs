//! `[[upstreams]]`: servers that requests are passed on to, and how one of them is chosen.

use std::collections::BTreeSet;

use super::{Balancing, Ejection, HealthCheck, KeepAlive, Queue, Resolve, Sticky, balancing};
use crate::config::Raw;
use crate::config::front::proxying::transport;
use crate::config::front::{Transport, site};
use crate::config::tables::{Described, Field, Kind, Nested, described};

/// Servers of an upstream at the most.
const MAX_SERVERS: usize = 1000;

/// Servers that do the same work.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Upstream {
    /// Where it is written: `file:line:column`.
    pub place: String,
    pub name: String,
    pub servers: Vec<Server>,
    pub balance: Balance,
    pub transport: Transport,
    pub balancing: Balancing,
    /// How servers are asked whether they are well; `None` asks none.
    pub health: Option<HealthCheck>,
    pub ejection: Ejection,
    /// The cookie that leads a client back to its server.
    pub sticky: Option<Sticky>,
    pub queue: Queue,
    pub keep_alive: KeepAlive,
    pub resolve: Resolve,
}

/// One server, as it is written; a name may stand for many addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// An IP address or a name.
    pub host: String,
    pub port: u16,
    /// Its share beside the others', from 1 to 100.
    pub weight: u32,
    /// Requests it is sent at a time; `None` for what the upstream says, 0 for no limit.
    pub max_connections: Option<u32>,
    /// Takes requests only while no other server can.
    pub backup: bool,
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

impl Server {
    /// Reads `host:port`; an IPv6 address is in brackets. It has the weight 1.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = match host.strip_prefix('[') {
            Some(host) => host.strip_suffix(']')?,
            None => Some(host).filter(|host| !host.contains(':'))?,
        };
        let port = port.parse().ok().filter(|port| *port > 0)?;
        let host = site::host(host).filter(|host| !host.contains('*'))?;
        Some(Self { host, port, weight: 1, max_connections: None, backup: false })
    }

    /// `host:port`, as it is written.
    #[must_use]
    pub fn name(&self) -> String {
        if self.host.contains(':') { format!("[{}]:{}", self.host, self.port) } else { format!("{}:{}", self.host, self.port) }
    }
}

impl Upstream {
    /// What is wrong between settings that are each right by themselves; each goes on after the upstream's name.
    pub(in crate::config::front) fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut names = BTreeSet::new();
        if self.servers.is_empty() {
            faults.push("must have servers, such as [\"127.0.0.1:3000\"]".to_owned());
        } else if self.servers.iter().all(|server| server.backup) {
            faults.push("must have a server that is no backup".to_owned());
        }
        for server in self.servers.iter().filter(|server| !names.insert((&server.host, server.port))) {
            faults.push(format!("has the server {} twice; give it a weight instead", server.name()));
        }
        if self.resolve.min > self.resolve.max {
            faults.push("has a resolve.min that is longer than its resolve.max".to_owned());
        }
        if self.ejection.time > self.ejection.max_time {
            faults.push("has an ejection.time that is longer than its ejection.max_time".to_owned());
        }
        faults.extend(self.transport.fault().map(str::to_owned));
        faults
    }
}

impl Kind for Upstream {
    const NAME: &'static str = "upstream";
    const FIELDS: &'static [&'static [Field<Self>]] = &[OWN, transport::FIELDS, balancing::FIELDS];
    const NESTED: &'static [Nested<Self>] = &[
        Nested { key: "health", read: |upstream, value, reader| upstream.health = reader.table(value) },
        Nested { key: "ejection", read: |upstream, value, reader| upstream.ejection = reader.table(value).unwrap_or_default() },
        Nested { key: "sticky", read: |upstream, value, reader| upstream.sticky = reader.table(value) },
        Nested { key: "queue", read: |upstream, value, reader| upstream.queue = reader.table(value).unwrap_or_default() },
        Nested {
            key: "keep_alive",
            read: |upstream, value, reader| upstream.keep_alive = reader.table(value).unwrap_or_default(),
        },
        Nested { key: "resolve", read: |upstream, value, reader| upstream.resolve = reader.table(value).unwrap_or_default() },
    ];

    fn set_place(&mut self, place: String) {
        self.place = place;
    }
}

/// Every field of an upstream and of the tables within it, for the documentation.
pub(in crate::config::front) fn fields() -> impl Iterator<Item = Described> {
    described::<Upstream>()
        .chain(described::<HealthCheck>())
        .chain(described::<Ejection>())
        .chain(described::<Sticky>())
        .chain(described::<Queue>())
        .chain(described::<KeepAlive>())
        .chain(described::<Resolve>())
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
        meaning: "The servers. One that needs more than an address is a table: `address`, `weight` (its share beside the others', 1 to \
                  100), `max_connections` (requests at a time, 0 for no limit), `backup` (true takes requests only while no other can).",
        allowed: "host:port, a table such as { address = \"10.0.0.1:80\", weight = 2 }, or a list of at most 1000 of them",
        set: |upstream, raw| {
            let servers = raw.each(server)?;
            (servers.len() <= MAX_SERVERS).then(|| upstream.servers = servers)
        },
    },
    Field {
        key: "balance",
        default: "round_robin",
        meaning: "How the next server is chosen: each in its turn, the one with the fewest requests, the faster of two at random, or by \
                  a key of the request.",
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

fn server(raw: &Raw<'_>) -> Option<Server> {
    let Raw::Table(entries) = raw else { return Server::parse(raw.text()?) };
    let address = entries.iter().find(|(name, _)| *name == "address")?;
    let mut server = Server::parse(address.1.text()?)?;
    for (name, value) in entries {
        match *name {
            "address" => {}
            "weight" => server.weight = value.whole(1..=100)?,
            "max_connections" => server.max_connections = Some(value.whole(0..=1_000_000)?),
            "backup" => server.backup = value.flag()?,
            _ => return None,
        }
    }
    Some(server)
}
