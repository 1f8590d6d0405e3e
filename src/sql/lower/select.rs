//! One `select`.

use sqlparser::ast::{self as parsed, Distinct, Expr as Parsed, GroupByExpr, SelectItem, SelectItemQualifiedWildcardKind};

use super::aggregate::{check_grouped, ordered};
use super::parse;
use super::query::{Lowered, Shown, bare, empty_select, place_in, place_literal, place_of};
use super::scope::{Frame, Lower, column_of, object_name};
use super::types::is_comparable;
use crate::sql::ast::{
    Body, Expr, Join, JoinKind, Node, Operator, Order, Output, Over, Query, Rows, Select, Source, SourceId, Window,
    WindowFunction,
};
use crate::sql::catalog::Catalog;
use crate::sql::fault::{Fault, sqlstate};
use crate::values::{Datum, Type};

/// Columns of one query.
const MAX_COLUMNS: usize = 1664;

impl<'a> Lower<'a> {
    pub(super) fn select(&mut self, select: &'a parsed::Select, order: &'a [parsed::OrderByExpr]) -> Result<Lowered, Fault> {
        check_clauses(select).map_err(|fault| fault.at(self.at))?;
        self.frames.push(Frame::default());
        let depth = self.frames.len();
        let done = self.select_inside(select, order);
        self.frames.truncate(depth - 1);
        done
    }

    fn select_inside(&mut self, select: &'a parsed::Select, order: &'a [parsed::OrderByExpr]) -> Result<Lowered, Fault> {
        let (distinct, on) = match &select.distinct {
            None | Some(Distinct::All) => (false, None),
            Some(Distinct::Distinct) => (true, None),
            Some(Distinct::On(keys)) => (false, Some(keys)),
        };
        let from = self.from(&select.from)?;
        let filter = select.selection.as_ref().map(|filter| self.condition(filter, "WHERE")).transpose()?;
        self.frame().aggregates = true;
        self.frame().windows = true;
        let (columns, shown) = self.projection(&select.projection)?;
        self.frame().aggregates = false;
        self.frame().windows = false;
        let group_by = self.group_by(&select.group_by, &columns)?;
        let keys = on.map(|keys| self.groups(keys, &columns)).transpose()?;
        self.frame().aggregates = true;
        let having = select.having.as_ref().map(|having| self.condition(having, "HAVING")).transpose()?;
        self.frame().windows = true;
        let order = self.select_order(order, &columns, distinct)?;
        self.frame().aggregates = false;
        self.frame().windows = false;
        let unequal = columns.iter().find(|column| distinct && !is_comparable(&column.expr.ty));
        if let Some(column) = unequal {
            let message = format!("could not identify an equality operator for type {}", column.expr.ty);
            return Err(Fault::new(sqlstate::UNDEFINED_FUNCTION, message).hint("use jsonb").at(self.at));
        }
        let select = Select { distinct, columns, from, filter, group_by, having };
        if self.frame().aggregated || !select.group_by.is_empty() || select.having.is_some() {
            self.check_groups(&select, &order)?;
        }
        let query = match keys {
            Some(keys) => self.first_of_each(select, order, keys)?,
            None => Query { order, ..bare(Body::Select(Box::new(select))) },
        };
        Ok(Lowered { query, columns: shown })
    }

