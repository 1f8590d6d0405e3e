//! Bringing terms to types.

use super::scope::{Lower, Term, literal};
use super::types::{Bend, bends, common, is_comparable};
use crate::sql::ast::{Expr, Node, Operator};
use crate::sql::fault::{Fault, Place, sqlstate};
use crate::values::{Datum, Family, Type, from_text};

/// Brings a term to a type.
pub(super) fn coerce(term: Term, to: &Type, bend: Bend) -> Result<Expr, Fault> {
    if term.unknown {
        return read(&term, to, bend);
    }
    let Term { expr, at, .. } = term;
    if expr.ty == *to || (expr.ty.bare() == *to && bend < Bend::Explicit) {
        return Ok(expr);
    }
    if !bends(&expr.ty, to, bend) {
        return Err(mismatch(&expr.ty, to, bend).at(at));
    }
    if let Type::Array(element) = to
        && matches!(**element, Type::Enum(_))
    {
        return labels(expr, element, bend).map_err(|fault| fault.at(at));
    }
    // A cast cuts a text off where an assignment refuses, so what is too long is left for the column to find.
    let to = if bend == Bend::Assignment && to.family() == Family::Text { &Type::Text } else { to };
    match folded(&expr, to)? {
        Some(folded) => Ok(folded),
        None => Ok(cast(expr, to.clone())),
    }
}

/// An array as one of an enumeration: by its elements, since SQLite's own casts of arrays know no labels.
fn labels(expr: Expr, element: &Type, bend: Bend) -> Result<Expr, Fault> {
    let Node::Array(elements) = expr.node else {
        return Err(Fault::unsupported(
            "a cast of an array to one of an enumeration",
            "cast each element, as in array_agg(x::label)",
        ));
    };
    let cast = |expr| coerce(Term::known(expr, Place::default()), element, bend);
    let elements = elements.into_iter().map(cast).collect::<Result<Vec<_>, _>>()?;
    Ok(Expr { node: Node::Array(elements), ty: Type::Array(Box::new(element.clone())) })
}

/// A cast that is known to be allowed.
pub(super) fn cast(expr: Expr, to: Type) -> Expr {
    if expr.ty == to { expr } else { Expr { node: Node::Cast(Box::new(expr)), ty: to } }
}

/// Settles a term that nothing gives a type: text.
pub(super) fn settled(term: Term) -> Expr {
    term.expr
}

/// Reads a literal by the type's input function.
fn read(term: &Term, to: &Type, bend: Bend) -> Result<Expr, Fault> {
    let Some(text) = term.unknown_text() else { return Ok(literal(Datum::Null, to.clone())) };
    if matches!(to, Type::Void | Type::Tsvector) {
        return Err(Fault::new(sqlstate::CANNOT_COERCE, format!("nothing can be cast to {to}")).at(term.at));
    }
    // A cast cuts, where an assignment refuses.
    let text = match (to, bend) {
        (Type::Varchar(Some(length)) | Type::Char(length), Bend::Explicit) => text.chars().take(*length as usize).collect(),
        _ => text.to_owned(),
    };
    let datum = from_text(to, &text).map_err(|invalid| Fault::from(invalid).at(term.at))?;
    Ok(literal(datum, to.clone()))
}

/// A number that was written as a constant becomes a constant of the type when it is one exactly.
fn folded(expr: &Expr, to: &Type) -> Result<Option<Expr>, Fault> {
    if to.family() != Family::Number {
        return Ok(None);
    }
    let text = match &expr.node {
        Node::Literal(Datum::Int(number)) => number.to_string(),
        Node::Literal(Datum::Text(text)) if matches!(expr.ty, Type::Numeric(_)) && !to.is_integer() => text.clone(),
        Node::Literal(Datum::Null) => return Ok(Some(literal(Datum::Null, to.clone()))),
        _ => return Ok(None),
    };
    Ok(Some(literal(from_text(to, &text)?, to.clone())))
}

fn mismatch(from: &Type, to: &Type, bend: Bend) -> Fault {
    match bend {
        Bend::Explicit => Fault::new(sqlstate::CANNOT_COERCE, format!("cannot cast type {from} to {to}")),
        _ => Fault::new(sqlstate::DATATYPE_MISMATCH, format!("expression is of type {from} where {to} is needed"))
            .hint(format!("write a cast: (…)::{to}")),
    }
}

