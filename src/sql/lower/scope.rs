//! Which names mean what where an expression stands.

use std::sync::Arc;

use sqlparser::ast::{self as parsed, Ident};

use super::parse;
use crate::sql::ast::{Expr, Node, Param, SourceId};
use crate::sql::catalog::{Catalog, Name, Relation};
use crate::sql::fault::{Fault, Place, sqlstate};
use crate::values::{Datum, Type};

/// Expressions and queries inside one another.
const MAX_DEPTH: usize = 64;
/// Levels that a query counts for: its walk takes more of the stack than an expression's.
const QUERY_LEVELS: usize = 4;
/// Expressions, sources and columns of one statement, common table expressions counted where they are used.
const MAX_NODES: usize = 50_000;

/// What a piece of SQL sees besides the catalogue.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The table whose policy, check, default or generated column this is: its columns are seen by their names and by
    /// `table.column`, as source 0.
    pub row: Option<Arc<Relation>>,
    pub arguments: Arguments,
    /// The type an expression is brought to; `None` keeps its own.
    pub expected: Option<Type>,
    /// Whether it is a statement of the server itself, which writes to the tables that apps only see.
    pub is_servers: bool,
}

/// A function's arguments, in order. Those without a name are seen as `$1` alone.
#[derive(Clone, Debug, Default)]
pub struct Arguments(pub Vec<(String, Type)>);

impl Scope {
    /// What a table's own expressions see.
    #[must_use]
    pub fn row(relation: &Arc<Relation>) -> Self {
        Self { row: Some(Arc::clone(relation)), ..Self::default() }
    }

    /// The same, for an expression of a type.
    #[must_use]
    pub fn expecting(mut self, ty: Type) -> Self {
        self.expected = Some(ty);
        self
    }
}

/// An expression on its way to a type.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) expr: Expr,
    /// A quoted literal or null that has not got its type yet; its expression is a literal of text.
    pub(super) unknown: bool,
    pub(super) at: Place,
}

/// A source as names see it.
#[derive(Clone, Debug)]
pub(super) struct Visible {
    pub(super) id: SourceId,
    pub(super) alias: String,
    /// The table, when it is one, for `public.todos.id`.
    pub(super) relation: Option<Name>,
    pub(super) columns: Vec<VisibleColumn>,
}

/// A column as names see it.
#[derive(Clone, Debug)]
pub(super) struct VisibleColumn {
    /// What it is called here; an alias's column list may have renamed it.
    pub(super) name: String,
    /// What the source calls it.
    pub(super) inner: String,
    pub(super) ty: Type,
    /// Merged into the left side's by `using`: seen through the alias alone.
    pub(super) hidden: bool,
}

/// The sources of one query level.
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub(super) sources: Vec<Visible>,
    /// Whether an aggregate may stand where expressions are being read now.
    pub(super) aggregates: bool,
    /// Whether one was read.
    pub(super) aggregated: bool,
    /// Whether a window function may stand where expressions are being read now.
    pub(super) windows: bool,
}

/// A common table expression: read again wherever it is named, so that each use has sources of its own.
#[derive(Clone, Copy)]
pub(super) struct Cte<'a> {
    pub(super) alias: &'a parsed::TableAlias,
    pub(super) query: &'a parsed::Query,
    /// How many common table expressions and frames it sees.
    pub(super) sees: (usize, usize),
}

/// What the walk over one statement carries.
pub(super) struct Lower<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) scope: &'a Scope,
    pub(super) frames: Vec<Frame>,
    pub(super) ctes: Vec<Cte<'a>>,
    next: u32,
    depth: usize,
    nodes: usize,
    /// The last place that was known, for what has none of its own.
    pub(super) at: Place,
}

impl<'a> Lower<'a> {
    pub(super) fn new(catalog: &'a Catalog, scope: &'a Scope) -> Self {
        Self {
            catalog,
            scope,
            frames: Vec::new(),
            ctes: Vec::new(),
            next: 0,
            depth: 0,
            nodes: 0,
            at: Place { line: 1, column: 1 },
        }
    }

    /// The number of a new source.
    pub(super) const fn new_id(&mut self) -> SourceId {
        self.next += 1;
        SourceId(self.next)
    }