    /// `distinct on (keys)`: of the rows that are equal by the keys the first, by the order. It is the one that is numbered 1 among them.
    fn first_of_each(&mut self, mut select: Select, order: Vec<Order>, keys: Vec<Expr>) -> Result<Query, Fault> {
        let resolved = |term: Order| match place_of(&term.by).and_then(|place| select.columns.get(place)) {
            Some(column) => Order { by: column.expr.clone(), ..term },
            None => term,
        };
        let order = order.into_iter().map(resolved).collect::<Vec<_>>();
        let leading = order.iter().take_while(|term| keys.contains(&term.by)).count();
        if leading < order.len() && !keys.iter().all(|key| order[..leading].iter().any(|term| term.by == *key)) {
            let message = "SELECT DISTINCT ON expressions must match initial ORDER BY expressions";
            return Err(Fault::new(sqlstate::INVALID_COLUMN_REFERENCE, message).at(self.at));
        }
        let id = self.new_id();
        let seen = |name: String, ty: &Type| Expr { node: Node::Column(id, name), ty: ty.clone() };
        let mut outer = empty_select();
        for (place, column) in select.columns.iter_mut().enumerate() {
            let name = format!("c{place}");
            outer
                .columns
                .push(Output { expr: seen(name.clone(), &column.expr.ty), name: std::mem::replace(&mut column.name, name) });
        }
        let mut outer_order = Vec::with_capacity(order.len());
        for (place, term) in order.iter().enumerate() {
            let name = format!("o{place}");
            outer_order.push(Order { by: seen(name.clone(), &term.by.ty), ..term.clone() });
            select.columns.push(Output { name, expr: term.by.clone() });
        }
        let function = Window::Function(WindowFunction::RowNumber, Vec::new());
        let over = Box::new(Over { partition: keys, order, frame: None });
        select
            .columns
            .push(Output { name: "n".to_owned(), expr: Expr { node: Node::Window { function, over }, ty: Type::Int8 } });
        let one = Box::new(Expr { node: Node::Literal(Datum::Int(1)), ty: Type::Int8 });
        let first = Node::Binary(Operator::Eq, Box::new(seen("n".to_owned(), &Type::Int8)), one);
        outer.filter = Some(Expr { node: first, ty: Type::Bool });
        let source = Source { id, rows: Rows::Query(Box::new(bare(Body::Select(Box::new(select))))) };
        outer.from = vec![Join { kind: JoinKind::Cross, source, on: None }];
        Ok(Query { order: outer_order, ..bare(Body::Select(Box::new(outer))) })
    }

    fn check_groups(&mut self, select: &Select, order: &[Order]) -> Result<(), Fault> {
        let at = self.at;
        let sources = &self.frame().sources;
        let own = sources.iter().map(|source| source.id).collect::<Vec<SourceId>>();
        let name =
            |id: SourceId| sources.iter().find(|source| source.id == id).map_or_else(String::new, |source| source.alias.clone());
        let shown = select.columns.iter().map(|column| &column.expr);
        for expr in shown.chain(&select.having).chain(order.iter().map(|order| &order.by)) {
            check_grouped(expr, &select.group_by, &own, &name).map_err(|fault| fault.at(at))?;
        }
        Ok(())
    }

