//! Values of a type that is named, as [`Type`] displays it.

use super::{Answer, datum, lenient, optional, output, strict, text, type_name};
use crate::sys::sqlite_functions::{Arguments, Function, Output};
use crate::values::{self, Datum, Type};

pub(super) static TABLE: &[Function] = &[
    strict("plinth_cast", 2, |args| Ok(output(values::from_text(&type_name(args, 1)?, &text(args, 0)?)?))),
    strict("plinth_text", 2, |args| Ok(optional(values::cast_text(&type_name(args, 1)?, &held(args)?)))),
    // A null is `null`.
    lenient("plinth_out", 2, |args| Ok(Output::Text(values::to_json(&type_name(args, 1)?, &held(args)?).into_owned()))),
    // A text as a label of an enumeration: its name and, as JSON, its labels.
    strict("plinth_enum", 3, |args| {
        let labels = serde_json::from_str(&text(args, 2)?).unwrap_or_default();
        let of = Type::Enum(Box::new(values::Enum { name: text(args, 1)?.into_owned(), labels, fresh: Vec::new() }));
        Ok(output(values::from_text(&of, &text(args, 0)?)?))
    }),
    Function { name: "plinth_uuid", arguments: 0, takes_nulls: true, deterministic: false, run: new_uuid },
];

fn held(args: &Arguments<'_>) -> Result<Datum, crate::sys::sqlite_functions::Fault> {
    let value = datum(args.get(0)?);
    Ok(match (value, type_name(args, 1)?) {
        (Datum::Int(value), Type::Bool) => Datum::Bool(value != 0),
        #[expect(clippy::cast_precision_loss, reason = "a float that SQLite stored as an integer")]
        (Datum::Int(value), Type::Float4 | Type::Float8) => Datum::Float(value as f64),
        (value, _) => value,
    })
}

fn new_uuid(_: &Arguments<'_>) -> Answer {
    Ok(Output::Text(uuid::Uuid::new_v4().to_string()))
}
