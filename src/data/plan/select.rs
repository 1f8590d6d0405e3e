//! One level of a request, the root or an embed, to a query; embeds are queries inside it, tied to their parent's row.

use std::sync::Arc;

use super::super::request::{Condition, Fault, Field, Filter, Is, Join as JoinAsked, Nested, Op, OrderTerm, SelectItem};
use super::filter::{comparable, filter};
use super::outputs::{Level, Out, Value, first, nothing};
use super::relationships::{Found, Pairs, Relationship, Way};
use super::scope::{Scope, all_of, boolean, key_of, literal};
use super::suggest;
use super::typing::{aggregate, cast};
use super::{Planner, spread};
use crate::data::{Error, Result};
use crate::sql::ast::{Aggregate, Expr, Join, JoinKind, Node, Operator, Order, Output, Query, Rows, Select, Source};
use crate::sql::catalog::{Name, Privilege, Relation};
use crate::values::{Datum, Type};

/// What is asked of one level.
#[derive(Clone, Copy)]
pub(super) struct Asked<'q> {
    pub items: &'q [SelectItem],
    pub filters: &'q [Condition],
    pub order: &'q [OrderTerm],
    pub limit: Option<u64>,
    pub offset: u64,
    /// One for each embed of the items, in their order.
    pub nested: &'q [Nested],
}

/// An embed of a level with the relationship it goes by.
pub(super) struct Embed<'a, 'q> {
    pub key: &'q str,
    pub join: JoinAsked,
    pub spread: bool,
    pub relationship: &'a Relationship,
    pub target: &'a Arc<Relation>,
    pub asked: Asked<'q>,
}

/// Where an embed's rows come from, and what ties them to the parent's row.
pub(super) struct Reached<'a> {
    pub from: Vec<Join>,
    pub scope: Scope<'a>,
    pub ties: Vec<Expr>,
}

/// What grows while a level's items are gone through: spreads add sources.
#[derive(Default)]
pub(super) struct Growing {
    pub outs: Vec<Out>,
    pub joins: Vec<Join>,
}

