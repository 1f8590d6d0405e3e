//! What SQLite lacks, under names that begin with `plinth_`: PostgreSQL's functions over [`crate::values`].
//!
//! Every connection has them, since columns' collations, checks and indexes name them too. A null in gives a null out unless a
//! function says otherwise. A fault has PostgreSQL's SQLSTATE and message.

mod aggregates;
mod arguments;
mod arrays;
mod json;
mod moments;
mod numbers;
mod text;
mod types;

use std::cmp::Ordering;

use sqlx::sqlite::LockedSqliteHandle;

use self::arguments::{boolean, datum, int, numeric, optional, output, text, type_name, wrong};
use crate::sys::sqlite_functions::{self as sys, Arguments, Fault, Function, Output};
use crate::sys::sqlite_tokenizer::{self, Tokenizer};
use crate::values::{self, Invalid};

/// What a function gives.
type Answer = Result<Output, Fault>;

/// The words of full-text tables: those that `plinth_fts` sees.
static WORDS: Tokenizer = Tokenizer {
    name: "plinth",
    words: |text, give| {
        let _ = values::fts::words_of(text).all(|word| give(&word));
    },
};

/// Registers everything with a connection.
pub(super) fn register(handle: &mut LockedSqliteHandle<'_>) -> Result<(), sqlx::Error> {
    let tables = [text::TABLE, numbers::TABLE, json::TABLE, arrays::TABLE, types::TABLE, moments::TABLE];
    let functions = tables.iter().copied().flatten().map(|function| sys::register(handle, function));
    functions.collect::<Result<(), String>>().map_err(refused)?;
    for aggregate in aggregates::TABLE {
        sys::register_aggregate(handle, aggregate).map_err(refused)?;
    }
    sqlite_tokenizer::register(handle, &WORDS).map_err(refused)?;
    handle.create_collation("plinth_numeric", values::numeric::compare)?;
    handle.create_collation("plinth_jsonb", compare_jsonb)
}

fn refused(reason: String) -> sqlx::Error {
    sqlx::Error::Configuration(reason.into())
}

/// An order must hold for any two texts: what is no JSON comes last.
fn compare_jsonb(left: &str, right: &str) -> Ordering {
    values::json::compare(left, right).unwrap_or_else(|_| {
        let is_json = |text| values::json::check(text).is_ok();
        is_json(right).cmp(&is_json(left)).then_with(|| left.cmp(right))
    })
}

impl From<Invalid> for Fault {
    fn from(invalid: Invalid) -> Self {
        Self { code: invalid.code, message: invalid.message }
    }
}

/// A function that is not called with nulls.
const fn strict(name: &'static str, arguments: i8, run: fn(&Arguments<'_>) -> Answer) -> Function {
    Function { name, arguments, takes_nulls: false, deterministic: true, run }
}

/// A function that is called with nulls.
const fn lenient(name: &'static str, arguments: i8, run: fn(&Arguments<'_>) -> Answer) -> Function {
    Function { name, arguments, takes_nulls: true, deterministic: true, run }
}
