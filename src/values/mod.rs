//! PostgreSQL's values in plain Rust: types, how they are read and written, compared and computed with. No I/O.
//!
//! SQLite knows five kinds of value. What an app's column means beyond that (`uuid`, `numeric(10,2)`, `timestamptz`, `jsonb`, arrays)
//! is said here once: by the functions and collations that `db` registers with SQLite, and by `sql` for literals and request bodies.
//!
//! ```text
//! text, JSON ── from_text, from_json, from_raw_json ──> Datum ── to_text, cast_text, to_json, postgres_text ──> text
//! ```
//!
//! What differs from PostgreSQL on purpose: moments lie in the years 1 to 9999 and are never `infinity`, arrays have one dimension,
//! and upper and lower case are Unicode's, one character for one.

pub mod array;
mod bytes;
mod float;
pub mod fts;
mod input;
mod invalid;
pub mod json;
pub mod moment;
pub mod numeric;
mod output;
pub mod text;
mod ty;

pub use input::{from_json, from_raw_json, from_text};
pub use invalid::Invalid;
pub use moment::{Interval, interval};
pub use output::{cast_text, postgres_text, to_json, to_text};
pub use ty::{Enum, Family, Type, UnknownType};

/// A value in the form SQLite holds it in, which is canonical: two equal values of a type have one form, but for `numeric`, whose
/// scale is kept, and `json`, which is kept as it came.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Every type that [`Type`] holds as TEXT.
    Text(String),
    Bytes(Vec<u8>),
}
