//! Aggregate and window functions, and what may stand beside them.

use sqlparser::ast::{self as parsed, DuplicateTreatment, FunctionArg, FunctionArgExpr, FunctionArgumentClause};

use super::call::{Given, given, no_function, shown_type};
use super::coerce::{cast, coerce};
use super::scope::{Lower, Term};
use super::types::{Bend, is_comparable};
use crate::sql::ast::{
    Aggregate, Expr, FrameBound, FrameUnits, Node, Order, Over, SourceId, Window, WindowFrame, WindowFunction,
};
use crate::sql::catalog::Name;
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

/// The function of a name that only windows have.
fn window_named(name: &str) -> Option<WindowFunction> {
    Some(match name {
        "row_number" => WindowFunction::RowNumber,
        "rank" => WindowFunction::Rank,
        "dense_rank" => WindowFunction::DenseRank,
        "percent_rank" => WindowFunction::PercentRank,
        "cume_dist" => WindowFunction::CumeDist,
        "ntile" => WindowFunction::Ntile,
        "lag" => WindowFunction::Lag,
        "lead" => WindowFunction::Lead,
        "first_value" => WindowFunction::FirstValue,
        "last_value" => WindowFunction::LastValue,
        "nth_value" => WindowFunction::NthValue,
        _ => return None,
    })
}

impl<'a> Lower<'a> {
    /// A call with `over`.
    pub(super) fn window(
        &mut self,
        name: &Name,
        call: &'a parsed::Function,
        over: &'a parsed::WindowType,
    ) -> Result<Expr, Fault> {
        if !self.frames.last().is_some_and(|frame| frame.windows) {
            let message = format!("window functions are not allowed here: {}", name.name);
            return Err(Fault::new("42P20", message).hint("put the query that has it into another's from, and filter there"));
        }
        let parsed::WindowType::WindowSpec(spec) = over else {
            return Err(Fault::unsupported("a named window", "write over (…) at each call"));
        };
        // Inside a window function there is no other.
        self.frame().windows = false;
        let done = self.windowed(name, call, spec);
        self.frame().windows = true;
        done
    }

    fn windowed(&mut self, name: &Name, call: &'a parsed::Function, spec: &'a parsed::WindowSpec) -> Result<Expr, Fault> {
        let known = matches!(&*name.schema, "public" | "pg_catalog");
        let (function, ty) = if let Some(aggregate) = named(&name.name).filter(|_| known) {
            let expr = self.aggregated(aggregate, &name.name, call)?;
            check_windowed(aggregate, &expr)?;
            let ty = expr.ty.clone();
            (Window::Aggregate(Box::new(expr)), ty)
        } else if let Some(function) = window_named(&name.name).filter(|_| known) {
            let (arguments, ty) = self.window_arguments(function, &name.name, call)?;
            (Window::Function(function, arguments), ty)
        } else {
            let message = format!("OVER specified, but {} is not a window function nor an aggregate function", name.name);
            return Err(Fault::new(sqlstate::WRONG_OBJECT_TYPE, message));
        };
        if spec.window_name.is_some() {
            return Err(Fault::unsupported("a named window", "write over (…) at each call"));
        }
        let partition = spec.partition_by.iter().map(|by| Ok(self.shown_term(by)?.expr)).collect::<Result<Vec<_>, Fault>>()?;
        if let Some(unequal) = partition.iter().find(|by| !is_comparable(&by.ty)) {
            let message = format!("could not identify an equality operator for type {}", unequal.ty);
            return Err(Fault::new(sqlstate::UNDEFINED_FUNCTION, message));
        }
        let order = spec.order_by.iter().map(|term| self.order(&term.expr, &term.options)).collect::<Result<Vec<_>, _>>()?;
        let frame = spec.window_frame.as_ref().map(|frame| window_frame(frame, &order)).transpose()?;
        Ok(Expr { node: Node::Window { function, over: Box::new(Over { partition, order, frame }) }, ty })
    }

