//! JSON as PostgreSQL has it: numbers keep their digits, `jsonb` has one form, an order and operators.
//!
//! The canonical form of `jsonb` here has PostgreSQL's order of keys (by length, then by bytes), one value a key (the last), and no
//! spaces. Operators that only look inside work on the text, so they serve `json`, which is kept as it came, as well.

mod read;
mod tree;
mod write;

use super::Invalid;

pub use read::{array_length, castable, each, exists, get, get_text, path, path_text, type_of};
pub use tree::{Json, compare, concat, contains, delete, delete_at, set, strip_nulls};
pub use write::{escape, spaced};

/// Containers in containers at the most.
pub const MAX_DEPTH: usize = 256;

/// A key of an object, or a place in an array, from the end when negative.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    Key(&'a str),
    Place(i64),
}

/// The canonical form of `jsonb`.
///
/// # Errors
/// 22P02 when it is no JSON; 22P05 for `\u0000`; 54001 when it is too deep.
pub fn canonical(text: &str) -> Result<String, Invalid> {
    Ok(Json::parse(text)?.to_string())
}

/// Checks that it is JSON, whose text `json` keeps.
///
/// # Errors
/// As [`canonical`], but without 22P05.
pub fn check(text: &str) -> Result<(), Invalid> {
    let mut reader = read::Reader::new(text);
    reader.skip_value(0)?;
    reader.end()
}

fn invalid() -> Invalid {
    Invalid::new("22P02", "invalid input syntax for type json")
}
