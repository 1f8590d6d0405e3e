//! Queries around their selects: common table expressions, unions, order, limit, values.

use sqlparser::ast::{self as parsed, Expr as Parsed, LimitClause, SetExpr, SetOperator, SetQuantifier};

use super::aggregate::ordered;
use super::coerce::{coerce, unify};
use super::parse;
use super::scope::{Cte, Lower, Term, literal};
use super::types::{Bend, common, is_comparable};
use crate::sql::ast::{Body, Expr, Join, JoinKind, Node, Order, Output, Query, Rows, Select, Source};
use crate::sql::fault::{Fault, Place, sqlstate};
use crate::values::{Datum, Type};

/// A column that a query gives.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) name: String,
    pub(super) ty: Type,
    /// A literal in every branch, that may still take another type than text.
    pub(super) unknown: bool,
}

/// A query and the columns it gives.
#[derive(Clone, Debug)]
pub(super) struct Lowered {
    pub(super) query: Query,
    pub(super) columns: Vec<Shown>,
}

impl Lowered {
    /// Brings a column to a type, in every branch of a union.
    pub(super) fn bring(&mut self, place: usize, to: &Type, bend: Bend) -> Result<(), Fault> {
        let Some(column) = self.columns.get_mut(place) else { return Ok(()) };
        bring(&mut self.query, place, to, column.unknown, bend)?;
        column.ty = to.clone();
        column.unknown = false;
        Ok(())
    }

    /// Gives the columns other names.
    pub(super) fn rename(&mut self, names: &[String]) {
        for (column, name) in self.columns.iter_mut().zip(names) {
            column.name.clone_from(name);
        }
        rename(&mut self.query, names);
    }
}

fn bring(query: &mut Query, place: usize, to: &Type, unknown: bool, bend: Bend) -> Result<(), Fault> {
    match &mut query.body {
        Body::Select(select) => {
            if let Some(output) = select.columns.get_mut(place) {
                let term = Term { expr: output.expr.clone(), unknown, at: Place::default() };
                output.expr = coerce(term, to, bend)?;
            }
            Ok(())
        }
        Body::Union { left, right, .. } | Body::Intersect { left, right } | Body::Except { left, right } => {
            bring(left, place, to, unknown, bend)?;
            bring(right, place, to, unknown, bend)
        }
    }
}

fn rename(query: &mut Query, names: &[String]) {
    match &mut query.body {
        Body::Select(select) => {
            for (output, name) in select.columns.iter_mut().zip(names) {
                output.name.clone_from(name);
            }
        }
        Body::Union { left, right, .. } | Body::Intersect { left, right } | Body::Except { left, right } => {
            rename(left, names);
            rename(right, names);
        }
    }
}

impl<'a> Lower<'a> {
    /// A query.
    pub(super) fn query(&mut self, query: &'a parsed::Query) -> Result<Lowered, Fault> {
        let unsupported = !query.locks.is_empty()
            || query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
            || !query.pipe_operators.is_empty();
        if unsupported {
            let hint = "a migration or an RPC call is one transaction: write the update with its condition";
            return Err(Fault::unsupported("for update, or another clause behind a query,", hint).at(self.at));
        }
        let ctes = self.ctes.len();
        if let Some(with) = &query.with {
            self.with(with)?;
        }
        let done = self.ordered_query(query);
        self.ctes.truncate(ctes);
        done
    }

    fn with(&mut self, with: &'a parsed::With) -> Result<(), Fault> {
        if with.recursive {
            return Err(
                Fault::unsupported("with recursive", "keep a path in a column, or follow the tree in the client").at(self.at)
            );
        }
        for cte in &with.cte_tables {
            if !matches!(
                &*cte.query.body,
                SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::SetOperation { .. } | SetExpr::Values(_)
            ) {
                return Err(
                    Fault::unsupported("a write inside with", "write several statements: they are one transaction").at(self.at)
                );
            }
            let sees = (self.ctes.len(), self.frames.len());
            self.ctes.push(Cte { alias: &cte.alias, query: &cte.query, sees });
        }
        Ok(())
    }

