//! What clients give, checked: addresses, numbers, passwords, lengths of time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::auth::{Error, Result};
use crate::types::{Secret, Timestamp};

/// The longest password, in bytes.
pub const MAX_PASSWORD: usize = 1024;

/// A text that is checked where it is parsed, and may be taken as it is from where it was stored.
macro_rules! checked {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// One that was checked before it was stored.
            #[must_use]
            pub const fn stored(text: String) -> Self {
                Self(text)
            }

            /// The text: an address as it is written, a number's digits.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

checked!(
    /// An email address, in lower case.
    Email
);

checked!(
    /// A phone number: the digits of E.164, without the `+`.
    Phone
);

impl Email {
    /// The longest address, in bytes (RFC 5321's limit of a path).
    pub const MAX: usize = 254;
}

impl FromStr for Email {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.len() > Self::MAX {
            return Err(Error::invalid(format!("email: an address has at most {} bytes", Self::MAX)));
        }
        match text.rsplit_once('@') {
            Some((local, domain)) if is_local_part(local) && domain.split('.').all(is_label) => {
                Ok(Self(text.to_ascii_lowercase()))
            }
            _ => Err(Error::invalid("Unable to validate email address: invalid format")),
        }
    }
}

/// As HTML's `<input type=email>` has it, and not longer than a mail server takes.
fn is_local_part(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    !text.is_empty() && text.len() <= 64 && text.chars().all(allowed)
}

fn is_label(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-';
    !text.is_empty() && text.len() <= 63 && text.chars().all(allowed) && !text.starts_with('-') && !text.ends_with('-')
}

impl FromStr for Phone {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = || Error::invalid("phone: Invalid phone number format (E.164 required)");
        if text.len() > 32 {
            return Err(refused());
        }
        let digits = text.strip_prefix('+').unwrap_or(text).replace(' ', "");
        let good = (2..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
        if good { Ok(Self(digits)) } else { Err(refused()) }
    }
}

/// A password that somebody wants to have; not too short, not too long.
#[derive(Clone, Debug)]
pub struct NewPassword(Secret<String>);

impl NewPassword {
    /// Checks a password against the server's rules; `min` is in characters.
    ///
    /// # Errors
    /// [`Error::WeakPassword`] if it is too short, [`Error::Invalid`] if it is too long.
    pub fn parse(text: String, min: usize) -> Result<Self> {
        if text.len() > MAX_PASSWORD {
            return Err(Error::invalid(format!("Password cannot be longer than {MAX_PASSWORD} bytes")));
        }
        if text.chars().count() < min {
            return Err(Error::WeakPassword(min));
        }
        Ok(Self(Secret::new(text)))
    }

    /// The password, for hashing.
    #[must_use]
    pub const fn secret(&self) -> &Secret<String> {
        &self.0
    }
}

/// How long a user is banned; `None` ends a ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BanDuration(pub Option<Duration>);

impl BanDuration {
    /// The longest ban: what Go's durations hold, which is 292 years.
    pub const MAX: Duration = Duration::from_nanos(i64::MAX.unsigned_abs());

    /// The moment until which the ban lasts.
    #[must_use]
    pub fn until(self, now: Timestamp) -> Option<Timestamp> {
        self.0.map(|length| now.plus(length))
    }
}

impl FromStr for BanDuration {
    type Err = Error;

    /// `none`, or a duration as Go writes it: `24h`, `1h30m`, `90s`, `1.5h`.
    fn from_str(text: &str) -> Result<Self> {
        if text == "none" {
            return Ok(Self(None));
        }
        let refused = || {
            Error::invalid(
                "ban_duration: must be \"none\" or a duration such as \"24h\", \"1h30m\" or \"300s\" (at most 292 years)",
            )
        };
        let length = go_duration(text).filter(|length| *length <= Self::MAX).ok_or_else(refused)?;
        Ok(Self((!length.is_zero()).then_some(length)))
    }
}

fn go_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    if text.is_empty() || text.len() > 64 {
        return None;
    }
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (amount, tail) = rest.split_at(number);
        let unit = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" | "μs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total += amount.parse::<f64>().ok()? * seconds;
        rest = tail;
    }
    Duration::try_from_secs_f64(total).ok()
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
