//! Casts and aggregates of `select`: which there are, and what type comes of them.

use super::super::request;
use crate::data::{Error, Result};
use crate::sql::ast::{Aggregate, Expr, Node};
use crate::values::{Family, Type};

/// `::name` after a field or an aggregate.
///
/// # Errors
/// 42704 for a type that is not there, 42846 where PostgreSQL has no such cast.
pub(super) fn cast(expr: Expr, to: Option<&str>) -> Result<Expr> {
    let Some(name) = to else { return Ok(expr) };
    let ty = named(name)?;
    if ty == expr.ty {
        return Ok(expr);
    }
    if !is_castable(&expr.ty, &ty) {
        return Err(Error::new("42846", format!("cannot cast type {} to {}", expr.ty.bare(), ty.bare())));
    }
    Ok(Expr { node: Node::Cast(Box::new(expr)), ty })
}

fn named(name: &str) -> Result<Type> {
    let lower = name.trim().to_lowercase();
    let (element, is_array) = match lower.strip_suffix("[]").or_else(|| lower.strip_prefix('_')) {
        Some(element) => (element.to_owned(), true),
        None => (lower, false),
    };
    let found = Type::named(&element).filter(|ty| !matches!(ty, Type::Void | Type::Tsvector));
    let ty = found.ok_or_else(|| Error::new("42704", format!("type \"{name}\" does not exist")))?;
    Ok(if is_array { Type::Array(Box::new(ty)) } else { ty })
}

fn is_castable(from: &Type, to: &Type) -> bool {
    if let (Type::Array(from), Type::Array(to)) = (from, to) {
        return is_castable(from, to);
    }
    match (from.family(), to.family()) {
        (_, Family::Text) => true,
        (Family::Text, to) => to != Family::Enum,
        (from_family, to_family) if from_family == to_family => from_family != Family::Array,
        (Family::Bool, Family::Number) => *to == Type::Int4,
        (Family::Number, Family::Bool) => *from == Type::Int4,
        (Family::Json, Family::Number | Family::Bool) => *from == Type::Jsonb,
        (Family::Moment, Family::Time) => *from != Type::Date,
        _ => false,
    }
}

/// An aggregate function with the type of what it gives.
///
/// # Errors
/// 42883 where PostgreSQL has no such function of the type.
pub(super) fn aggregate(function: request::Aggregate, of: &Type) -> Result<(Aggregate, Type)> {
    use request::Aggregate as Asked;

    let none = || {
        Error::new("42883", format!("function {}({}) does not exist", function.name(), of.bare()))
            .hint("No function matches the given name and argument types. You might need to add explicit type casts.")
    };
    match function {
        Asked::Count => Ok((Aggregate::Count, Type::Int8)),
        Asked::Sum => {
            let ty = match of {
                Type::Int2 | Type::Int4 => Type::Int8,
                Type::Int8 | Type::Numeric(_) => Type::Numeric(None),
                Type::Float4 | Type::Float8 => of.clone(),
                _ => return Err(none()),
            };
            Ok((Aggregate::Sum, ty))
        }
        Asked::Avg => {
            let ty = match of {
                Type::Int2 | Type::Int4 | Type::Int8 | Type::Numeric(_) => Type::Numeric(None),
                Type::Float4 | Type::Float8 => Type::Float8,
                _ => return Err(none()),
            };
            Ok((Aggregate::Avg, ty))
        }
        Asked::Min | Asked::Max => {
            let has_it = matches!(
                of.family(),
                Family::Number | Family::Text | Family::Moment | Family::Time | Family::Enum | Family::Array
            );
            let aggregate = if function == Asked::Min { Aggregate::Min } else { Aggregate::Max };
            if has_it { Ok((aggregate, of.bare())) } else { Err(none()) }
        }
    }
}
