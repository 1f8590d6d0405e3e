//! The built-in functions, with their signatures.

use super::call::{call, no_function, shown_type};
use super::coerce::{cast, coerce};
use super::scope::{Lower, Term};
use super::types::Bend;
use crate::sql::ast::{Builtin, Expr, Node};
use crate::sql::fault::{Fault, sqlstate};
use crate::values::{Datum, Family, Type};

/// What a function takes in one place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Text,
    Int,
    Jsonb,
    Bool,
    /// `text[]`.
    Texts,
    /// Any number; it decides the result's type.
    Number,
    /// Any number, as `double precision` unless it is `numeric`.
    Real,
    Moment,
    /// A text constant.
    Word,
}

/// What a function gives.
#[derive(Clone, Copy)]
enum Gives {
    Text,
    Int,
    Bool,
    Jsonb,
    Float,
    Uuid,
    Texts,
    /// The type of the first argument in place so and so.
    Same(usize),
}

/// A function of fixed places: its arguments, how many of them must be there, and its result.
type Signature = (Builtin, &'static [Takes], usize, Gives);

fn signature(name: &str) -> Option<Signature> {
    use Takes::*;
    Some(match name {
        "lower" => (Builtin::Lower, &[Text], 1, Gives::Text),
        "upper" => (Builtin::Upper, &[Text], 1, Gives::Text),
        "initcap" => (Builtin::Initcap, &[Text], 1, Gives::Text),
        "length" | "char_length" | "character_length" => (Builtin::Length, &[Text], 1, Gives::Int),
        "btrim" => (Builtin::BTrim, &[Text, Text], 1, Gives::Text),
        "ltrim" => (Builtin::LTrim, &[Text, Text], 1, Gives::Text),
        "rtrim" => (Builtin::RTrim, &[Text, Text], 1, Gives::Text),
        "lpad" => (Builtin::LPad, &[Text, Int, Text], 2, Gives::Text),
        "rpad" => (Builtin::RPad, &[Text, Int, Text], 2, Gives::Text),
        "left" => (Builtin::Left, &[Text, Int], 2, Gives::Text),
        "right" => (Builtin::Right, &[Text, Int], 2, Gives::Text),
        "substring" | "substr" => (Builtin::Substring, &[Text, Int, Int], 2, Gives::Text),
        "replace" => (Builtin::Replace, &[Text, Text, Text], 3, Gives::Text),
        "reverse" => (Builtin::Reverse, &[Text], 1, Gives::Text),
        "repeat" => (Builtin::Repeat, &[Text, Int], 2, Gives::Text),
        "split_part" => (Builtin::SplitPart, &[Text, Text, Int], 3, Gives::Text),
        "strpos" => (Builtin::StrPos, &[Text, Text], 2, Gives::Int),
        "regexp_replace" => (Builtin::RegexpReplace, &[Text, Text, Text, Text], 3, Gives::Text),
        "string_to_array" => (Builtin::StringToArray, &[Text, Text, Text], 2, Gives::Texts),
        "starts_with" => (Builtin::StartsWith, &[Text, Text], 2, Gives::Bool),
        "md5" => (Builtin::Md5, &[Text], 1, Gives::Text),
        "abs" => (Builtin::Abs, &[Number], 1, Gives::Same(0)),
        "sign" => (Builtin::Sign, &[Real], 1, Gives::Same(0)),
        "ceil" | "ceiling" => (Builtin::Ceil, &[Real], 1, Gives::Same(0)),
        "floor" => (Builtin::Floor, &[Real], 1, Gives::Same(0)),
        "power" | "pow" => (Builtin::Power, &[Real, Real], 2, Gives::Same(0)),
        "sqrt" => (Builtin::Sqrt, &[Real], 1, Gives::Same(0)),
        "random" => (Builtin::Random, &[], 0, Gives::Float),
        "gen_random_uuid" | "uuid_generate_v4" => (Builtin::GenRandomUuid, &[], 0, Gives::Uuid),
        "date_trunc" => (Builtin::DateTrunc, &[Word, Moment], 2, Gives::Same(1)),
        "jsonb_typeof" => (Builtin::JsonbTypeof, &[Jsonb], 1, Gives::Text),
        "jsonb_array_length" => (Builtin::JsonbArrayLength, &[Jsonb], 1, Gives::Int),
        "jsonb_set" => (Builtin::JsonbSet, &[Jsonb, Texts, Jsonb, Bool], 3, Gives::Jsonb),
        "jsonb_strip_nulls" => (Builtin::JsonbStripNulls, &[Jsonb], 1, Gives::Jsonb),
        _ => return None,
    })
}

impl Lower<'_> {
    /// A call of a built-in by its name.
    pub(super) fn builtin(&mut self, name: &str, terms: Vec<Term>) -> Result<Expr, Fault> {
        self.count(terms.len())?;
        let types = terms.iter().map(shown_type).collect::<Vec<_>>();
        let refused = || no_function(name, &types);
        if let Some((builtin, takes, least, gives)) = signature(name) {
            if terms.len() < least || terms.len() > takes.len() {
                return Err(refused());
            }
            let real = real_type(takes, &terms);
            let arguments = terms.into_iter().zip(takes).map(|(term, takes)| taken(term, *takes, &real).ok_or_else(refused)?);
            let arguments = arguments.collect::<Result<Vec<_>, Fault>>()?;
            check_unit(builtin, &arguments)?;
            let ty = given(gives, &arguments);
            return Ok(call(builtin, arguments, ty));
        }
        match name {
            "round" | "trunc" => rounded(name, terms).ok_or_else(refused)?,
            "octet_length" => octets(terms).ok_or_else(refused)?,
            "concat" | "concat_ws" => joined(name, terms).ok_or_else(refused)?,
            "to_json" | "to_jsonb" | "jsonb_build_object" | "json_build_object" | "jsonb_build_array" | "json_build_array" => {
                json(name, terms).ok_or_else(refused)?
            }
            _ if name.starts_with("array_") || name == "cardinality" => array(name, terms).ok_or_else(refused)?,
            _ => Err(lacking(name).unwrap_or_else(refused)),
        }
    }
}

