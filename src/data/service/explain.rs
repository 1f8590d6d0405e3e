//! What a database's refusal of a write means to the client: the constraint by the catalogue's name, and the key that clashed.
//!
//! The databases do not say the same, and SQLite says little, so the rows are looked at again after the write was undone. That is a
//! rare path, and has no longer than a read; when the rows have changed in between, the details are left out.

use std::sync::Arc;

use tokio::time::Instant;

use super::change::Writing;
use super::handle::{DataService, Request};
use super::run::all_of;
use crate::data::plan::Call;
use crate::data::{Error, plan};
use crate::db::{self, FromRow};
use crate::sql::ast::{Insert, Statement};
use crate::sql::catalog::{ForeignKey, Key, Name, Privilege, Relation};
use crate::sql::compile::{self, Compiled};

/// The error of a write that the database refused.
pub(super) async fn why(service: &DataService, writing: &Writing, refused: db::Error) -> Error {
    let shows = may_show(&writing.request, &refused, Some(writing));
    let error = named(service, writing, refused).await;
    if shows { error } else { Error { details: None, ..error } }
}

async fn named(service: &DataService, writing: &Writing, refused: db::Error) -> Error {
    let table = writing.relation.name.name.as_str();
    let eyes = Eyes::of(service);
    match refused {
        refused if is_told(&refused) => refused.into(),
        db::Error::Unique { constraint, .. } => clash(&eyes, writing, constraint.as_deref().unwrap_or_default()).await,
        db::Error::ForeignKey { .. } => lost_reference(&eyes, writing).await,
        db::Error::Check { constraint, .. } => check_broken(table, constraint.as_deref().unwrap_or_default()),
        db::Error::NotNull { column, .. } => {
            let column = column.unwrap_or_default();
            Error::new("23502", format!("null value in column \"{column}\" of relation \"{table}\" violates not-null constraint"))
        }
        other => other.into(),
    }
}

/// The error of a function that the database refused: which of its statements it was, the database does not say.
pub(super) async fn of_call(service: &DataService, request: &Request, call: &Call, refused: db::Error) -> Error {
    let shows = may_show(request, &refused, None);
    let error = named_in_call(service, request, call, refused).await;
    if shows { error } else { Error { details: None, ..error } }
}

async fn named_in_call(service: &DataService, request: &Request, call: &Call, refused: db::Error) -> Error {
    if is_told(&refused) {
        return refused.into();
    }
    let schema = &request.known.schema;
    let body = schema.body(&call.function).unwrap_or_default();
    match &refused {
        db::Error::Unique { table: Some(table), constraint: Some(named), .. } => {
            let Some(relation) = schema.relation(&Name::public(table.as_str())) else { return refused.into() };
            let Some((name, columns)) = key_named(relation, named) else { return refused.into() };
            let inserts = body.iter().filter_map(|statement| match statement {
                Statement::Insert(insert) if insert.into.name == relation.name => Some(insert),
                _ => None,
            });
            let values = taken(&Eyes::of(service), request, call, (inserts, columns)).await;
            key_is_taken(name, columns, values)
        }
        db::Error::Check { constraint: Some(named), .. } => {
            let written = body.iter().filter_map(Statement::writes_to);
            let has =
                |relation: &&Arc<Relation>| relation.table().is_some_and(|table| table.checks.iter().any(|c| c.name == *named));
            match written.into_iter().find(has) {
                Some(relation) => check_broken(&relation.name.name, named),
                None => refused.into(),
            }
        }
        _ => refused.into(),
    }
}

