//! What of an upstream is about the choice of a server, and about connections to it.

use std::net::SocketAddr;
use std::time::Duration;

use super::Upstream;
use crate::config::Raw;
use crate::config::front::site;
use crate::config::tables::{Field, Kind, fill};

/// What goes into the choice of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balancing {
    pub hash_key: HashKey,
    /// How much more than its share a server may have, in percent of the share, before keys go elsewhere; 0 for any amount.
    pub hash_balance_factor: u32,
    /// Requests that a server is sent at a time, where it says nothing itself; 0 for no limit.
    pub max_connections: u32,
    /// How long a server that comes, or comes back, takes to its full share.
    pub slow_start: Duration,
    pub all_unwell: AllUnwell,
    /// Whether what operators changed at run time outlives a reload.
    pub keep_changes: bool,
}

/// What of a request says which server it goes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HashKey {
    /// The client's address.
    #[default]
    Address,
    Path,
    Host,
    /// A header, its name in small letters.
    Header(String),
    Cookie(String),
    /// An argument of the query.
    Query(String),
}

/// What becomes of requests while no server is well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AllUnwell {
    /// They are sent as if all were.
    #[default]
    Try,
    /// They are refused.
    Refuse,
}

/// `sticky`: a cookie that leads a client back to its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sticky {
    pub name: String,
    /// How long clients keep it; `None` until they are closed.
    pub ttl: Option<Duration>,
    pub path: String,
    pub domain: Option<String>,
    pub secure: bool,
    pub http_only: bool,
    pub same_site: SameSite,
}

/// Which requests from other sites carry a cookie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SameSite {
    Strict,
    #[default]
    Lax,
    None,
}

/// `queue`: requests that wait while every server has as many as it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// How many wait at the most; 0 refuses at once.
    pub length: usize,
    /// How long each waits at the most.
    pub timeout: Duration,
}

/// `keep_alive`: connections to servers that are used again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// Idle connections that each web worker keeps to each server; 0 keeps none.
    pub idle: usize,
    pub idle_timeout: Duration,
    /// Requests after which a connection is closed.
    pub requests: u64,
    /// Age after which it is closed.
    pub max_age: Duration,
}

/// `resolve`: how the names of servers become addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolve {
    /// The DNS servers; empty for the system's.
    pub servers: Vec<SocketAddr>,
    /// An answer is used at least, and at most, this long, whatever its TTL says.
    pub min: Duration,
    pub max: Duration,
    /// How long a question may take.
    pub timeout: Duration,
}

const LONGEST: Duration = Duration::from_secs(24 * 3600);
const MILLI: Duration = Duration::from_millis(1);

impl Default for Sticky {
    fn default() -> Self {
        let mut sticky = Self {
            name: String::new(),
            ttl: None,
            path: String::new(),
            domain: None,
            secure: false,
            http_only: false,
            same_site: SameSite::Lax,
        };
        fill(&mut sticky);
        sticky
    }
}

impl Default for Queue {
    fn default() -> Self {
        let mut queue = Self { length: 0, timeout: Duration::ZERO };
        fill(&mut queue);
        queue
    }
}

impl Default for KeepAlive {
    fn default() -> Self {
        let mut keep = Self { idle: 0, idle_timeout: Duration::ZERO, requests: 0, max_age: Duration::ZERO };
        fill(&mut keep);
        keep
    }
}

impl Default for Resolve {
    fn default() -> Self {
        let mut resolve = Self { servers: Vec::new(), min: Duration::ZERO, max: Duration::ZERO, timeout: Duration::ZERO };
        fill(&mut resolve);
        resolve
    }
}

impl Kind for Sticky {
    const NAME: &'static str = "sticky cookie";
    const FIELDS: &'static [&'static [Field<Self>]] = &[STICKY];

    fn set_place(&mut self, _: String) {}
}

impl Kind for Queue {
    const NAME: &'static str = "queue";
    const FIELDS: &'static [&'static [Field<Self>]] = &[QUEUE];

    fn set_place(&mut self, _: String) {}
}

impl Kind for KeepAlive {
    const NAME: &'static str = "keep_alive";
    const FIELDS: &'static [&'static [Field<Self>]] = &[KEEP_ALIVE];

    fn set_place(&mut self, _: String) {}
}

impl Kind for Resolve {
    const NAME: &'static str = "resolve";
    const FIELDS: &'static [&'static [Field<Self>]] = &[RESOLVE];

    fn set_place(&mut self, _: String) {}
}

