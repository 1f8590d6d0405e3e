//! The types a column may have: PostgreSQL's, under PostgreSQL's names, on both databases.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A type of the portable subset.
///
/// | type | PostgreSQL | SQLite holds |
/// | --- | --- | --- |
/// | `boolean` | boolean | INTEGER 0 or 1 |
/// | `smallint`, `integer`, `bigint` | the same | INTEGER |
/// | `real`, `double precision` | the same | REAL |
/// | `numeric(p,s)` | the same | TEXT, plain decimal notation at its scale, under the collation `plinth_numeric` |
/// | `text`, `varchar(n)`, `char(n)` | the same | TEXT |
/// | `uuid` | uuid | TEXT, lower case with hyphens |
/// | `timestamptz` | the same | TEXT as [`crate::types::Timestamp::rfc3339`]: text order is time order |
/// | `timestamp` | the same | TEXT `2026-01-31T08:05:00.000000` |
/// | `date` | the same | TEXT `2026-01-31` |
/// | `time` | the same | TEXT `08:05:00.000000` |
/// | `json`, `jsonb` | the same | TEXT; `jsonb` in canonical form (keys in PostgreSQL's order, no spaces) |
/// | `bytea` | bytea | BLOB |
/// | arrays | the same | TEXT: a JSON array of the elements as they are held |
/// | `tsvector` | the same | TEXT as PostgreSQL writes it: `'fox':2 'red':1` |
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Type {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    /// Precision (1 to 1,000 digits) and scale; `None` keeps each value's own scale.
    Numeric(Option<(u16, u16)>),
    Text,
    /// At most so many characters.
    Varchar(Option<u32>),
    /// So many characters, filled up with spaces.
    Char(u32),
    Uuid,
    Timestamptz,
    Timestamp,
    Date,
    Time,
    Json,
    Jsonb,
    Bytea,
    /// Never an array of arrays: as in PostgreSQL, the number of dimensions is not part of the type, and here it is one.
    Array(Box<Type>),
    /// A type that the app made by `create type … as enum`; SQLite holds the label.
    Enum(Box<Enum>),
    /// The words of a text with their places: only what a table's column makes of other columns.
    Tsvector,
    /// What a function returns that returns nothing.
    Void,
}

/// An enumeration of an app.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Enum {
    /// Without the schema, which is `public`.
    pub name: String,
    /// In their order.
    pub labels: Vec<String>,
    /// Those that the transaction under way added: as in PostgreSQL they are used once it is over.
    #[serde(skip)]
    pub fresh: Vec<String>,
}

/// Which values can stand for which: PostgreSQL's type categories, coarsened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    Bool,
    /// Integers, floats and `numeric`.
    Number,
    Text,
    Uuid,
    /// `timestamptz`, `timestamp`, `date`.
    Moment,
    Time,
    Json,
    Bytes,
    Array,
    Enum,
    Words,
    Void,
}

impl Type {
    /// Its family.
    #[must_use]
    pub const fn family(&self) -> Family {
        match self {
            Self::Bool => Family::Bool,
            Self::Int2 | Self::Int4 | Self::Int8 | Self::Float4 | Self::Float8 | Self::Numeric(_) => Family::Number,
            Self::Text | Self::Varchar(_) | Self::Char(_) => Family::Text,
            Self::Uuid => Family::Uuid,
            Self::Timestamptz | Self::Timestamp | Self::Date => Family::Moment,
            Self::Time => Family::Time,
            Self::Json | Self::Jsonb => Family::Json,
            Self::Bytea => Family::Bytes,
            Self::Array(_) => Family::Array,
            Self::Enum(_) => Family::Enum,
            Self::Tsvector => Family::Words,
            Self::Void => Family::Void,
        }
    }

    /// Whether it is `smallint`, `integer` or `bigint`.
    #[must_use]
    pub const fn is_integer(&self) -> bool {
        matches!(self, Self::Int2 | Self::Int4 | Self::Int8)
    }

    /// Whether it is `real` or `double precision`.
    #[must_use]
    pub const fn is_float(&self) -> bool {
        matches!(self, Self::Float4 | Self::Float8)
    }

    /// The type without length, precision and scale, as an expression over such columns has it.
    #[must_use]
    pub fn bare(&self) -> Self {
        match self {
            Self::Numeric(_) => Self::Numeric(None),
            Self::Varchar(_) | Self::Char(_) => Self::Text,
            Self::Array(element) => Self::Array(Box::new(element.bare())),
            other => other.clone(),
        }
    }

