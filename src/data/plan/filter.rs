//! Filters: an operator of the request against a column, typed by the column.

use super::super::request::{Comparison, Filter, Fts, Is, Op, Quantifier, Simple};
use super::scope::{Scope, boolean, literal, no_operator};
use crate::data::{Error, Result};
use crate::sql::ast::{Expr, Node, Operator};
use crate::values::{self, Datum, Family, Type};

/// A filter on a column of a scope.
///
/// # Errors
/// 42703, 42501 of the column; 22P02 and its like of the value; 42883 where the type has no such operator.
pub(super) fn filter(scope: &Scope<'_>, filter: &Filter) -> Result<Expr> {
    let field = comparable(scope.field(&filter.field)?, !filter.field.path.is_empty());
    let test = test(field, &filter.op)?;
    Ok(if filter.negated { boolean(Node::Not(Box::new(test))) } else { test })
}

/// JSON inside JSON is compared as `jsonb` is: `json` itself has no order.
pub(super) fn comparable(expr: Expr, is_part: bool) -> Expr {
    if is_part && expr.ty == Type::Json {
        return Expr { node: Node::Cast(Box::new(expr)), ty: Type::Jsonb };
    }
    expr
}

fn test(field: Expr, op: &Op) -> Result<Expr> {
    match op {
        Op::Compare { operator, quantifier: None, value } => {
            let operator = comparison(*operator, &field.ty)?;
            let right = value_of(&field.ty, &pattern(operator, value))?;
            Ok(binary(operator, field, right))
        }
        Op::Compare { operator, quantifier: Some(quantifier), value } => {
            let operator = comparison(*operator, &field.ty)?;
            let elements = array_type(&field.ty)?;
            let array = value_of(&elements, &pattern(operator, value))?;
            Ok(quantified(operator, *quantifier == Quantifier::All, field, array))
        }
        Op::Simple { operator, value } => simple(field, *operator, value),
        Op::IsDistinct(value) => {
            sortable(&field.ty, "=")?;
            let right = value_of(&field.ty, value)?;
            Ok(boolean(Node::IsDistinct(Box::new(field), Box::new(right))))
        }
        Op::In(list) => within(field, list),
        Op::Is(is) => is_test(field, *is),
        Op::Fts { syntax, config, value } => full_text(field, *syntax, config.as_deref(), value),
    }
}

fn binary(operator: Operator, left: Expr, right: Expr) -> Expr {
    boolean(Node::Binary(operator, Box::new(left), Box::new(right)))
}

fn quantified(operator: Operator, all: bool, left: Expr, array: Expr) -> Expr {
    boolean(Node::Quantified { operator, all, left: Box::new(left), array: Box::new(array) })
}

/// The operator, when the type has it.
fn comparison(comparison: Comparison, ty: &Type) -> Result<Operator> {
    let (operator, sign) = match comparison {
        Comparison::Eq => (Operator::Eq, "="),
        Comparison::Gt => (Operator::Gt, ">"),
        Comparison::Gte => (Operator::GtEq, ">="),
        Comparison::Lt => (Operator::Lt, "<"),
        Comparison::Lte => (Operator::LtEq, "<="),
        Comparison::Like => (Operator::Like, "~~"),
        Comparison::ILike => (Operator::ILike, "~~*"),
        Comparison::Match => (Operator::Match, "~"),
        Comparison::IMatch => (Operator::IMatch, "~*"),
    };
    match comparison {
        Comparison::Like | Comparison::ILike | Comparison::Match | Comparison::IMatch if ty.family() != Family::Text => {
            Err(no_operator(ty, sign, None))
        }
        _ => sortable(ty, sign).map(|()| operator),
    }
}

/// `json` has no equality and no order, and a `tsvector`'s differ from database to database.
fn sortable(ty: &Type, sign: &str) -> Result<()> {
    let is_json = matches!(ty, Type::Json | Type::Tsvector) || matches!(ty, Type::Array(element) if **element == Type::Json);
    if is_json { Err(no_operator(ty, sign, None)) } else { Ok(()) }
}

/// In patterns `*` may stand for `%`, which an address must escape.
fn pattern(operator: Operator, value: &str) -> String {
    match operator {
        Operator::Like | Operator::ILike => value.replace('*', "%"),
        _ => value.to_owned(),
    }
}

