//! What statements make of a schema, worked out without a database.

use super::change::{change, is_about_rows};
use super::draft::{Draft, Native};
use super::postgres;
use super::run::parse_here;
use super::writer::Writer;
use crate::db::Dialect;
use crate::sql::ast::{Body, Expr, Node, Output, Query, Select, Statement};
use crate::sql::catalog::Catalog;
use crate::sql::compile::{self, Bindings, Compiled, Context, Owner};
use crate::sql::lower::{self, Parsed, Scope};
use crate::sql::{Fault, Schema, sqlstate};
use crate::types::Timestamp;
use crate::values::{Datum, Type};

/// Rows that one statement answers: a page for whoever looks, not an export.
pub const MAX_ANSWER_ROWS: usize = 10_000;

/// A schema as one statement after the other changes it.
pub(super) struct Shape {
    draft: Draft,
    schema: Schema,
    now: Timestamp,
    /// Whether native roles were asked for already.
    roles: bool,
    /// How many definitions so far PostgreSQL may leave out.
    optional: usize,
}

/// What the database is to do for one definition.
pub(super) struct Definition {
    /// As PostgreSQL names it.
    pub(super) tag: &'static str,
    pub(super) texts: Vec<String>,
    /// How many of them PostgreSQL may leave out, numbered on from the last such.
    pub(super) optional: usize,
}

/// A statement about rows, as the database runs it.
pub(super) struct Rows {
    /// As PostgreSQL names it.
    pub(super) command: &'static str,
    pub(super) compiled: Compiled,
    pub(super) shown: Shown,
}

/// How a statement gives its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// It has none.
    No,
    /// One JSON text for each.
    Each,
    /// One JSON text for all of them.
    Whole,
}

impl Shape {
    pub(super) fn of(catalog: Catalog, now: Timestamp) -> Result<Self, Fault> {
        let schema = Schema::build(catalog)?;
        let draft = Draft { catalog: schema.catalog().clone() };
        Ok(Self { draft, schema, now, roles: false, optional: 0 })
    }

    /// The schema with the catalogue's new version.
    pub(super) fn finish(mut self, version: i64) -> Result<Schema, Fault> {
        self.draft.catalog.version = version;
        self.draft.catalog.settle_enumerations();
        Schema::build(self.draft.catalog)
    }

    /// Changes the schema by a definition, and says what the database is to do. When it is refused, the schema is as it was.
    pub(super) fn define(&mut self, parsed: &Parsed, dialect: Dialect) -> Result<Definition, Fault> {
        let mut draft = Draft { catalog: self.draft.catalog.clone() };
        let effect = change(&mut draft, &parsed.statement)?;
        // A fault in a piece that was there before has its place in that piece's text, not in this one.
        let schema = Schema::build(draft.catalog.clone()).map_err(|fault| Fault { line: 0, column: 0, ..fault })?;
        // The definitions of both are made, so that both refuse the same.
        let writer = Writer { schema: &schema, now: self.now };
        let mut texts = Vec::new();
        for ddl in &effect.sqlite {
            texts.extend(writer.statements(ddl)?);
        }
        let mut optional = 0;
        if dialect == Dialect::Postgres {
            texts.clear();
            if !self.roles && effect.postgres.iter().any(|native| matches!(native, Native::Optional(_))) {
                self.roles = true;
                texts.push(postgres::ROLES.to_owned());
            }
            for native in &effect.postgres {
                texts.extend(postgres::text(native, self.optional + optional, &writer)?);
                optional += usize::from(matches!(native, Native::Optional(_)));
            }
        }
        self.draft = draft;
        self.schema = schema;
        self.optional += optional;
        Ok(Definition { tag: effect.tag, texts, optional })
    }

