//! `from`: tables, views, sub-queries, common table expressions and functions, and how they are joined.

use std::sync::Arc;

use sqlparser::ast::{self as parsed, JoinConstraint, JoinOperator, TableFactor, TableWithJoins};

use super::call::{Given, called_trigger, check_one_query, given};
use super::coerce::{boolean, coerce, comparable, compared};
use super::parse;
use super::query::{Lowered, Shown};
use super::scope::{Lower, Term, Visible, VisibleColumn, column_of, object_name};
use super::types::Bend;
use crate::sql::ast::{Builtin, Expr, Join, JoinKind, Node, Operator, Rows, Source};
use crate::sql::catalog::{Function, Name, Relation, Returns};
use crate::sql::fault::{Fault, sqlstate};
use crate::values::Type;

/// Sources of one query level.
const MAX_SOURCES: usize = 64;

impl<'a> Lower<'a> {
    /// The sources of a query level, joined from left to right; they become visible.
    pub(super) fn from(&mut self, tables: &'a [TableWithJoins]) -> Result<Vec<Join>, Fault> {
        let mut joins = Vec::new();
        for table in tables {
            let source = self.factor(&table.relation)?;
            joins.push(Join { kind: JoinKind::Cross, source, on: None });
            for (place, join) in table.joins.iter().enumerate() {
                self.join(join, place == 0, &mut joins)?;
            }
        }
        if joins.len() > MAX_SOURCES {
            let message = format!("more than {MAX_SOURCES} tables in one query");
            return Err(Fault::new(sqlstate::TOO_COMPLEX, message).at(self.at));
        }
        Ok(joins)
    }

    fn join(&mut self, join: &'a parsed::Join, first: bool, joins: &mut Vec<Join>) -> Result<(), Fault> {
        let (kind, constraint, turned) = match &join.join_operator {
            JoinOperator::Join(on) | JoinOperator::Inner(on) => (JoinKind::Inner, on, false),
            JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => (JoinKind::Left, on, false),
            JoinOperator::Right(on) | JoinOperator::RightOuter(on) => (JoinKind::Left, on, true),
            JoinOperator::CrossJoin(on) => (JoinKind::Cross, on, false),
            JoinOperator::FullOuter(_) => {
                return Err(Fault::unsupported("full join", "use a left join and union all what has no match").at(self.at));
            }
            _ => return Err(Fault::unsupported("this join", "use join, left join or cross join").at(self.at)),
        };
        let source = self.factor(&join.relation)?;
        let on = match constraint {
            JoinConstraint::On(on) => Some(self.condition(on, "JOIN/ON")?),
            JoinConstraint::Using(_) if turned => {
                return Err(Fault::unsupported("right join … using", "write it as a left join").at(self.at));
            }
            JoinConstraint::Using(columns) => Some(self.using(columns)?),
            JoinConstraint::None if kind == JoinKind::Cross => None,
            JoinConstraint::None => {
                return Err(Fault::new(sqlstate::SYNTAX_ERROR, "a join needs on (…) or using (…)").at(self.at));
            }
            JoinConstraint::Natural => return Err(Fault::unsupported("natural join", "write using (…)").at(self.at)),
        };
        if !turned {
            joins.push(Join { kind, source, on });
            return Ok(());
        }
        // `a right join b` is `b left join a`, when `a` is one source.
        let left = joins.pop().filter(|_| first);
        let left =
            left.ok_or_else(|| Fault::unsupported("right join after another join", "write it as a left join").at(self.at))?;
        joins.push(Join { kind: left.kind, source, on: None });
        joins.push(Join { kind, source: left.source, on });
        Ok(())
    }

    /// `using (a, b)`: the right side's columns are merged into the left side's.
    fn using(&mut self, columns: &[parsed::ObjectName]) -> Result<Expr, Fault> {
        let Some(mut right) = self.frame().sources.pop() else {
            return Err(Fault::new(sqlstate::SYNTAX_ERROR, "a table is missing"));
        };
        let mut equal = Vec::with_capacity(columns.len());
        for column in columns {
            let Some(ident) = column.0.first().and_then(parsed::ObjectNamePart::as_ident) else { continue };
            let at = parse::place_of(ident.span.start);
            let name = parse::name(ident)?;
            let left = self.named(ident).map_err(|fault| fault.at(at))?;
            let place = right.columns.iter().position(|column| column.name == name);
            let place = place.ok_or_else(|| {
                let message = format!("column \"{name}\" specified in USING clause does not exist in right table");
                Fault::new(sqlstate::UNDEFINED_COLUMN, message).at(at)
            })?;
            let merged = column_of(&right, &right.columns[place]);
            let pair = comparable(Term::known(left, at), Term::known(merged, at), "=")?;
            equal.push(compared(Operator::Eq, pair));
            right.columns[place].hidden = true;
        }
        self.frame().sources.push(right);
        Ok(boolean(Node::And(equal)))
    }

