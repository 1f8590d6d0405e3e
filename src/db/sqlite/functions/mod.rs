//! What SQLite lacks, under names that begin with `plinth_`: PostgreSQL's functions over [`crate::values`].
//!
//! Every connection has them, since columns' collations, checks and indexes name them too. A null in gives a null out unless a
//! function says otherwise. A fault has PostgreSQL's SQLSTATE and message.

mod aggregates;
mod arrays;
mod json;
mod moments;
mod numbers;
mod text;
mod types;

use std::borrow::Cow;
use std::cmp::Ordering;

use sqlx::sqlite::LockedSqliteHandle;

use crate::sys::sqlite_functions::{self as sys, Argument, Arguments, Fault, Function, Output};
use crate::values::numeric::Numeric;
use crate::values::{self, Datum, Invalid, Type};

/// What a function gives.
type Answer = Result<Output, Fault>;

/// Registers everything with a connection.
pub(super) fn register(handle: &mut LockedSqliteHandle<'_>) -> Result<(), sqlx::Error> {
    let tables = [text::TABLE, numbers::TABLE, json::TABLE, arrays::TABLE, types::TABLE, moments::TABLE];
    let functions = tables.iter().copied().flatten().map(|function| sys::register(handle, function));
    functions.collect::<Result<(), String>>().map_err(refused)?;
    for aggregate in aggregates::TABLE {
        sys::register_aggregate(handle, aggregate).map_err(refused)?;
    }
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

fn wrong(place: usize, wanted: &str) -> Fault {
    Fault { code: "42883", message: format!("argument {} is not {wanted}", place + 1) }
}

/// An argument as text, whatever it is.
fn text<'a>(arguments: &Arguments<'a>, place: usize) -> Result<Cow<'a, str>, Fault> {
    Ok(match arguments.get(place)? {
        Argument::Text(text) => Cow::Borrowed(text),
        other => Cow::Owned(values::to_text(&Type::Float8, &datum(other)).unwrap_or_default()),
    })
}

/// An argument that is an integer.
fn int(arguments: &Arguments<'_>, place: usize) -> Result<i64, Fault> {
    match arguments.get(place)? {
        Argument::Int(value) => Ok(value),
        Argument::Text(text) => text.parse().map_err(|_| wrong(place, "an integer")),
        _ => Err(wrong(place, "an integer")),
    }
}

/// An argument that is a number in any form.
fn numeric(arguments: &Arguments<'_>, place: usize) -> Result<Numeric, Fault> {
    match arguments.get(place)? {
        Argument::Int(value) => Ok(Numeric::int(value)),
        Argument::Real(value) => Ok(Numeric::float(value)),
        Argument::Text(text) => Ok(Numeric::parse(text)?),
        _ => Err(wrong(place, "a number")),
    }
}

/// An argument that is a type's name.
fn type_name(arguments: &Arguments<'_>, place: usize) -> Result<Type, Fault> {
    let name = text(arguments, place)?;
    name.parse().map_err(|err: values::UnknownType| Fault { code: "42704", message: err.to_string() })
}

/// A value in the form that SQLite holds.
fn datum(argument: Argument<'_>) -> Datum {
    match argument {
        Argument::Null => Datum::Null,
        Argument::Int(value) => Datum::Int(value),
        Argument::Real(value) => Datum::Float(value),
        Argument::Text(text) => Datum::Text(text.to_owned()),
        Argument::Blob(bytes) => Datum::Bytes(bytes.to_vec()),
    }
}

fn output(datum: Datum) -> Output {
    match datum {
        Datum::Null => Output::Null,
        Datum::Bool(value) => Output::Int(value.into()),
        Datum::Int(value) => Output::Int(value),
        Datum::Float(value) => Output::Real(value),
        Datum::Text(text) => Output::Text(text),
        Datum::Bytes(bytes) => Output::Blob(bytes),
    }
}

fn boolean(value: bool) -> Output {
    Output::Int(value.into())
}

fn optional(text: Option<String>) -> Output {
    text.map_or(Output::Null, Output::Text)
}