pub(super) const FIELDS: &[Field<Upstream>] = &[
    Field {
        key: "hash_key",
        default: "address",
        meaning: "What of a request chooses its server, with balance = \"hash\". A request that has none of it goes to the servers in \
                  their turn.",
        allowed: "\"address\" (the client's), \"path\", \"host\", \"header:NAME\", \"cookie:NAME\" or \"query:NAME\"",
        set: |upstream, raw| hash_key(raw).map(|key| upstream.balancing.hash_key = key),
    },
    Field {
        key: "hash_balance_factor",
        default: "0",
        meaning: "How many requests a server may have at a time, in percent of its fair share, before keys of it go to the next; 0 sends \
                  a key to its server however much it has.",
        allowed: "0, or a whole number from 101 to 10000",
        set: |upstream, raw| {
            let percent = raw.whole(0..=10_000).filter(|percent| *percent == 0 || *percent > 100)?;
            upstream.balancing.hash_balance_factor = percent;
            Some(())
        },
    },
    Field {
        key: "max_connections",
        default: "0",
        meaning: "Requests that each server is sent at a time; 0 for no limit. More wait in the queue.",
        allowed: "a whole number from 0 to 1000000",
        set: |upstream, raw| raw.whole(0..=1_000_000).map(|count| upstream.balancing.max_connections = count),
    },
    Field {
        key: "slow_start",
        default: "0s",
        meaning: "How long a server that comes, or comes back, takes to its full share; not for hash.",
        allowed: "a time from 0s to 24h",
        set: |upstream, raw| raw.duration(Duration::ZERO..=LONGEST).map(|time| upstream.balancing.slow_start = time),
    },
    Field {
        key: "all_unwell",
        default: "try",
        meaning: "What becomes of requests while no server is well: they are sent as if all were, or refused with 502.",
        allowed: "\"try\" or \"refuse\"",
        set: |upstream, raw| {
            upstream.balancing.all_unwell = match raw.text()? {
                "try" => AllUnwell::Try,
                "refuse" => AllUnwell::Refuse,
                _ => return None,
            };
            Some(())
        },
    },
    Field {
        key: "keep_changes",
        default: "false",
        meaning: "Whether what operators change at run time outlives a reload of the configuration. Nothing of it outlives a restart.",
        allowed: "true or false",
        set: |upstream, raw| raw.flag().map(|flag| upstream.balancing.keep_changes = flag),
    },
];

const STICKY: &[Field<Sticky>] = &[
    Field {
        key: "name",
        default: "plinth_route",
        meaning: "The cookie's name.",
        allowed: "1 to 64 of a-z, A-Z, 0-9, '-', '_' and '.'",
        set: |sticky, raw| {
            let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            let name = raw.text().filter(|name| name.len() <= 64 && name.bytes().all(good))?;
            name.clone_into(&mut sticky.name);
            Some(())
        },
    },
    Field {
        key: "ttl",
        default: "",
        meaning: "How long clients keep it; until they are closed when it is not said.",
        allowed: "a time from 1s to 365d",
        set: |sticky, raw| {
            let ttl = raw.duration(Duration::from_secs(1)..=Duration::from_secs(365 * 24 * 3600))?;
            sticky.ttl = Some(ttl);
            Some(())
        },
    },
    Field {
        key: "path",
        default: "/",
        meaning: "The cookie's Path.",
        allowed: "a path that begins with /, without blanks and semicolons",
        set: |sticky, raw| {
            let path = raw.text().filter(|path| path.starts_with('/') && attribute(path))?;
            path.clone_into(&mut sticky.path);
            Some(())
        },
    },
    Field {
        key: "domain",
        default: "",
        meaning: "The cookie's Domain; the host that was asked alone when it is not said.",
        allowed: "a host's name",
        set: |sticky, raw| {
            sticky.domain = Some(site::host(raw.text()?).filter(|host| !host.contains(['*', ':', '[', ']']))?);
            Some(())
        },
    },
    Field {
        key: "secure",
        default: "false",
        meaning: "Whether clients send it over HTTPS alone.",
        allowed: "true or false",
        set: |sticky, raw| raw.flag().map(|flag| sticky.secure = flag),
    },
    Field {
        key: "http_only",
        default: "true",
        meaning: "Whether it is hidden from the page's scripts.",
        allowed: "true or false",
        set: |sticky, raw| raw.flag().map(|flag| sticky.http_only = flag),
    },
    Field {
        key: "same_site",
        default: "lax",
        meaning: "Which requests from other sites carry it.",
        allowed: "\"strict\", \"lax\" or \"none\"",
        set: |sticky, raw| {
            sticky.same_site = match raw.text()? {
                "strict" => SameSite::Strict,
                "lax" => SameSite::Lax,
                "none" => SameSite::None,
                _ => return None,
            };
            Some(())
        },
    },
];