impl<'a> Planner<'a> {
    /// A level's query over `from`, where `ties` hold.
    pub(super) fn level<'q>(&mut self, scope: &Scope<'a>, from: Vec<Join>, ties: Vec<Expr>, asked: Asked<'q>) -> Result<Query> {
        let parts = self.parts(scope, from, ties, asked)?;
        parts.into_query(|| self.id())
    }

    pub(super) fn parts<'q>(
        &mut self,
        scope: &Scope<'a>,
        mut from: Vec<Join>,
        ties: Vec<Expr>,
        asked: Asked<'q>,
    ) -> Result<Level> {
        let embeds = self.embeds(scope, asked)?;
        let mut filter = ties;
        filter.extend(self.conditions(scope, &embeds, asked.filters)?);
        let mut growing = Growing::default();
        self.outputs(scope, &embeds, asked.items, &mut growing)?;
        from.append(&mut growing.joins);
        let order = self.order(scope, &embeds, asked.order)?;
        let limit = self.limited(asked.limit);
        Ok(Level { outs: growing.outs, from, filter: all_of(filter), order, limit, offset: asked.offset })
    }

    /// The embeds of a level, each with its relationship.
    pub(super) fn embeds<'q>(&self, scope: &Scope<'a>, asked: Asked<'q>) -> Result<Vec<Embed<'a, 'q>>> {
        let items = asked.items.iter().filter_map(|item| match item {
            SelectItem::Embed { name, hint, join, select, spread, .. } => Some((name, hint, *join, select, *spread)),
            _ => None,
        });
        items
            .zip(asked.nested)
            .map(|((name, hint, join, select, spread), nested)| {
                let relationship = self.relationship(scope, name, hint.as_deref())?;
                let gone = || Error::new("42P01", format!("relation \"{}\" does not exist", relationship.to));
                Ok(Embed {
                    key: nested.key(),
                    join,
                    spread,
                    relationship,
                    target: self.catalog.relation(&relationship.to).ok_or_else(gone)?,
                    asked: Asked {
                        items: select,
                        filters: &nested.filters,
                        order: &nested.order,
                        limit: nested.limit,
                        offset: nested.offset,
                        nested: &nested.embeds.0,
                    },
                })
            })
            .collect()
    }

    fn relationship(&self, scope: &Scope<'a>, name: &str, hint: Option<&str>) -> Result<&'a Relationship> {
        let nowhere = Name::public(scope.label);
        match self.relationships.find(scope.origin.unwrap_or(&nowhere), name, hint, |one| self.may_know(one)) {
            Found::One(relationship) => Ok(relationship),
            Found::None => Err(suggest::no_relationship(self, scope.label, name, hint)),
            Found::Several { details, hint } => Err(Error::new(
                "PGRST201",
                format!("Could not embed because more than one relationship was found for '{}' and '{name}'", scope.label),
            )
            .details(details)
            .hint(hint)),
        }
    }

    /// Whether a relationship may be known of: one by a column that the caller may not read is not there, unless the whole relation is
    /// out of reach, which is refused as such.
    fn may_know(&self, relationship: &Relationship) -> bool {
        let may = |relation: &Relation, column: &str| self.rights.may(relation, Privilege::Select, column);
        relationship.ties().into_iter().all(|(name, column)| {
            let Some(relation) = self.catalog.relation(name) else { return true };
            may(relation, column) || !relation.columns.iter().any(|other| may(relation, &other.name))
        })
    }

    /// The sources of an embed, of which the last is its own relation.
    pub(super) fn reach(&mut self, parent: &Scope<'a>, embed: &Embed<'a, '_>) -> Result<Reached<'a>> {
        let scope = self.scope(embed.target);
        let source = Source { id: scope.id, rows: Rows::Relation(Arc::clone(embed.target)) };
        match &embed.relationship.way {
            Way::ManyToOne { pairs, .. } | Way::OneToMany { pairs, .. } | Way::OneToOne { pairs, .. } => {
                let ties = equal(parent, &scope, pairs)?;
                Ok(Reached { from: vec![first(source)], scope, ties })
            }
            Way::ManyToMany { junction, near_pairs, far_pairs, .. } => {
                let gone = || Error::new("42P01", format!("relation \"{junction}\" does not exist"));
                let junction = self.catalog.relation(junction).ok_or_else(gone)?;
                let between = self.scope(junction);
                let ties = equal(parent, &between, near_pairs)?;
                let on = all_of(equal(&scope, &between, far_pairs)?);
                let through = Source { id: between.id, rows: Rows::Relation(Arc::clone(junction)) };
                Ok(Reached { from: vec![first(through), Join { kind: JoinKind::Inner, source, on }], scope, ties })
            }
        }
    }

    /// A level's filters, and that each of its inner embeds has rows.
    pub(super) fn conditions(&mut self, scope: &Scope<'a>, embeds: &[Embed<'a, '_>], filters: &[Condition]) -> Result<Vec<Expr>> {
        let mut all = filters.iter().map(|one| self.condition(scope, embeds, one)).collect::<Result<Vec<_>>>()?;
        for embed in embeds.iter().filter(|embed| embed.join == JoinAsked::Inner) {
            all.push(self.has_rows(scope, embed)?);
        }
        Ok(all)
    }

    fn condition(&mut self, scope: &Scope<'a>, embeds: &[Embed<'a, '_>], condition: &Condition) -> Result<Expr> {
        let all = |planner: &mut Self, list: &[Condition]| {
            list.iter().map(|one| planner.condition(scope, embeds, one)).collect::<Result<Vec<_>>>()
        };
        match condition {
            Condition::Filter(one) => match embeds.iter().find(|embed| is_about(one, embed.key)) {
                Some(embed) => self.about_embed(scope, embed, one),
                None => filter(scope, one),
            },
            Condition::Not(inner) => Ok(boolean(Node::Not(Box::new(self.condition(scope, embeds, inner)?)))),
            Condition::And(list) => Ok(boolean(Node::And(all(self, list)?))),
            Condition::Or(list) => Ok(boolean(Node::Or(all(self, list)?))),
        }
    }

    /// `clients=is.null`: whether there is no row. A column of the same name can be filtered by everything else.
    fn about_embed(&mut self, scope: &Scope<'a>, embed: &Embed<'a, '_>, one: &Filter) -> Result<Expr> {
        let wants_none = match one.op {
            Op::Is(Is::Null) => !one.negated,
            Op::Is(Is::NotNull) => one.negated,
            _ if scope.has(embed.key) => return filter(scope, one),
            _ => return Err(Fault::EmbedFilter(embed.key.to_owned()).into()),
        };
        let has_rows = self.has_rows(scope, embed)?;
        Ok(if wants_none { boolean(Node::Not(Box::new(has_rows))) } else { has_rows })
    }

    /// Whether an embed has a row for the parent's.
    fn has_rows(&mut self, parent: &Scope<'a>, embed: &Embed<'a, '_>) -> Result<Expr> {
        let Reached { from, scope, mut ties } = self.reach(parent, embed)?;
        let inner = self.embeds(&scope, embed.asked)?;
        ties.extend(self.conditions(&scope, &inner, embed.asked.filters)?);
        let one = Output { name: "one".to_owned(), expr: literal(Type::Int4, Datum::Int(1)) };
        let select = Select { columns: vec![one], from, filter: all_of(ties), ..nothing() };
        Ok(boolean(Node::Exists(Box::new(select.into()))))
    }

    /// What a level's items give.
    pub(super) fn outputs(
        &mut self,
        scope: &Scope<'a>,
        embeds: &[Embed<'a, '_>],
        items: &[SelectItem],
        growing: &mut Growing,
    ) -> Result<()> {
        let mut embeds = embeds.iter();
        for item in items {
            match item {
                SelectItem::Embed { .. } => {
                    let embed = embeds.next().ok_or_else(|| Error::new("XX000", "an embed without what is asked of it"))?;
                    self.embed(scope, embed, growing)?;
                }
                SelectItem::All => {
                    growing.outs.extend(scope.all()?.into_iter().map(|(name, expr)| Out::plain(name, expr)));
                }
                SelectItem::Count { alias, cast } => growing.outs.push(count(alias.as_deref(), cast.as_deref())),
                SelectItem::Field { name, path, cast: None, aggregate: None, alias }
                    if name == "count" && path.is_empty() && !scope.has(name) =>
                {
                    growing.outs.push(count(alias.as_deref(), None));
                }
                SelectItem::Field { name, path, cast: to, aggregate: function, alias } => {
                    let expr = cast(scope.path(name, path)?, to.as_deref())?;
                    growing.outs.push(match function {
                        None => Out::plain(alias.as_deref().unwrap_or_else(|| key_of(name, path)), expr),
                        Some((function, to)) => {
                            let name = alias.as_deref().unwrap_or_else(|| function.name()).to_owned();
                            let (function, ty) = aggregate(*function, &expr.ty)?;
                            let value = Value::Aggregate { function, argument: Some(expr), ty, cast: to.clone() };
                            Out { name, value }
                        }
                    });
                }
            }
        }
        Ok(())
    }

    fn embed(&mut self, scope: &Scope<'a>, embed: &Embed<'a, '_>, growing: &mut Growing) -> Result<()> {
        if is_empty(embed.asked.items) {
            return Ok(());
        }
        let is_to_one = embed.relationship.is_to_one();
        if embed.spread {
            return if is_to_one { spread::one(self, scope, embed, growing) } else { spread::many(self, scope, embed, growing) };
        }
        let Reached { from, scope: inner, ties } = self.reach(scope, embed)?;
        let node = if is_to_one {
            let asked = Asked { order: &[], limit: None, offset: 0, ..embed.asked };
            let mut parts = self.parts(&inner, from, ties, asked)?;
            parts.limit = None;
            Node::JsonRow(Box::new(parts.into_query(|| self.id())?))
        } else {
            Node::JsonRows(Box::new(self.level(&inner, from, ties, embed.asked)?))
        };
        growing.outs.push(Out::plain(embed.key, Expr { node, ty: Type::Json }));
        Ok(())
    }

    pub(super) fn order(&mut self, scope: &Scope<'a>, embeds: &[Embed<'a, '_>], terms: &[OrderTerm]) -> Result<Vec<Order>> {
        terms
            .iter()
            .map(|term| {
                let by = match &term.relation {
                    None => sorted(scope, &term.field)?,
                    Some(relation) => self.of_embed(scope, embeds, relation, &term.field)?,
                };
                Ok(Order { by, descending: term.descending, nulls_first: term.nulls_first.unwrap_or(term.descending) })
            })
            .collect()
    }

    /// `order=clients(name)`: the one row's column.
    fn of_embed(&mut self, scope: &Scope<'a>, embeds: &[Embed<'a, '_>], name: &str, field: &Field) -> Result<Expr> {
        let Some(embed) = embeds.iter().find(|embed| embed.key == name) else {
            return Err(Fault::NotEmbedded { name: name.to_owned(), instead: Vec::new() }.into());
        };
        if !embed.relationship.is_to_one() {
            let (origin, target) = (scope.label.to_owned(), name.to_owned());
            return Err(Fault::OrderNotToOne { origin, target }.into());
        }
        let Reached { from, scope: inner, mut ties } = self.reach(scope, embed)?;
        let below = self.embeds(&inner, embed.asked)?;
        ties.extend(self.conditions(&inner, &below, embed.asked.filters)?);
        let expr = sorted(&inner, field)?;
        let ty = expr.ty.clone();
        let column = Output { name: "value".to_owned(), expr };
        let select = Select { columns: vec![column], from, filter: all_of(ties), ..nothing() };
        Ok(Expr { node: Node::Scalar(Box::new(select.into())), ty })
    }
}

impl Out {
    pub(super) fn plain(name: &str, expr: Expr) -> Self {
        Self { name: name.to_owned(), value: Value::Plain(expr) }
    }
}

fn sorted(scope: &Scope<'_>, field: &Field) -> Result<Expr> {
    let expr = comparable(scope.field(field)?, !field.path.is_empty());
    if matches!(expr.ty, Type::Json | Type::Tsvector) {
        return Err(Error::new("42883", format!("could not identify an ordering operator for type {}", expr.ty))
            .hint("Order by a text of it, with ->>, or keep it as jsonb."));
    }
    Ok(expr)
}

/// That each pair's columns are equal.
fn equal(near: &Scope<'_>, far: &Scope<'_>, pairs: &Pairs) -> Result<Vec<Expr>> {
    pairs
        .iter()
        .map(|(own, other)| {
            let (own, other) = (near.column(own)?, far.column(other)?);
            Ok(boolean(Node::Binary(Operator::Eq, Box::new(other), Box::new(own))))
        })
        .collect()
}

fn is_about(filter: &Filter, key: &str) -> bool {
    filter.field.path.is_empty() && filter.field.name == key
}

/// Whether nothing of it is to be seen: `clients()`, `clients(projects())`.
fn is_empty(items: &[SelectItem]) -> bool {
    items.iter().all(|item| matches!(item, SelectItem::Embed { select, .. } if is_empty(select)))
}

fn count(alias: Option<&str>, cast: Option<&str>) -> Out {
    let value = Value::Aggregate { function: Aggregate::Count, argument: None, ty: Type::Int8, cast: cast.map(str::to_owned) };
    Out { name: alias.unwrap_or("count").to_owned(), value }
}
