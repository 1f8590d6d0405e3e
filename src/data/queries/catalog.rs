//! The catalogue as it is kept: a JSON document for each table, view and function, and a count of changes.

use crate::db::{self, Conn, Error};
use crate::sql::catalog::{Catalog, Function, Relation};

/// The catalogue as it is in the database.
///
/// # Errors
///
/// What the database says; a document that this program cannot read.
pub async fn load(conn: &mut Conn) -> db::Result<Catalog> {
    let mut catalog = Catalog::default();
    catalog.version = version(conn).await?;
    let rows =
        conn.query("select kind, name, document from plinth.catalog").fetch_all::<(String, String, serde_json::Value)>().await?;
    for (kind, name, document) in rows {
        let unreadable = |err: serde_json::Error| Error::Column {
            column: "document".to_owned(),
            reason: format!("the {kind} {name} cannot be read from plinth.catalog: {err}"),
        };
        if kind == FUNCTION {
            catalog.put_function(serde_json::from_value(document).map_err(unreadable)?);
        } else if kind == ENUMERATION {
            catalog.put_enumeration(serde_json::from_value(document).map_err(unreadable)?);
        } else {
            catalog.put_relation(serde_json::from_value(document).map_err(unreadable)?);
        }
    }
    Ok(catalog)
}

const RELATION: &str = "relation";
const FUNCTION: &str = "function";
const ENUMERATION: &str = "enumeration";

/// How often the catalogue was changed.
///
/// # Errors
///
/// What the database says.
pub async fn version(conn: &mut Conn) -> db::Result<i64> {
    let found = conn.query("select version from plinth.catalog_version where id = 1").fetch_optional::<(i64,)>().await?;
    Ok(found.map_or(0, |(version,)| version))
}

/// Where a change of the catalogue is announced to other nodes.
pub const CHANNEL: &str = "plinth_catalog";

/// Writes what differs between two catalogues, and the new one's version; other nodes hear of it once it is committed.
///
/// # Errors
///
/// What the database says.
pub async fn store(conn: &mut Conn, old: &Catalog, new: &Catalog) -> db::Result<()> {
    if let Some(announce) = conn.dialect().announce() {
        conn.query(announce).bind(CHANNEL).bind(new.version.to_string()).execute().await?;
    }
    // The version first: of two that change the catalogue at once, one waits here, and then runs again.
    conn.query("update plinth.catalog_version set version = $1 where id = 1").bind(new.version).execute().await?;
    for relation in old.relations().filter(|relation| new.relation(&relation.name).is_none_or(|new| !is_kept(new))) {
        remove(conn, RELATION, &key(relation), "").await?;
    }
    for relation in new.relations().filter(|relation| is_kept(relation)) {
        if old.relation(&relation.name) != Some(relation) {
            put(conn, RELATION, &key(relation), "", document(&**relation)?).await?;
        }
    }
    for gone in old.enumerations().filter(|of| new.enumeration(&of.name).is_none()) {
        remove(conn, ENUMERATION, &gone.name, "").await?;
    }
    for of in new.enumerations().filter(|of| old.enumeration(&of.name) != Some(*of)) {
        put(conn, ENUMERATION, &of.name, "", document(of)?).await?;
    }
    let same = |catalog: &Catalog, function: &Function| {
        catalog.functions_named(&function.name).iter().find(|other| other.has_same_arguments(function)).cloned()
    };
    for function in old.functions().filter(|function| same(new, function).is_none()) {
        remove(conn, FUNCTION, &function.name.name, &arguments(function)).await?;
    }
    for function in new.functions() {
        if same(old, function).as_ref() != Some(function) {
            put(conn, FUNCTION, &function.name.name, &arguments(function), document(&**function)?).await?;
        }
    }
    Ok(())
}

/// Whether a document is kept of it. Of the server's own tables it is the policies that an app has given them.
fn is_kept(relation: &Relation) -> bool {
    relation.table().is_none_or(|table| !table.is_system || !table.policies.is_empty())
}

/// What a relation is called in `plinth.catalog`; an app's own names have no dot.
fn key(relation: &Relation) -> String {
    if relation.name.is_public() { relation.name.name.clone() } else { relation.name.to_string() }
}

fn arguments(function: &Function) -> String {
    function.arguments.iter().map(|argument| argument.ty.bare().to_string()).collect::<Vec<_>>().join(",")
}

fn document(of: &impl serde::Serialize) -> db::Result<serde_json::Value> {
    serde_json::to_value(of).map_err(|err| Error::Column { column: "document".to_owned(), reason: err.to_string() })
}

async fn put(conn: &mut Conn, kind: &str, name: &str, arguments: &str, document: serde_json::Value) -> db::Result<()> {
    conn.query(
        "insert into plinth.catalog (kind, name, arguments, document) values ($1, $2, $3, $4) \
         on conflict (kind, name, arguments) do update set document = excluded.document",
    )
    .bind(kind)
    .bind(name)
    .bind(arguments)
    .bind(document)
    .execute()
    .await?;
    Ok(())
}

async fn remove(conn: &mut Conn, kind: &str, name: &str, arguments: &str) -> db::Result<()> {
    let query = conn.query("delete from plinth.catalog where kind = $1 and name = $2 and arguments = $3");
    query.bind(kind).bind(name).bind(arguments).execute().await?;
    Ok(())
}