    /// A statement about rows, as the service role.
    pub(super) fn rows(&self, parsed: &Parsed, dialect: Dialect) -> Result<Rows, Fault> {
        let mut statement = lower::statement(&parsed.statement, &self.schema, &Scope::default())?;
        let command = match &statement {
            Statement::Query(_) => "SELECT",
            Statement::Insert(_) => "INSERT",
            Statement::Update(_) => "UPDATE",
            Statement::Delete(_) => "DELETE",
        };
        let shown = show(&mut statement);
        let bindings = Bindings {
            uid: None,
            role: "service_role".to_owned(),
            jwt: serde_json::json!({ "role": "service_role" }),
            email: None,
            now: self.now,
        };
        let context = Context { dialect, schema: &self.schema, bindings: &bindings, rights: &Owner };
        let compiled = compile::statement(&statement, &context)?;
        Ok(Rows { command, compiled, shown })
    }
}

/// Tries texts of statements out without a database: what is not in the subset is found, what only rows could tell is not.
pub struct Rehearsal {
    shape: Shape,
    /// Whether something was refused: what follows may be refused for that reason alone.
    failed: bool,
}

impl Rehearsal {
    /// Begins with this catalogue.
    ///
    /// # Errors
    ///
    /// The first piece of it that does not lower.
    pub fn of(catalog: Catalog, now: Timestamp) -> Result<Self, Fault> {
        Ok(Self { shape: Shape::of(catalog, now)?, failed: false })
    }

    /// Tries a text out after those before it, and gives all that is wrong with it. After the first refusal only those are told that do
    /// not depend on what the refused statement would have made.
    pub fn text(&mut self, sql: &str) -> Vec<Fault> {
        let parsed = match parse_here(sql) {
            Ok(parsed) => parsed,
            Err(fault) => {
                self.failed = true;
                return vec![fault];
            }
        };
        let mut faults = Vec::new();
        for parsed in &parsed {
            let Err(fault) = self.statement(parsed) else { continue };
            if !self.failed || fault.code == sqlstate::FEATURE_NOT_SUPPORTED {
                faults.push(fault.at(parsed.place));
            }
            self.failed = true;
        }
        self.shape.draft.catalog.settle_enumerations();
        faults
    }

    /// The schema as the texts so far make it.
    #[must_use]
    pub const fn schema(&self) -> &Schema {
        &self.shape.schema
    }

    fn statement(&mut self, parsed: &Parsed) -> Result<(), Fault> {
        if !is_about_rows(&parsed.statement) {
            return self.shape.define(parsed, Dialect::Sqlite).map(drop);
        }
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            self.shape.rows(parsed, dialect)?;
        }
        Ok(())
    }
}

/// Makes a statement give its rows as JSON.
fn show(statement: &mut Statement) -> Shown {
    let returning = match statement {
        Statement::Query(query) => {
            bound(query);
            let rows = Expr { node: Node::JsonRows(Box::new(query.clone())), ty: Type::Json };
            let select = Select {
                distinct: false,
                columns: vec![Output { name: "rows".to_owned(), expr: rows }],
                from: Vec::new(),
                filter: None,
                group_by: Vec::new(),
                having: None,
            };
            *query = Query { body: Body::Select(Box::new(select)), order: Vec::new(), limit: None, offset: None };
            return Shown::Whole;
        }
        Statement::Insert(insert) => &mut insert.returning,
        Statement::Update(update) => &mut update.returning,
        Statement::Delete(delete) => &mut delete.returning,
    };
    if returning.is_empty() {
        return Shown::No;
    }
    let members = returning.drain(..).map(|output| (output.name, output.expr)).collect();
    returning.push(Output { name: "row".to_owned(), expr: Expr { node: Node::JsonObject(members), ty: Type::Json } });
    Shown::Each
}

/// One row more than an answer may have is enough to see that there are too many.
fn bound(query: &mut Query) {
    let most = i64::try_from(MAX_ANSWER_ROWS + 1).unwrap_or(i64::MAX);
    match &mut query.limit {
        Some(Expr { node: Node::Literal(Datum::Int(limit)), .. }) => *limit = most.min(*limit),
        Some(Expr { node, .. }) if *node != Node::Literal(Datum::Null) => {}
        none => *none = Some(Expr { node: Node::Literal(Datum::Int(most)), ty: Type::Int8 }),
    }
}