    /// SQLite's type for a column of a `STRICT` table.
    #[must_use]
    pub const fn sqlite(&self) -> &'static str {
        match self {
            Self::Bool | Self::Int2 | Self::Int4 | Self::Int8 => "INTEGER",
            Self::Float4 | Self::Float8 => "REAL",
            Self::Bytea => "BLOB",
            _ => "TEXT",
        }
    }

    /// The type by a name PostgreSQL or PostgREST's clients know, without length or `[]`: `int4`, `integer`, `timestamptz`…
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "bool" | "boolean" => Self::Bool,
            "int2" | "smallint" => Self::Int2,
            "int4" | "int" | "integer" => Self::Int4,
            "int8" | "bigint" => Self::Int8,
            "float4" | "real" => Self::Float4,
            "float8" | "double precision" | "float" => Self::Float8,
            "numeric" | "decimal" => Self::Numeric(None),
            "text" => Self::Text,
            "varchar" | "character varying" => Self::Varchar(None),
            "bpchar" | "char" | "character" => Self::Char(1),
            "uuid" => Self::Uuid,
            "timestamptz" | "timestamp with time zone" => Self::Timestamptz,
            "timestamp" | "timestamp without time zone" => Self::Timestamp,
            "date" => Self::Date,
            "time" | "time without time zone" => Self::Time,
            "json" => Self::Json,
            "jsonb" => Self::Jsonb,
            "bytea" => Self::Bytea,
            "tsvector" => Self::Tsvector,
            "void" => Self::Void,
            _ => return None,
        })
    }
}

/// The type as PostgreSQL writes it: `character varying(20)`, `numeric(10,2)`, `text[]`.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Bool => "boolean",
            Self::Int2 => "smallint",
            Self::Int4 => "integer",
            Self::Int8 => "bigint",
            Self::Float4 => "real",
            Self::Float8 => "double precision",
            Self::Numeric(None) => "numeric",
            Self::Numeric(Some((precision, scale))) => return write!(f, "numeric({precision},{scale})"),
            Self::Text => "text",
            Self::Varchar(None) => "character varying",
            Self::Varchar(Some(length)) => return write!(f, "character varying({length})"),
            Self::Char(length) => return write!(f, "character({length})"),
            Self::Uuid => "uuid",
            Self::Timestamptz => "timestamp with time zone",
            Self::Timestamp => "timestamp without time zone",
            Self::Date => "date",
            Self::Time => "time without time zone",
            Self::Json => "json",
            Self::Jsonb => "jsonb",
            Self::Bytea => "bytea",
            Self::Array(element) => return write!(f, "{element}[]"),
            // With the schema before it, no name is taken for a word of PostgreSQL's grammar.
            Self::Enum(of) if is_plain(&of.name) => return write!(f, "public.{}", of.name),
            Self::Enum(of) => return write!(f, "public.\"{}\"", of.name.replace('"', "\"\"")),
            Self::Tsvector => "tsvector",
            Self::Void => "void",
        };
        f.write_str(name)
    }
}

/// Whether a name needs no quotes after a schema.
fn is_plain(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// A name that is none of a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("type \"{0}\" does not exist")]
pub struct UnknownType(pub String);

/// Reads what `Display` writes (an enumeration, whose labels are not said, as `text`), and the other names that [`Type::named`] knows, with length, precision and `[]`.
impl FromStr for Type {
    type Err = UnknownType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownType(text.to_owned());
        if let Some(element) = text.strip_suffix("[]") {
            return match element.parse()? {
                Self::Array(_) | Self::Tsvector | Self::Void => Err(unknown()),
                element => Ok(Self::Array(Box::new(element))),
            };
        }
        if text.starts_with("public.") {
            return Ok(Self::Text);
        }
        let Some((name, rest)) = text.split_once('(') else { return Self::named(text).ok_or_else(unknown) };
        let (numbers, after) = rest.split_once(')').ok_or_else(unknown)?;
        let numbers: Vec<u32> =
            numbers.split(',').map(|number| number.trim().parse()).collect::<Result<_, _>>().map_err(|_| unknown())?;
        let small = |number: u32| u16::try_from(number).map_err(|_| unknown());
        match (Self::named(&format!("{}{after}", name.trim_end())), numbers.as_slice()) {
            (Some(Self::Numeric(_)), [precision]) => Ok(Self::Numeric(Some((small(*precision)?, 0)))),
            (Some(Self::Numeric(_)), [precision, scale]) => Ok(Self::Numeric(Some((small(*precision)?, small(*scale)?)))),
            (Some(Self::Varchar(_)), [length]) => Ok(Self::Varchar(Some(*length))),
            (Some(Self::Char(_)), [length]) => Ok(Self::Char(*length)),
            _ => Err(unknown()),
        }
    }
}
