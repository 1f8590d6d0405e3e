//! Values that go into a statement.

use std::fmt;

use bytes::Bytes;
use serde_json::Map;
use uuid::Uuid;

use crate::types::{FunctionId, FunctionName, KeyId, RequestId, RevisionId, SessionId, Timestamp, UserId};

/// The types a value may have.
///
/// | kind | PostgreSQL | SQLite |
/// | --- | --- | --- |
/// | `Bool` | boolean | INTEGER 0 or 1 |
/// | `Int` | bigint (and smaller) | INTEGER |
/// | `Real` | double precision | REAL |
/// | `Text` | text | TEXT |
/// | `Bytes` | bytea | BLOB |
/// | `Uuid` | uuid | TEXT, lower case with hyphens |
/// | `Time` | timestamptz | TEXT as [`Timestamp::rfc3339`], so that text order is time order |
/// | `Json` | jsonb | TEXT |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Bool,
    Int,
    Real,
    Text,
    Bytes,
    Uuid,
    Time,
    Json,
}

/// A value to bind. `Debug` shows its kind alone.
///
/// A null has a kind too, since PostgreSQL wants to know the type of every parameter. Two things differ between the databases and
/// are the caller's to avoid: PostgreSQL refuses text with a NUL character, and SQLite stores the float NaN as null.
#[derive(Clone, PartialEq)]
pub enum Value {
    Null(Kind),
    Bool(bool),
    Int(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
    Uuid(Uuid),
    Time(Timestamp),
    Json(serde_json::Value),
}

impl Value {
    /// The value's type.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Null(kind) => *kind,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Real(_) => Kind::Real,
            Self::Text(_) => Kind::Text,
            Self::Bytes(_) => Kind::Bytes,
            Self::Uuid(_) => Kind::Uuid,
            Self::Time(_) => Kind::Time,
            Self::Json(_) => Kind::Json,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null(kind) => write!(f, "Null({kind:?})"),
            other => write!(f, "{:?}(…)", other.kind()),
        }
    }
}

/// A Rust type whose values are all of one [`Kind`], so that `None` of it can be bound.
pub trait Typed: Into<Value> {
    const KIND: Kind;
}

impl<T: Typed> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null(T::KIND), Into::into)
    }
}

/// `From` by value and by reference, for a type and the variant it becomes.
macro_rules! bindable {
    ($($kind:ident: $type:ty, $value:ident => $owned:expr, $borrowed:expr;)*) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                Self::$kind($owned)
            }
        }

        impl From<&$type> for Value {
            fn from($value: &$type) -> Self {
                Self::$kind($borrowed)
            }
        }

        impl Typed for $type {
            const KIND: Kind = Kind::$kind;
        }

        impl Typed for &$type {
            const KIND: Kind = Kind::$kind;
        }
    )*};
}

bindable! {
    Bool: bool, value => value, *value;
    Int: i64, value => value, *value;
    Int: i32, value => value.into(), (*value).into();
    Int: u32, value => value.into(), (*value).into();
    Real: f64, value => value, *value;
    Text: String, value => value, value.clone();
    Text: FunctionName, value => value.as_str().to_owned(), value.as_str().to_owned();
    Bytes: Vec<u8>, value => value, value.clone();
    Bytes: Bytes, value => value.into(), value.to_vec();
    Uuid: Uuid, value => value, *value;
    Uuid: UserId, value => value.0, value.0;
    Uuid: SessionId, value => value.0, value.0;
    Uuid: KeyId, value => value.0, value.0;
    Uuid: FunctionId, value => value.0, value.0;
    Uuid: RevisionId, value => value.0, value.0;
    Uuid: RequestId, value => value.0, value.0;
    Time: Timestamp, value => value, *value;
    Json: serde_json::Value, value => value, value.clone();
    Json: Map<String, serde_json::Value>, value => value.into(), value.clone().into();
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl Typed for &str {
    const KIND: Kind = Kind::Text;
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl Typed for &[u8] {
    const KIND: Kind = Kind::Bytes;
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(value: [u8; N]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl<const N: usize> Typed for [u8; N] {
    const KIND: Kind = Kind::Bytes;
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(value: &[u8; N]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl<const N: usize> Typed for &[u8; N] {
    const KIND: Kind = Kind::Bytes;
}
