//! `numeric`, and integers and floats with PostgreSQL's errors.

use super::{Answer, int, numeric, strict, wrong};
use crate::sys::sqlite_functions::{Argument, Arguments, Fault, Function, Output};
use crate::values::Invalid;
use crate::values::numeric::Numeric;

pub(super) static TABLE: &[Function] = &[
    strict("plinth_num", 1, |args| one(args, |value| Ok(value.clone()))),
    strict("plinth_num_scale", 3, scaled),
    strict("plinth_num_add", 2, |args| two(args, |a, b| Ok(a.plus(b)))),
    strict("plinth_num_sub", 2, |args| two(args, |a, b| Ok(a.minus(b)))),
    strict("plinth_num_mul", 2, |args| two(args, Numeric::times)),
    strict("plinth_num_div", 2, |args| two(args, Numeric::over)),
    strict("plinth_num_mod", 2, |args| two(args, Numeric::modulo)),
    strict("plinth_num_pow", 2, |args| two(args, Numeric::power)),
    strict("plinth_num_neg", 1, |args| one(args, |value| Ok(value.negated()))),
    strict("plinth_num_abs", 1, |args| one(args, |value| Ok(value.abs()))),
    strict("plinth_num_sign", 1, |args| one(args, |value| Ok(Numeric::int(value.signum())))),
    strict("plinth_num_ceil", 1, |args| one(args, |value| Ok(value.ceil()))),
    strict("plinth_num_floor", 1, |args| one(args, |value| Ok(value.floor()))),
    strict("plinth_num_round", 2, |args| answer(&numeric(args, 0)?.round(int(args, 1)?))),
    strict("plinth_num_trunc", 2, |args| answer(&numeric(args, 0)?.trunc(int(args, 1)?))),
    strict("plinth_num_cmp", 2, |args| Ok(Output::Int(numeric(args, 0)?.cmp(&numeric(args, 1)?) as i64))),
    strict("plinth_int_div", 2, |args| integers(args, i64::checked_div)),
    strict("plinth_int_mod", 2, |args| integers(args, |a, b| Some(a.checked_rem(b).unwrap_or(0)))),
    strict("plinth_int_check", 2, checked),
    strict("plinth_float_div", 2, divided),
];

fn answer(value: &Numeric) -> Answer {
    Ok(Output::Text(value.to_string()))
}

fn one(args: &Arguments<'_>, run: fn(&Numeric) -> Result<Numeric, Invalid>) -> Answer {
    answer(&run(&numeric(args, 0)?)?)
}

fn two(args: &Arguments<'_>, run: fn(&Numeric, &Numeric) -> Result<Numeric, Invalid>) -> Answer {
    answer(&run(&numeric(args, 0)?, &numeric(args, 1)?)?)
}

fn scaled(args: &Arguments<'_>) -> Answer {
    let bound = |place| u16::try_from(int(args, place)?).map_err(|_| wrong(place, "a number of digits"));
    answer(&numeric(args, 0)?.fitted(bound(1)?, bound(2)?)?)
}

fn integers(args: &Arguments<'_>, run: fn(i64, i64) -> Option<i64>) -> Answer {
    let (left, right) = (int(args, 0)?, int(args, 1)?);
    if right == 0 {
        return Err(Invalid::division_by_zero().into());
    }
    run(left, right).map(Output::Int).ok_or_else(|| out_of_range(8))
}

/// An integer of so many bytes. SQLite gives a float where the result of its arithmetic does not fit eight.
fn checked(args: &Arguments<'_>) -> Answer {
    let bytes = int(args, 1)?;
    let Argument::Int(value) = args.get(0)? else { return Err(out_of_range(bytes)) };
    let fits = match bytes {
        2 => i16::try_from(value).is_ok(),
        4 => i32::try_from(value).is_ok(),
        _ => true,
    };
    if fits { Ok(Output::Int(value)) } else { Err(out_of_range(bytes)) }
}

fn out_of_range(bytes: i64) -> Fault {
    let name = match bytes {
        2 => "smallint",
        4 => "integer",
        _ => "bigint",
    };
    Invalid::range(format!("{name} out of range")).into()
}

fn divided(args: &Arguments<'_>) -> Answer {
    let float = |place| match args.get(place)? {
        #[expect(clippy::cast_precision_loss, reason = "an integer beside a float is a float")]
        Argument::Int(value) => Ok(value as f64),
        Argument::Real(value) => Ok(value),
        _ => Err(wrong(place, "a number")),
    };
    let (left, right) = (float(0)?, float(1)?);
    if right == 0.0 {
        return Err(Invalid::division_by_zero().into());
    }
    let value = left / right;
    if value.is_infinite() && left.is_finite() {
        return Err(Invalid::range("value out of range: overflow").into());
    }
    Ok(Output::Real(value))
}
