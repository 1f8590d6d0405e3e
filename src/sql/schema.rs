//! An app's schema as requests use it: the catalogue, with everything that it keeps as text lowered once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::ast::{Body, Expr, Node, Query, Rows, Statement};
use super::catalog::{Catalog, Column, Function, Generated, Name, Relation, Returns, Shape, Table};
use super::compile::{Lowered, RowPolicy};
use super::fault::{Fault, sqlstate};
use super::indexes::LoweredIndex;
use super::lower::{self, Arguments, Scope};
use super::system;
use super::walk;
use crate::values::{Datum, Type};

/// A catalogue and its lowered pieces. Immutable.
#[derive(Debug, Default)]
pub struct Schema {
    catalog: Catalog,
    relations: HashMap<Name, Pieces>,
    /// In the order of the catalogue's functions of that name.
    bodies: HashMap<Name, Vec<Bodied>>,
}

/// A function with its statements.
type Bodied = (Arc<Function>, Vec<Statement>);

/// The lowered pieces of a relation.
#[derive(Debug, Default)]
struct Pieces {
    view: Option<Arc<Query>>,
    policies: Vec<RowPolicy>,
    checks: Vec<LoweredCheck>,
    defaults: HashMap<String, Expr>,
    generated: HashMap<String, Expr>,
    indexes: Vec<LoweredIndex>,
}

/// A check whose condition sees the table's row as source 0.
#[derive(Clone, Debug, PartialEq)]
pub struct LoweredCheck {
    pub name: String,
    pub condition: Expr,
}

impl Schema {
    /// Lowers all that a catalogue keeps as text. The server's own tables that apps may read are put into it.
    ///
    /// # Errors
    ///
    /// The first piece that does not lower, and views and functions that are made of themselves (42P17); the message says which.
    pub fn build(mut catalog: Catalog) -> Result<Self, Fault> {
        system::put_into(&mut catalog);
        let mut relations = HashMap::new();
        for relation in catalog.relations() {
            relations.insert(relation.name.clone(), Pieces::of(relation, &catalog)?);
        }
        let mut bodies: HashMap<Name, Vec<_>> = HashMap::new();
        for function in catalog.functions() {
            let body = lower_body(function, &catalog).map_err(|fault| inside(fault, &format!("function {}", function.name)))?;
            bodies.entry(function.name.clone()).or_default().push((Arc::clone(function), body));
        }
        let schema = Self { catalog, relations, bodies };
        schema.check_cycles()?;
        Ok(schema)
    }

    #[must_use]
    pub const fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// A table or view.
    #[must_use]
    pub fn relation(&self, name: &Name) -> Option<&Arc<Relation>> {
        self.catalog.relation(name)
    }

    /// A view's query.
    #[must_use]
    pub fn view(&self, name: &Name) -> Option<&Arc<Query>> {
        self.relations.get(name)?.view.as_ref()
    }

    /// A table's policies; none for views.
    #[must_use]
    pub fn policies(&self, name: &Name) -> &[RowPolicy] {
        self.relations.get(name).map_or(&[], |pieces| &pieces.policies)
    }

    /// What a column gets when a row does not say.
    #[must_use]
    pub fn default_of(&self, name: &Name, column: &str) -> Option<&Expr> {
        self.relations.get(name)?.defaults.get(column)
    }

    /// A table's checks.
    #[must_use]
    pub fn checks(&self, name: &Name) -> &[LoweredCheck] {
        self.relations.get(name).map_or(&[], |pieces| &pieces.checks)
    }

    /// The expression of a column that is `generated always as (…) stored`.
    #[must_use]
    pub fn generated(&self, name: &Name, column: &str) -> Option<&Expr> {
        self.relations.get(name)?.generated.get(column)
    }

    /// A table's indexes, but for those that only PostgreSQL has.
    #[must_use]
    pub fn indexes(&self, name: &Name) -> &[LoweredIndex] {
        self.relations.get(name).map_or(&[], |pieces| &pieces.indexes)
    }

