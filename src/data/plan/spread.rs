//! `...clients(name)`: an embed whose columns are lifted into its parent. One row's columns become the parent's, and aggregates of
//! them are the parent's aggregates; of many rows, each column becomes an array.

use super::Planner;
use super::outputs::{Level, Out, Value, first, from_query, nothing};
use super::scope::{Scope, all_of, literal};
use super::select::{Embed, Growing, Reached};
use crate::data::Result;
use crate::sql::ast::{Aggregate, Builtin, Expr, Join, JoinKind, Node, Order, Output, Query, Rows, Select, Source};
use crate::values::{Datum, Type};

pub(super) fn one<'a>(planner: &mut Planner<'a>, parent: &Scope<'a>, embed: &Embed<'a, '_>, growing: &mut Growing) -> Result<()> {
    let Reached { mut from, scope, mut ties } = planner.reach(parent, embed)?;
    let below = planner.embeds(&scope, embed.asked)?;
    ties.extend(planner.conditions(&scope, &below, embed.asked.filters)?);
    // A relationship to one row has one source.
    if let Some(own) = from.pop() {
        growing.joins.push(Join { kind: JoinKind::Left, source: own.source, on: all_of(ties) });
    }
    planner.outputs(&scope, &below, embed.asked.items, growing)
}

pub(super) fn many<'a>(
    planner: &mut Planner<'a>,
    parent: &Scope<'a>,
    embed: &Embed<'a, '_>,
    growing: &mut Growing,
) -> Result<()> {
    let Reached { from, scope, ties } = planner.reach(parent, embed)?;
    let mut parts = planner.parts(&scope, from, ties, embed.asked)?;
    let names: Vec<String> = parts.outs.iter().map(|out| out.name.clone()).collect();
    let orders = with_order(&mut parts);
    let inner = parts.into_query(|| planner.id())?;
    for name in names {
        let id = planner.id();
        let Some(ty) = type_of(&inner, &name) else { continue };
        let of = |name: &str, ty: Type| Expr { node: Node::Column(id, name.to_owned()), ty };
        let order = orders.iter().map(|(name, order)| Order { by: of(name, order.by.ty.clone()), ..order.clone() }).collect();
        let gathered = Node::Aggregate {
            function: Aggregate::JsonAgg,
            argument: Some(Box::new(of(&name, ty))),
            separator: None,
            distinct: false,
            filter: None,
            order,
        };
        let none = literal(Type::Json, Datum::Text("[]".to_owned()));
        let gathered = Expr { node: gathered, ty: Type::Json };
        let expr = Expr { node: Node::Call(Builtin::Coalesce, vec![gathered, none]), ty: Type::Json };
        let column = Output { name: "value".to_owned(), expr };
        let select = Select { columns: vec![column], from: vec![from_query(id, inner.clone())], ..nothing() };
        growing.outs.push(Out::plain(&name, Expr { node: Node::Scalar(Box::new(select.into())), ty: Type::Json }));
    }
    Ok(())
}

/// Gives what the rows are ordered by as columns too, so that every array has the one order.
fn with_order(parts: &mut Level) -> Vec<(String, Order)> {
    if parts.outs.iter().any(|out| matches!(out.value, Value::Aggregate { .. })) {
        return Vec::new();
    }
    let orders: Vec<_> = parts.order.iter().enumerate().map(|(place, order)| (format!(" order{place}"), order.clone())).collect();
    parts.outs.extend(orders.iter().map(|(name, order)| Out::plain(name, order.by.clone())));
    orders
}

fn type_of(query: &Query, name: &str) -> Option<Type> {
    match &query.body {
        crate::sql::ast::Body::Select(select) => {
            select.columns.iter().find(|column| column.name == name).map(|column| column.expr.ty.clone())
        }
        _ => None,
    }
}

/// Rows that came with a request as the first source.
pub(super) fn values(id: crate::sql::ast::SourceId, columns: Vec<(String, Type)>, rows: Vec<Vec<Datum>>) -> Join {
    first(Source { id, rows: Rows::Values { columns, rows } })
}
