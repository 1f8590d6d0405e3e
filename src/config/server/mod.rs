//! `[server]`: where it listens and how it stops.

mod edge;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

pub use edge::Edge;
pub(super) use edge::SETTINGS as EDGE_SETTINGS;

use super::setting::Setting;

/// Where the server listens and how it stops.
#[derive(Clone, Debug)]
pub struct Server {
    pub listen: SocketAddr,
    pub data: PathBuf,
    /// Web workers (threads); 0 means one for each CPU core.
    pub workers: usize,
    /// The address clients use, without a trailing slash; `None` takes the listener's.
    pub public_url: Option<String>,
    /// How long a graceful stop may take.
    pub shutdown_timeout: Duration,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            data: PathBuf::new(),
            workers: 0,
            public_url: None,
            shutdown_timeout: Duration::ZERO,
        }
    }
}

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "server.listen",
        env: "PLINTH_LISTEN",
        default: "127.0.0.1:8000",
        meaning: "The address and port to listen on; port 0 picks a free one.",
        allowed: "an IP address (or localhost) with a port, such as 127.0.0.1:8000 or [::]:8000",
        set: |config, raw| raw.address().map(|value| config.server.listen = value),
    },
    Setting {
        key: "server.data",
        env: "PLINTH_DATA",
        default: "data",
        meaning: "The folder that holds everything the server keeps; made when it is not there.",
        allowed: "a path",
        set: |config, raw| raw.text().map(|value| config.server.data = value.into()),
    },
    Setting {
        key: "server.workers",
        env: "PLINTH_SERVER_WORKERS",
        default: "0",
        meaning: "Web workers (threads that serve HTTP); 0 means one for each CPU core.",
        allowed: "a whole number from 0 to 1024",
        set: |config, raw| raw.whole(0..=1024).map(|value| config.server.workers = value),
    },
    Setting {
        key: "server.public_url",
        env: "PLINTH_SERVER_PUBLIC_URL",
        default: "",
        meaning: "The address that clients use, for tokens and links; the listener's own when it is not set.",
        allowed: "an address that begins with http:// or https://, such as https://api.example.com",
        set: |config, raw| {
            let url = raw.text()?.trim_end_matches('/');
            let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
            let good = !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c.is_control() || "?#\"".contains(c));
            good.then(|| config.server.public_url = Some(url.to_owned()))
        },
    },
    Setting {
        key: "server.shutdown_timeout",
        env: "PLINTH_SERVER_SHUTDOWN_TIMEOUT",
        default: "30s",
        meaning: "How long requests under way may take after a stop was asked for.",
        allowed: "a time from 0s to 15m, such as 500ms, 30s or 5m",
        set: |config, raw| {
            raw.duration(Duration::ZERO..=Duration::from_secs(900)).map(|value| config.server.shutdown_timeout = value)
        },
    },
];