    fn ordered_query(&mut self, query: &'a parsed::Query) -> Result<Lowered, Fault> {
        let order = match &query.order_by {
            None => &[][..],
            Some(parsed::OrderBy { kind: parsed::OrderByKind::Expressions(terms), interpolate: None }) => terms,
            Some(_) => return Err(Fault::unsupported("order by all", "name what to order by")),
        };
        let mut lowered = self.set(&query.body, order)?;
        let (limit, offset) = match &query.limit_clause {
            None => (None, None),
            Some(LimitClause::LimitOffset { limit, offset, limit_by }) if limit_by.is_empty() => {
                (limit.as_ref(), offset.as_ref().map(|offset| &offset.value))
            }
            Some(_) => return Err(Fault::unsupported("this form of limit", "write limit … offset …")),
        };
        let limit = match (limit, &query.fetch) {
            (limit, None) => limit,
            (None, Some(fetch)) if !fetch.with_ties && !fetch.percent && fetch.quantity.is_some() => fetch.quantity.as_ref(),
            _ => return Err(Fault::unsupported("fetch with ties or percent", "write limit …")),
        };
        let count = |lower: &mut Self, expr: Option<&'a Parsed>| {
            let sees = (lower.ctes.len(), 0);
            expr.map(|expr| lower.seen_from(sees, |lower| lower.of_type(expr, &Type::Int8))).transpose()
        };
        if limit.is_some() || offset.is_some() {
            lowered.query.limit = count(self, limit)?;
            lowered.query.offset = count(self, offset)?;
        }
        Ok(lowered)
    }

    fn set(&mut self, body: &'a SetExpr, order: &'a [parsed::OrderByExpr]) -> Result<Lowered, Fault> {
        match body {
            SetExpr::Select(select) => self.select(select, order),
            SetExpr::Query(query) => {
                let mut lowered = self.in_query(|lower| lower.query(query))?;
                let inner = &lowered.query;
                if !order.is_empty() && (inner.limit.is_some() || inner.offset.is_some() || !inner.order.is_empty()) {
                    return Err(Fault::unsupported("order by around a query with its own", "write it as select * from (…) q"));
                }
                if !order.is_empty() {
                    lowered.query.order = self.set_order(&lowered.columns, order)?;
                }
                Ok(lowered)
            }
            SetExpr::SetOperation { left, op, set_quantifier, right } => {
                let mut lowered = self.deeper(2, |lower| lower.operation(left, *op, *set_quantifier, right))?;
                lowered.query.order = self.set_order(&lowered.columns, order)?;
                Ok(lowered)
            }
            SetExpr::Values(values) => {
                let mut lowered = self.values(values)?;
                lowered.query.order = self.set_order(&lowered.columns, order)?;
                Ok(lowered)
            }
            SetExpr::Table(_) => Err(Fault::unsupported("table x as a query", "write select * from x")),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                Err(Fault::unsupported("a write inside a query", "write several statements: they are one transaction"))
            }
        }
    }

    fn operation(
        &mut self,
        left: &'a SetExpr,
        operator: SetOperator,
        quantifier: SetQuantifier,
        right: &'a SetExpr,
    ) -> Result<Lowered, Fault> {
        let all = match quantifier {
            SetQuantifier::All => true,
            SetQuantifier::Distinct | SetQuantifier::None => false,
            _ => return Err(Fault::unsupported("union by name", "name the columns in the same order")),
        };
        let (mut left, mut right) = (self.set(left, &[])?, self.set(right, &[])?);
        let sign = operator.to_string();
        if left.columns.len() != right.columns.len() {
            let message = format!("each {sign} query must have the same number of columns");
            return Err(Fault::new(sqlstate::SYNTAX_ERROR, message).at(self.at));
        }
        for place in 0..left.columns.len() {
            let (l, r) = (left.columns[place].clone(), right.columns[place].clone());
            let ty = match (l.unknown, r.unknown) {
                (true, true) => continue,
                (true, false) => Some(r.ty.clone()),
                (false, true) => Some(l.ty.clone()),
                (false, false) if l.ty == r.ty => continue,
                (false, false) => common(&l.ty, &r.ty),
            };
            let ty = ty.ok_or_else(|| {
                let message = format!("{sign} types {} and {} cannot be matched", l.ty, r.ty);
                Fault::new(sqlstate::DATATYPE_MISMATCH, message).at(self.at).hint("write a cast")
            })?;
            left.bring(place, &ty, Bend::Implicit)?;
            right.bring(place, &ty, Bend::Implicit)?;
        }
        if let Some(column) = left.columns.iter().find(|column| !all && !is_comparable(&column.ty)) {
            let message = format!("could not identify an equality operator for type {}", column.ty);
            return Err(Fault::new(sqlstate::UNDEFINED_FUNCTION, message).hint("use jsonb").at(self.at));
        }
        let columns = left.columns;
        let (left, right) = (Box::new(left.query), Box::new(right.query));
        let body = match operator {
            SetOperator::Union => Body::Union { all, left, right },
            SetOperator::Intersect if !all => Body::Intersect { left, right },
            SetOperator::Except if !all => Body::Except { left, right },
            _ => return Err(Fault::unsupported(format!("{sign} all"), "use exists or not exists").at(self.at)),
        };
        Ok(Lowered { query: bare(body), columns })
    }

    /// `order by` of a union: by the columns' places or names.
    fn set_order(&mut self, columns: &[Shown], order: &'a [parsed::OrderByExpr]) -> Result<Vec<Order>, Fault> {
        let mut terms = Vec::with_capacity(order.len());
        for term in order {
            let place = match &term.expr {
                Parsed::Identifier(ident) => {
                    let name = parse::name(ident)?;
                    columns.iter().position(|column| column.name == name)
                }
                other => place_in(other, columns.len())?,
            };
            let place = place.ok_or_else(|| {
                let fault = Fault::unsupported("order by an expression over a union", "order by the name or place of a column");
                fault.at(parse::place(&term.expr)).at(self.at)
            })?;
            if matches!(columns[place].ty, Type::Enum(_)) {
                return Err(enum_order().at(parse::place(&term.expr)).at(self.at));
            }
            let mut order = ordered(Expr { node: Node::Literal(Datum::Null), ty: columns[place].ty.clone() }, &term.options)?;
            order.by = place_literal(place);
            terms.push(order);
        }
        Ok(terms)
    }

    /// `values (1, 'a'), (2, 'b')`.
    fn values(&mut self, values: &'a parsed::Values) -> Result<Lowered, Fault> {
        let rows = values.rows.iter().map(|row| row.content.iter().map(|cell| self.shown_term(cell)).collect());
        let rows = rows.collect::<Result<Vec<Vec<Term>>, Fault>>()?;
        let width = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|row| row.len() != width) {
            return Err(Fault::new(sqlstate::SYNTAX_ERROR, "VALUES lists must all be the same length").at(self.at));
        }
        let mut columns = Vec::with_capacity(width);
        let mut cells: Vec<Vec<Expr>> = rows.iter().map(|_| Vec::with_capacity(width)).collect();
        for place in 0..width {
            let terms = rows.iter().map(|row| row[place].clone()).collect::<Vec<_>>();
            let unknown = terms.iter().all(|term| term.unknown);
            let (terms, ty) = unify(terms, "VALUES")?;
            for (row, term) in cells.iter_mut().zip(terms) {
                row.push(term);
            }
            columns.push(Shown { name: format!("column{}", place + 1), ty, unknown });
        }
        let names = columns.iter().map(|column| (column.name.clone(), column.ty.clone())).collect::<Vec<_>>();
        // Literals in the source would have their types for good; a union of selects can still be brought to others.
        let open = columns.iter().any(|column| column.unknown);
        Ok(Lowered { query: self.rows(&names, cells, !open)?, columns })
    }

    /// The query of rows that are there: one bound value when all are constants, else a union of selects.
    pub(super) fn rows(&mut self, columns: &[(String, Type)], rows: Vec<Vec<Expr>>, bind: bool) -> Result<Query, Fault> {
        let constant = bind && rows.iter().flatten().all(|cell| matches!(cell.node, Node::Literal(_)));
        if constant {
            let rows = rows.into_iter().map(|row| row.into_iter().map(datum).collect()).collect();
            return Ok(self.selected(columns, Rows::Values { columns: columns.to_vec(), rows }));
        }
        self.count(rows.len())?;
        let selects = rows.into_iter().map(|row| {
            let outputs = columns.iter().zip(row).map(|((name, _), expr)| Output { name: name.clone(), expr });
            bare(Body::Select(Box::new(Select { columns: outputs.collect(), ..empty_select() })))
        });
        let joined = balanced(selects.collect());
        joined.ok_or_else(|| Fault::new(sqlstate::SYNTAX_ERROR, "VALUES needs a row").at(self.at))
    }

    fn selected(&mut self, columns: &[(String, Type)], rows: Rows) -> Query {
        let id = self.new_id();
        let outputs = columns.iter().map(|(name, ty)| {
            let expr = Expr { node: Node::Column(id, name.clone()), ty: ty.clone() };
            Output { name: name.clone(), expr }
        });
        let columns = outputs.collect();
        let from = vec![Join { kind: JoinKind::Cross, source: Source { id, rows }, on: None }];
        bare(Body::Select(Box::new(Select { columns, from, ..empty_select() })))
    }
}

