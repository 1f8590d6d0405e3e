//! What auth is about, in types that cannot be wrong.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::principal::Role;
use super::{Error, Result};
use crate::types::{Secret, SessionId, Timestamp, UserId};

/// The audience of every user's token.
pub const AUDIENCE: &str = "authenticated";

/// A JSON object that belongs to a user.
pub type Metadata = Map<String, Value>;

/// The most bytes of JSON a user may keep in `user_metadata`.
pub const MAX_USER_METADATA: usize = 64 * 1024;

/// The most bytes of JSON in `app_metadata`, which stands in every access token.
pub const MAX_APP_METADATA: usize = 4 * 1024;

/// The longest password, in bytes.
pub const MAX_PASSWORD: usize = 1024;

/// When a client that found the hashing queue full should try again, in seconds.
pub const HASH_RETRY_SECONDS: u64 = 1;

/// An email address, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// The longest address, in bytes (RFC 5321's limit of a path).
    pub const MAX: usize = 254;

    /// An address that was checked before it was stored.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
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

/// A phone number: the digits of E.164, without the `+`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Phone(String);

impl Phone {
    /// A number that was checked before it was stored.
    #[must_use]
    pub const fn stored(text: String) -> Self {
        Self(text)
    }

    /// The number's digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
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
            Error::invalid("ban_duration: must be \"none\" or a duration such as \"24h\", \"1h30m\" or \"300s\" (at most 292 years)")
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

/// A user of the app.
#[derive(Clone, Debug)]
pub struct User {
    pub id: UserId,
    pub role: Role,
    pub email: Option<Email>,
    pub phone: Option<Phone>,
    /// A PHC string; `None` where the user has no password.
    pub password_hash: Option<Secret<String>>,
    pub email_confirmed_at: Option<Timestamp>,
    pub phone_confirmed_at: Option<Timestamp>,
    pub last_sign_in_at: Option<Timestamp>,
    pub banned_until: Option<Timestamp>,
    pub app_metadata: Metadata,
    pub user_metadata: Metadata,
    pub is_anonymous: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl User {
    /// A user as one begins: with no address, no password, nothing.
    #[must_use]
    pub fn new(id: UserId, now: Timestamp) -> Self {
        Self {
            id,
            role: Role::Authenticated,
            email: None,
            phone: None,
            password_hash: None,
            email_confirmed_at: None,
            phone_confirmed_at: None,
            last_sign_in_at: None,
            banned_until: None,
            app_metadata: Metadata::new(),
            user_metadata: Metadata::new(),
            is_anonymous: false,
            created_at: now,
            updated_at: now,
        }
    }

    /// Whether a ban is on.
    #[must_use]
    pub fn is_banned(&self, now: Timestamp) -> bool {
        self.banned_until.is_some_and(|until| until > now)
    }

    /// When the first of the user's addresses was confirmed.
    #[must_use]
    pub fn confirmed_at(&self) -> Option<Timestamp> {
        [self.email_confirmed_at, self.phone_confirmed_at].into_iter().flatten().min()
    }

    /// Says in `app_metadata` how the user signs in, as clients expect: `provider` is the first, `providers` are all.
    pub fn add_provider(&mut self, provider: &str) {
        self.app_metadata.entry("provider").or_insert_with(|| provider.into());
        let providers = self.app_metadata.entry("providers").or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(names) = providers
            && !names.iter().any(|name| name == provider)
        {
            names.push(provider.into());
        }
    }
}

/// One of the ways in which a user signs in.
#[derive(Clone, Debug)]
pub struct Identity {
    pub id: Uuid,
    pub user_id: UserId,
    pub provider: Provider,
    /// The user's id at the provider; for `email` and `phone` the user's own.
    pub provider_id: String,
    pub data: Metadata,
    pub last_sign_in_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Who vouches for an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    Email,
    Phone,
}

impl Provider {
    /// The provider's name in the database and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }

    /// The provider of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Email, Self::Phone].into_iter().find(|provider| provider.as_str() == name)
    }
}

/// A user with the ways to sign in.
#[derive(Clone, Debug)]
pub struct Account {
    pub user: User,
    pub identities: Vec<Identity>,
}

/// How a session was begun, as `amr` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Password,
    Anonymous,
}

impl Method {
    /// The method's name in tokens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Anonymous => "anonymous",
        }
    }
}

/// A signed-in session.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: SessionId,
    pub user_id: UserId,
    /// The assurance level, such as `aal1`.
    pub aal: String,
    /// How the user proved to be who they are: `[{"method": …, "timestamp": …}]`.
    pub amr: Value,
    pub refresh_salt: Vec<u8>,
    /// The counter of the one refresh token that is current.
    pub refresh_counter: i64,
    /// When the counter last moved.
    pub refreshed_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// Where a session was begun.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub user_agent: Option<String>,
    pub ip: Option<IpAddr>,
}

/// What a client gets for signing in or refreshing.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub access_token: Secret<String>,
    pub expires_in: Duration,
    pub expires_at: Timestamp,
    pub refresh_token: Secret<String>,
    pub account: Account,
}

/// Lays `changes` over `target`: a null takes a key away, anything else replaces what was there.
pub fn merge(target: &mut Metadata, changes: &Metadata) {
    for (key, value) in changes {
        if value.is_null() {
            target.remove(key);
        } else {
            target.insert(key.clone(), value.clone());
        }
    }
}

/// Refuses metadata over its limit; `field` is what the client calls it.
///
/// # Errors
/// [`Error::Invalid`], naming the field and the limit.
pub fn check_metadata(field: &str, metadata: &Metadata, limit: usize) -> Result<()> {
    let size = serde_json::to_vec(metadata).map_or(usize::MAX, |json| json.len());
    if size > limit {
        return Err(Error::invalid(format!("{field}: has {size} bytes of JSON, and at most {limit} are allowed")));
    }
    Ok(())
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
