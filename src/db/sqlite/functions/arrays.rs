//! Arrays, which are held as JSON arrays.

use super::{Answer, boolean, datum, int, lenient, strict, text, type_name};
use crate::sys::sqlite_functions::{Argument, Arguments, Fault, Function, Output};
use crate::values::array;
use crate::values::json::{self, Step};
use crate::values::text::fields;

pub(super) static TABLE: &[Function] = &[
    strict("plinth_array_contains", 2, |args| Ok(boolean(array::contains(&text(args, 0)?, &text(args, 1)?)?))),
    strict("plinth_array_overlaps", 2, |args| Ok(boolean(array::overlaps(&text(args, 0)?, &text(args, 1)?)?))),
    strict("plinth_array_get", 2, get),
    // How many elements there are: `cardinality`.
    strict("plinth_array_length", 1, |args| Ok(Output::Int(json::array_length(&text(args, 0)?)?))),
    // A null array is as one without elements, and a null element is one.
    lenient("plinth_array_append", 2, |args| {
        let mut elements = split(args, 0)?;
        elements.push(element(args, 1)?);
        Ok(Output::Text(array::join(elements)))
    }),
    lenient("plinth_array_prepend", 2, |args| {
        let rest = split(args, 1)?;
        Ok(Output::Text(array::join(std::iter::once(element(args, 0)?).chain(rest))))
    }),
    lenient("plinth_array_concat", 2, |args| {
        if is_null(args, 0)? && is_null(args, 1)? {
            return Ok(Output::Null);
        }
        Ok(Output::Text(array::join(split(args, 0)?.into_iter().chain(split(args, 1)?))))
    }),
    lenient("plinth_string_to_array", -1, |args| {
        if is_null(args, 0)? {
            return Ok(Output::Null);
        }
        let given = |place| if is_null(args, place)? { Ok(None) } else { text(args, place).map(Some) };
        Ok(Output::Text(fields(&text(args, 0)?, given(1)?.as_deref(), given(2)?.as_deref())))
    }),
    // The elements' type comes first.
    lenient("plinth_array_to_string", -1, |args| {
        if is_null(args, 1)? || is_null(args, 2)? {
            return Ok(Output::Null);
        }
        let null = if is_null(args, 3)? { None } else { Some(text(args, 3)?) };
        Ok(Output::Text(array::joined(&type_name(args, 0)?, &text(args, 1)?, &text(args, 2)?, null.as_deref())?))
    }),
    strict("plinth_series", -1, series),
    lenient("plinth_array_remove", 2, |args| {
        if is_null(args, 0)? {
            return Ok(Output::Null);
        }
        Ok(Output::Text(array::remove(&text(args, 0)?, &element(args, 1)?)?))
    }),
    lenient("plinth_array_position", 2, |args| {
        if is_null(args, 0)? {
            return Ok(Output::Null);
        }
        Ok(array::position(&text(args, 0)?, &element(args, 1)?)?.map_or(Output::Null, Output::Int))
    }),
];

/// Integers of a series at the most.
const MAX_SERIES: usize = 1_000_000;

/// `plinth_series(first, last[, step])`.
fn series(args: &Arguments<'_>) -> Answer {
    let (first, last) = (int(args, 0)?, int(args, 1)?);
    let step = if args.len() > 2 { int(args, 2)? } else { 1 };
    if step == 0 {
        return Err(Fault { code: "22023", message: "step size cannot equal zero".to_owned() });
    }
    let within = |value: &i64| if step > 0 { *value <= last } else { *value >= last };
    let mut out = String::from("[");
    let mut made = 0;
    let mut at = Some(first).filter(within);
    while let Some(value) = at {
        if made == MAX_SERIES {
            return Err(Fault { code: "54000", message: format!("a series has more than {MAX_SERIES} integers") });
        }
        if made > 0 {
            out.push(',');
        }
        out.push_str(&value.to_string());
        made += 1;
        at = value.checked_add(step).filter(within);
    }
    out.push(']');
    Ok(Output::Text(out))
}

fn is_null(args: &Arguments<'_>, place: usize) -> Result<bool, Fault> {
    Ok(args.get(place)? == Argument::Null)
}

fn split(args: &Arguments<'_>, place: usize) -> Result<Vec<String>, Fault> {
    if is_null(args, place)? { Ok(Vec::new()) } else { Ok(array::split(&text(args, place)?)?) }
}

fn element(args: &Arguments<'_>, place: usize) -> Result<String, Fault> {
    Ok(array::element(&datum(args.get(place)?)))
}

/// `plinth_array_get(array, place)`: from 1, as SQLite holds a value that is no `bytea`.
fn get(args: &Arguments<'_>) -> Answer {
    let Some(element) = array::get(&text(args, 0)?, int(args, 1)?)? else { return Ok(Output::Null) };
    Ok(match json::type_of(&element)? {
        "null" => Output::Null,
        "string" => {
            let content = json::get_text(&array::join([element]), Step::Place(0), true)?;
            content.map_or(Output::Null, Output::Text)
        }
        _ => match (element.parse::<i64>(), element.parse::<f64>()) {
            (Ok(value), _) => Output::Int(value),
            (_, Ok(value)) => Output::Real(value),
            _ => Output::Int((element == "true").into()),
        },
    })
}