/// A union of many as a tree that is not deep.
fn balanced(mut queries: Vec<Query>) -> Option<Query> {
    while queries.len() > 1 {
        let mut halved = Vec::with_capacity(queries.len().div_ceil(2));
        let mut rest = queries.into_iter();
        while let Some(left) = rest.next() {
            halved.push(match rest.next() {
                Some(right) => bare(Body::Union { all: true, left: Box::new(left), right: Box::new(right) }),
                None => left,
            });
        }
        queries = halved;
    }
    queries.pop()
}

fn datum(expr: Expr) -> Datum {
    match expr.node {
        Node::Literal(datum) => datum,
        _ => Datum::Null,
    }
}

/// Rows that are compared with one another are ordered by what they hold, which for an enumeration is the label.
pub(super) fn enum_order() -> Fault {
    Fault::unsupported("order by an enumeration over distinct rows or a union", "write it as select * from (…) q order by …")
}

/// A query of nothing but its body.
pub(super) const fn bare(body: Body) -> Query {
    Query { body, order: Vec::new(), limit: None, offset: None }
}

/// A select of nothing.
pub(super) const fn empty_select() -> Select {
    Select { distinct: false, columns: Vec::new(), from: Vec::new(), filter: None, group_by: Vec::new(), having: None }
}