    /// A function's statements; the last one answers, its columns brought to what the function returns.
    #[must_use]
    pub fn body(&self, function: &Function) -> Option<&[Statement]> {
        let same = self.bodies.get(&function.name)?;
        same.iter().find(|(other, _)| other.has_same_arguments(function)).map(|(_, body)| &**body)
    }

    /// Views and functions are put in place of their names, so none may be made of itself.
    fn check_cycles(&self) -> Result<(), Fault> {
        let mut uses: BTreeMap<Thing, BTreeSet<Thing>> = BTreeMap::new();
        for (name, pieces) in &self.relations {
            if let Some(view) = &pieces.view {
                let mut used = BTreeSet::new();
                collect_query(view, &mut used);
                uses.insert(Thing::View(name.clone()), used);
            }
        }
        for (function, body) in self.bodies.values().flatten() {
            let mut used = BTreeSet::new();
            body.iter().for_each(|statement| collect_statement(statement, &mut used));
            uses.insert(Thing::of(function), used);
        }
        let mut done = BTreeSet::new();
        for thing in uses.keys() {
            visit(thing, &uses, &mut Vec::new(), &mut done)?;
        }
        Ok(())
    }
}

impl Lowered for Schema {
    fn relation(&self, name: &Name) -> Option<&Arc<Relation>> {
        Self::relation(self, name)
    }

    fn view(&self, name: &Name) -> Option<&Arc<Query>> {
        Self::view(self, name)
    }

    fn policies(&self, name: &Name) -> &[RowPolicy] {
        Self::policies(self, name)
    }

    fn default_of(&self, name: &Name, column: &str) -> Option<&Expr> {
        Self::default_of(self, name, column)
    }

    fn indexes(&self, name: &Name) -> &[LoweredIndex] {
        Self::indexes(self, name)
    }

    fn body(&self, function: &Function) -> Option<&[Statement]> {
        Self::body(self, function)
    }
}

/// What is put in place of its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Thing {
    View(Name),
    Function(Name, Vec<String>),
}

impl Thing {
    fn of(function: &Function) -> Self {
        Self::Function(function.name.clone(), function.arguments.iter().map(|argument| argument.ty.bare().to_string()).collect())
    }
}

/// Views and functions inside one another; deeper than this is refused.
const MAX_NESTING: usize = 32;

fn visit(
    thing: &Thing,
    uses: &BTreeMap<Thing, BTreeSet<Thing>>,
    path: &mut Vec<Thing>,
    done: &mut BTreeSet<Thing>,
) -> Result<(), Fault> {
    if done.contains(thing) {
        return Ok(());
    }
    let (Thing::View(name) | Thing::Function(name, _)) = thing;
    if path.contains(thing) {
        let message = format!("infinite recursion detected in \"{name}\"");
        return Err(
            Fault::new(sqlstate::INVALID_OBJECT_DEFINITION, message).hint("views and functions cannot be made of themselves")
        );
    }
    if path.len() >= MAX_NESTING {
        let message = format!("views and functions are more than {MAX_NESTING} deep inside one another at \"{name}\"");
        return Err(Fault::new(sqlstate::TOO_COMPLEX, message));
    }
    path.push(thing.clone());
    for used in uses.get(thing).into_iter().flatten() {
        visit(used, uses, path, done)?;
    }
    path.pop();
    done.insert(thing.clone());
    Ok(())
}

fn collect_statement(statement: &Statement, used: &mut BTreeSet<Thing>) {
    let (joins, exprs): (_, Vec<&Expr>) = match statement {
        Statement::Query(query) => return collect_query(query, used),
        Statement::Insert(insert) => {
            collect_query(&insert.from, used);
            let conflict = insert.conflict.iter();
            let set = conflict.flat_map(|on| on.assignments.iter().map(|(_, value)| value).chain(&on.filter));
            (&[][..], set.chain(insert.returning.iter().map(|output| &output.expr)).collect())
        }
        Statement::Update(update) => {
            let set = update.assignments.iter().map(|(_, value)| value).chain(&update.filter);
            (&*update.from, set.chain(update.returning.iter().map(|output| &output.expr)).collect())
        }
        Statement::Delete(delete) => {
            (&*delete.using, delete.filter.iter().chain(delete.returning.iter().map(|output| &output.expr)).collect())
        }
    };
    for join in joins {
        collect_rows(&join.source.rows, used);
        join.on.iter().for_each(|on| collect_expr(on, used));
    }
    exprs.into_iter().for_each(|expr| collect_expr(expr, used));
}

