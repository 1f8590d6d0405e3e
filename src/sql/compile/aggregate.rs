//! Aggregates and window functions.

use super::operators::{Comparable, Ordered, Real};
use super::state::{Compiler, Done, emit};
use crate::sql::ast::{Aggregate, Expr, FrameBound, FrameUnits, Node, Order, Over, Window, WindowFrame, WindowFunction};
use crate::sql::fault::Fault;
use crate::values::{Family, Type};

/// The parts of an aggregate but for its function.
struct Parts<'e> {
    argument: &'e Expr,
    separator: Option<&'e Expr>,
    distinct: bool,
    order: &'e [Order],
    filter: Option<&'e Expr>,
}

impl Compiler<'_> {
    pub(super) fn aggregate(&mut self, expr: &Expr) -> Done {
        let Node::Aggregate { function, argument, separator, distinct, filter, order } = &expr.node else { return Ok(()) };
        let Some(argument) = argument.as_deref() else {
            emit!(self; "count(*)")?;
            return self.only_where(filter.as_deref());
        };
        let parts = Parts { argument, separator: separator.as_deref(), distinct: *distinct, order, filter: filter.as_deref() };
        if self.is_sqlite() { self.sqlite_aggregate(*function, &parts) } else { self.postgres_aggregate(*function, &parts) }
    }

    pub(super) fn window(&mut self, function: &Window, over: &Over) -> Done {
        match function {
            Window::Aggregate(aggregate) => self.aggregate(aggregate)?,
            Window::Function(function, arguments) => {
                emit!(self; window_name(*function), "(")?;
                self.separated(arguments, ", ", |this, argument| this.expr(argument))?;
                emit!(self; ")")?;
            }
        }
        emit!(self; " over (")?;
        if !over.partition.is_empty() {
            emit!(self; "partition by ")?;
            self.separated(&over.partition, ", ", |this, expr| emit!(this; Comparable(expr)))?;
        }
        self.order_within(&over.order)?;
        if let Some(WindowFrame { units, start, end }) = over.frame {
            emit!(self; units_name(units), bound(start), " and ", bound(end))?;
        }
        emit!(self; ")")
    }

    fn only_where(&mut self, filter: Option<&Expr>) -> Done {
        match filter {
            Some(filter) => emit!(self; " filter (where ", filter, ")"),
            None => Ok(()),
        }
    }

    fn postgres_aggregate(&mut self, function: Aggregate, parts: &Parts<'_>) -> Done {
        emit!(self; name(function), if parts.distinct { "(distinct " } else { "(" })?;
        match function {
            Aggregate::Min | Aggregate::Max => emit!(self; Ordered(parts.argument))?,
            _ => self.expr(parts.argument)?,
        }
        if let Some(separator) = parts.separator {
            emit!(self; ", ", separator)?;
        }
        self.order_within(parts.order)?;
        emit!(self; ")")?;
        self.only_where(parts.filter)
    }

    fn order_within(&mut self, order: &[Order]) -> Done {
        if order.is_empty() { Ok(()) } else { self.order_by(order) }
    }

    fn sqlite_aggregate(&mut self, function: Aggregate, parts: &Parts<'_>) -> Done {
        let ty = &parts.argument.ty;
        match function {
            Aggregate::Count => self.simple("count", parts),
            Aggregate::Sum if matches!(ty, Type::Int2 | Type::Int4) || ty.is_float() => self.simple("sum", parts),
            Aggregate::Sum => self.simple("plinth_num_sum", parts),
            Aggregate::Avg if ty.is_float() => self.simple("avg", parts),
            Aggregate::Avg => self.simple("plinth_num_avg", parts),
            Aggregate::Min | Aggregate::Max if matches!(ty, Type::Enum(_)) => self.extreme_label(function, parts),
            Aggregate::Min | Aggregate::BoolAnd => self.simple("min", parts),
            Aggregate::Max | Aggregate::BoolOr => self.simple("max", parts),
            Aggregate::StringAgg => self.string_agg(parts),
            Aggregate::ArrayAgg | Aggregate::JsonAgg => self.collected(function, parts),
        }
    }

    /// A function of one argument, under its type's collation.
    fn simple(&mut self, name: &str, parts: &Parts<'_>) -> Done {
        emit!(self; name, if parts.distinct { "(distinct " } else { "(" })?;
        let is_comparing = parts.distinct || matches!(name, "min" | "max");
        match name {
            "avg" => emit!(self; Real(parts.argument))?,
            _ if is_comparing => emit!(self; Comparable(parts.argument))?,
            _ => self.expr(parts.argument)?,
        }
        self.order_within(parts.order)?;
        emit!(self; ")")?;
        self.only_where(parts.filter)
    }

    /// The first or last label in the order of the type.
    fn extreme_label(&mut self, function: Aggregate, parts: &Parts<'_>) -> Done {
        let Type::Enum(of) = &parts.argument.ty else { return Ok(()) };
        let labels = serde_json::to_string(&of.labels).unwrap_or_default();
        emit!(self; "(", super::literal::quoted(&labels)?, " ->> ", name(function), "(", Ordered(parts.argument), ")")?;
        self.only_where(parts.filter)?;
        emit!(self; ")")
    }

    fn string_agg(&mut self, parts: &Parts<'_>) -> Done {
        let separator = parts.separator.ok_or_else(|| Fault::new("42883", "string_agg takes a text and what is put between"))?;
        if parts.distinct {
            return Err(Fault::unsupported("string_agg(distinct …)", "select the distinct values in a query of its own"));
        }
        emit!(self; "string_agg(", parts.argument, ", ", separator)?;
        self.order_within(parts.order)?;
        emit!(self; ")")?;
        self.only_where(parts.filter)
    }

    /// A list of the values; null when there are none.
    fn collected(&mut self, function: Aggregate, parts: &Parts<'_>) -> Done {
        emit!(self; "nullif(json_group_array(", if parts.distinct { "distinct " } else { "" })?;
        if function == Aggregate::JsonAgg {
            self.json_value(parts.argument)?;
        } else if parts.argument.ty.is_float() {
            // SQLite itself writes fifteen digits.
            emit!(self; "json(plinth_out(", parts.argument, ", 'double precision'))")?;
        } else if parts.argument.ty.family() == Family::Array {
            return Err(Fault::unsupported("array_agg of arrays", "use json_agg"));
        } else {
            self.expr(parts.argument)?;
        }
        self.order_within(parts.order)?;
        emit!(self; ")")?;
        self.only_where(parts.filter)?;
        emit!(self; ", '[]')")
    }
}