    /// What is selected, and what `returning` gives.
    pub(super) fn projection(&mut self, items: &'a [SelectItem]) -> Result<(Vec<Output>, Vec<Shown>), Fault> {
        let mut columns = Vec::with_capacity(items.len());
        let mut shown = Vec::with_capacity(items.len());
        for item in items {
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let name = output_name(expr, self.catalog);
                    self.output(expr, name, &mut columns, &mut shown)?;
                }
                SelectItem::ExprWithAlias { expr, alias } => self.output(expr, parse::name(alias)?, &mut columns, &mut shown)?,
                SelectItem::Wildcard(options) => {
                    check_wildcard(options)?;
                    self.all_of(None, &mut columns, &mut shown)?;
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                    check_wildcard(options)?;
                    self.all_of(Some(name), &mut columns, &mut shown)?;
                }
                SelectItem::QualifiedWildcard(..) | SelectItem::ExprWithAliases { .. } => {
                    return Err(Fault::unsupported("this item in select", "name the columns").at(self.at));
                }
            }
            if columns.len() > MAX_COLUMNS {
                let message = format!("target lists can have at most {MAX_COLUMNS} entries");
                return Err(Fault::new("54011", message).at(self.at));
            }
        }
        Ok((columns, shown))
    }

    fn output(&mut self, expr: &'a Parsed, name: String, columns: &mut Vec<Output>, shown: &mut Vec<Shown>) -> Result<(), Fault> {
        let term = self.shown_term(expr)?;
        shown.push(Shown { name: name.clone(), ty: term.expr.ty.clone(), unknown: term.unknown });
        columns.push(Output { name, expr: term.expr });
        Ok(())
    }

    /// `*` or `alias.*`.
    fn all_of(
        &mut self,
        of: Option<&parsed::ObjectName>,
        columns: &mut Vec<Output>,
        shown: &mut Vec<Shown>,
    ) -> Result<(), Fault> {
        let of = of.map(object_name).transpose()?;
        let parts = of.as_ref().map(|(name, _)| match &*name.schema {
            "public" => vec![name.name.clone()],
            _ => vec![name.schema.clone(), name.name.clone()],
        });
        let mut found = false;
        let mut all = Vec::new();
        for source in &self.frame().sources {
            if parts.as_ref().is_some_and(|parts| !source.is_called(parts)) {
                continue;
            }
            found = true;
            let seen = source.columns.iter().filter(|column| parts.is_some() || !column.hidden);
            all.extend(seen.map(|column| (column.name.clone(), column_of(source, column))));
        }
        if !found {
            let fault = match of {
                None => Fault::new(sqlstate::SYNTAX_ERROR, "select * with no tables specified is not valid"),
                Some((name, place)) => {
                    let message = format!("missing FROM-clause entry for table \"{name}\"");
                    Fault::new(sqlstate::UNDEFINED_TABLE, message).at(place)
                }
            };
            return Err(fault.at(self.at));
        }
        self.count(all.len())?;
        for (name, expr) in all {
            shown.push(Shown { name: name.clone(), ty: expr.ty.clone(), unknown: false });
            columns.push(Output { name, expr });
        }
        Ok(())
    }

    /// By place, by a source's column, by a selected column's name, or by an expression.
    fn group_by(&mut self, group_by: &'a GroupByExpr, columns: &[Output]) -> Result<Vec<Expr>, Fault> {
        let GroupByExpr::Expressions(terms, modifiers) = group_by else {
            return Err(Fault::unsupported("group by all", "name what to group by").at(self.at));
        };
        if !modifiers.is_empty() {
            return Err(Fault::unsupported("grouping sets", "use several queries with union all").at(self.at));
        }
        self.groups(terms, columns)
    }

    fn groups(&mut self, terms: &'a [Parsed], columns: &[Output]) -> Result<Vec<Expr>, Fault> {
        let mut groups = Vec::with_capacity(terms.len());
        for term in terms {
            let chosen = match place_in(term, columns.len())? {
                Some(place) => columns[place].expr.clone(),
                None => match self.output_named(term, columns, false)? {
                    Some(place) => columns[place].expr.clone(),
                    None => self.shown_term(term)?.expr,
                },
            };
            if !is_comparable(&chosen.ty) {
                let message = format!("could not identify an equality operator for type {}", chosen.ty);
                return Err(Fault::new(sqlstate::UNDEFINED_FUNCTION, message).at(parse::place(term)).at(self.at));
            }
            groups.push(chosen);
        }
        Ok(groups)
    }

    /// The selected column that a bare name means. `order by` looks there first, `group by` among the sources first.
    fn output_named(&self, term: &Parsed, columns: &[Output], first: bool) -> Result<Option<usize>, Fault> {
        let Parsed::Identifier(ident) = term else { return Ok(None) };
        if !first && self.named(ident).is_ok() {
            return Ok(None);
        }
        let name = parse::name(ident)?;
        let mut found = columns.iter().enumerate().filter(|(_, column)| column.name == name);
        let Some((place, column)) = found.next() else { return Ok(None) };
        if found.any(|(_, other)| other.expr != column.expr) {
            let message = format!("ORDER BY \"{name}\" is ambiguous");
            return Err(Fault::new(sqlstate::AMBIGUOUS_COLUMN, message).at(parse::place(term)));
        }
        Ok(Some(place))
    }

    fn select_order(
        &mut self,
        order: &'a [parsed::OrderByExpr],
        columns: &[Output],
        distinct: bool,
    ) -> Result<Vec<Order>, Fault> {
        let mut terms = Vec::with_capacity(order.len());
        for term in order {
            let place = match place_in(&term.expr, columns.len())? {
                Some(place) => Some(place),
                None => self.output_named(&term.expr, columns, true)?,
            };
            let (expr, place) = match place {
                Some(place) => (columns[place].expr.clone(), Some(place)),
                None => {
                    let expr = self.shown_term(&term.expr)?.expr;
                    let place = columns.iter().position(|column| column.expr == expr);
                    (expr, place)
                }
            };
            let is_column = matches!(expr.node, Node::Column(..));
            let mut chosen = ordered(expr, &term.options).map_err(|fault| fault.at(parse::place(&term.expr)))?;
            match place {
                // A column is ordered by as such, which an index can serve; other expressions are not computed twice.
                Some(_) if distinct && matches!(chosen.by.ty, Type::Enum(_)) => return Err(super::query::enum_order()),
                Some(place) if distinct || !is_column => chosen.by = place_literal(place),
                None if distinct => {
                    let message = "for SELECT DISTINCT, ORDER BY expressions must appear in select list";
                    return Err(Fault::new(sqlstate::INVALID_COLUMN_REFERENCE, message).at(parse::place(&term.expr)));
                }
                _ => {}
            }
            terms.push(chosen);
        }
        Ok(terms)
    }
}

