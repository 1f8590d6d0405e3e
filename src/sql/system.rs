//! The server's own tables that apps may see: users, and the files with their buckets.
//!
//! Apps read them in policies, views and functions, and refer to them; they never write them. What an app adds to the tables of files is
//! policies: row level security is on there, so that nothing is allowed which none says.

use super::catalog::{Catalog, Column, Grant, Grantee, Key, Name, Privilege, Relation, Shape, Table};
use crate::values::Type;

/// Puts the tables into a catalogue, with the policies that it has for them.
pub(super) fn put_into(catalog: &mut Catalog) {
    catalog.put_relation(users());
    for (name, mut relation) in [(buckets(), buckets_table()), (objects(), objects_table())] {
        let kept = catalog.relation(&name).and_then(|kept| kept.table()).map(|table| table.policies.clone());
        if let (Some(policies), Some(table)) = (kept, relation.table_mut()) {
            table.policies = policies;
        }
        catalog.put_relation(relation);
    }
}

/// `storage.buckets`.
#[must_use]
pub fn buckets() -> Name {
    Name::new("storage", "buckets")
}

/// `storage.objects`.
#[must_use]
pub fn objects() -> Name {
    Name::new("storage", "objects")
}

fn users() -> Relation {
    let columns = vec![
        column("id", Type::Uuid, true),
        column("email", Type::Text, false),
        column("created_at", Type::Timestamptz, true),
        column("raw_app_meta_data", Type::Jsonb, true),
    ];
    let table = Table { primary_key: Some(key("users_pkey", &["id"])), is_system: true, ..Table::default() };
    Relation { name: Name::new("auth", "users"), columns, shape: Shape::Table(table), grants: Vec::new(), comment: None }
}

fn buckets_table() -> Relation {
    let columns = vec![
        column("id", Type::Text, true),
        column("name", Type::Text, true),
        column("owner", Type::Uuid, false),
        column("created_at", Type::Timestamptz, true),
        column("updated_at", Type::Timestamptz, true),
        column("public", Type::Bool, true),
        column("file_size_limit", Type::Int8, false),
        column("allowed_mime_types", Type::Array(Box::new(Type::Text)), false),
        column("owner_id", Type::Text, false),
    ];
    policed(buckets(), columns, key("buckets_pkey", &["id"]), vec![key("buckets_name_key", &["name"])])
}

fn objects_table() -> Relation {
    let columns = vec![
        column("id", Type::Uuid, true),
        column("bucket_id", Type::Text, true),
        column("name", Type::Text, true),
        column("owner", Type::Uuid, false),
        column("created_at", Type::Timestamptz, true),
        column("updated_at", Type::Timestamptz, true),
        column("last_accessed_at", Type::Timestamptz, true),
        column("metadata", Type::Jsonb, true),
        // Made by the database from the name: no statement ever gives it.
        column("path_tokens", Type::Array(Box::new(Type::Text)), false),
        column("version", Type::Text, true),
        column("owner_id", Type::Text, false),
        column("user_metadata", Type::Jsonb, false),
    ];
    let unique = key("objects_bucket_id_name_key", &["bucket_id", "name"]);
    policed(objects(), columns, key("objects_pkey", &["id"]), vec![unique])
}

/// A table that every role may use as far as the app's policies let it.
fn policed(name: Name, columns: Vec<Column>, primary: Key, uniques: Vec<Key>) -> Relation {
    let table = Table { primary_key: Some(primary), uniques, row_security: true, is_system: true, ..Table::default() };
    let all = [Privilege::Select, Privilege::Insert, Privilege::Update, Privilege::Delete];
    let grants = [Grantee::Anon, Grantee::Authenticated]
        .into_iter()
        .flat_map(|grantee| all.map(|privilege| Grant { grantee, privilege, columns: None }));
    Relation { name, columns, shape: Shape::Table(table), grants: grants.collect(), comment: None }
}

fn column(name: &str, ty: Type, not_null: bool) -> Column {
    Column { name: name.to_owned(), ty, not_null, default: None, generated: None, comment: None }
}

fn key(name: &str, columns: &[&str]) -> Key {
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    Key { name: name.to_owned(), columns, nulls_not_distinct: false }
}
