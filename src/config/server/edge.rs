//! `[server]`, the part about clients: whom to believe, how long to wait for them, and how much of them to take.

use std::time::Duration;

use ipnet::IpNet;

use crate::config::setting::{Raw, Setting};

/// Whom to believe, how long to wait for clients, and how much of them to take.
#[derive(Clone, Debug, Default)]
pub struct Edge {
    /// The proxies whose word on a client's address, scheme and host is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether requests at `server.listen` are sent on to HTTPS.
    pub redirect_to_https: bool,
    /// The value of `Strict-Transport-Security` in answers by TLS.
    pub hsts: Option<String>,
    /// How long a connection without a request is kept.
    pub keep_alive: Duration,
    /// How long the head of a connection's first request may take.
    pub head_timeout: Duration,
    /// How long a client may be silent in the middle of a body.
    pub body_timeout: Duration,
    /// How long a client may take nothing of what it is sent.
    pub send_timeout: Duration,
    /// The most bytes of a request's address and headers.
    pub max_head: usize,
    /// The most connections of one web worker.
    pub max_connections: usize,
    /// The most connections of one address; 0 is as many as there are.
    pub max_connections_per_address: u32,
    /// How often the files of certificates are looked at for a change.
    pub certificates_every: Duration,
    /// Whether answers of upstreams say how long their phases took.
    pub upstream_timing: bool,
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

pub(in crate::config) const SETTINGS: &[Setting] = &[
    Setting {
        key: "server.trusted_proxies",
        env: "PLINTH_SERVER_TRUSTED_PROXIES",
        default: "",
        meaning: "The proxies in front whose X-Forwarded-For, -Proto and -Host, and Forwarded, are believed.",
        allowed: "IP addresses and networks, such as [\"10.0.0.0/8\", \"::1\"]; in the environment with commas",
        set: |config, raw| networks(raw).map(|networks| config.edge.trusted_proxies = networks),
    },
    Setting {
        key: "server.redirect_to_https",
        env: "PLINTH_SERVER_REDIRECT_TO_HTTPS",
        default: "false",
        meaning: "Whether what is asked for at server.listen without TLS is answered with 308 to HTTPS, except below /.well-known/acme-challenge/.",
        allowed: "true or false",
        set: |config, raw| raw.flag().map(|value| config.edge.redirect_to_https = value),
    },
    Setting {
        key: "server.hsts",
        env: "PLINTH_SERVER_HSTS",
        default: "",
        meaning: "How long browsers are to use HTTPS alone, told in answers by TLS (Strict-Transport-Security).",
        allowed: "a time in seconds to years, and includeSubDomains and preload after commas, such as \"1y, includeSubDomains\"; preload needs 1y and includeSubDomains",
        set: |config, raw| hsts(raw.text()?).map(|value| config.edge.hsts = Some(value)),
    },
    Setting {
        key: "server.keep_alive",
        env: "PLINTH_SERVER_KEEP_ALIVE",
        default: "75s",
        meaning: "How long a connection is kept after an answer for the next request.",
        allowed: "a time from 1s to 1h",
        set: |config, raw| raw.duration(SECOND..=HOUR).map(|value| config.edge.keep_alive = value),
    },
    Setting {
        key: "server.head_timeout",
        env: "PLINTH_SERVER_HEAD_TIMEOUT",
        default: "30s",
        meaning: "How long a client may take to send the head of a connection's first request, before 408.",
        allowed: "a time from 1s to 1h",
        set: |config, raw| raw.duration(SECOND..=HOUR).map(|value| config.edge.head_timeout = value),
    },
    Setting {
        key: "server.body_timeout",
        env: "PLINTH_SERVER_BODY_TIMEOUT",
        default: "60s",
        meaning: "How long a client may be silent in the middle of a request's body, before 408.",
        allowed: "a time from 1s to 1h",
        set: |config, raw| raw.duration(SECOND..=HOUR).map(|value| config.edge.body_timeout = value),
    },
    Setting {
        key: "server.send_timeout",
        env: "PLINTH_SERVER_SEND_TIMEOUT",
        default: "60s",
        meaning: "How long a client may take nothing of what it is sent, before its connection is closed.",
        allowed: "a time from 1s to 1h",
        set: |config, raw| raw.duration(SECOND..=HOUR).map(|value| config.edge.send_timeout = value),
    },
    Setting {
        key: "server.max_head",
        env: "PLINTH_SERVER_MAX_HEAD",
        default: "64KiB",
        meaning: "The most bytes of a request's address, and of its headers: 414 and 431 beyond it.",
        allowed: "a size from 4KiB to 128KiB",
        set: |config, raw| raw.bytes(4 << 10..=128 << 10).map(|value| config.edge.max_head = value),
    },
    Setting {
        key: "server.max_connections",
        env: "PLINTH_SERVER_MAX_CONNECTIONS",
        default: "25000",
        meaning: "The most connections of one web worker; more wait until one ends. From three quarters of it on, connections are not kept for a next request.",
        allowed: "a whole number from 8 to 1000000",
        set: |config, raw| raw.whole(8..=1_000_000).map(|value| config.edge.max_connections = value),
    },
    Setting {
        key: "server.max_connections_per_address",
        env: "PLINTH_SERVER_MAX_CONNECTIONS_PER_ADDRESS",
        default: "4096",
        meaning: "The most connections of one address, trusted proxies apart: 429 beyond it. 0 is as many as there are.",
        allowed: "a whole number from 0 to 1000000",
        set: |config, raw| raw.whole(0..=1_000_000).map(|value| config.edge.max_connections_per_address = value),
    },
    Setting {
        key: "server.certificates_every",
        env: "PLINTH_SERVER_CERTIFICATES_EVERY",
        default: "10s",
        meaning: "How often the files of certificates are looked at for a change.",
        allowed: "a time from 100ms to 1d",
        set: |config, raw| raw.duration(SECOND / 10..=24 * HOUR).map(|value| config.edge.certificates_every = value),
    },
    Setting {
        key: "server.upstream_timing",
        env: "PLINTH_SERVER_UPSTREAM_TIMING",
        default: "false",
        meaning: "Whether answers of upstreams say how long their phases took (Server-Timing).",
        allowed: "true or false",
        set: |config, raw| raw.flag().map(|value| config.edge.upstream_timing = value),
    },
];

/// Networks of a list, or of a text with commas; an address is the network of itself.
fn networks(raw: &Raw<'_>) -> Option<Vec<IpNet>> {
    let network = |text: &str| text.parse().ok().or_else(|| text.parse().ok().map(|address: std::net::IpAddr| address.into()));
    match raw {
        Raw::List(_) => raw.each(|raw| network(raw.text()?)),
        raw => raw.text()?.split(',').map(|text| network(text.trim())).collect(),
    }
}

/// The header's value for `1y, includeSubDomains, preload`.
fn hsts(text: &str) -> Option<String> {
    const YEAR: u64 = 365 * 86_400;
    let mut words = text.split(',').map(str::trim);
    let time = words.next()?;
    let (number, unit) = time.split_at(time.find(|c: char| !c.is_ascii_digit())?);
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "y" => YEAR,
        _ => return None,
    };
    let seconds = number.parse::<u64>().ok()?.checked_mul(factor).filter(|seconds| *seconds <= 100 * YEAR)?;
    let (mut subdomains, mut preload) = (false, false);
    for word in words {
        match word {
            "includeSubDomains" => subdomains = true,
            "preload" => preload = true,
            _ => return None,
        }
    }
    if preload && (seconds < YEAR || !subdomains) {
        return None;
    }
    let mut value = format!("max-age={seconds}");
    for (said, word) in [(subdomains, "; includeSubDomains"), (preload, "; preload")] {
        if said {
            value.push_str(word);
        }
    }
    Some(value)
}
