//! [`Planner`], and what reads a relation.

use std::sync::Arc;

use super::outputs::{first, nothing};
use super::relationships::Relationships;
use super::scope::{Scope, all_of};
use super::select::Asked;
use super::suggest;
use crate::data::Result;
use crate::data::request::Query as Request;
use crate::sql::Schema;
use crate::sql::ast::{Aggregate, Expr, Node, Output, Query, Rows, Select, Source, SourceId};
use crate::sql::catalog::{Catalog, Name, Privilege, Relation};
use crate::sql::compile::Rights;
use crate::values::Type;

/// The number before the first that a planner gives: policies and their like have small ones, and stand in the same statements.
const BEFORE_FIRST: u32 = 1 << 20;

/// Turns requests of one caller over one catalogue into statements.
pub struct Planner<'a> {
    pub(super) schema: &'a Schema,
    pub(super) catalog: &'a Catalog,
    pub(super) relationships: &'a Relationships,
    pub(super) rights: &'a dyn Rights,
    /// Rows of an answer, and of each embed, at the most; 0 is as many as there are.
    pub(super) max_rows: u64,
    /// The last number given to a source.
    last: u32,
}

impl<'a> Planner<'a> {
    /// A planner for one request.
    #[must_use]
    pub const fn new(schema: &'a Schema, relationships: &'a Relationships, rights: &'a dyn Rights, max_rows: u64) -> Self {
        Self { schema, catalog: schema.catalog(), relationships, rights, max_rows, last: BEFORE_FIRST }
    }

    /// A table or view of the app's.
    ///
    /// # Errors
    /// PGRST205.
    pub fn relation(&self, name: &str) -> Result<&'a Arc<Relation>> {
        self.catalog.relation(&Name::public(name)).ok_or_else(|| suggest::no_table(self, name))
    }

    /// What reads a relation: one row with `body`, the rows as a JSON array's text, and with `total`, all that match, when `count`.
    ///
    /// # Errors
    /// What the request cannot mean over this catalogue, or may not.
    pub fn read(&mut self, relation: &'a Arc<Relation>, request: &Request, count: bool) -> Result<Query> {
        let scope = self.scope(relation);
        let source = Source { id: scope.id, rows: Rows::Relation(Arc::clone(relation)) };
        self.answer(&scope, source, request, count)
    }

    /// As [`Planner::read`], from rows of any source.
    pub(super) fn answer(&mut self, scope: &Scope<'a>, source: Source, request: &Request, count: bool) -> Result<Query> {
        let asked = Asked::of(request);
        let rows = self.level(scope, vec![first(source.clone())], Vec::new(), asked)?;
        let mut columns = vec![Output { name: "body".to_owned(), expr: text_of(Node::JsonRows(Box::new(rows))) }];
        if count {
            columns.push(Output { name: "total".to_owned(), expr: self.total(scope, source, asked)? });
        }
        Ok(Select { columns, ..nothing() }.into())
    }

    /// How many rows match, page or not.
    fn total(&mut self, scope: &Scope<'a>, source: Source, asked: Asked<'_>) -> Result<Expr> {
        let embeds = self.embeds(scope, asked)?;
        let filter = all_of(self.conditions(scope, &embeds, asked.filters)?);
        let columns = vec![Output { name: "count".to_owned(), expr: count_rows() }];
        let select = Select { columns, from: vec![first(source)], filter, ..nothing() };
        Ok(Expr { node: Node::Scalar(Box::new(select.into())), ty: Type::Int8 })
    }

    pub(super) fn id(&mut self) -> SourceId {
        self.last += 1;
        SourceId(self.last)
    }

    /// A relation's columns under a new number.
    pub(super) fn scope(&mut self, relation: &'a Relation) -> Scope<'a> {
        let id = self.id();
        self.scope_at(id, relation)
    }

    pub(super) fn scope_at(&self, id: SourceId, relation: &'a Relation) -> Scope<'a> {
        Scope::of_relation(id, relation, |column| self.rights.may(relation, Privilege::Select, column))
    }

    pub(super) fn limited(&self, limit: Option<u64>) -> Option<u64> {
        match self.max_rows {
            0 => limit,
            most => Some(limit.map_or(most, |limit| limit.min(most))),
        }
    }
}

impl<'q> Asked<'q> {
    pub(super) fn of(request: &'q Request) -> Self {
        Self {
            items: &request.select,
            filters: &request.filters,
            order: &request.order,
            limit: request.limit,
            offset: request.offset,
            nested: &request.nested.0,
        }
    }
}

/// An expression as text, so that both databases give it as such.
pub(super) fn text_of(node: Node) -> Expr {
    Expr { node: Node::Cast(Box::new(Expr { node, ty: Type::Json })), ty: Type::Text }
}

/// `count(*)`.
pub(super) fn count_rows() -> Expr {
    let node = Node::Aggregate {
        function: Aggregate::Count,
        argument: None,
        separator: None,
        distinct: false,
        filter: None,
        order: Vec::new(),
    };
    Expr { node, ty: Type::Int8 }
}

/// The columns of a relation's primary key; none when it has none.
#[must_use]
pub fn key(relation: &Relation) -> &[String] {
    relation.table().and_then(|table| table.primary_key.as_ref()).map_or(&[], |key| &key.columns)
}