/// Brings several terms to their common type, as `case`, `coalesce`, `union` and `values` do.
pub(super) fn unify(terms: Vec<Term>, what: &str) -> Result<(Vec<Expr>, Type), Fault> {
    let mut ty: Option<Type> = None;
    for term in terms.iter().filter(|term| !term.unknown) {
        ty = Some(match ty {
            None => term.expr.ty.clone(),
            Some(ty) if ty == term.expr.ty => ty,
            Some(ty) => common(&ty, &term.expr.ty).ok_or_else(|| {
                let message = format!("{what} types {ty} and {} cannot be matched", term.expr.ty);
                Fault::new(sqlstate::DATATYPE_MISMATCH, message).at(term.at).hint("write a cast")
            })?,
        });
    }
    let ty = ty.unwrap_or(Type::Text);
    let terms = terms.into_iter().map(|term| coerce(term, &ty, Bend::Implicit)).collect::<Result<_, _>>()?;
    Ok((terms, ty))
}

/// Brings the sides of a comparison to types that can be compared.
pub(super) fn comparable(left: Term, right: Term, operator: &str) -> Result<(Expr, Expr), Fault> {
    let (l, r, at) = (left.expr.ty.clone(), right.expr.ty.clone(), left.at);
    let ty = match (left.unknown, right.unknown) {
        (true, true) => Some(Type::Text),
        (true, false) => Some(literal_type(&r)),
        (false, true) => Some(literal_type(&l)),
        (false, false) if l.is_integer() && r.is_integer() => return Ok((left.expr, right.expr)),
        (false, false) => common(&l, &r),
    };
    let ty = ty.filter(is_comparable).ok_or_else(|| no_operator(&l, operator, &r).at(at))?;
    Ok((coerce(left, &ty, Bend::Implicit)?, coerce(right, &ty, Bend::Implicit)?))
}

/// The type a literal is read by next to one of a type: a length or scale does not cut what is compared with, but `char(n)` fills.
fn literal_type(other: &Type) -> Type {
    if matches!(other, Type::Char(_)) { other.clone() } else { other.bare() }
}

/// PostgreSQL's refusal of an operator between two types.
pub(super) fn no_operator(left: &Type, operator: &str, right: &Type) -> Fault {
    let message = format!("operator does not exist: {left} {operator} {right}");
    Fault::new(sqlstate::UNDEFINED_FUNCTION, message).hint("write a cast on one side")
}

/// A comparison whose sides have been brought together.
pub(super) fn compared(operator: Operator, (left, right): (Expr, Expr)) -> Expr {
    Expr { node: Node::Binary(operator, Box::new(left), Box::new(right)), ty: Type::Bool }
}

/// A boolean expression.
pub(super) const fn boolean(node: Node) -> Expr {
    Expr { node, ty: Type::Bool }
}

impl<'a> Lower<'a> {
    /// An expression brought to a type.
    pub(super) fn of_type(&mut self, expr: &'a sqlparser::ast::Expr, ty: &Type) -> Result<Expr, Fault> {
        let term = self.term(expr)?;
        coerce(term, ty, Bend::Implicit)
    }

    /// A condition; `clause` says where it stands.
    pub(super) fn condition(&mut self, expr: &'a sqlparser::ast::Expr, clause: &str) -> Result<Expr, Fault> {
        let term = self.term(expr)?;
        if !term.unknown && term.expr.ty != Type::Bool {
            let message = format!("argument of {clause} must be type boolean, not type {}", term.expr.ty);
            return Err(Fault::new(sqlstate::DATATYPE_MISMATCH, message).at(term.at));
        }
        coerce(term, &Type::Bool, Bend::Implicit)
    }

    /// An expression brought to the type that the scope expects.
    pub(super) fn expected(mut self, expr: &'a sqlparser::ast::Expr) -> Result<Expr, Fault> {
        let term = self.term(expr)?;
        let term = shown(term)?;
        match &self.scope.expected {
            Some(ty) => coerce(term, ty, Bend::Assignment),
            None => Ok(settled(term)),
        }
    }
}

/// Refuses an interval (the one expression of no type) where a value is needed.
pub(super) fn shown(term: Term) -> Result<Term, Fault> {
    if term.expr.ty == Type::Void && matches!(term.expr.node, Node::Call(..)) {
        return Err(interval_alone(term.at));
    }
    Ok(term)
}

/// An interval that does not stand beside a moment.
pub(super) fn interval_alone(at: Place) -> Fault {
    Fault::unsupported(
        "an interval by itself",
        "add it to or subtract it from a moment, such as created_at > now() - interval '1 day'",
    )
    .at(at)
}
