//! Names, values and conditions, as they may be.

use std::time::Duration;

use serde_json::Value as Json;
use uuid::Uuid;

use super::error::{Error, Result};
use crate::types::Timestamp;

/// The longest name of a store, in characters.
const MAX_STORE: usize = 64;

/// The longest key, in bytes.
pub const MAX_KEY: usize = 512;

/// The longest value, in bytes.
pub const MAX_VALUE: usize = 64 * 1024;

/// The longest time an entry may be given.
pub const MAX_LIFETIME: Duration = Duration::from_hours(10 * 365 * 24);

/// The most keys of a page.
pub const MAX_PAGE: u32 = 1000;

/// The largest number whose neighbors JavaScript tells apart.
pub(super) const MAX_NUMBER: i64 = (1 << 53) - 1;

/// Behind every key that begins with what stands before it.
pub(super) const LAST: char = char::MAX;

/// A store's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreName(String);

/// An entry's name in its store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Bytes(Vec<u8>),
    /// The text of a value.
    Json(String),
    /// A whole number in JSON, which can be added to.
    Number(i64),
}

/// A value in its store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub content: Content,
    pub version: Uuid,
    pub expires_at: Option<Timestamp>,
}

/// A key of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub key: String,
    pub version: Uuid,
    pub expires_at: Option<Timestamp>,
}

/// A page of keys, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub keys: Vec<Listed>,
    /// Whether there are more behind them.
    pub more: bool,
}

/// What must be so for a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Only {
    Always,
    /// There is no entry.
    Absent,
    /// There is one of this version. `None`: of a version that no entry ever has.
    Version(Option<Uuid>),
}

/// A value to be written.
#[derive(Clone, Debug)]
pub struct Change {
    pub content: Content,
    /// How long it is to be there; `None`: for good.
    pub expires_in: Option<Duration>,
    pub only: Only,
}

impl StoreName {
    /// # Errors
    /// When it is not 1 to 64 letters, digits, `-`, `_` and `.`.
    pub fn new(name: &str) -> Result<Self> {
        if is_name(name, MAX_STORE) {
            return Ok(Self(name.to_owned()));
        }
        let message = format!("must have 1 to {MAX_STORE} letters, digits, -, _ or .");
        Err(Error::Invalid { field: "the name of the store", message })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Key {
    /// # Errors
    /// When it is empty, too long, or holds what no database takes.
    pub fn new(key: &str) -> Result<Self> {
        if key.is_empty() {
            return Err(Error::Invalid { field: "the key", message: "must not be empty".to_owned() });
        }
        part_of_key("the key", key).map(Self)
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Content {
    /// # Errors
    /// When it is too long.
    pub fn bytes(bytes: Vec<u8>) -> Result<Self> {
        check_length(bytes.len())?;
        Ok(Self::Bytes(bytes))
    }

    /// # Errors
    /// When it is too long, or no JSON.
    pub fn json(text: &[u8]) -> Result<Self> {
        check_length(text.len())?;
        let invalid = |message: String| Error::Invalid { field: "the value", message };
        let value: Json = serde_json::from_slice(text).map_err(|err| invalid(format!("is no JSON: {err}")))?;
        let number = value.as_i64().filter(|number| number.unsigned_abs() <= MAX_NUMBER.unsigned_abs());
        match number {
            // -0 stays as it is written.
            Some(number) if number.to_string().as_bytes() == text => Ok(Self::Number(number)),
            _ => String::from_utf8(text.to_vec()).map(Self::Json).map_err(|err| invalid(format!("is not UTF-8: {err}"))),
        }
    }
}

/// A prefix or a place among keys, which may be empty.
pub(super) fn part_of_key(field: &'static str, text: &str) -> Result<String> {
    if text.len() > MAX_KEY {
        let message = format!("has {} bytes; {MAX_KEY} are allowed", text.len());
        return Err(Error::Invalid { field, message });
    }
    if text.contains(['\0', LAST]) {
        let message = "must not hold the characters U+0000 and U+10FFFF".to_owned();
        return Err(Error::Invalid { field, message });
    }
    Ok(text.to_owned())
}

fn check_length(bytes: usize) -> Result<()> {
    if bytes <= MAX_VALUE {
        return Ok(());
    }
    let message = format!("has {bytes} bytes; {MAX_VALUE} are allowed: keep what is larger in storage, and its name here");
    Err(Error::Invalid { field: "the value", message })
}

fn is_name(name: &str, most: usize) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=most).contains(&name.len()) && name.chars().all(is_allowed)
}
