//! What a database's refusal of a write means to the client: the constraint by the catalogue's name, and the key that clashed.
//!
//! The databases do not say the same, and SQLite says little, so the rows are looked at again after the write was undone. That is a
//! rare path; when the rows have changed in between, the details are left out.

use super::change::Writing;
use super::run::all_of;
use crate::data::{Error, plan};
use crate::db::{self, Db};
use crate::sql::catalog::{ForeignKey, Key, Relation};
use crate::sql::compile;

/// The error of a write that the database refused.
pub(super) async fn why(db: &Db, writing: &Writing, refused: db::Error) -> Error {
    let table = writing.relation.name.name.as_str();
    let is_told = refused.told().is_some_and(|told| told.details.expose().is_some());
    match refused {
        refused if is_told => refused.into(),
        db::Error::Unique { constraint, .. } => clash(db, writing, constraint.as_deref().unwrap_or_default()).await,
        db::Error::ForeignKey { .. } => lost_reference(db, writing).await,
        db::Error::Check { constraint, .. } => {
            let name = constraint.unwrap_or_default();
            Error::new("23514", format!("new row for relation \"{table}\" violates check constraint \"{name}\""))
        }
        db::Error::NotNull { column, .. } => {
            let column = column.unwrap_or_default();
            Error::new("23502", format!("null value in column \"{column}\" of relation \"{table}\" violates not-null constraint"))
        }
        other => other.into(),
    }
}

async fn clash(db: &Db, writing: &Writing, named: &str) -> Error {
    let found = key_named(&writing.relation, named);
    let name = found.map_or(named, |(name, _)| name);
    let error = Error::new("23505", format!("duplicate key value violates unique constraint \"{name}\""));
    let Some((_, columns)) = found else { return error };
    match clashing(db, writing, columns).await {
        Some(values) => error.details(format!("Key ({})=({values}) already exists.", columns.join(", "))),
        None => error,
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
async fn clashing(db: &Db, writing: &Writing, columns: &[String]) -> Option<String> {
    let incoming = writing.incoming.as_ref()?;
    if let Some(row) = incoming.first_twice(columns) {
        return incoming.shown(row, columns);
    }
    for row in 0..incoming.rows.len().min(MAX_LOOKED_AT) {
        let one = incoming.only(row);
        if count(db, writing, |planner, relation| planner.existing(relation, &one, columns)).await.is_some_and(|count| count > 0)
        {
            return incoming.shown(row, columns);
        }
    }
    None
}

/// Rows that are looked at again, one by one.
const MAX_LOOKED_AT: usize = 1000;

async fn lost_reference(db: &Db, writing: &Writing) -> Error {
    if let Some(incoming) = &writing.incoming {
        let keys = writing.relation.table().map(|table| table.foreign_keys.as_slice()).unwrap_or_default();
        for key in keys {
            for row in 0..incoming.rows.len().min(MAX_LOOKED_AT) {
                let one = incoming.only(row);
                let there = count(db, writing, |planner, _| planner.referenced(&one, key)).await;
                if there == Some(0) {
                    return missing(writing, key, incoming.shown(row, &key.columns));
                }
            }
        }
    }
    still_referenced(db, writing).await
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

async fn still_referenced(db: &Db, writing: &Writing) -> Error {
    let table = &writing.relation.name.name;
    let unnamed = format!("update or delete on table \"{table}\" violates foreign key constraint");
    let Ok(found) = writing.request.planner().referring(&writing.relation, &writing.query) else {
        return Error::new("23503", unnamed);
    };
    for (referring, key, plan) in found {
        let Ok(compiled) = compile::query(&plan, &writing.request.as_owner()) else { continue };
        let Ok(mut conn) = db.read().await else { break };
        let Ok(rows) = all_of::<(String,)>(&mut conn, compiled).await else { continue };
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
    db: &Db,
    writing: &'w Writing,
    plan: impl FnOnce(&mut plan::Planner<'w>, &'w std::sync::Arc<Relation>) -> Option<crate::sql::ast::Query>,
) -> Option<i64> {
    let compiled = {
        let mut planner = writing.request.planner();
        let query = plan(&mut planner, &writing.relation)?;
        compile::query(&query, &writing.request.as_owner()).ok()?
    };
    let mut conn = db.read().await.ok()?;
    let rows: Vec<(i64,)> = all_of(&mut conn, compiled).await.ok()?;
    rows.first().map(|(count,)| *count)
}
