//! Which table's column a query's column shows unchanged.

use super::ast::{Body, Node, Query, Rows, SourceId};
use super::catalog::{Shape, ViewColumn};

/// The origin of an output by its place; `None` when it is computed, or comes from more than one place.
pub(super) fn of_output(query: &Query, place: usize) -> Option<ViewColumn> {
    let Body::Select(select) = &query.body else { return None };
    match &select.columns.get(place)?.expr.node {
        Node::Column(source, column) => of_column(query, *source, column),
        _ => None,
    }
}

fn of_column(query: &Query, source: SourceId, column: &str) -> Option<ViewColumn> {
    let Body::Select(select) = &query.body else { return None };
    let join = select.from.iter().find(|join| join.source.id == source)?;
    match &join.source.rows {
        Rows::Relation(relation) => match &relation.shape {
            Shape::Table(_) => Some(ViewColumn { relation: relation.name.clone(), column: column.to_owned() }),
            Shape::View(view) => view.origins.get(relation.column(column)?.0)?.clone(),
        },
        Rows::Query(inner) => {
            let Body::Select(select) = &inner.body else { return None };
            let place = select.columns.iter().position(|output| output.name == column)?;
            of_output(inner, place)
        }
        _ => None,
    }
}