/// `numeric` when an argument that is a real number is, else `double precision`.
fn real_type(takes: &[Takes], terms: &[Term]) -> Type {
    let mut numeric = false;
    for (_, term) in takes.iter().zip(terms).filter(|(takes, term)| **takes == Takes::Real && !term.unknown) {
        match &term.expr.ty {
            Type::Numeric(_) => numeric = true,
            ty if ty.is_float() => return Type::Float8,
            _ => {}
        }
    }
    if numeric { Type::Numeric(None) } else { Type::Float8 }
}

/// A term as an argument; `None` when it does not fit.
fn taken(term: Term, takes: Takes, real: &Type) -> Option<Result<Expr, Fault>> {
    let ty = match takes {
        Takes::Text => Type::Text,
        Takes::Int => Type::Int4,
        Takes::Jsonb => Type::Jsonb,
        Takes::Bool => Type::Bool,
        Takes::Texts => Type::Array(Box::new(Type::Text)),
        Takes::Real if term.unknown || term.expr.ty.family() == Family::Number => real.clone(),
        Takes::Number if term.unknown => Type::Float8,
        Takes::Number if term.expr.ty.family() == Family::Number => return Some(Ok(term.expr)),
        Takes::Moment if term.unknown => Type::Timestamptz,
        // As in PostgreSQL, a day is cut as the moment that it begins.
        Takes::Moment if term.expr.ty == Type::Date => Type::Timestamptz,
        Takes::Moment if term.expr.ty.family() == Family::Moment => return Some(Ok(term.expr)),
        Takes::Word if term.unknown_text().is_some() => Type::Text,
        Takes::Word => return Some(Err(Fault::unsupported("a unit that is computed", "write 'day', 'hour'…").at(term.at))),
        Takes::Real | Takes::Number | Takes::Moment => return None,
    };
    let fits = term.unknown || super::types::bends(&term.expr.ty, &ty, Bend::Implicit) || takes == Takes::Real;
    fits.then(|| coerce(term, &ty, if takes == Takes::Real { Bend::Assignment } else { Bend::Implicit }))
}