/// Refuses clauses that the subset lacks.
fn check_clauses(select: &parsed::Select) -> Result<(), Fault> {
    let lacking = [
        (select.into.is_some(), "select … into", "write create table, then insert into … select"),
        (!select.named_window.is_empty(), "a named window", "write over (…) at each call"),
        (select.qualify.is_some(), "qualify", "put the query into another's from, and filter there"),
        (
            select.top.is_some() || select.prewhere.is_some() || !select.lateral_views.is_empty(),
            "this clause",
            "write plain select",
        ),
        (!select.connect_by.is_empty() || select.value_table_mode.is_some(), "this clause", "write plain select"),
        (!select.cluster_by.is_empty() || !select.distribute_by.is_empty(), "this clause", "write plain select"),
        (!select.sort_by.is_empty() || select.exclude.is_some(), "this clause", "write plain select"),
        (
            select.select_modifiers.is_some() || select.flavor != parsed::SelectFlavor::Standard,
            "this clause",
            "write plain select",
        ),
    ];
    lacking.into_iter().find(|(there, ..)| *there).map_or(Ok(()), |(_, what, hint)| Err(Fault::unsupported(what, hint)))
}

fn check_wildcard(options: &parsed::WildcardAdditionalOptions) -> Result<(), Fault> {
    let plain = options.opt_ilike.is_none()
        && options.opt_exclude.is_none()
        && options.opt_except.is_none()
        && options.opt_replace.is_none()
        && options.opt_rename.is_none()
        && options.opt_alias.is_none();
    if plain { Ok(()) } else { Err(Fault::unsupported("an option after *", "name the columns")) }
}

/// What PostgreSQL calls a column that has no name of its own.
fn output_name(expr: &Parsed, catalog: &Catalog) -> String {
    let mut at = expr;
    loop {
        at = match at {
            Parsed::Identifier(ident) => return parse::name(ident).unwrap_or_default(),
            Parsed::CompoundIdentifier(parts) => return parts.last().and_then(|part| parse::name(part).ok()).unwrap_or_default(),
            Parsed::Function(function) => {
                return object_name(&function.name).map_or_else(|_| "?column?".to_owned(), |(name, _)| name.name);
            }
            Parsed::Cast { expr, .. } if !matches!(**expr, Parsed::Value(_)) => expr,
            Parsed::Nested(inner) => inner,
            Parsed::Case { else_result: Some(result), .. } if !matches!(**result, Parsed::Value(_)) => result,
            Parsed::Case { .. } => return "case".to_owned(),
            Parsed::Exists { .. } => return "exists".to_owned(),
            Parsed::Array(_) => return "array".to_owned(),
            Parsed::Extract { .. } => return "extract".to_owned(),
            Parsed::Ceil { .. } => return "ceil".to_owned(),
            Parsed::Floor { .. } => return "floor".to_owned(),
            Parsed::Position { .. } => return "position".to_owned(),
            Parsed::Substring { .. } => return "substring".to_owned(),
            Parsed::Trim { .. } => return "btrim".to_owned(),
            Parsed::CompoundFieldAccess { root, .. } => root,
            Parsed::Cast { data_type, .. } => {
                return match super::data_type(data_type, catalog) {
                    Ok(Type::Enum(of)) => of.name,
                    Ok(ty) => ty.bare().to_string(),
                    Err(_) => "?column?".to_owned(),
                };
            }
            Parsed::Subquery(query) => match &*query.body {
                parsed::SetExpr::Select(select) => match select.projection.first() {
                    Some(SelectItem::UnnamedExpr(expr)) => expr,
                    Some(SelectItem::ExprWithAlias { alias, .. }) => return parse::name(alias).unwrap_or_default(),
                    _ => return "?column?".to_owned(),
                },
                _ => return "?column?".to_owned(),
            },
            _ => return "?column?".to_owned(),
        };
    }
}
