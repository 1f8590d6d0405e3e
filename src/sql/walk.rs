//! Going through the tree.

use super::ast::{Body, Expr, Node, Query, Rows, Window};

/// Does something with each expression directly below one, those of its sub-queries among them; stops at the first error.
///
/// # Errors
///
/// What the visit says.
pub fn try_children<E>(expr: &Expr, visit: &mut dyn FnMut(&Expr) -> Result<(), E>) -> Result<(), E> {
    match &expr.node {
        Node::Literal(_) | Node::Param(_) | Node::Column(..) => Ok(()),
        Node::Not(inner) | Node::Negate(inner) | Node::IsNull(inner) | Node::IsBool(inner, _) | Node::Cast(inner) => visit(inner),
        Node::And(all) | Node::Or(all) | Node::Call(_, all) | Node::Function(_, all) | Node::Array(all) => {
            all.iter().try_for_each(visit)
        }
        Node::Binary(_, left, right) | Node::IsDistinct(left, right) | Node::Quantified { left, array: right, .. } => {
            visit(left)?;
            visit(right)
        }
        Node::In(value, list) => {
            visit(value)?;
            list.iter().try_for_each(visit)
        }
        Node::InQuery(value, query) => {
            visit(value)?;
            try_query(query, visit)
        }
        Node::Exists(query) | Node::Scalar(query) | Node::JsonRows(query) | Node::JsonRow(query) => try_query(query, visit),
        Node::Case { branches, otherwise } => {
            for (when, then) in branches {
                visit(when)?;
                visit(then)?;
            }
            otherwise.iter().try_for_each(|otherwise| visit(otherwise))
        }
        Node::Aggregate { argument, separator, filter, order, .. } => {
            for part in [argument, separator, filter].into_iter().flatten() {
                visit(part)?;
            }
            order.iter().try_for_each(|order| visit(&order.by))
        }
        Node::Window { function, over } => {
            match function {
                Window::Aggregate(aggregate) => try_children(aggregate, visit)?,
                Window::Function(_, arguments) => arguments.iter().try_for_each(&mut *visit)?,
            }
            over.partition.iter().chain(over.order.iter().map(|order| &order.by)).try_for_each(visit)
        }
        Node::JsonObject(members) => members.iter().try_for_each(|(_, member)| visit(member)),
    }
}

/// Does something with each expression that stands directly in a query, those of the queries in `from` among them.
///
/// # Errors
///
/// What the visit says.
pub fn try_query<E>(query: &Query, visit: &mut dyn FnMut(&Expr) -> Result<(), E>) -> Result<(), E> {
    match &query.body {
        Body::Select(select) => {
            select.columns.iter().try_for_each(|column| visit(&column.expr))?;
            for join in &select.from {
                match &join.source.rows {
                    Rows::Query(inner) => try_query(inner, visit)?,
                    Rows::Function(_, arguments) => arguments.iter().try_for_each(&mut *visit)?,
                    Rows::Elements { of, .. } => visit(of)?,
                    Rows::Relation(_) | Rows::Values { .. } => {}
                }
                join.on.iter().try_for_each(&mut *visit)?;
            }
            let clauses = select.filter.iter().chain(&select.group_by).chain(&select.having);
            clauses.into_iter().try_for_each(&mut *visit)?;
        }
        Body::Union { left, right, .. } | Body::Intersect { left, right } | Body::Except { left, right } => {
            try_query(left, visit)?;
            try_query(right, visit)?;
        }
    }
    query.order.iter().map(|order| &order.by).chain(&query.limit).chain(&query.offset).try_for_each(visit)
}
