//! From what a level of a request selects to a `select`: grouping by what is not aggregated, keys said twice, embeds in groups.

use super::scope::literal;
use super::typing::cast;
use crate::data::{Error, Result};
use crate::sql::ast::{Aggregate, Body, Expr, Join, JoinKind, Node, Order, Output, Query, Rows, Select, Source, SourceId};
use crate::values::{Datum, Type};

/// A key of the answer and what stands there.
#[derive(Clone, Debug)]
pub(super) struct Out {
    pub name: String,
    pub value: Value,
}

/// What stands at a key.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Plain(Expr),
    /// With the type of what it gives, and what that is cast to.
    Aggregate {
        function: Aggregate,
        argument: Option<Expr>,
        ty: Type,
        cast: Option<String>,
    },
}

/// A level's parts.
pub(super) struct Level {
    pub outs: Vec<Out>,
    pub from: Vec<Join>,
    pub filter: Option<Expr>,
    pub order: Vec<Order>,
    pub limit: Option<u64>,
    pub offset: u64,
}

impl Level {
    /// The query. `id` is a number that nothing else has, for where grouping needs a derived table.
    ///
    /// # Errors
    /// 42803 when it is ordered by what is not grouped; 42704 and 42846 of a cast.
    pub(super) fn into_query(mut self, id: impl FnOnce() -> SourceId) -> Result<Query> {
        self.outs = last_of_each(self.outs);
        let limit = self.limit.map(number);
        let offset = (self.offset > 0).then(|| number(self.offset));
        if !self.outs.iter().any(|out| matches!(out.value, Value::Aggregate { .. })) {
            let columns = self.outs.into_iter().filter_map(plain).collect();
            let select = Select { columns, from: self.from, filter: self.filter, ..nothing() };
            return Ok(Query { body: Body::Select(Box::new(select)), order: self.order, limit, offset });
        }
        let groups = self.groups();
        if self.order.iter().any(|order| !groups.contains(&order.by)) {
            return Err(Error::new(
                "42803",
                "what is ordered by must be selected too, or be used in no aggregate: it must appear in the GROUP BY clause",
            ));
        }
        let (select, order) = if groups.iter().all(|group| matches!(group.node, Node::Column(..)) && group.ty != Type::Json) {
            self.grouped(groups)?
        } else {
            self.derived(&groups, id())?
        };
        Ok(Query { body: Body::Select(Box::new(select)), order, limit, offset })
    }

    /// What is grouped by: everything that is not aggregated.
    fn groups(&self) -> Vec<Expr> {
        let mut groups: Vec<Expr> = Vec::new();
        for out in &self.outs {
            if let Value::Plain(expr) = &out.value
                && !groups.contains(expr)
            {
                groups.push(expr.clone());
            }
        }
        groups
    }

    fn grouped(self, group_by: Vec<Expr>) -> Result<(Select, Vec<Order>)> {
        let columns = self.outs.into_iter().map(|out| {
            let expr = match out.value {
                Value::Plain(expr) => expr,
                Value::Aggregate { function, argument, ty, cast: to } => aggregate(function, argument, ty, to.as_deref())?,
            };
            Ok(Output { name: out.name, expr })
        });
        let columns = columns.collect::<Result<_>>()?;
        Ok((Select { columns, from: self.from, filter: self.filter, group_by, ..nothing() }, self.order))
    }

    /// By way of a derived table: an expression with values of the request is not the same to the database where it stands again,
    /// and `json` has no equality.
    fn derived(self, groups: &[Expr], id: SourceId) -> Result<(Select, Vec<Order>)> {
        let mut inner: Vec<Output> = Vec::new();
        let mut put = |expr: Expr| {
            let expr = if expr.ty == Type::Json { Expr { node: Node::Cast(Box::new(expr)), ty: Type::Jsonb } } else { expr };
            let ty = expr.ty.clone();
            let place = inner.iter().position(|output| output.expr == expr).unwrap_or_else(|| {
                inner.push(Output { name: format!("c{}", inner.len()), expr });
                inner.len() - 1
            });
            Expr { node: Node::Column(id, format!("c{place}")), ty }
        };
        let group_by: Vec<Expr> = groups.iter().cloned().map(&mut put).collect();
        let mut columns = Vec::new();
        for out in self.outs {
            let expr = match out.value {
                Value::Plain(expr) => put(expr),
                Value::Aggregate { function, argument, ty, cast: to } => {
                    aggregate(function, argument.map(&mut put), ty, to.as_deref())?
                }
            };
            columns.push(Output { name: out.name, expr });
        }
        let order = self.order.into_iter().map(|order| Order { by: put(order.by), ..order }).collect();
        let inner = Select { columns: inner, from: self.from, filter: self.filter, ..nothing() };
        Ok((Select { columns, from: vec![from_query(id, inner.into())], group_by, ..nothing() }, order))
    }
}

impl From<Select> for Query {
    fn from(select: Select) -> Self {
        Self { body: Body::Select(Box::new(select)), order: Vec::new(), limit: None, offset: None }
    }
}

fn aggregate(function: Aggregate, argument: Option<Expr>, ty: Type, to: Option<&str>) -> Result<Expr> {
    let argument = argument.map(Box::new);
    let node = Node::Aggregate { function, argument, separator: None, distinct: false, filter: None, order: Vec::new() };
    cast(Expr { node, ty }, to)
}

fn plain(out: Out) -> Option<Output> {
    match out.value {
        Value::Plain(expr) => Some(Output { name: out.name, expr }),
        Value::Aggregate { .. } => None,
    }
}

impl Level {
    /// A key that is said twice has its last value, as whoever parses the JSON would find.
    pub(super) fn keys_once(outs: Vec<Out>) -> Vec<Out> {
        last_of_each(outs)
    }
}

fn last_of_each(outs: Vec<Out>) -> Vec<Out> {
    let mut kept: Vec<Out> = Vec::with_capacity(outs.len());
    for out in outs {
        match kept.iter_mut().find(|other| other.name == out.name) {
            Some(other) => other.value = out.value,
            None => kept.push(out),
        }
    }
    kept
}

/// A `select` of nothing, to fill in.
pub(super) const fn nothing() -> Select {
    Select { distinct: false, columns: Vec::new(), from: Vec::new(), filter: None, group_by: Vec::new(), having: None }
}

/// A query as the first source.
pub(super) fn from_query(id: SourceId, query: Query) -> Join {
    first(Source { id, rows: Rows::Query(Box::new(query)) })
}

/// A source as the first.
pub(super) const fn first(source: Source) -> Join {
    Join { kind: JoinKind::Inner, source, on: None }
}

/// A number of rows.
pub(super) fn number(rows: u64) -> Expr {
    literal(Type::Int8, Datum::Int(i64::try_from(rows).unwrap_or(i64::MAX)))
}