fn given(gives: Gives, arguments: &[Expr]) -> Type {
    match gives {
        Gives::Text => Type::Text,
        Gives::Int => Type::Int4,
        Gives::Bool => Type::Bool,
        Gives::Jsonb => Type::Jsonb,
        Gives::Float => Type::Float8,
        Gives::Uuid => Type::Uuid,
        Gives::Texts => Type::Array(Box::new(Type::Text)),
        Gives::Same(place) => arguments.get(place).map_or(Type::Text, |argument| argument.ty.bare()),
    }
}

fn check_unit(builtin: Builtin, arguments: &[Expr]) -> Result<(), Fault> {
    const UNITS: &[&str] = &[
        "microseconds",
        "milliseconds",
        "second",
        "minute",
        "hour",
        "day",
        "week",
        "month",
        "quarter",
        "year",
        "decade",
        "century",
        "millennium",
    ];
    match (builtin, arguments.first().map(|argument| &argument.node)) {
        (Builtin::DateTrunc, Some(Node::Literal(Datum::Text(unit)))) if !UNITS.contains(&&*unit.to_lowercase()) => {
            let fault = Fault::new("22023", format!("unit \"{unit}\" not recognized for type timestamp with time zone"));
            Err(fault.hint(format!("one of {}", UNITS.join(", "))))
        }
        _ => Ok(()),
    }
}

/// `round(x)`, `trunc(x)` of any number, with places of `numeric` alone.
fn rounded(name: &str, mut terms: Vec<Term>) -> Option<Result<Expr, Fault>> {
    let builtin = if name == "round" { Builtin::Round } else { Builtin::Trunc };
    let places = match terms.len() {
        1 => None,
        2 => terms.pop(),
        _ => return None,
    };
    let of = terms.pop()?;
    if of.unknown || of.expr.ty.family() != Family::Number || (places.is_some() && of.expr.ty.is_float()) {
        return None;
    }
    let ty = if places.is_some() || matches!(of.expr.ty, Type::Numeric(_)) { Type::Numeric(None) } else { Type::Float8 };
    let mut arguments = vec![cast(of.expr, ty.clone())];
    if let Some(places) = places {
        match coerce(places, &Type::Int4, Bend::Implicit) {
            Ok(places) => arguments.push(places),
            Err(fault) => return Some(Err(fault)),
        }
    }
    Some(Ok(call(builtin, arguments, ty)))
}

fn octets(mut terms: Vec<Term>) -> Option<Result<Expr, Fault>> {
    let term = terms.pop().filter(|_| terms.is_empty())?;
    matches!(term.expr.ty.family(), Family::Text | Family::Bytes)
        .then(|| Ok(call(Builtin::OctetLength, vec![term.expr], Type::Int4)))
}

/// `concat`, `concat_ws`: anything, as text.
fn joined(name: &str, terms: Vec<Term>) -> Option<Result<Expr, Fault>> {
    let builtin = if name == "concat" { Builtin::Concat } else { Builtin::ConcatWs };
    if terms.is_empty() {
        return None;
    }
    let arguments = terms.into_iter().map(|term| coerce(term, &Type::Text, Bend::Assignment)).collect::<Result<Vec<_>, _>>();
    Some(arguments.map(|arguments| call(builtin, arguments, Type::Text)))
}

fn json(name: &str, terms: Vec<Term>) -> Option<Result<Expr, Fault>> {
    let (builtin, fits) = match name {
        "to_json" | "to_jsonb" => (Builtin::ToJsonb, terms.len() == 1 && !terms[0].unknown),
        "json_build_object" | "jsonb_build_object" => (Builtin::JsonbBuildObject, terms.len().is_multiple_of(2)),
        _ => (Builtin::JsonbBuildArray, true),
    };
    let ty = if name.contains("jsonb") { Type::Jsonb } else { Type::Json };
    let mut arguments: Vec<Expr> = terms.into_iter().map(|term| term.expr).collect();
    if builtin == Builtin::JsonbBuildObject {
        // Keys are texts whatever they are.
        arguments =
            arguments.into_iter().enumerate().map(|(at, arg)| if at % 2 == 0 { cast(arg, Type::Text) } else { arg }).collect();
    }
    fits.then(|| Ok(call(builtin, arguments, ty)))
}

