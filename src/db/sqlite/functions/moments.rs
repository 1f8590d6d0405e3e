//! Dates and times.

use super::{int, strict, text, type_name, wrong};
use crate::sys::sqlite_functions::{Arguments, Fault, Function, Output};
use crate::values::{Interval, Type, moment};

pub(super) static TABLE: &[Function] = &[
    strict("plinth_extract", 3, |args| {
        Ok(Output::Text(moment::extract(&text(args, 0)?, &type_name(args, 2)?, &text(args, 1)?)?))
    }),
    strict("plinth_date_trunc", 3, |args| {
        Ok(Output::Text(moment::truncate(&text(args, 0)?, &type_name(args, 2)?, &text(args, 1)?)?))
    }),
    // The interval is three arguments: months, days, microseconds.
    strict("plinth_moment_add", 5, |args| Ok(Output::Text(moment::add(&type_name(args, 1)?, &text(args, 0)?, interval(args)?)?))),
    // Of two `timestamptz` or two `timestamp`: both are read to the same microsecond of their own clock.
    strict("plinth_moment_diff", 2, |args| {
        let (left, right) = (text(args, 0)?, text(args, 1)?);
        Ok(Output::Int(moment::micros_between(&Type::Timestamptz, &left, &right)?))
    }),
    strict("plinth_date_diff", 2, |args| Ok(Output::Int(moment::days_between(&text(args, 0)?, &text(args, 1)?)?))),
];

fn interval(args: &Arguments<'_>) -> Result<Interval, Fault> {
    let small = |place| i32::try_from(int(args, place)?).map_err(|_| wrong(place, "of 32 bits"));
    Ok(Interval { months: small(2)?, days: small(3)?, micros: int(args, 4)? })
}
