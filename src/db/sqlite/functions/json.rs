//! `json` and `jsonb`.

use super::{boolean, int, optional, strict, text};
use crate::sys::sqlite_functions::{Argument, Arguments, Fault, Function, Output};
use crate::values::array;
use crate::values::json::{self, Step};
use crate::values::{Datum, Type};

/// Those that give text take `json` as one more argument where the value is of that type, whose text stays as it is.
pub(super) static TABLE: &[Function] = &[
    strict("plinth_jsonb", 1, |args| Ok(Output::Text(json::canonical(&text(args, 0)?)?))),
    strict("plinth_json_get", 2, |args| {
        let key = text(args, 1)?;
        Ok(optional(json::get(&text(args, 0)?, step(args, &key)?)?.map(str::to_owned)))
    }),
    strict("plinth_json_get_text", -1, |args| {
        let key = text(args, 1)?;
        Ok(optional(json::get_text(&text(args, 0)?, step(args, &key)?, is_verbatim(args))?))
    }),
    strict("plinth_json_path", 2, |args| {
        let Some(steps) = steps(args)? else { return Ok(Output::Null) };
        Ok(optional(json::path(&text(args, 0)?, &steps)?.map(str::to_owned)))
    }),
    strict("plinth_json_path_text", -1, |args| {
        let Some(steps) = steps(args)? else { return Ok(Output::Null) };
        Ok(optional(json::path_text(&text(args, 0)?, &steps, is_verbatim(args))?))
    }),
    strict("plinth_jsonb_contains", 2, |args| Ok(boolean(json::contains(&text(args, 0)?, &text(args, 1)?)?))),
    strict("plinth_jsonb_exists", 2, |args| Ok(boolean(json::exists(&text(args, 0)?, &text(args, 1)?)?))),
    strict("plinth_jsonb_concat", 2, |args| Ok(Output::Text(json::concat(&text(args, 0)?, &text(args, 1)?)?))),
    strict("plinth_jsonb_delete", 2, |args| {
        let value = text(args, 0)?;
        Ok(Output::Text(match args.get(1)? {
            Argument::Int(place) => json::delete_at(&value, place)?,
            _ => json::delete(&value, &text(args, 1)?)?,
        }))
    }),
    strict("plinth_jsonb_set", -1, |args| {
        let Some(steps) = steps(args)? else {
            return Err(Fault { code: "22004", message: "path element is null".to_owned() });
        };
        let create = args.len() < 4 || int(args, 3)? != 0;
        Ok(Output::Text(json::set(&text(args, 0)?, &steps, &text(args, 2)?, create)?))
    }),
    strict("plinth_jsonb_typeof", 1, |args| Ok(Output::Text(json::type_of(&text(args, 0)?)?.to_owned()))),
    strict("plinth_jsonb_scalar", 2, |args| {
        let value = text(args, 0)?;
        json::castable(&value, &text(args, 1)?)?;
        Ok(Output::Text(value.into_owned()))
    }),
    strict("plinth_jsonb_array_length", 1, |args| Ok(Output::Int(json::array_length(&text(args, 0)?)?))),
    strict("plinth_jsonb_cmp", 2, |args| Ok(Output::Int(json::compare(&text(args, 0)?, &text(args, 1)?)? as i64))),
    strict("plinth_jsonb_strip_nulls", 1, |args| Ok(Output::Text(json::strip_nulls(&text(args, 0)?)?))),
];

fn step<'k>(args: &Arguments<'_>, key: &'k str) -> Result<Step<'k>, Fault> {
    Ok(match args.get(1)? {
        Argument::Int(_) => Step::Place(int(args, 1)?),
        _ => Step::Key(key),
    })
}

fn is_verbatim(args: &Arguments<'_>) -> bool {
    matches!(args.get(2), Ok(Argument::Text("json")))
}

/// The path in the second argument, a held `text[]`; `None` when a step is null, which leads nowhere.
fn steps(args: &Arguments<'_>) -> Result<Option<Vec<String>>, Fault> {
    let mut out = Vec::new();
    for element in array::split(&text(args, 1)?)? {
        match array::datum(&Type::Text, &element)? {
            Datum::Text(step) => out.push(step),
            _ => return Ok(None),
        }
    }
    Ok(Some(out))
}
