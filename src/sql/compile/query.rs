//! Queries: `select`, unions and their like, order and limits.

use super::operators::{Comparable, Ordered};
use super::state::{Compiler, Done, Emit, Quoted, Seen, emit};
use crate::sql::ast::{Body, Expr, Node, Order, Output, Query, Select};
use crate::sql::fault::{Fault, sqlstate};
use crate::values::{Datum, Type};

/// What a query's columns become.
#[derive(Clone, Copy)]
pub(super) enum Outputs<'o> {
    AsTheyAre,
    /// JSON as text, for the statement itself.
    Texts,
    /// Under other names, by place.
    Named(&'o [String]),
    /// One column `j`: the row's object, on SQLite.
    Object,
    /// As a table's columns take them.
    Columns(&'o Columns<'o>),
}

/// The columns of a table that rows are inserted into: the types of those that the rows have, and the values of more.
pub(super) struct Columns<'o> {
    pub(super) types: &'o [Type],
    pub(super) more: &'o [(Expr, Type)],
}

/// A query's first row.
pub(super) struct Limited<'q>(pub &'q Query);

impl Emit for Limited<'_> {
    fn emit(&self, to: &mut Compiler<'_>) -> Done {
        if self.0.limit.is_none() && self.0.offset.is_none() {
            return emit!(to; self.0, " limit 1");
        }
        let rows = to.alias();
        emit!(to; "select * from (", self.0, ") as ", rows, " limit 1")
    }
}

impl Query {
    /// The columns it gives: those of its first select.
    #[must_use]
    pub fn columns(&self) -> &[Output] {
        match &self.body {
            Body::Select(select) => &select.columns,
            Body::Union { left, .. } | Body::Intersect { left, .. } | Body::Except { left, .. } => left.columns(),
        }
    }
}

