//! One setting: its names, what it may be, and how its text becomes a value.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::Config;

/// A setting, as the configuration file, the environment and the documentation know it.
pub struct Setting {
    /// `section.name`, as in the file.
    pub key: &'static str,
    /// The environment variable that overrides the file.
    pub env: &'static str,
    /// What holds when nothing is said, as one would write it; empty when there is none.
    pub default: &'static str,
    pub meaning: &'static str,
    /// What is allowed, as a phrase: "a whole number from 1 to 64".
    pub allowed: &'static str,
    /// Puts a checked value into the configuration; `None` when it is not allowed.
    pub set: fn(&mut Config, &Raw<'_>) -> Option<()>,
}

/// A value as it was written. An environment variable is always text, so each reader of one value accepts text too; lists and tables
/// are in files alone.
#[derive(Clone, Debug)]
pub enum Raw<'a> {
    Text(&'a str),
    Whole(i64),
    Flag(bool),
    List(Vec<Raw<'a>>),
    /// A table with the names and the values of its entries, in the order they are written in.
    Table(Vec<(&'a str, Raw<'a>)>),
}

impl Raw<'_> {
    /// Text that is not empty.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// A whole number within `range`.
    #[must_use]
    pub fn whole<N: TryFrom<i64> + PartialOrd>(&self, range: RangeInclusive<N>) -> Option<N> {
        let number = match self {
            Self::Whole(number) => *number,
            Self::Text(text) => text.parse().ok()?,
            Self::Flag(_) | Self::List(_) | Self::Table(_) => return None,
        };
        N::try_from(number).ok().filter(|number| range.contains(number))
    }

    /// `true` or `false`.
    #[must_use]
    pub fn flag(&self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(*flag),
            Self::Text("true" | "1") => Some(true),
            Self::Text("false" | "0") => Some(false),
            _ => None,
        }
    }

    /// A time span such as `500ms`, `30s`, `5m`, `1h` or `7d`, within `range`.
    #[must_use]
    pub fn duration(&self, range: RangeInclusive<Duration>) -> Option<Duration> {
        let text = self.text()?;
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
        let number: u64 = number.parse().ok()?;
        let millis = match unit {
            "ms" => Some(number),
            "s" => number.checked_mul(1000),
            "m" => number.checked_mul(60_000),
            "h" => number.checked_mul(3_600_000),
            "d" => number.checked_mul(86_400_000),
            _ => None,
        }?;
        Some(Duration::from_millis(millis)).filter(|span| range.contains(span))
    }

    /// A number of bytes such as `65536`, `64KB`, `64KiB`, `6MB` or `6MiB`, within `range`.
    #[must_use]
    pub fn bytes(&self, range: RangeInclusive<usize>) -> Option<usize> {
        let bytes = match self {
            Self::Whole(number) => usize::try_from(*number).ok()?,
            Self::Text(text) => {
                let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
                let factor = match unit {
                    "" | "B" => 1,
                    "KB" => 1_000,
                    "KiB" => 1 << 10,
                    "MB" => 1_000_000,
                    "MiB" => 1 << 20,
                    "GB" => 1_000_000_000,
                    "GiB" => 1 << 30,
                    _ => return None,
                };
                number.parse::<usize>().ok()?.checked_mul(factor)?
            }
            Self::Flag(_) | Self::List(_) | Self::Table(_) => return None,
        };
        Some(bytes).filter(|bytes| range.contains(bytes))
    }

    /// One value, or each of a list, as `read` understands it; `None` when one of them is not allowed.
    #[must_use]
    pub fn each<T>(&self, read: impl Fn(&Raw<'_>) -> Option<T>) -> Option<Vec<T>> {
        match self {
            Self::List(values) => values.iter().map(read).collect(),
            one => read(one).map(|value| vec![value]),
        }
    }

    /// A table's entries, each value as `read` understands it; `None` when it is no table, or one of them is not allowed.
    #[must_use]
    pub fn entries<T>(&self, read: impl Fn(&str, &Raw<'_>) -> Option<T>) -> Option<Vec<T>> {
        match self {
            Self::Table(entries) => entries.iter().map(|(name, value)| read(name, value)).collect(),
            _ => None,
        }
    }

    /// `host:port`, where the host is an IP address or `localhost`.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        let text = self.text()?;
        text.strip_prefix("localhost:").map_or_else(|| text.parse().ok(), |port| format!("127.0.0.1:{port}").parse().ok())
    }
}