fn simple(field: Expr, operator: Simple, value: &str) -> Result<Expr> {
    let (operator, sign) = match operator {
        Simple::Neq => {
            sortable(&field.ty, "<>")?;
            let right = value_of(&field.ty, value)?;
            return Ok(binary(Operator::NotEq, field, right));
        }
        Simple::Contains => (Operator::Contains, "@>"),
        Simple::ContainedBy => (Operator::ContainedBy, "<@"),
        Simple::Overlaps => (Operator::Overlaps, "&&"),
        Simple::StrictlyLeft => return Err(no_range(&field.ty, "<<")),
        Simple::StrictlyRight => return Err(no_range(&field.ty, ">>")),
        Simple::NotExtendsRight => return Err(no_range(&field.ty, "&<")),
        Simple::NotExtendsLeft => return Err(no_range(&field.ty, "&>")),
        Simple::Adjacent => return Err(no_range(&field.ty, "-|-")),
    };
    let has_it = match field.ty {
        Type::Array(_) => true,
        Type::Jsonb => operator != Operator::Overlaps,
        _ => false,
    };
    if !has_it {
        return Err(no_operator(&field.ty, sign, None));
    }
    let right = value_of(&field.ty, value)?;
    Ok(binary(operator, field, right))
}

fn no_range(ty: &Type, sign: &str) -> Error {
    no_operator(ty, sign, None).hint("There are no range types here: keep two columns, and compare each with gt, gte, lt or lte.")
}

/// `in` is `= any (array)`, so that the statement's text does not depend on how many there are.
fn within(field: Expr, list: &[String]) -> Result<Expr> {
    sortable(&field.ty, "=")?;
    match list {
        [] => Ok(boolean(Node::In(Box::new(field), Vec::new()))),
        [one] => {
            let right = value_of(&field.ty, one)?;
            Ok(binary(Operator::Eq, field, right))
        }
        _ => {
            let array = value_of(&array_type(&field.ty)?, &array_literal(list))?;
            Ok(quantified(Operator::Eq, false, field, array))
        }
    }
}

/// A list as an array literal, each element quoted.
pub(super) fn array_literal(list: &[String]) -> String {
    let elements = list.iter().map(|element| format!("\"{}\"", element.replace('\\', "\\\\").replace('"', "\\\"")));
    format!("{{{}}}", elements.collect::<Vec<_>>().join(","))
}

fn array_type(element: &Type) -> Result<Type> {
    match element {
        Type::Array(_) => Err(Error::new("42883", format!("operator does not exist: {} = unknown[]", element.bare()))
            .hint("Compare arrays whole with eq, or their elements with cs, cd and ov.")),
        other => Ok(Type::Array(Box::new(other.bare()))),
    }
}

fn is_test(field: Expr, is: Is) -> Result<Expr> {
    let of_bool = |word: &str, node: Node| {
        if field.ty == Type::Bool {
            return Ok(boolean(node));
        }
        let message = format!("argument of IS {word} must be type boolean, not type {}", field.ty.bare());
        Err(Error::new("42804", message))
    };
    let subject = Box::new(field.clone());
    match is {
        Is::Null => Ok(boolean(Node::IsNull(subject))),
        Is::NotNull => Ok(boolean(Node::Not(Box::new(boolean(Node::IsNull(subject)))))),
        Is::True => of_bool("TRUE", Node::IsBool(subject, true)),
        Is::False => of_bool("FALSE", Node::IsBool(subject, false)),
        Is::Unknown => of_bool("UNKNOWN", Node::IsNull(subject)),
    }
}

fn full_text(field: Expr, syntax: Fts, config: Option<&str>, value: &str) -> Result<Expr> {
    if let Some(config) = config.filter(|config| !values::fts::CONFIGURATIONS.contains(config)) {
        return Err(Error::new("42704", format!("text search configuration \"{config}\" does not exist")));
    }
    if field.ty.family() != Family::Text && field.ty != Type::Tsvector {
        return Err(Error::new("42883", format!("function to_tsvector({}) does not exist", field.ty.bare()))
            .hint("Search in text columns, or in a text of a JSON column by ->>."));
    }
    let operator = match syntax {
        Fts::Query => Operator::Fts,
        Fts::Plain => Operator::PlainFts,
        Fts::Phrase => Operator::PhraseFts,
        Fts::Web => Operator::WebFts,
    };
    Ok(binary(operator, field, literal(Type::Text, Datum::Text(value.to_owned()))))
}

/// A value as the type reads it, without the column's own length or scale: `eq.1.005` finds nothing in a `numeric(10,2)`, and is no
/// error. A `char(n)` is filled up with spaces, as it is held.
pub(super) fn value_of(ty: &Type, text: &str) -> Result<Expr> {
    let ty = match ty {
        Type::Char(length) => Type::Char(u32::try_from(text.chars().count()).map_or(*length, |own| own.max(*length))),
        other => other.bare(),
    };
    let datum = values::from_text(&ty, text)?;
    Ok(literal(ty, datum))
}