const QUEUE: &[Field<Queue>] = &[
    Field {
        key: "length",
        default: "128",
        meaning: "Requests that wait while every server has max_connections; one more is answered 503. 0 lets none wait.",
        allowed: "a whole number from 0 to 100000",
        set: |queue, raw| raw.whole(0..=100_000).map(|length| queue.length = length),
    },
    Field {
        key: "timeout",
        default: "5s",
        meaning: "How long a request waits before it is answered 503.",
        allowed: "a time from 1ms to 1h",
        set: |queue, raw| raw.duration(MILLI..=Duration::from_secs(3600)).map(|time| queue.timeout = time),
    },
];

const KEEP_ALIVE: &[Field<KeepAlive>] = &[
    Field {
        key: "idle",
        default: "32",
        meaning: "Idle connections that each web worker keeps to each server; 0 keeps none.",
        allowed: "a whole number from 0 to 10000",
        set: |keep, raw| raw.whole(0..=10_000).map(|count| keep.idle = count),
    },
    Field {
        key: "idle_timeout",
        default: "60s",
        meaning: "How long one is kept idle.",
        allowed: "a time from 1ms to 24h",
        set: |keep, raw| raw.duration(MILLI..=LONGEST).map(|time| keep.idle_timeout = time),
    },
    Field {
        key: "requests",
        default: "1000",
        meaning: "Requests after which a connection is closed.",
        allowed: "a whole number from 1 to 1000000000",
        set: |keep, raw| raw.whole(1..=1_000_000_000).map(|count| keep.requests = count),
    },
    Field {
        key: "max_age",
        default: "1h",
        meaning: "The age after which a connection takes no further request.",
        allowed: "a time from 1ms to 24h",
        set: |keep, raw| raw.duration(MILLI..=LONGEST).map(|time| keep.max_age = time),
    },
];

const RESOLVE: &[Field<Resolve>] = &[
    Field {
        key: "servers",
        default: "",
        meaning: "The DNS servers that are asked; the system's (/etc/resolv.conf) when it is not said. /etc/hosts goes before them.",
        allowed: "an IP address with a port, such as 10.0.0.2:53, or a list of at most 8 of them",
        set: |resolve, raw| {
            let servers = raw.each(|raw| raw.text()?.parse().ok())?;
            (servers.len() <= 8).then(|| resolve.servers = servers)
        },
    },
    Field {
        key: "min",
        default: "1s",
        meaning: "How long an answer is used at least, whatever its TTL says.",
        allowed: "a time from 10ms to 24h",
        set: |resolve, raw| raw.duration(Duration::from_millis(10)..=LONGEST).map(|time| resolve.min = time),
    },
    Field {
        key: "max",
        default: "5m",
        meaning: "How long an answer is used at most. While DNS fails, the last answer is used on.",
        allowed: "a time from 10ms to 24h",
        set: |resolve, raw| raw.duration(Duration::from_millis(10)..=LONGEST).map(|time| resolve.max = time),
    },
    Field {
        key: "timeout",
        default: "5s",
        meaning: "How long a question may take.",
        allowed: "a time from 10ms to 1m",
        set: |resolve, raw| raw.duration(Duration::from_millis(10)..=Duration::from_secs(60)).map(|time| resolve.timeout = time),
    },
];

fn hash_key(raw: &Raw<'_>) -> Option<HashKey> {
    let text = raw.text()?;
    let token = |name: &str| {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        (!name.is_empty() && name.len() <= 128 && name.bytes().all(good)).then(|| name.to_owned())
    };
    Some(match text.split_once(':') {
        None if text == "address" => HashKey::Address,
        None if text == "path" => HashKey::Path,
        None if text == "host" => HashKey::Host,
        Some(("header", name)) => HashKey::Header(token(name)?.to_ascii_lowercase()),
        Some(("cookie", name)) => HashKey::Cookie(token(name)?),
        Some(("query", name)) => HashKey::Query(token(name)?),
        _ => return None,
    })
}

/// Whether it can stand in a cookie as an attribute's value.
fn attribute(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';')
}