fn collect_query(query: &Query, used: &mut BTreeSet<Thing>) {
    collect_sources(query, used);
    let visited = walk::try_query::<()>(query, &mut |expr| {
        collect_expr(expr, used);
        Ok(())
    });
    debug_assert!(visited.is_ok(), "the visit refuses nothing");
}

fn collect_sources(query: &Query, used: &mut BTreeSet<Thing>) {
    match &query.body {
        Body::Select(select) => select.from.iter().for_each(|join| collect_rows(&join.source.rows, used)),
        Body::Union { left, right, .. } | Body::Intersect { left, right } | Body::Except { left, right } => {
            collect_sources(left, used);
            collect_sources(right, used);
        }
    }
}

fn collect_rows(rows: &Rows, used: &mut BTreeSet<Thing>) {
    match rows {
        Rows::Relation(relation) if relation.view().is_some() => {
            used.insert(Thing::View(relation.name.clone()));
        }
        Rows::Function(function, _) => {
            used.insert(Thing::of(function));
        }
        Rows::Query(query) => collect_query(query, used),
        Rows::Relation(_) | Rows::Values { .. } | Rows::Elements { .. } => {}
    }
}

fn collect_expr(expr: &Expr, used: &mut BTreeSet<Thing>) {
    match &expr.node {
        Node::Function(function, _) => {
            used.insert(Thing::of(function));
        }
        Node::InQuery(_, query) | Node::Exists(query) | Node::Scalar(query) | Node::JsonRows(query) | Node::JsonRow(query) => {
            collect_sources(query, used);
        }
        _ => {}
    }
    let visited = walk::try_children::<()>(expr, &mut |child| {
        collect_expr(child, used);
        Ok(())
    });
    debug_assert!(visited.is_ok(), "the visit refuses nothing");
}

impl Pieces {
    fn of(relation: &Arc<Relation>, catalog: &Catalog) -> Result<Self, Fault> {
        let mut pieces = Self::default();
        match &relation.shape {
            Shape::View(view) => {
                let query = lower::query_with(&view.text, catalog, &Scope::default());
                let mut query = query.map_err(|fault| inside(fault, &format!("view {}", relation.name)))?;
                keep_columns(&mut query, relation)?;
                pieces.view = Some(Arc::new(query));
            }
            Shape::Table(table) => {
                pieces.lower_table(relation, table, catalog)?;
                for column in &relation.columns {
                    let what = || format!("column {}.{}", relation.name, column.name);
                    pieces.lower_column(relation, column, catalog).map_err(|fault| inside(fault, &what()))?;
                }
            }
        }
        Ok(pieces)
    }

    fn lower_table(&mut self, relation: &Arc<Relation>, table: &Table, catalog: &Catalog) -> Result<(), Fault> {
        let scope = Scope::row(relation).expecting(Type::Bool);
        let condition =
            |text: &String, what: String| lower::expression_with(text, catalog, &scope).map_err(|fault| inside(fault, &what));
        for policy in &table.policies {
            let what = || format!("policy \"{}\" on {}", policy.name, relation.name);
            self.policies.push(RowPolicy {
                name: policy.name.clone(),
                permissive: policy.permissive,
                command: policy.command,
                roles: policy.roles.clone(),
                using: policy.using.as_ref().map(|text| condition(text, what())).transpose()?,
                with_check: policy.with_check.as_ref().map(|text| condition(text, what())).transpose()?,
            });
        }
        for check in &table.checks {
            let what = format!("check \"{}\" of {}", check.name, relation.name);
            self.checks.push(LoweredCheck { name: check.name.clone(), condition: condition(&check.text, what)? });
        }
        // One that does not lower serves no condition; when it is made it is refused.
        let lowered = table.indexes.iter().map(|index| LoweredIndex::of(index, relation, catalog));
        self.indexes.extend(lowered.filter_map(|index| index.ok().flatten()));
        Ok(())
    }

