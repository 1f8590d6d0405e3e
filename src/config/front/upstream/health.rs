//! How an upstream's servers are known to be well: by asking them, and by what becomes of requests.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::Raw;
use crate::config::front::site;
use crate::config::tables::{Field, Kind, fill};

/// `health`: each server is asked again and again whether it is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    pub kind: CheckKind,
    pub path: String,
    /// The `Host` that is sent; `None` for the server's name and port.
    pub host: Option<String>,
    /// The statuses of a server that is well.
    pub status: Vec<RangeInclusive<u16>>,
    pub interval: Duration,
    pub timeout: Duration,
    /// Good answers in a row after which a server is well.
    pub rise: u32,
    /// Bad ones in a row after which it is not.
    pub fall: u32,
    /// Another port than the server's.
    pub port: Option<u16>,
    /// Whether it is asked by TLS; `None` for as requests are, and without TLS at another port.
    pub tls: Option<bool>,
}

/// What is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CheckKind {
    /// A GET, answered with one of the statuses.
    #[default]
    Http,
    /// A connection.
    Tcp,
}

/// `ejection`: a server at which requests fail is left alone for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ejection {
    /// Failures within the window; 0 ejects none.
    pub failures: u32,
    pub window: Duration,
    /// How long the first time; each time after it twice as long as the one before.
    pub time: Duration,
    pub max_time: Duration,
    /// How much of an upstream may be ejected at once.
    pub max_percent: u32,
    /// Statuses that count as failures, beside connections that fail.
    pub status: Vec<RangeInclusive<u16>>,
}

const LONGEST: Duration = Duration::from_secs(24 * 3600);
const SHORTEST: Duration = Duration::from_millis(10);

impl Default for HealthCheck {
    fn default() -> Self {
        let mut check = Self {
            kind: CheckKind::Http,
            path: String::new(),
            host: None,
            status: Vec::new(),
            interval: Duration::ZERO,
            timeout: Duration::ZERO,
            rise: 0,
            fall: 0,
            port: None,
            tls: None,
        };
        fill(&mut check);
        check
    }
}

impl Default for Ejection {
    fn default() -> Self {
        let mut ejection = Self {
            failures: 0,
            window: Duration::ZERO,
            time: Duration::ZERO,
            max_time: Duration::ZERO,
            max_percent: 0,
            status: Vec::new(),
        };
        fill(&mut ejection);
        ejection
    }
}

impl Kind for HealthCheck {
    const NAME: &'static str = "health check";
    const FIELDS: &'static [&'static [Field<Self>]] = &[CHECK];

    fn set_place(&mut self, _: String) {}
}

impl Kind for Ejection {
    const NAME: &'static str = "ejection";
    const FIELDS: &'static [&'static [Field<Self>]] = &[EJECTION];

    fn set_place(&mut self, _: String) {}
}