/// Whether the caller may see the values in the details of a refusal: as in PostgreSQL, those of columns that the caller may read. Of a
/// table with row policies the row may be another's, so they must have been sent, too. Details that show a whole row are for the owner.
fn may_show(request: &Request, refused: &db::Error, writing: Option<&Writing>) -> bool {
    let schema = &request.known.schema;
    let (relation, columns) = match refused {
        db::Error::Unique { table: Some(table), told, .. } => {
            (schema.relation(&Name::public(table.as_str())), told.columns.as_slice())
        }
        db::Error::ForeignKey { constraint: Some(named), .. } => {
            let keys = schema.catalog().relations().filter_map(|relation| Some((relation, relation.table()?)));
            let key = keys.flat_map(|(relation, table)| table.foreign_keys.iter().map(move |key| (relation, key)));
            match key.into_iter().find(|(_, key)| key.name == *named) {
                Some((relation, key)) if writing.is_none_or(|writing| writing.relation.name == relation.name) => {
                    (Some(relation), key.columns.as_slice())
                }
                Some((_, key)) => (schema.relation(&key.references), key.referenced_columns.as_slice()),
                None => (None, &[][..]),
            }
        }
        // SQLite names neither, and what is found by looking again is of the columns that were sent.
        db::Error::Unique { .. } | db::Error::ForeignKey { .. } => return true,
        db::Error::Check { .. } | db::Error::NotNull { .. } => return request.is_owner,
        _ => return true,
    };
    let Some(relation) = relation else { return request.is_owner };
    let may = |column: &String| request.rights.may(relation, Privilege::Select, column);
    let is_sent = |column: &String| {
        let incoming = writing.and_then(|writing| writing.incoming.as_ref());
        incoming.is_some_and(|incoming| incoming.columns.contains(column))
    };
    let is_open = request.is_owner || relation.table().is_some_and(|table| !table.row_security);
    columns.iter().all(|column| may(column) && (is_open || is_sent(column)))
}

/// The values of a key that a function's insert proposes and a row has.
async fn taken<'c>(
    eyes: &Eyes<'_>,
    request: &'c Request,
    call: &'c Call,
    (inserts, columns): (impl Iterator<Item = &'c Insert>, &[String]),
) -> Option<String> {
    for insert in inserts {
        let Some(query) = request.planner().taken(insert, columns) else { continue };
        let Ok(compiled) = compile::looking(&query, &call.function, &call.arguments, &request.as_owner()) else { continue };
        if let Some((row,)) = eyes.see::<(String,)>(compiled).await?.first() {
            return plan::values_of_row(row, columns);
        }
    }
    None
}

fn is_told(refused: &db::Error) -> bool {
    refused.told().is_some_and(|told| told.details.expose().is_some())
}

fn check_broken(table: &str, name: &str) -> Error {
    Error::new("23514", format!("new row for relation \"{table}\" violates check constraint \"{name}\""))
}

fn key_is_taken(name: &str, columns: &[String], values: Option<String>) -> Error {
    let error = Error::new("23505", format!("duplicate key value violates unique constraint \"{name}\""));
    match values {
        Some(values) => error.details(format!("Key ({})=({values}) already exists.", columns.join(", "))),
        None => error,
    }
}

/// Connections for looking at rows again, until it takes too long.
struct Eyes<'s> {
    service: &'s DataService,
    until: Instant,
}

impl<'s> Eyes<'s> {
    fn of(service: &'s DataService) -> Self {
        Self { service, until: Instant::now() + service.limits().time }
    }

    async fn see<T: FromRow>(&self, compiled: Compiled) -> Option<Vec<T>> {
        let mut conn = self.service.db.read().await.ok()?.with_deadline(self.until);
        all_of(&mut conn, compiled).await.ok()
    }
}

async fn clash(eyes: &Eyes<'_>, writing: &Writing, named: &str) -> Error {
    match key_named(&writing.relation, named) {
        Some((name, columns)) => key_is_taken(name, columns, clashing(eyes, writing, columns).await),
        None => key_is_taken(named, &[], None),
    }
}

