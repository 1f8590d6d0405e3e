//! How much one client may ask of a site or a route.

use std::time::Duration;

use super::rules::HasRules;
use crate::config::tables::Field;

/// How much one client may ask. A route has its site's limits where it says none itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Requests in a span of time, each client by itself.
    pub rate: Option<Rate>,
    /// Requests beyond the rate that are let in before any is refused.
    pub burst: u32,
    /// Whether requests of a burst wait for their turn by the rate, in place of going on at once.
    pub delay: bool,
    /// Requests under way at once.
    pub concurrent: Option<u32>,
    /// What tells clients apart.
    pub by: LimitKey,
}

/// So many requests in so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    pub requests: u32,
    pub per: Duration,
}

/// What tells clients apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum LimitKey {
    /// The client's address; of IPv6 its network of 64 bits.
    #[default]
    Address,
    /// The host that was asked for: all clients of it share a limit.
    Host,
    /// A header, such as an API key; the address where it is missing.
    Header(String),
}

impl Limits {
    /// Whether anything is limited.
    #[must_use]
    pub const fn is_some(&self) -> bool {
        self.rate.is_some() || self.concurrent.is_some()
    }
}

/// The fields of [`Limits`] in a table of the kind `T`.
pub(super) struct LimitsOf<T>(std::marker::PhantomData<T>);

impl<T: HasRules> LimitsOf<T> {
    pub(super) const FIELDS: &'static [Field<T>] = &[
        Field {
            key: "rate",
            default: "",
            meaning: "How many requests one client may make in a span of time; beyond it they are answered 429.",
            allowed: "a number and s, m or h, such as 10/s or 300/m",
            set: |table, raw| rate(raw.text()?).map(|rate| table.rules().limits.rate = Some(rate)),
        },
        Field {
            key: "burst",
            default: "0",
            meaning: "How many requests beyond the rate are let in before any is refused.",
            allowed: "a whole number from 0 to 100000",
            set: |table, raw| raw.whole(0..=100_000).map(|count| table.rules().limits.burst = count),
        },
        Field {
            key: "delay",
            default: "false",
            meaning: "Whether requests of a burst wait for their turn by the rate, in place of going on at once.",
            allowed: "true or false",
            set: |table, raw| raw.flag().map(|flag| table.rules().limits.delay = flag),
        },
        Field {
            key: "concurrent",
            default: "",
            meaning: "How many requests of one client may be under way at once; beyond it they are answered 429.",
            allowed: "a whole number from 1 to 100000",
            set: |table, raw| raw.whole(1..=100_000).map(|count| table.rules().limits.concurrent = Some(count)),
        },
        Field {
            key: "limit_by",
            default: "address",
            meaning: "What tells clients apart for rate and concurrent: their address, the host they ask for, or a header.",
            allowed: "\"address\", \"host\" or \"header:\" and a name, such as \"header:x-api-key\"",
            set: |table, raw| key(raw.text()?).map(|key| table.rules().limits.by = key),
        },
    ];
}

fn rate(text: &str) -> Option<Rate> {
    let (requests, unit) = text.split_once('/')?;
    let requests = requests.trim().parse().ok().filter(|count| (1..=1_000_000).contains(count))?;
    let per = match unit.trim() {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return None,
    };
    Some(Rate { requests, per: Duration::from_secs(per) })
}

fn key(text: &str) -> Option<LimitKey> {
    match text {
        "address" => Some(LimitKey::Address),
        "host" => Some(LimitKey::Host),
        text => {
            let (name, _) = super::rules::header(text.strip_prefix("header:")?, &crate::config::Raw::Text(""))?;
            Some(LimitKey::Header(name))
        }
    }
}