    /// Counts towards the statement's size.
    pub(super) fn count(&mut self, nodes: usize) -> Result<(), Fault> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            let message = format!("the statement has more than {MAX_NODES} expressions");
            return Err(Fault::new(sqlstate::TOO_COMPLEX, message).at(self.at).hint("split it, or use a view"));
        }
        Ok(())
    }

    /// Does something one level deeper.
    pub(super) fn deeper<T>(&mut self, levels: usize, go: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        self.count(1)?;
        if self.depth + levels > MAX_DEPTH {
            let message =
                format!("the statement is nested more than {MAX_DEPTH} levels deep (a sub-query counts for {QUERY_LEVELS})");
            return Err(Fault::new(sqlstate::TOO_COMPLEX, message).at(self.at).hint("split it, or use a view"));
        }
        self.depth += levels;
        let done = go(self);
        self.depth -= levels;
        done
    }

    /// Does something in a query of its own.
    pub(super) fn in_query<T>(&mut self, go: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        self.deeper(QUERY_LEVELS, go)
    }

    /// Does something with the frames and common table expressions that are seen from a place further out.
    pub(super) fn seen_from<T>(
        &mut self,
        (ctes, frames): (usize, usize),
        go: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let hidden_ctes = self.ctes.split_off(ctes.min(self.ctes.len()));
        let hidden = self.frames.split_off(frames.min(self.frames.len()));
        let done = go(self);
        self.frames.truncate(frames);
        self.frames.extend(hidden);
        self.ctes.truncate(ctes);
        self.ctes.extend(hidden_ctes);
        done
    }

    /// The innermost query level.
    pub(super) fn frame(&mut self) -> &mut Frame {
        if self.frames.is_empty() {
            self.frames.push(Frame::default());
        }
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    /// A relation by its name as it was written.
    pub(super) fn relation(&self, name: &parsed::ObjectName) -> Result<Arc<Relation>, Fault> {
        let (name, place) = object_name(name)?;
        let found = self.catalog.relation(&name).cloned();
        found.ok_or_else(|| unknown_relation(&name).at(place).at(self.at))
    }

    /// What a name by itself means: a column of the nearest level that has it, else an argument.
    pub(super) fn named(&self, ident: &Ident) -> Result<Expr, Fault> {
        let name = parse::name(ident)?;
        for frame in self.frames.iter().rev() {
            let mut found = frame.sources.iter().flat_map(|source| {
                let columns = source.columns.iter().filter(|column| column.name == name && !column.hidden);
                columns.map(move |column| column_of(source, column))
            });
            if let Some(first) = found.next() {
                let ambiguous = || Fault::new(sqlstate::AMBIGUOUS_COLUMN, format!("column reference \"{name}\" is ambiguous"));
                return if found.next().is_some() { Err(ambiguous().hint("put the table's name before it")) } else { Ok(first) };
            }
        }
        if let Some((_, column)) = self.scope.row.as_ref().and_then(|row| row.column(&name)) {
            return Ok(Expr { node: Node::Column(SourceId(0), name), ty: column.ty.clone() });
        }
        let arguments = self.scope.arguments.0.iter().enumerate();
        if let Some((place, (_, ty))) = arguments.into_iter().find(|(_, (argument, _))| *argument == name) {
            return Ok(Expr { node: Node::Param(Param::Argument(place)), ty: ty.clone() });
        }
        let whole_row = self.frames.iter().flat_map(|frame| &frame.sources).any(|source| source.alias == name);
        if whole_row {
            return Err(Fault::unsupported(format!("the whole row \"{name}\" as a value"), "name its columns"));
        }
        Err(Fault::new(sqlstate::UNDEFINED_COLUMN, format!("column \"{name}\" does not exist")))
    }

    /// What `alias.column` or `schema.table.column` means.
    pub(super) fn qualified(&self, parts: &[Ident]) -> Result<Expr, Fault> {
        let parts = parts.iter().map(parse::name).collect::<Result<Vec<_>, _>>()?;
        let [before @ .., column] = &*parts else { return Err(Fault::new(sqlstate::SYNTAX_ERROR, "a name is missing")) };
        let said = before.join(".");
        for frame in self.frames.iter().rev() {
            if let Some(source) = frame.sources.iter().find(|source| source.is_called(before)) {
                let found = source.columns.iter().find(|found| found.name == *column);
                return found.map(|found| column_of(source, found)).ok_or_else(|| no_column(&said, column));
            }
        }
        if let Some(row) = self.scope.row.as_ref().filter(|row| is_relation(&row.name, before)) {
            let (_, found) = row.column(column).ok_or_else(|| no_column(&said, column))?;
            return Ok(Expr { node: Node::Column(SourceId(0), column.clone()), ty: found.ty.clone() });
        }
        let message = format!("missing FROM-clause entry for table \"{said}\"");
        Err(Fault::new(sqlstate::UNDEFINED_TABLE, message))
    }

    /// `$1`.
    pub(super) fn placeholder(&self, text: &str) -> Result<Expr, Fault> {
        let place =
            text.strip_prefix('$').and_then(|number| number.parse::<usize>().ok()).and_then(|number| number.checked_sub(1));
        let argument = place.and_then(|place| Some((place, self.scope.arguments.0.get(place)?)));
        let Some((place, (_, ty))) = argument else {
            return Err(Fault::new(sqlstate::UNDEFINED_PARAMETER, format!("there is no parameter {text}")));
        };
        Ok(Expr { node: Node::Param(Param::Argument(place)), ty: ty.clone() })
    }
}

