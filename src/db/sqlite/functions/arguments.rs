//! What goes into a function and what comes out.

use std::borrow::Cow;

use crate::sys::sqlite_functions::{Argument, Arguments, Fault, Output};
use crate::values::numeric::Numeric;
use crate::values::{self, Datum, Type};

pub(super) fn wrong(place: usize, wanted: &str) -> Fault {
    Fault { code: "42883", message: format!("argument {} is not {wanted}", place + 1) }
}

/// An argument as text, whatever it is.
pub(super) fn text<'a>(arguments: &Arguments<'a>, place: usize) -> Result<Cow<'a, str>, Fault> {
    Ok(match arguments.get(place)? {
        Argument::Text(text) => Cow::Borrowed(text),
        other => Cow::Owned(values::to_text(&Type::Float8, &datum(other)).unwrap_or_default()),
    })
}

/// An argument that is an integer.
pub(super) fn int(arguments: &Arguments<'_>, place: usize) -> Result<i64, Fault> {
    match arguments.get(place)? {
        Argument::Int(value) => Ok(value),
        Argument::Text(text) => text.parse().map_err(|_| wrong(place, "an integer")),
        _ => Err(wrong(place, "an integer")),
    }
}

/// An argument that is a number in any form.
pub(super) fn numeric(arguments: &Arguments<'_>, place: usize) -> Result<Numeric, Fault> {
    match arguments.get(place)? {
        Argument::Int(value) => Ok(Numeric::int(value)),
        Argument::Real(value) => Ok(Numeric::float(value)),
        Argument::Text(text) => Ok(Numeric::parse(text)?),
        _ => Err(wrong(place, "a number")),
    }
}

/// An argument that is a type's name.
pub(super) fn type_name(arguments: &Arguments<'_>, place: usize) -> Result<Type, Fault> {
    let name = text(arguments, place)?;
    name.parse().map_err(|err: values::UnknownType| Fault { code: "42704", message: err.to_string() })
}

/// A value in the form that SQLite holds.
pub(super) fn datum(argument: Argument<'_>) -> Datum {
    match argument {
        Argument::Null => Datum::Null,
        Argument::Int(value) => Datum::Int(value),
        Argument::Real(value) => Datum::Float(value),
        Argument::Text(text) => Datum::Text(text.to_owned()),
        Argument::Blob(bytes) => Datum::Bytes(bytes.to_vec()),
    }
}

pub(super) fn output(datum: Datum) -> Output {
    match datum {
        Datum::Null => Output::Null,
        Datum::Bool(value) => Output::Int(value.into()),
        Datum::Int(value) => Output::Int(value),
        Datum::Float(value) => Output::Real(value),
        Datum::Text(text) => Output::Text(text),
        Datum::Bytes(bytes) => Output::Blob(bytes),
    }
}

pub(super) fn boolean(value: bool) -> Output {
    Output::Int(value.into())
}

pub(super) fn optional(text: Option<String>) -> Output {
    text.map_or(Output::Null, Output::Text)
}