const fn window_name(function: WindowFunction) -> &'static str {
    match function {
        WindowFunction::RowNumber => "row_number",
        WindowFunction::Rank => "rank",
        WindowFunction::DenseRank => "dense_rank",
        WindowFunction::PercentRank => "percent_rank",
        WindowFunction::CumeDist => "cume_dist",
        WindowFunction::Ntile => "ntile",
        WindowFunction::Lag => "lag",
        WindowFunction::Lead => "lead",
        WindowFunction::FirstValue => "first_value",
        WindowFunction::LastValue => "last_value",
        WindowFunction::NthValue => "nth_value",
    }
}

const fn units_name(units: FrameUnits) -> &'static str {
    match units {
        FrameUnits::Rows => " rows between ",
        FrameUnits::Range => " range between ",
        FrameUnits::Groups => " groups between ",
    }
}

fn bound(bound: FrameBound) -> String {
    match bound {
        FrameBound::UnboundedPreceding => "unbounded preceding".to_owned(),
        FrameBound::Preceding(rows) => format!("{rows} preceding"),
        FrameBound::CurrentRow => "current row".to_owned(),
        FrameBound::Following(rows) => format!("{rows} following"),
        FrameBound::UnboundedFollowing => "unbounded following".to_owned(),
    }
}

const fn name(function: Aggregate) -> &'static str {
    match function {
        Aggregate::Count => "count",
        Aggregate::Sum => "sum",
        Aggregate::Avg => "avg",
        Aggregate::Min => "min",
        Aggregate::Max => "max",
        Aggregate::BoolAnd => "bool_and",
        Aggregate::BoolOr => "bool_or",
        Aggregate::StringAgg => "string_agg",
        Aggregate::ArrayAgg => "array_agg",
        Aggregate::JsonAgg => "json_agg",
    }
}