const CHECK: &[Field<HealthCheck>] = &[
    Field {
        key: "kind",
        default: "http",
        meaning: "What is asked: a GET, over HTTP/1.1 or, where requests are sent so, HTTP/2 without TLS; or a TCP connection alone.",
        allowed: "\"http\" or \"tcp\"",
        set: |check, raw| {
            check.kind = match raw.text()? {
                "http" => CheckKind::Http,
                "tcp" => CheckKind::Tcp,
                _ => return None,
            };
            Some(())
        },
    },
    Field {
        key: "path",
        default: "/",
        meaning: "The path that is asked for, with its query.",
        allowed: "a path that begins with /, without blanks",
        set: |check, raw| {
            let path = raw.text().filter(|path| path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()))?;
            path.parse::<http::uri::PathAndQuery>().ok()?;
            path.clone_into(&mut check.path);
            Some(())
        },
    },
    Field {
        key: "host",
        default: "",
        meaning: "The Host header; the server's name and port when it is not said.",
        allowed: "a host's name",
        set: |check, raw| {
            check.host = Some(site::host(raw.text()?).filter(|host| !host.contains('*'))?);
            Some(())
        },
    },
    Field {
        key: "status",
        default: "200-399",
        meaning: "The statuses of a server that is well.",
        allowed: "a status such as 200, a span of them such as \"200-399\", or a list of both",
        set: |check, raw| statuses(raw).map(|status| check.status = status),
    },
    Field {
        key: "interval",
        default: "5s",
        meaning: "How long after one check the next begins; a tenth more or less, so that not all come at once.",
        allowed: "a time from 10ms to 24h",
        set: |check, raw| raw.duration(SHORTEST..=LONGEST).map(|time| check.interval = time),
    },
    Field {
        key: "timeout",
        default: "2s",
        meaning: "How long a check may take, its connection included.",
        allowed: "a time from 10ms to 24h",
        set: |check, raw| raw.duration(SHORTEST..=LONGEST).map(|time| check.timeout = time),
    },
    Field {
        key: "rise",
        default: "2",
        meaning: "Good checks in a row after which an unwell server is well again.",
        allowed: "a whole number from 1 to 100",
        set: |check, raw| raw.whole(1..=100).map(|count| check.rise = count),
    },
    Field {
        key: "fall",
        default: "3",
        meaning: "Bad checks in a row after which a server is unwell. The very first check of a server decides at once.",
        allowed: "a whole number from 1 to 100",
        set: |check, raw| raw.whole(1..=100).map(|count| check.fall = count),
    },
    Field {
        key: "port",
        default: "",
        meaning: "The port that is asked, when it is not the server's.",
        allowed: "a whole number from 1 to 65535",
        set: |check, raw| raw.whole(1..=u16::MAX).map(|port| check.port = Some(port)),
    },
    Field {
        key: "tls",
        default: "",
        meaning: "Whether the server is asked by TLS, with the upstream's `tls_ca`, `tls_name` and `tls_verify`; when it is not said, as \
                  requests are sent, and without TLS at another port.",
        allowed: "true or false",
        set: |check, raw| raw.flag().map(|flag| check.tls = Some(flag)),
    },
];

const EJECTION: &[Field<Ejection>] = &[
    Field {
        key: "failures",
        default: "5",
        meaning: "Failed requests within the window after which a server is left alone; 0 leaves none alone.",
        allowed: "a whole number from 0 to 1000",
        set: |ejection, raw| raw.whole(0..=1000).map(|count| ejection.failures = count),
    },
    Field {
        key: "window",
        default: "10s",
        meaning: "The time within which failures are counted.",
        allowed: "a time from 10ms to 24h",
        set: |ejection, raw| raw.duration(SHORTEST..=LONGEST).map(|time| ejection.window = time),
    },
    Field {
        key: "time",
        default: "10s",
        meaning: "How long a server is left alone the first time; each time after that twice as long.",
        allowed: "a time from 10ms to 24h",
        set: |ejection, raw| raw.duration(SHORTEST..=LONGEST).map(|time| ejection.time = time),
    },
    Field {
        key: "max_time",
        default: "5m",
        meaning: "How long at the most. A server that was good for as long begins anew.",
        allowed: "a time from 10ms to 24h",
        set: |ejection, raw| raw.duration(SHORTEST..=LONGEST).map(|time| ejection.max_time = time),
    },
    Field {
        key: "max_percent",
        default: "50",
        meaning: "How much of an upstream's servers may be left alone at once, in percent.",
        allowed: "a whole number from 0 to 100",
        set: |ejection, raw| raw.whole(0..=100).map(|percent| ejection.max_percent = percent),
    },
    Field {
        key: "status",
        default: "502-504",
        meaning: "The statuses that count as failures, beside connections that fail, break off or take too long.",
        allowed: "a status such as 503, a span of them such as \"500-599\", or a list of both",
        set: |ejection, raw| statuses(raw).map(|status| ejection.status = status),
    },
];

/// A status, a span of them as `from-to`, or a list of both.
fn statuses(raw: &Raw<'_>) -> Option<Vec<RangeInclusive<u16>>> {
    raw.each(|raw| {
        let one = |status: &str| status.parse::<u16>().ok().filter(|status| (100..=599).contains(status));
        let (from, to) = match raw {
            Raw::Text(text) => match text.split_once('-') {
                Some((from, to)) => (one(from)?, one(to)?),
                None => (one(text)?, one(text)?),
            },
            other => {
                let status = other.whole(100..=599)?;
                (status, status)
            }
        };
        (from <= to).then_some(from..=to)
    })
}
