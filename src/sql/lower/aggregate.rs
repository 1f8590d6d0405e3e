//! Aggregate functions, and what may stand beside them.

use sqlparser::ast::{self as parsed, DuplicateTreatment, FunctionArg, FunctionArgExpr, FunctionArgumentClause};

use super::call::{Given, given, no_function, shown_type};
use super::coerce::{cast, coerce};
use super::scope::{Lower, Term};
use super::types::{Bend, is_comparable};
use crate::sql::ast::{Aggregate, Expr, Node, Order, SourceId};
use crate::sql::fault::{Fault, sqlstate};
use crate::sql::walk;
use crate::values::{Family, Type};

/// The aggregate of a name.
pub(super) fn named(name: &str) -> Option<Aggregate> {
    Some(match name {
        "count" => Aggregate::Count,
        "sum" => Aggregate::Sum,
        "avg" => Aggregate::Avg,
        "min" => Aggregate::Min,
        "max" => Aggregate::Max,
        "bool_and" | "every" => Aggregate::BoolAnd,
        "bool_or" => Aggregate::BoolOr,
        "string_agg" => Aggregate::StringAgg,
        "array_agg" => Aggregate::ArrayAgg,
        "json_agg" | "jsonb_agg" => Aggregate::JsonAgg,
        _ => return None,
    })
}

impl<'a> Lower<'a> {
    pub(super) fn aggregate(&mut self, function: Aggregate, name: &str, call: &'a parsed::Function) -> Result<Expr, Fault> {
        if !self.frames.last().is_some_and(|frame| frame.aggregates) {
            let message = format!("aggregate functions are not allowed here: {name}");
            return Err(Fault::new(sqlstate::GROUPING, message).hint("use having, or a sub-query"));
        }
        let frame = self.frame();
        frame.aggregated = true;
        // Inside an aggregate there is no other.
        frame.aggregates = false;
        let done = self.aggregated(function, name, call);
        self.frame().aggregates = true;
        done
    }

    fn aggregated(&mut self, function: Aggregate, name: &str, call: &'a parsed::Function) -> Result<Expr, Fault> {
        let parsed::FunctionArguments::List(list) = &call.args else { return Err(no_function(name, &[])) };
        let distinct = list.duplicate_treatment == Some(DuplicateTreatment::Distinct);
        let star = matches!(&*list.args, [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]);
        let (argument, separator, ty) = if star && function == Aggregate::Count && !distinct {
            (None, None, Type::Int8)
        } else {
            self.arguments(function, name, &given(&list.args)?)?
        };
        let mut order = Vec::new();
        for clause in &list.clauses {
            match clause {
                FunctionArgumentClause::OrderBy(terms) => {
                    for term in terms {
                        order.push(self.order(&term.expr, &term.options)?);
                    }
                }
                _ => return Err(Fault::unsupported("this clause in an aggregate", "there are distinct, order by and filter")),
            }
        }
        if distinct && argument.as_ref().is_none_or(|argument| order.iter().any(|order| order.by != *argument)) {
            let message = "in an aggregate with distinct, order by expressions must be its argument";
            return Err(Fault::new(sqlstate::INVALID_COLUMN_REFERENCE, message));
        }
        let filter = call.filter.as_deref().map(|filter| self.condition(filter, "FILTER")).transpose()?.map(Box::new);
        let argument = argument.map(Box::new);
        let separator = separator.map(Box::new);
        Ok(Expr { node: Node::Aggregate { function, argument, separator, distinct, filter, order }, ty })
    }

