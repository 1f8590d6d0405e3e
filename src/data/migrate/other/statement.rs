//! Statements that have no file of their own: what a dump begins with, and `truncate`.

use sqlparser::ast::{self as parsed, Expr, Set};

use super::super::draft::{Ddl, Draft, Effect, Native, target};
use crate::sql::catalog::{Generated, Name, Relation};
use crate::sql::{Fault, sqlstate};

/// Settings that dumps begin with, and that change nothing here.
const HARMLESS: &[&str] = &[
    "check_function_bodies",
    "client_min_messages",
    "default_table_access_method",
    "default_tablespace",
    "default_with_oids",
    "idle_in_transaction_session_timeout",
    "lock_timeout",
    "row_security",
    "statement_timeout",
    "transaction_timeout",
    "xmloption",
];

/// `set …`: what dumps begin with is taken and does nothing.
pub(in crate::data::migrate) fn set(set: &Set) -> Result<Effect, Fault> {
    let harmless = match set {
        Set::SingleAssignment { variable, values, .. } => {
            let name = variable.to_string().to_lowercase();
            let value = values.iter().map(|value| value.to_string().to_lowercase().replace(['\'', '"'], ""));
            let is = |wanted: &[&str]| value.clone().all(|value| wanted.contains(&&*value));
            match &*name {
                "search_path" => is(&["", "public", "$user", "extensions", "pg_catalog", "default"]),
                "client_encoding" => is(&["utf8", "utf-8"]),
                "standard_conforming_strings" => is(&["on", "true"]),
                "timezone" => is(&["utc"]),
                name => HARMLESS.contains(&name),
            }
        }
        Set::SetTimeZone { value, .. } => value.to_string().to_lowercase().replace('\'', "") == "utc",
        Set::SetNames { charset_name, .. } => matches!(&*charset_name.value.to_lowercase(), "utf8" | "utf-8"),
        _ => false,
    };
    if harmless { Ok(Effect::tagged("SET")) } else { Err(Fault::unsupported("this setting", "leave it out")) }
}

/// What these extensions are for is there without them.
pub(in crate::data::migrate) fn extension(name: &parsed::Ident) -> Result<Effect, Fault> {
    match &*name.value.to_lowercase() {
        "pgcrypto" | "uuid-ossp" | "moddatetime" | "plpgsql" | "pg_stat_statements" => Ok(Effect::tagged("CREATE EXTENSION")),
        "citext" => Err(Fault::unsupported("citext", "use text, and lower(…) in the unique index and in comparisons")),
        other => Err(Fault::unsupported(format!("the extension {other}"), "leave it out")),
    }
}

/// `create schema`: the names that an app's dump may make sure of.
pub(in crate::data::migrate) fn schema(name: &parsed::SchemaName, if_not_exists: bool) -> Result<Effect, Fault> {
    let known = matches!(name, parsed::SchemaName::Simple(name)
        if matches!(&*name.to_string().to_lowercase(), "public" | "extensions"));
    if known && if_not_exists {
        return Ok(Effect::tagged("CREATE SCHEMA"));
    }
    Err(Fault::unsupported("create schema", "an app's own things are in the schema public"))
}

/// `truncate`, with the tables that refer to the named ones when it is told to.
pub(in crate::data::migrate) fn truncate(draft: &Draft, truncate: &parsed::Truncate) -> Result<Effect, Fault> {
    if truncate.partitions.is_some() || truncate.on_cluster.is_some() {
        return Err(Fault::unsupported("this form of truncate", "name tables"));
    }
    let mut tables: Vec<Relation> = Vec::new();
    for target in &truncate.table_names {
        tables.push(draft.table(&target.name)?);
    }
    let refers = |relation: &Relation, to: &Name| {
        relation.name != *to && relation.table().is_some_and(|table| table.foreign_keys.iter().any(|key| key.references == *to))
    };
    let cascade = matches!(truncate.cascade, Some(parsed::CascadeOption::Cascade));
    let mut at = 0;
    while let Some(name) = tables.get(at).map(|table| table.name.clone()) {
        for other in draft.catalog.relations().filter(|relation| refers(relation, &name)) {
            if tables.iter().any(|table| table.name == other.name) {
                continue;
            }
            if !cascade {
                let message =
                    format!("cannot truncate a table referenced in a foreign key constraint: {} refers to {name}", other.name);
                return Err(
                    Fault::new(sqlstate::FEATURE_NOT_SUPPORTED, message).hint("truncate both, or write truncate … cascade")
                );
            }
            tables.push((**other).clone());
        }
        at += 1;
    }
    let restart = matches!(truncate.identity, Some(parsed::TruncateIdentityOption::Restart));
    let all = tables.iter().map(|table| target(&table.name, true)).collect::<Vec<_>>().join(", ");
    let native = format!("truncate {all}{}", if restart { " restart identity" } else { "" });
    let mut sqlite = vec![Ddl::Sql("pragma defer_foreign_keys = on".to_owned())];
    // Those that refer to others go first.
    while !tables.is_empty() {
        let free = tables.iter().position(|one| !tables.iter().any(|other| refers(other, &one.name)));
        let table = tables.remove(free.unwrap_or(0));
        sqlite.push(Ddl::Sql(format!("delete from {}", target(&table.name, false))));
        let identity = table
            .columns
            .iter()
            .any(|column| matches!(column.generated, Some(Generated::IdentityAlways | Generated::IdentityByDefault)));
        if restart && identity {
            let name = table.name.name.replace('\'', "''");
            sqlite.push(Ddl::Sql(format!("delete from sqlite_sequence where name = '{name}'")));
        }
    }
    Ok(Effect { sqlite, postgres: vec![Native::Sql(native)], tag: "TRUNCATE TABLE" })
}

/// Whether a query only sets the path that names are looked up by, as dumps do.
pub(in crate::data::migrate) fn is_set_config(query: &parsed::Query) -> bool {
    let parsed::SetExpr::Select(select) = &*query.body else { return false };
    let [parsed::SelectItem::UnnamedExpr(Expr::Function(call))] = &*select.projection else { return false };
    let name = call.name.to_string().to_lowercase();
    let path = call.args.to_string().to_lowercase();
    select.from.is_empty() && matches!(&*name, "set_config" | "pg_catalog.set_config") && path.starts_with("('search_path'")
}