    /// The arguments of a function that only windows have, and its result's type.
    fn window_arguments(
        &mut self,
        function: WindowFunction,
        name: &str,
        call: &'a parsed::Function,
    ) -> Result<(Vec<Expr>, Type), Fault> {
        use WindowFunction as F;
        let parsed::FunctionArguments::List(list) = &call.args else { return Err(no_function(name, &[])) };
        if list.duplicate_treatment.is_some() || !list.clauses.is_empty() || call.filter.is_some() {
            return Err(Fault::unsupported("distinct, order by or filter of a window function", "leave it out"));
        }
        let given = given(&list.args)?;
        let terms = given.iter().map(|given| self.shown_term(given.value)).collect::<Result<Vec<_>, _>>()?;
        let refused = no_function(name, &terms.iter().map(shown_type).collect::<Vec<_>>());
        let counts = match function {
            F::RowNumber | F::Rank | F::DenseRank | F::PercentRank | F::CumeDist => 0..=0,
            F::Ntile | F::FirstValue | F::LastValue => 1..=1,
            F::NthValue => 2..=2,
            F::Lag | F::Lead => 1..=3,
        };
        if !counts.contains(&terms.len()) {
            return Err(refused);
        }
        let ty = match function {
            F::RowNumber | F::Rank | F::DenseRank => Type::Int8,
            F::PercentRank | F::CumeDist => Type::Float8,
            F::Ntile => Type::Int4,
            F::Lag | F::Lead | F::FirstValue | F::LastValue | F::NthValue => {
                terms.first().map_or(Type::Text, |term| term.expr.ty.bare())
            }
        };
        let number = if function == F::Ntile { 0 } else { 1 };
        let arguments = terms.into_iter().enumerate().map(|(place, term)| match place {
            _ if place == number => coerce(term, &Type::Int4, Bend::Implicit),
            0 => Ok(term.expr),
            _ => coerce(term, &ty, Bend::Implicit),
        });
        Ok((arguments.collect::<Result<Vec<_>, _>>()?, ty))
    }

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

/// What of aggregates neither database, or not SQLite, does over a window.
fn check_windowed(aggregate: Aggregate, expr: &Expr) -> Result<(), Fault> {
    let Node::Aggregate { argument, distinct, order, .. } = &expr.node else { return Ok(()) };
    if *distinct {
        return Err(Fault::new(sqlstate::FEATURE_NOT_SUPPORTED, "DISTINCT is not implemented for window functions"));
    }
    if !order.is_empty() {
        let message = "aggregate ORDER BY is not implemented for window functions";
        return Err(Fault::new(sqlstate::FEATURE_NOT_SUPPORTED, message));
    }
    let of_labels = argument.as_ref().is_some_and(|argument| matches!(argument.ty, Type::Enum(_)));
    match aggregate {
        Aggregate::ArrayAgg | Aggregate::JsonAgg => {
            Err(Fault::unsupported("a list of a window's values", "use array(select …), or group by"))
        }
        Aggregate::Min | Aggregate::Max if of_labels => {
            Err(Fault::unsupported("min and max of an enumeration over a window", "use first_value and order by"))
        }
        _ => Ok(()),
    }
}

/// `rows between 2 preceding and current row`.
fn window_frame(frame: &parsed::WindowFrame, order: &[Order]) -> Result<WindowFrame, Fault> {
    let units = match frame.units {
        parsed::WindowFrameUnits::Rows => FrameUnits::Rows,
        parsed::WindowFrameUnits::Range => FrameUnits::Range,
        parsed::WindowFrameUnits::Groups => FrameUnits::Groups,
    };
    let start = frame_bound(&frame.start_bound)?;
    let end = frame.end_bound.as_ref().map_or(Ok(FrameBound::CurrentRow), frame_bound)?;
    let counted = |bound| matches!(bound, FrameBound::Preceding(_) | FrameBound::Following(_));
    if units == FrameUnits::Range && (counted(start) || counted(end)) {
        return Err(Fault::unsupported("range with a distance", "use rows or groups"));
    }
    if units == FrameUnits::Groups && order.is_empty() {
        return Err(Fault::new("42P20", "GROUPS mode requires an ORDER BY clause"));
    }
    let place = |bound| match bound {
        FrameBound::UnboundedPreceding => i64::MIN,
        FrameBound::Preceding(rows) => -i64::from(rows),
        FrameBound::CurrentRow => 0,
        FrameBound::Following(rows) => i64::from(rows),
        FrameBound::UnboundedFollowing => i64::MAX,
    };
    let backwards = match (start, end) {
        (FrameBound::UnboundedFollowing, _) | (_, FrameBound::UnboundedPreceding) => true,
        // As in PostgreSQL, it is the kinds of the bounds that must not go backwards.
        (FrameBound::Preceding(_), FrameBound::Preceding(_)) | (FrameBound::Following(_), FrameBound::Following(_)) => false,
        _ => place(start) > place(end),
    };
    if backwards {
        return Err(Fault::new("42P20", "a window cannot end before it begins"));
    }
    Ok(WindowFrame { units, start, end })
}

fn frame_bound(bound: &parsed::WindowFrameBound) -> Result<FrameBound, Fault> {
    let rows = |expr: &parsed::Expr| {
        expr.to_string()
            .parse::<u32>()
            .map_err(|_| Fault::unsupported("a window's bound that is no whole number", "write 3 preceding"))
    };
    Ok(match bound {
        parsed::WindowFrameBound::CurrentRow => FrameBound::CurrentRow,
        parsed::WindowFrameBound::Preceding(None) => FrameBound::UnboundedPreceding,
        parsed::WindowFrameBound::Preceding(Some(expr)) => FrameBound::Preceding(rows(expr)?),
        parsed::WindowFrameBound::Following(None) => FrameBound::UnboundedFollowing,
        parsed::WindowFrameBound::Following(Some(expr)) => FrameBound::Following(rows(expr)?),
    })
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