/// A column's place, as `order by` says it.
pub(super) fn place_literal(place: usize) -> Expr {
    literal(Datum::Int(i64::try_from(place + 1).unwrap_or(i64::MAX)), Type::Int4)
}

/// The place (from 0) that a term of an order is; `None` when it is an expression.
pub(super) fn place_of(by: &Expr) -> Option<usize> {
    match (&by.node, &by.ty) {
        (Node::Literal(Datum::Int(place)), Type::Int4) => usize::try_from(place - 1).ok(),
        _ => None,
    }
}

/// The place (from 0) that an integer constant means; `None` when it is no constant.
pub(super) fn place_in(expr: &Parsed, columns: usize) -> Result<Option<usize>, Fault> {
    let Parsed::Value(value) = expr else { return Ok(None) };
    let place = match &value.value {
        parsed::Value::Number(digits, _) => digits.parse::<usize>().ok(),
        parsed::Value::Placeholder(_) => return Ok(None),
        _ => None,
    };
    let at = parse::place(expr);
    match place {
        Some(place) if (1..=columns).contains(&place) => Ok(Some(place - 1)),
        Some(place) => {
            let message = format!("position {place} is not in select list");
            Err(Fault::new(sqlstate::INVALID_COLUMN_REFERENCE, message).at(at))
        }
        None => Err(Fault::new(sqlstate::SYNTAX_ERROR, "a constant cannot be ordered or grouped by").at(at)),
    }
}
