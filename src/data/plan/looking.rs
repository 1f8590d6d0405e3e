//! Looking at rows besides the write itself.
//!
//! Before it, at those that `on conflict` may leave out. PostgreSQL holds every row that is proposed to an insert to the policies of
//! inserts, and to those of selects where `on conflict` names a key, also a row that then changes the one there, or leaves it. An insert
//! gives only rows that it made or changed, so these are asked for before.
//!
//! Again after it was refused, to say which key it was: for the server's own eyes, without the caller's policies.

use std::sync::Arc;

use super::outputs::{first, from_query, nothing, number};
use super::scope::{all_of, boolean, literal};
use super::spread::values;
use super::write::{ROW, reached};
use super::{Incoming, Planner, count_rows, text_of};
use crate::data::Result;
use crate::data::request::Query as Request;
use crate::sql::ast::{Expr, Insert, Join, JoinKind, Node, Operator, Output, Query, Rows, Select, Source, SourceId};
use crate::sql::catalog::{Command, ForeignKey, Relation};
use crate::sql::walk;
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

    /// The key of a row that an insert of a function proposes and that is there, as `row`; `None` when the insert does not name it.
    #[must_use]
    pub fn taken(&mut self, insert: &Insert, key: &[String]) -> Option<Query> {
        let (given, table) = (self.id(), self.id());
        let of = |id: SourceId, name: &str, ty: &Type| Expr { node: Node::Column(id, name.to_owned()), ty: ty.clone() };
        let (mut ties, mut members) = (Vec::new(), Vec::new());
        for name in key {
            let place = insert.columns.iter().position(|column| column == name)?;
            let output = insert.from.columns().get(place)?;
            let (_, column) = insert.into.column(name)?;
            let proposed = of(given, &output.name, &output.expr.ty);
            let proposed = if output.expr.ty == column.ty {
                proposed
            } else {
                Expr { node: Node::Cast(Box::new(proposed)), ty: column.ty.clone() }
            };
            ties.push(equal(of(table, name, &column.ty), proposed));
            members.push((name.clone(), of(table, name, &column.ty)));
        }
        let source = Source { id: table, rows: Rows::Relation(Arc::clone(&insert.into)) };
        let from = vec![from_query(given, insert.from.clone()), Join { kind: JoinKind::Inner, source, on: all_of(ties) }];
        let columns = vec![Output { name: "row".to_owned(), expr: text_of(Node::JsonObject(members)) }];
        Some(Query { limit: Some(number(1)), ..Select { columns, from, ..nothing() }.into() })
    }

    /// How many of some rows the policies do not let be proposed: a query for each set of columns that the rows have. None where the
    /// policies allow every row, or look at a column that makes its own values: what it will have made is not known yet.
    ///
    /// # Errors
    /// 42501 when nothing may be inserted at all.
    pub fn refused(&mut self, relation: &'a Arc<Relation>, incoming: &Incoming) -> Result<Vec<Query>> {
        let Some(check) = self.check_of_proposed(relation)? else { return Ok(Vec::new()) };
        if !knows(relation, incoming, &check) {
            return Ok(Vec::new());
        }
        let queries = incoming.groups().into_iter().map(|group| {
            let id = self.id();
            let proposed = self.proposed(relation, id, &group.columns);
            let from = vec![values(id, group.columns, group.rows)];
            let rows = Select { columns: proposed, from, ..nothing() };
            let allowed = boolean(Node::IsBool(Box::new(check.clone()), true));
            let filter = Some(boolean(Node::Not(Box::new(allowed))));
            let columns = vec![Output { name: "count".to_owned(), expr: count_rows() }];
            Select { columns, from: vec![from_query(ROW, rows.into())], filter, ..nothing() }.into()
        });
        Ok(queries.collect())
    }

    /// Whether [`Planner::refused`] holds rows with these columns to all that the policies ask of an insert.
    pub(super) fn is_known_before(&self, relation: &Relation, incoming: &Incoming) -> Result<bool> {
        Ok(self.check_of_proposed(relation)?.is_none_or(|check| knows(relation, incoming, &check)))
    }

    fn check_of_proposed(&self, relation: &Relation) -> Result<Option<Expr>> {
        let insert = reached(self.rights.check(self.schema, relation, Command::Insert))?;
        let select = reached(self.rights.rows(self.schema, relation, Command::Select))?;
        Ok(all_of(insert.into_iter().chain(select).collect()))
    }

    /// Every column of a row that has some of them in the source `id`.
    fn proposed(&self, relation: &Relation, id: SourceId, sent: &[(String, Type)]) -> Vec<Output> {
        let value = |name: &String, ty: &Type| {
            if sent.iter().any(|(other, _)| other == name) {
                return Expr { node: Node::Column(id, name.clone()), ty: ty.clone() };
            }
            match self.schema.default_of(&relation.name, name) {
                Some(default) if default.ty == *ty => default.clone(),
                Some(default) => Expr { node: Node::Cast(Box::new(default.clone())), ty: ty.clone() },
                None => literal(ty.clone(), Datum::Null),
            }
        };
        let columns = relation.columns.iter();
        columns.map(|column| Output { name: column.name.clone(), expr: value(&column.name, &column.ty) }).collect()
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

/// Whether a condition on a row looks only at columns that are sent or have a plain default.
fn knows(relation: &Relation, incoming: &Incoming, condition: &Expr) -> bool {
    fn look(expr: &Expr, is_unknown: &dyn Fn(&str) -> bool) -> Result<(), ()> {
        match &expr.node {
            Node::Column(ROW, name) if is_unknown(name) => Err(()),
            _ => walk::try_children(expr, &mut |inner| look(inner, is_unknown)),
        }
    }
    let makes = |name: &str| relation.column(name).is_some_and(|(_, column)| column.generated.is_some());
    look(condition, &|name| makes(name) && !incoming.says(name)).is_ok()
}

fn equal(one: Expr, other: Expr) -> Expr {
    boolean(Node::Binary(Operator::Eq, Box::new(one), Box::new(other)))
}