    fn arguments(
        &mut self,
        function: Aggregate,
        name: &str,
        given: &[Given<'a>],
    ) -> Result<(Option<Expr>, Option<Expr>, Type), Fault> {
        let terms = given.iter().map(|given| self.shown_term(given.value)).collect::<Result<Vec<_>, _>>()?;
        let refused = no_function(name, &terms.iter().map(shown_type).collect::<Vec<_>>());
        let mut terms = terms.into_iter();
        let (Some(term), second, None) = (terms.next(), terms.next(), terms.next()) else { return Err(refused) };
        if second.is_some() != (function == Aggregate::StringAgg) {
            return Err(refused);
        }
        let separator = second.map(|separator| coerce(separator, &Type::Text, Bend::Implicit)).transpose()?;
        let (argument, ty) = typed(function, name, term).ok_or(refused)??;
        Ok((Some(argument), separator, ty))
    }

    /// A term of `order by`.
    pub(super) fn order(&mut self, by: &'a parsed::Expr, options: &parsed::OrderByOptions) -> Result<Order, Fault> {
        let by = self.shown_term(by)?.expr;
        ordered(by, options).map_err(|fault| fault.at(self.at))
    }
}

/// The argument as it is aggregated, and the result's type.
fn typed(function: Aggregate, name: &str, term: Term) -> Option<Result<(Expr, Type), Fault>> {
    let ty = term.expr.ty.bare();
    let number = !term.unknown && ty.family() == Family::Number;
    let result = match function {
        Aggregate::Count => Type::Int8,
        Aggregate::Sum if number => match ty {
            Type::Int2 | Type::Int4 => Type::Int8,
            Type::Int8 => Type::Numeric(None),
            other => other,
        },
        Aggregate::Avg if number => {
            if ty.is_float() {
                return Some(Ok((cast(term.expr, Type::Float8), Type::Float8)));
            }
            Type::Numeric(None)
        }
        Aggregate::Min | Aggregate::Max => match ty.family() {
            Family::Number | Family::Text | Family::Moment | Family::Time | Family::Enum => ty,
            Family::Array if is_comparable(&ty) => ty,
            _ => return None,
        },
        Aggregate::BoolAnd | Aggregate::BoolOr => {
            return Some(coerce(term, &Type::Bool, Bend::Implicit).map(|argument| (argument, Type::Bool)));
        }
        Aggregate::StringAgg => return Some(coerce(term, &Type::Text, Bend::Implicit).map(|argument| (argument, Type::Text))),
        Aggregate::ArrayAgg if matches!(ty, Type::Array(_)) => return None,
        Aggregate::ArrayAgg => Type::Array(Box::new(ty)),
        Aggregate::JsonAgg => {
            if name == "jsonb_agg" {
                Type::Jsonb
            } else {
                Type::Json
            }
        }
        Aggregate::Sum | Aggregate::Avg => return None,
    };
    Some(Ok((term.expr, result)))
}

/// A term of `order by` with PostgreSQL's defaults.
pub(super) fn ordered(by: Expr, options: &parsed::OrderByOptions) -> Result<Order, Fault> {
    if !is_comparable(&by.ty) {
        let message = format!("could not identify an ordering operator for type {}", by.ty);
        return Err(Fault::new(sqlstate::UNDEFINED_FUNCTION, message).hint("order by a part of it: value ->> 'key'"));
    }
    let descending = match &options.sort {
        None | Some(parsed::OrderBySort::Asc) => false,
        Some(parsed::OrderBySort::Desc) => true,
        Some(parsed::OrderBySort::Using(_)) => return Err(Fault::unsupported("order by … using", "write asc or desc")),
    };
    Ok(Order { by, descending, nulls_first: options.nulls_first.unwrap_or(descending) })
}

/// Refuses a column that is neither grouped by nor inside an aggregate. `own` are the sources of this query level.
pub(super) fn check_grouped(
    expr: &Expr,
    groups: &[Expr],
    own: &[SourceId],
    names: &dyn Fn(SourceId) -> String,
) -> Result<(), Fault> {
    if groups.contains(expr) {
        return Ok(());
    }
    match &expr.node {
        Node::Column(source, column) if own.contains(source) => {
            let column = format!("{}.{column}", names(*source));
            let message = format!("column \"{column}\" must appear in the GROUP BY clause or be used in an aggregate function");
            Err(Fault::new(sqlstate::GROUPING, message))
        }
        Node::Aggregate { .. } => Ok(()),
        _ => walk::try_children(expr, &mut |child| check_grouped(child, groups, own, names)),
    }
}
