//! Looking at rows again after a write was refused, to say which key it was: for the server's own eyes, without the caller's policies.

use std::sync::Arc;

use super::outputs::{first, nothing, number};
use super::scope::{all_of, boolean};
use super::spread::values;
use super::{Incoming, Planner, count_rows, text_of};
use crate::data::Result;
use crate::data::request::Query as Request;
use crate::sql::ast::{Expr, Join, JoinKind, Node, Operator, Output, Query, Rows, Select, Source, SourceId};
use crate::sql::catalog::{ForeignKey, Relation};
use crate::values::{Datum, Type};

/// A table that refers to rows, its foreign key, and what finds the key of one that it refers to.
pub type Referring<'a> = (&'a str, &'a ForeignKey, Query);

impl<'a> Planner<'a> {
    /// How many of some rows are there already, by the columns of a unique key; `None` when they do not have all of those.
    #[must_use]
    pub fn existing(&mut self, relation: &'a Arc<Relation>, incoming: &Incoming, key: &[String]) -> Option<Query> {
        self.matching(relation, incoming, key, key)
    }

    /// How many rows there are that a foreign key of a row refers to; `None` when it refers to none.
    #[must_use]
    pub fn referenced(&mut self, incoming: &Incoming, key: &ForeignKey) -> Option<Query> {
        let relation = self.catalog.relation(&key.references)?;
        let refers = key.columns.iter().all(|column| incoming.value(0, column).is_some_and(|datum| *datum != Datum::Null));
        if refers { self.matching(relation, incoming, &key.columns, &key.referenced_columns) } else { None }
    }

    /// Where rows that the filters say may still be referred to.
    ///
    /// # Errors
    /// What the filters cannot mean.
    pub fn referring(&mut self, relation: &'a Arc<Relation>, request: &Request) -> Result<Vec<Referring<'a>>> {
        let mut found = Vec::new();
        for other in self.catalog.relations() {
            let keys = other.table().map(|table| table.foreign_keys.as_slice()).unwrap_or_default();
            for key in keys.iter().filter(|key| key.references == relation.name) {
                let scope = self.scope(relation);
                let there = self.scope(other);
                let filter = all_of(self.conditions(&scope, &[], &request.filters)?);
                let ties = key.columns.iter().zip(&key.referenced_columns);
                let on = ties.map(|(own, referenced)| Ok(equal(there.own(own)?, scope.own(referenced)?)));
                let on = all_of(on.collect::<Result<_>>()?);
                let source = |id, relation: &Arc<Relation>| Source { id, rows: Rows::Relation(Arc::clone(relation)) };
                let from =
                    vec![first(source(scope.id, relation)), Join { kind: JoinKind::Inner, source: source(there.id, other), on }];
                let members = key.referenced_columns.iter().map(|name| Ok((name.clone(), scope.own(name)?)));
                let row = text_of(Node::JsonObject(members.collect::<Result<_>>()?));
                let columns = vec![Output { name: "row".to_owned(), expr: row }];
                let query = Query { limit: Some(number(1)), ..Select { columns, from, filter, ..nothing() }.into() };
                found.push((other.name.name.as_str(), key, query));
            }
        }
        Ok(found)
    }

    /// How many rows of a relation have the values that some rows have in other columns.
    fn matching(&mut self, relation: &'a Arc<Relation>, incoming: &Incoming, own: &[String], other: &[String]) -> Option<Query> {
        let types = other.iter().map(|name| relation.column(name).map(|(_, column)| column.ty.clone()));
        let types: Vec<Type> = types.collect::<Option<_>>()?;
        let rows = (0..incoming.rows.len())
            .map(|row| own.iter().map(|name| incoming.value(row, name).cloned()).collect::<Option<Vec<_>>>())
            .collect::<Option<Vec<_>>>()?;
        let (given, table) = (self.id(), self.id());
        let of = |id: SourceId, name: &str, ty: &Type| Expr { node: Node::Column(id, name.to_owned()), ty: ty.clone() };
        let ties = other.iter().zip(&types).map(|(name, ty)| equal(of(table, name, ty), of(given, name, ty)));
        let on = all_of(ties.collect());
        let source = Source { id: table, rows: Rows::Relation(Arc::clone(relation)) };
        let columns = other.iter().cloned().zip(types.iter().cloned()).collect();
        let from = vec![values(given, columns, rows), Join { kind: JoinKind::Inner, source, on }];
        let columns = vec![Output { name: "count".to_owned(), expr: count_rows() }];
        Some(Select { columns, from, ..nothing() }.into())
    }
}

fn equal(one: Expr, other: Expr) -> Expr {
    boolean(Node::Binary(Operator::Eq, Box::new(one), Box::new(other)))
}