impl Compiler<'_> {
    /// The statement itself.
    pub(super) fn top_query(&mut self, query: &Query) -> Done {
        self.query_as(query, Outputs::Texts)
    }

    pub(super) fn query(&mut self, query: &Query) -> Done {
        self.query_as(query, Outputs::AsTheyAre)
    }

    /// A query under other names, or its first row.
    pub(super) fn named_query(&mut self, query: &Query, names: &[String], once: bool) -> Done {
        let outer = self.alias();
        emit!(self; "select * from (")?;
        self.query_as(query, Outputs::Named(names))?;
        if once && query.limit.is_none() {
            self.push(" limit 1");
        }
        emit!(self; ") as ", outer)
    }

    pub(super) fn query_as(&mut self, query: &Query, outputs: Outputs<'_>) -> Done {
        self.deeper(|this| {
            match &query.body {
                Body::Select(select) => {
                    let before = (!select.group_by.is_empty()).then(|| this.repeated.replace(Vec::new()));
                    this.select(select, outputs, false)?;
                    this.query_order(&query.order, select, outputs)?;
                    if let Some(before) = before {
                        this.repeated = before;
                    }
                }
                Body::Union { all, left, right } => {
                    this.both_sides((left, right), if *all { " union all " } else { " union " }, outputs)?;
                    this.order_by_places(&query.order)?;
                }
                Body::Intersect { left, right } => {
                    this.both_sides((left, right), " intersect ", outputs)?;
                    this.order_by_places(&query.order)?;
                }
                Body::Except { left, right } => {
                    this.both_sides((left, right), " except ", outputs)?;
                    this.order_by_places(&query.order)?;
                }
            }
            this.limits(query)
        })
    }

    fn both_sides(&mut self, (left, right): (&Query, &Query), between: &str, outputs: Outputs<'_>) -> Done {
        self.side(left, outputs)?;
        self.push(between);
        self.side(right, Outputs::AsTheyAre)
    }

    /// SQLite takes no brackets here.
    fn side(&mut self, query: &Query, outputs: Outputs<'_>) -> Done {
        let is_plain = query.order.is_empty() && query.limit.is_none() && query.offset.is_none();
        if let (Body::Select(select), true) = (&query.body, is_plain) {
            let before = (!select.group_by.is_empty()).then(|| self.repeated.replace(Vec::new()));
            self.select(select, outputs, true)?;
            if let Some(before) = before {
                self.repeated = before;
            }
            return Ok(());
        }
        let rows = self.alias();
        emit!(self; "select * from (")?;
        self.query_as(query, outputs)?;
        emit!(self; ") as ", rows)
    }

    fn select(&mut self, select: &Select, outputs: Outputs<'_>, in_union: bool) -> Done {
        // Sources come first: what columns are called depends on them.
        let mut conditions = Vec::new();
        let from = self.captured(|this| this.from(&select.from, &mut conditions))?;
        self.push(if select.distinct { "select distinct " } else { "select " });
        self.outputs(&select.columns, outputs, in_union || select.distinct)?;
        self.push(&from);
        if matches!(outputs, Outputs::Columns(_)) && conditions.is_empty() && select.filter.is_none() {
            // Without it SQLite would take an insert's `on conflict` for the condition of a join.
            conditions.push("true".to_owned());
        }
        self.conditions(conditions, select.filter.as_ref())?;
        if !select.group_by.is_empty() {
            self.push(" group by ");
            self.separated(&select.group_by, ", ", |this, expr| emit!(this; Comparable(expr)))?;
        }
        if let Some(having) = &select.having {
            emit!(self; " having ", having)?;
        }
        Ok(())
    }

    /// `where`: the policies' conditions before the statement's own.
    pub(super) fn conditions(&mut self, guards: Vec<String>, filter: Option<&Expr>) -> Done {
        let mut texts = guards;
        match filter.map(|filter| &filter.node) {
            // At the top level, so that indexes are looked at for each.
            Some(Node::And(parts)) => {
                for part in parts {
                    self.is_filter = true;
                    texts.push(self.text_of(part)?);
                }
            }
            Some(_) => {
                if let Some(filter) = filter {
                    self.is_filter = true;
                    texts.push(self.text_of(filter)?);
                }
            }
            None => {}
        }
        if !texts.is_empty() {
            self.push(" where ");
            self.push(&texts.join(" and "));
        }
        Ok(())
    }

    pub(super) fn outputs(&mut self, columns: &[Output], outputs: Outputs<'_>, is_compared: bool) -> Done {
        if matches!(outputs, Outputs::Object) {
            self.members(columns.iter().map(|output| (output.name.as_str(), &output.expr)))?;
            return emit!(self; " as j");
        }
        if let Outputs::Columns(into) = outputs {
            return self.columns_of_table(columns, into);
        }
        if columns.is_empty() && self.is_sqlite() {
            return emit!(self; "null");
        }
        for (place, output) in columns.iter().enumerate() {
            if place > 0 {
                self.push(", ");
            }
            let expr = &output.expr;
            match (outputs, &expr.ty) {
                (Outputs::Texts, Type::Json | Type::Jsonb) if !self.is_sqlite() => emit!(self; "(", expr, ")::text")?,
                (_, Type::Array(_) | Type::Enum(_)) => emit!(self; expr)?,
                // What is compared with other rows is so by its bytes, and so is what is ordered by its place.
                _ if is_compared => emit!(self; Ordered(expr))?,
                _ => emit!(self; expr)?,
            }
            let name = match outputs {
                Outputs::Named(names) => names.get(place).map_or(output.name.as_str(), String::as_str),
                _ => &output.name,
            };
            emit!(self; " as ", Quoted(name))?;
        }
        Ok(())
    }

    fn columns_of_table(&mut self, columns: &[Output], into: &Columns<'_>) -> Done {
        let given = columns.iter().map(|output| &output.expr).zip(into.types);
        let more = into.more.iter().map(|(value, ty)| (value, ty));
        for (place, (value, ty)) in given.chain(more).enumerate() {
            if place > 0 {
                self.push(", ");
            }
            self.assigned(value, ty)?;
        }
        Ok(())
    }

    fn query_order(&mut self, order: &[Order], select: &Select, outputs: Outputs<'_>) -> Done {
        if select.distinct {
            return self.order_by_places(order);
        }
        if matches!(outputs, Outputs::Object) || order.iter().any(|term| place(&term.by).is_some()) {
            let terms: Result<Vec<Order>, Fault> = order
                .iter()
                .map(|term| match place(&term.by) {
                    Some(place) => Ok(Order { by: column_at(&select.columns, place)?.expr.clone(), ..term.clone() }),
                    None => Ok(term.clone()),
                })
                .collect();
            return self.order_by(&terms?);
        }
        self.order_by(order)
    }

    fn order_by_places(&mut self, order: &[Order]) -> Done {
        for (index, term) in order.iter().enumerate() {
            let place = place(&term.by).ok_or_else(|| {
                Fault::unsupported("ordering distinct rows or a union by an expression", "order by the places of columns")
            })?;
            let direction = if term.descending { " desc" } else { " asc" };
            let nulls = if term.nulls_first { " nulls first" } else { " nulls last" };
            emit!(self; if index == 0 { " order by " } else { ", " }, place.to_string(), direction, nulls)?;
        }
        Ok(())
    }

    /// `order by`, each term with where its nulls go unless it has none or the database puts them there anyway: an index has one
    /// order.
    pub(super) fn order_by(&mut self, order: &[Order]) -> Done {
        for (index, term) in order.iter().enumerate() {
            emit!(self; if index == 0 { " order by " } else { ", " }, Ordered(&term.by))?;
            if term.descending {
                self.push(" desc");
            }
            let nulls_are_small = self.is_sqlite();
            let default = if nulls_are_small { !term.descending } else { term.descending };
            if term.nulls_first != default && !self.is_never_null(&term.by) {
                self.push(if term.nulls_first { " nulls first" } else { " nulls last" });
            }
        }
        Ok(())
    }

    fn is_never_null(&self, expr: &Expr) -> bool {
        let Node::Column(source, name) = &expr.node else { return false };
        match self.seen(*source) {
            Ok(Seen::Columns { relation: Some(relation), optional: false, .. }) => {
                relation.column(name).is_some_and(|(_, column)| column.not_null)
            }
            _ => false,
        }
    }

    fn limits(&mut self, query: &Query) -> Done {
        let is_given = |limit: &&Expr| limit.node != Node::Literal(Datum::Null);
        let limit = query.limit.as_ref().filter(is_given);
        let offset = query.offset.as_ref().filter(is_given);
        match limit {
            Some(limit) => emit!(self; " limit ", limit)?,
            // SQLite has no offset without a limit.
            None if offset.is_some() && self.is_sqlite() => self.push(" limit -1"),
            None => {}
        }
        match offset {
            Some(offset) => emit!(self; " offset ", offset),
            None => Ok(()),
        }
    }
}

/// The place that a term of `order by` is.
fn place(expr: &Expr) -> Option<usize> {
    match (&expr.node, &expr.ty) {
        (Node::Literal(Datum::Int(place)), Type::Int4) => usize::try_from(*place).ok(),
        _ => None,
    }
}

fn column_at(columns: &[Output], place: usize) -> Result<&Output, Fault> {
    place
        .checked_sub(1)
        .and_then(|index| columns.get(index))
        .ok_or_else(|| Fault::new(sqlstate::UNDEFINED_COLUMN, format!("ORDER BY position {place} is not in select list")))
}