impl Visible {
    /// Whether `before.column` can mean this source.
    pub(super) fn is_called(&self, before: &[String]) -> bool {
        match before {
            [alias] => self.alias == *alias,
            [schema, table] => {
                self.alias == *table
                    && self.relation.as_ref().is_some_and(|relation| relation.schema == *schema && relation.name == *table)
            }
            _ => false,
        }
    }
}

impl Term {
    /// A term whose type is known.
    pub(super) const fn known(expr: Expr, at: Place) -> Self {
        Self { expr, unknown: false, at }
    }

    /// A quoted literal.
    pub(super) fn text(text: &str, at: Place) -> Self {
        Self { expr: literal(Datum::Text(text.to_owned()), Type::Text), unknown: true, at }
    }

    /// A bare `null`.
    pub(super) const fn null(at: Place) -> Self {
        Self { expr: literal(Datum::Null, Type::Text), unknown: true, at }
    }

    /// A literal's text while it has no type.
    pub(super) fn unknown_text(&self) -> Option<&str> {
        match &self.expr.node {
            Node::Literal(Datum::Text(text)) if self.unknown => Some(text),
            _ => None,
        }
    }
}

/// A constant.
pub(super) const fn literal(datum: Datum, ty: Type) -> Expr {
    Expr { node: Node::Literal(datum), ty }
}

/// A column of a source.
pub(super) fn column_of(source: &Visible, column: &VisibleColumn) -> Expr {
    Expr { node: Node::Column(source.id, column.inner.clone()), ty: column.ty.clone() }
}

/// A name of one or two parts and its place; without a schema it is in `public`.
///
/// # Errors
/// 42602 when it has more parts.
pub fn object_name(name: &parsed::ObjectName) -> Result<(Name, Place), Fault> {
    let idents = name.0.iter().filter_map(parsed::ObjectNamePart::as_ident).collect::<Vec<_>>();
    let place = idents.first().map_or_else(Place::default, |ident| parse::place_of(ident.span.start));
    match &*idents {
        [only] => Ok((Name::public(parse::name(only)?), place)),
        [schema, only] => Ok((Name::new(parse::name(schema)?, parse::name(only)?), place)),
        _ => Err(Fault::new(sqlstate::INVALID_NAME, format!("{name} is not a name with at most one schema")).at(place)),
    }
}

fn is_relation(name: &Name, before: &[String]) -> bool {
    match before {
        [table] => name.name == *table,
        [schema, table] => name.schema == *schema && name.name == *table,
        _ => false,
    }
}

/// The server's own tables are there and out of reach; others are not there.
fn unknown_relation(name: &Name) -> Fault {
    if matches!(&*name.schema, "auth" | "storage" | "plinth" | "realtime") {
        let fault = Fault::new(sqlstate::INSUFFICIENT_PRIVILEGE, format!("permission denied for table {name}"));
        return fault.hint("of the server's own tables auth.users (id, email, created_at, raw_app_meta_data), storage.buckets and storage.objects can be read");
    }
    Fault::new(sqlstate::UNDEFINED_TABLE, format!("relation \"{name}\" does not exist"))
}

fn no_column(source: &str, column: &str) -> Fault {
    Fault::new(sqlstate::UNDEFINED_COLUMN, format!("column {source}.{column} does not exist"))
}
