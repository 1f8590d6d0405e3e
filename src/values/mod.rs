//! PostgreSQL's values in plain Rust: types, how they are read and written, compared and computed with. No I/O.
//!
//! SQLite knows five kinds of value. What an app's column means beyond that (`uuid`, `numeric(10,2)`, `timestamptz`, `jsonb`, arrays)
//! is said here once: by the functions and collations that `db` registers with SQLite, and by `sql` for literals and request bodies.

mod ty;

pub use ty::{Family, Type};

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