fn array(name: &str, mut terms: Vec<Term>) -> Option<Result<Expr, Fault>> {
    if name == "array_prepend" {
        terms.reverse();
    }
    let array = terms.first().filter(|term| !term.unknown)?.expr.ty.clone();
    let Type::Array(element) = &array else { return None };
    let int_second = [(**element).clone(), Type::Int4];
    let (builtin, second, ty) = match name {
        "cardinality" => (Builtin::Cardinality, None, Type::Int4),
        "array_length" => (Builtin::ArrayLength, Some(&int_second[1]), Type::Int4),
        "array_append" => (Builtin::ArrayAppend, Some(&int_second[0]), array.clone()),
        "array_prepend" => (Builtin::ArrayPrepend, Some(&int_second[0]), array.clone()),
        "array_remove" => (Builtin::ArrayRemove, Some(&int_second[0]), array.clone()),
        "array_position" => (Builtin::ArrayPosition, Some(&int_second[0]), Type::Int4),
        "array_cat" => (Builtin::ArrayCat, Some(&array), array.clone()),
        "array_to_string" => return shown(terms),
        _ => return None,
    };
    if terms.len() != 1 + usize::from(second.is_some()) {
        return None;
    }
    let mut terms = terms.into_iter();
    let mut arguments = vec![terms.next()?.expr];
    if let (Some(term), Some(ty)) = (terms.next(), second) {
        match coerce(term, ty, Bend::Implicit) {
            Ok(argument) => arguments.push(argument),
            Err(fault) => return Some(Err(fault)),
        }
    }
    if builtin == Builtin::ArrayPrepend {
        arguments.reverse();
    }
    Some(Ok(call(builtin, arguments, ty)))
}

/// `array_to_string(array, delimiter[, null])`.
fn shown(terms: Vec<Term>) -> Option<Result<Expr, Fault>> {
    if !(2..=3).contains(&terms.len()) {
        return None;
    }
    let mut arguments = Vec::with_capacity(terms.len());
    for (place, term) in terms.into_iter().enumerate() {
        match if place == 0 { Ok(term.expr) } else { coerce(term, &Type::Text, Bend::Implicit) } {
            Ok(argument) => arguments.push(argument),
            Err(fault) => return Some(Err(fault)),
        }
    }
    Some(Ok(call(Builtin::ArrayToString, arguments, Type::Text)))
}

/// Functions that people look for, with what to write instead.
fn lacking(name: &str) -> Option<Fault> {
    let hint = match name {
        "row_number" | "rank" | "dense_rank" | "percent_rank" | "cume_dist" | "ntile" | "lag" | "lead" | "first_value"
        | "last_value" | "nth_value" => {
            let message = format!("window function {name} requires an OVER clause");
            return Some(Fault::new(sqlstate::WRONG_OBJECT_TYPE, message));
        }
        "current_setting" => "use auth.uid(), auth.role() or auth.jwt() ->> 'claim'",
        "current_user" | "session_user" | "user" | "current_role" => "use auth.role()",
        "clock_timestamp" | "statement_timestamp" | "timeofday" | "localtimestamp" | "localtime" | "current_time" => "use now()",
        "age" => "compare with a moment: created_at > now() - interval '1 day'",
        "to_char" | "to_date" | "to_timestamp" | "to_number" => "format in the client, or cast",
        "nextval" | "currval" | "setval" | "lastval" => "use generated always as identity, and returning",
        "regexp_matches" | "regexp_split_to_array" | "regexp_match" => "use ~, regexp_replace, split_part or substring",
        "generate_series" => "it stands in from: select n from generate_series(1, 10) as n",
        "row_to_json" | "json_object_agg" | "jsonb_object_agg" | "jsonb_each" | "jsonb_each_text" | "jsonb_object_keys" => {
            "use jsonb_build_object, jsonb_agg, -> and ||"
        }
        "crypt" | "gen_salt" | "digest" | "hmac" => "use a function of the app's server side",
        _ => return None,
    };
    Some(Fault::new(sqlstate::FEATURE_NOT_SUPPORTED, format!("{name} is not in the portable subset of SQL")).hint(hint))
}