    /// One source; it becomes visible.
    fn factor(&mut self, factor: &'a TableFactor) -> Result<Source, Fault> {
        match factor {
            TableFactor::Table { name, alias, args, with_ordinality, sample: None, version: None, json_path: None, .. } => {
                let (name, place) = object_name(name)?;
                if *with_ordinality {
                    return Err(Fault::unsupported("with ordinality", "order by a column").at(place));
                }
                match args {
                    Some(args) => {
                        let given = given(&args.args).map_err(|fault| fault.at(place))?;
                        self.function(&name, &given, alias.as_ref()).map_err(|fault| fault.at(place))
                    }
                    None => self.table(&name, alias.as_ref()).map_err(|fault| fault.at(place)),
                }
            }
            TableFactor::Derived { lateral: false, subquery, alias, sample: None } => {
                let sees = (self.ctes.len(), self.frames.len() - 1);
                let lowered = self.seen_from(sees, |lower| lower.in_query(|lower| lower.query(subquery)))?;
                let alias = alias.as_ref();
                let name = alias.map_or(Ok(String::new()), |alias| parse::name(&alias.name))?;
                self.derived(lowered, name, alias)
            }
            TableFactor::Function { name, args, with_ordinality: false, alias, .. } => {
                let (name, place) = object_name(name)?;
                let given = given(args).map_err(|fault| fault.at(place))?;
                self.function(&name, &given, alias.as_ref()).map_err(|fault| fault.at(place))
            }
            TableFactor::UNNEST { alias, array_exprs, with_offset: false, with_ordinality: false, .. } => {
                let given = array_exprs.iter().map(|value| Given { name: None, value }).collect::<Vec<_>>();
                self.function(&Name::public("unnest"), &given, alias.as_ref())
            }
            TableFactor::Derived { .. } => {
                Err(Fault::unsupported("lateral", "use a sub-query as a column, or join on the condition").at(self.at))
            }
            TableFactor::NestedJoin { .. } => {
                Err(Fault::unsupported("a join in brackets", "write it as (select … from … join …) as name").at(self.at))
            }
            _ => Err(Fault::unsupported("this source in from", "use a table, a view, a sub-query or a function").at(self.at)),
        }
    }

    /// A common table expression, a table or a view.
    fn table(&mut self, name: &Name, alias: Option<&'a parsed::TableAlias>) -> Result<Source, Fault> {
        if name.is_public() {
            for at in (0..self.ctes.len()).rev() {
                let cte = self.ctes[at];
                if parse::name(&cte.alias.name)? == name.name {
                    let mut lowered = self.seen_from(cte.sees, |lower| lower.in_query(|lower| lower.query(cte.query)))?;
                    let names = renamed(lowered.columns.iter().map(|column| column.name.clone()), Some(cte.alias))?;
                    lowered.rename(&names);
                    let alias_name = alias.map_or_else(|| Ok(name.name.clone()), |alias| parse::name(&alias.name))?;
                    return self.derived(lowered, alias_name, alias);
                }
            }
        }
        let relation = self.relation_named(name)?;
        let id = self.new_id();
        let columns = relation.columns.iter().map(|column| (column.name.clone(), column.ty.clone())).collect();
        let called = alias.map_or_else(|| Ok(name.name.clone()), |alias| parse::name(&alias.name))?;
        let relation_name = alias.is_none().then(|| name.clone());
        let source = Source { id, rows: Rows::Relation(relation) };
        self.show(source, called, relation_name, columns, alias)
    }

    fn relation_named(&self, name: &Name) -> Result<Arc<Relation>, Fault> {
        let parts = [parsed::Ident::with_quote('"', &*name.schema), parsed::Ident::with_quote('"', &*name.name)];
        self.relation(&parsed::ObjectName::from(parts.to_vec()))
    }