    fn lower_column(&mut self, relation: &Arc<Relation>, column: &Column, catalog: &Catalog) -> Result<(), Fault> {
        if let Some(default) = &column.default {
            let scope = Scope::default().expecting(column.ty.clone());
            self.defaults.insert(column.name.clone(), lower::expression_with(&default.text, catalog, &scope)?);
        }
        if let Some(Generated::Stored { text }) = &column.generated {
            let scope = Scope::row(relation).expecting(column.ty.clone());
            self.generated.insert(column.name.clone(), lower::expression_with(text, catalog, &scope)?);
        }
        Ok(())
    }
}

/// Lowers a function's statements and brings what the last one gives to what the function returns.
pub(super) fn lower_body(function: &Function, catalog: &Catalog) -> Result<Vec<Statement>, Fault> {
    if function.is_for_triggers() {
        return Ok(Vec::new());
    }
    let arguments = function.arguments.iter().map(|argument| (argument.name.clone(), argument.ty.clone()));
    let scope = Scope { arguments: Arguments(arguments.collect()), ..Scope::default() };
    let returned = returned(function, catalog)?;
    lower::body_with(&function.body, catalog, &scope, returned.as_deref())
}

/// The columns that a function returns; `None` when it returns nothing.
fn returned(function: &Function, catalog: &Catalog) -> Result<Option<Vec<(String, Type)>>, Fault> {
    Ok(match &function.returns {
        Returns::Void | Returns::Scalar(Type::Void) | Returns::SetOfScalar(Type::Void) => None,
        Returns::Scalar(ty) | Returns::SetOfScalar(ty) => Some(vec![(function.name.name.clone(), ty.clone())]),
        Returns::Row(name) | Returns::SetOfRow(name) => {
            let relation = catalog.relation(name).ok_or_else(|| {
                Fault::new(sqlstate::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist")).hint("name a table, or a type")
            })?;
            Some(relation.columns.iter().map(|column| (column.name.clone(), column.ty.clone())).collect())
        }
        Returns::Table(columns) => Some(columns.clone()),
        Returns::Trigger(_) => None,
    })
}

/// `select *` in a view means the columns that there were when it was made: those that came later are left out.
pub(super) fn keep_columns(query: &mut Query, relation: &Relation) -> Result<(), Fault> {
    let outputs = query.columns();
    let names = outputs.iter().map(|output| output.name.clone()).collect::<Vec<_>>();
    if names.iter().eq(relation.columns.iter().map(|column| &column.name)) {
        return Ok(());
    }
    let places =
        relation.columns.iter().map(|column| names.iter().position(|name| *name == column.name)).collect::<Option<Vec<_>>>();
    let changed = || {
        let message = format!("view {} no longer gives the columns that it was made with", relation.name);
        Fault::new(sqlstate::INVALID_TABLE_DEFINITION, message).hint("drop the view first, and create it again afterwards")
    };
    let (Some(places), Body::Select(select)) = (places, &mut query.body) else { return Err(changed()) };
    for order in &mut query.order {
        if let Node::Literal(Datum::Int(place)) = &mut order.by.node {
            let kept = places.iter().position(|kept| i64::try_from(kept + 1) == Ok(*place)).ok_or_else(changed)?;
            *place = i64::try_from(kept + 1).unwrap_or(i64::MAX);
        }
    }
    select.columns = places.into_iter().filter_map(|place| select.columns.get(place).cloned()).collect();
    Ok(())
}

fn inside(fault: Fault, what: &str) -> Fault {
    Fault { message: format!("in {what}: {}", fault.message), ..fault }
}