/// The key that has a name, its own or the one that it would have had.
fn key_named<'r>(relation: &'r Relation, named: &str) -> Option<(&'r str, &'r [String])> {
    let table = relation.table()?;
    let plain = |key: &Key| format!("{}_{}_key", relation.name.name, key.columns.join("_"));
    let primary = table.primary_key.iter().find(|key| key.name == named || format!("{}_pkey", relation.name.name) == named);
    let unique = table.uniques.iter().find(|key| key.name == named || plain(key) == named);
    let key = primary.or(unique).map(|key| (key.name.as_str(), key.columns.as_slice()));
    let indexes = table.indexes.iter().filter(|index| index.unique && !index.columns.is_empty());
    let of_index = |columns: &[String]| format!("{}_{}_key", relation.name.name, columns.join("_"));
    let index = || indexes.map(|index| (index.name.as_str(), index.columns.as_slice()));
    key.or_else(|| index().find(|(name, columns)| *name == named || of_index(columns) == named))
}

/// The values of a key that a row of the body has and another row too.
async fn clashing(eyes: &Eyes<'_>, writing: &Writing, columns: &[String]) -> Option<String> {
    let incoming = writing.incoming.as_ref()?;
    if let Some(row) = incoming.first_twice(columns) {
        return incoming.shown(row, columns);
    }
    for row in 0..incoming.rows.len().min(MAX_LOOKED_AT) {
        let one = incoming.only(row);
        if count(eyes, writing, |planner, relation| planner.existing(relation, &one, columns))
            .await
            .is_some_and(|count| count > 0)
        {
            return incoming.shown(row, columns);
        }
    }
    None
}

/// Rows that are looked at again, one by one.
const MAX_LOOKED_AT: usize = 1000;

async fn lost_reference(eyes: &Eyes<'_>, writing: &Writing) -> Error {
    if let Some(incoming) = &writing.incoming {
        let keys = writing.relation.table().map(|table| table.foreign_keys.as_slice()).unwrap_or_default();
        for key in keys {
            for row in 0..incoming.rows.len().min(MAX_LOOKED_AT) {
                let one = incoming.only(row);
                let there = count(eyes, writing, |planner, _| planner.referenced(&one, key)).await;
                if there == Some(0) {
                    return missing(writing, key, incoming.shown(row, &key.columns));
                }
            }
        }
    }
    still_referenced(eyes, writing).await
}

fn missing(writing: &Writing, key: &ForeignKey, values: Option<String>) -> Error {
    let table = &writing.relation.name.name;
    let message = format!("insert or update on table \"{table}\" violates foreign key constraint \"{}\"", key.name);
    let error = Error::new("23503", message);
    match values {
        Some(values) => error.details(format!(
            "Key ({})=({values}) is not present in table \"{}\".",
            key.columns.join(", "),
            key.references.name
        )),
        None => error,
    }
}

async fn still_referenced(eyes: &Eyes<'_>, writing: &Writing) -> Error {
    let table = &writing.relation.name.name;
    let unnamed = format!("update or delete on table \"{table}\" violates foreign key constraint");
    let Ok(found) = writing.request.planner().referring(&writing.relation, &writing.query) else {
        return Error::new("23503", unnamed);
    };
    for (referring, key, plan) in found {
        let Ok(compiled) = compile::query(&plan, &writing.request.as_owner()) else { continue };
        let Some(rows) = eyes.see::<(String,)>(compiled).await else { continue };
        if let Some((row,)) = rows.first() {
            let values = plan::values_of_row(row, &key.referenced_columns);
            let error = Error::new("23503", format!("{unnamed} \"{}\" on table \"{referring}\"", key.name));
            return match values {
                Some(values) => error.details(format!(
                    "Key ({})=({values}) is still referenced from table \"{referring}\".",
                    key.referenced_columns.join(", ")
                )),
                None => error,
            };
        }
    }
    Error::new("23503", unnamed)
}

/// The one number of a query that the planner makes.
async fn count<'w>(
    eyes: &Eyes<'_>,
    writing: &'w Writing,
    plan: impl FnOnce(&mut plan::Planner<'w>, &'w std::sync::Arc<Relation>) -> Option<crate::sql::ast::Query>,
) -> Option<i64> {
    let compiled = {
        let mut planner = writing.request.planner();
        let query = plan(&mut planner, &writing.relation)?;
        compile::query(&query, &writing.request.as_owner()).ok()?
    };
    eyes.see::<(i64,)>(compiled).await?.first().map(|(count,)| *count)
}