    /// A query in `from`. Its columns get names of their own, so that each can be told from the others.
    fn derived(&mut self, mut lowered: Lowered, name: String, alias: Option<&'a parsed::TableAlias>) -> Result<Source, Fault> {
        let shown = lowered.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
        let mut inner: Vec<String> = Vec::with_capacity(shown.len());
        for name in &shown {
            let taken = inner.contains(name) || name == "?column?";
            inner.push(if taken { format!("{name}:{}", inner.len() + 1) } else { name.clone() });
        }
        lowered.rename(&inner);
        for place in 0..lowered.columns.len() {
            let Shown { ty, unknown, .. } = lowered.columns[place].clone();
            if unknown {
                lowered.bring(place, &ty, Bend::Implicit)?;
            }
        }
        let id = self.new_id();
        let names = renamed(shown.into_iter(), alias)?;
        let columns = names.into_iter().zip(inner).zip(&lowered.columns).map(|((name, inner), column)| VisibleColumn {
            name,
            inner,
            ty: column.ty.clone(),
            hidden: false,
        });
        let visible = Visible { id, alias: name, relation: None, columns: columns.collect() };
        self.reveal(visible)?;
        Ok(Source { id, rows: Rows::Query(Box::new(lowered.query)) })
    }

    /// A function's rows.
    fn function(&mut self, name: &Name, given: &[Given<'a>], alias: Option<&'a parsed::TableAlias>) -> Result<Source, Fault> {
        let called = alias.map_or_else(|| Ok(name.name.clone()), |alias| parse::name(&alias.name))?;
        if let Some((rows, ty)) = self.elements(name, given)? {
            let id = self.new_id();
            // PostgreSQL calls the column of `unnest` and of a series as the table, that of `jsonb_array_elements` by its own name.
            let shown = if matches!(&*name.name, "unnest" | "generate_series") { called.clone() } else { "value".to_owned() };
            let shown = renamed(std::iter::once(shown), alias)?;
            let column = VisibleColumn { name: shown[0].clone(), inner: "value".to_owned(), ty, hidden: false };
            self.reveal(Visible { id, alias: called, relation: None, columns: vec![column] })?;
            return Ok(Source { id, rows });
        }
        // Other functions are put in place of their calls, as queries, which cannot see their neighbours in `from`.
        let sees = (self.ctes.len(), self.frames.len() - 1);
        let (function, arguments) = self.seen_from(sees, |lower| lower.resolve(name, given))?;
        check_one_query(&function)?;
        let columns = self.columns_of(&function)?;
        // A function that gives single values has one column: by its own name inside, and by the source's name for others.
        let single = matches!(function.returns, Returns::Scalar(_) | Returns::SetOfScalar(_));
        let shown = columns.iter().map(|(name, _)| if single { called.clone() } else { name.clone() });
        let names = renamed(shown, alias)?;
        let columns =
            names.into_iter().zip(columns).map(|(name, (inner, ty))| VisibleColumn { name, inner, ty, hidden: false }).collect();
        let id = self.new_id();
        self.reveal(Visible { id, alias: called, relation: None, columns })?;
        Ok(Source { id, rows: Rows::Function(function, arguments) })
    }

    /// The columns of a function's rows.
    fn columns_of(&self, function: &Function) -> Result<Vec<(String, Type)>, Fault> {
        match &function.returns {
            Returns::Scalar(ty) | Returns::SetOfScalar(ty) if *ty != Type::Void => {
                Ok(vec![(function.name.name.clone(), ty.clone())])
            }
            Returns::Row(name) | Returns::SetOfRow(name) => {
                let relation = self.relation_named(name)?;
                Ok(relation.columns.iter().map(|column| (column.name.clone(), column.ty.clone())).collect())
            }
            Returns::Table(columns) => Ok(columns.clone()),
            Returns::Trigger(_) => Err(called_trigger()),
            Returns::Void | Returns::Scalar(_) | Returns::SetOfScalar(_) => {
                Err(Fault::unsupported("a function that returns nothing in from", "call it by itself, through rpc"))
            }
        }
    }

    /// `jsonb_array_elements(x)`, `unnest(x)`: these may use the columns of what stands before them.
    fn elements(&mut self, name: &Name, given: &[Given<'a>]) -> Result<Option<(Rows, Type)>, Fault> {
        let own = name.is_public() && !self.catalog.functions_named(name).is_empty();
        let (of, as_text) = match &*name.name {
            _ if own || !matches!(&*name.schema, "public" | "pg_catalog") => return Ok(None),
            "jsonb_array_elements" => (Some(Type::Jsonb), false),
            "json_array_elements" => (Some(Type::Json), false),
            "jsonb_array_elements_text" => (Some(Type::Jsonb), true),
            "json_array_elements_text" => (Some(Type::Json), true),
            "unnest" => (None, false),
            "generate_series" => return self.series(given).map(Some),
            _ => return Ok(None),
        };
        let [Given { name: None, value }] = given else {
            return Err(Fault::new(sqlstate::UNDEFINED_FUNCTION, format!("{} takes one argument", name.name)));
        };
        let term = self.shown_term(value)?;
        let (of, ty) = match of {
            Some(json) => {
                let ty = if as_text { Type::Text } else { json.clone() };
                (coerce(term, &json, Bend::Implicit)?, ty)
            }
            None => match term.expr.ty.clone() {
                Type::Array(element) => (term.expr, *element),
                other => {
                    let message = format!("function unnest({other}) does not exist");
                    return Err(Fault::new(sqlstate::UNDEFINED_FUNCTION, message));
                }
            },
        };
        Ok(Some((Rows::Elements { of, as_text }, ty)))
    }

    /// `generate_series(first, last[, step])` of integers.
    fn series(&mut self, given: &[Given<'a>]) -> Result<(Rows, Type), Fault> {
        let terms = given.iter().map(|given| self.shown_term(given.value)).collect::<Result<Vec<_>, _>>()?;
        let whole = |term: &Term| term.unknown || matches!(term.expr.ty, Type::Int2 | Type::Int4 | Type::Int8);
        if !(2..=3).contains(&terms.len()) || !terms.iter().all(whole) {
            return Err(Fault::unsupported(
                "generate_series of other than two or three integers",
                "count days: current_date - n from generate_series(0, 6) as n",
            ));
        }
        let ty = if terms.iter().any(|term| term.expr.ty == Type::Int8) { Type::Int8 } else { Type::Int4 };
        let terms = terms.into_iter().map(|term| coerce(term, &ty, Bend::Implicit)).collect::<Result<Vec<_>, _>>()?;
        let of = Expr { node: Node::Call(Builtin::Series, terms), ty: Type::Array(Box::new(ty.clone())) };
        Ok((Rows::Elements { of, as_text: false }, ty))
    }

    /// Makes a source visible whose columns have their own names inside.
    fn show(
        &mut self,
        source: Source,
        alias_name: String,
        relation: Option<Name>,
        columns: Vec<(String, Type)>,
        alias: Option<&parsed::TableAlias>,
    ) -> Result<Source, Fault> {
        let names = renamed(columns.iter().map(|(name, _)| name.clone()), alias)?;
        self.count(columns.len())?;
        let columns =
            names.into_iter().zip(columns).map(|(name, (inner, ty))| VisibleColumn { name, inner, ty, hidden: false }).collect();
        self.reveal(Visible { id: source.id, alias: alias_name, relation, columns })?;
        Ok(source)
    }

    /// Makes a source visible.
    pub(super) fn reveal(&mut self, visible: Visible) -> Result<(), Fault> {
        let at = self.at;
        let frame = self.frame();
        if !visible.alias.is_empty() && frame.sources.iter().any(|source| source.alias == visible.alias) {
            let message = format!("table name \"{}\" specified more than once", visible.alias);
            return Err(Fault::new(sqlstate::DUPLICATE_ALIAS, message).hint("give it an alias").at(at));
        }
        frame.sources.push(visible);
        Ok(())
    }
}

/// The columns' names after an alias's list: `t(a, b)`.
fn renamed(names: impl Iterator<Item = String>, alias: Option<&parsed::TableAlias>) -> Result<Vec<String>, Fault> {
    let mut names = names.collect::<Vec<_>>();
    let Some(alias) = alias else { return Ok(names) };
    if alias.columns.len() > names.len() {
        let message = format!(
            "table \"{}\" has {} columns available but {} columns specified",
            alias.name,
            names.len(),
            alias.columns.len()
        );
        return Err(Fault::new(sqlstate::INVALID_COLUMN_REFERENCE, message));
    }
    for (name, column) in names.iter_mut().zip(&alias.columns) {
        *name = parse::name(&column.name)?;
    }
    Ok(names)
}
