//! Statements that have no file of their own: what a dump begins with, `truncate`, and the one trigger.

use sqlparser::ast::{self as parsed, Expr, Set, TriggerEvent, TriggerObject, TriggerPeriod};

use super::super::draft::{Ddl, Draft, Effect, Native, target};
use crate::sql::catalog::{Generated, Name, Relation, Touch};
use crate::sql::lower;
use crate::sql::{Fault, sqlstate};
use crate::values::Type;

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

/// `create trigger … before update … execute function moddatetime(column)`: the column is the moment of the row's last update.
pub(in crate::data::migrate) fn create_trigger(draft: &mut Draft, create: &parsed::CreateTrigger) -> Result<Effect, Fault> {
    let column = create.exec_body.as_ref().and_then(|body| touched(&body.func_desc));
    let Some(column) = column.transpose()? else {
        return Err(Fault::unsupported(
            "a trigger other than moddatetime",
            "for updated_at write create trigger … before update on … for each row execute function moddatetime(updated_at); \
             else use defaults, generated columns, or a function that writes both tables",
        ));
    };
    let each_row = matches!(
        create.trigger_object,
        Some(parsed::TriggerObjectKind::ForEach(TriggerObject::Row) | parsed::TriggerObjectKind::For(TriggerObject::Row))
    );
    let before_update = create.period == Some(TriggerPeriod::Before)
        && matches!(&*create.events, [TriggerEvent::Update(columns)] if columns.is_empty());
    if !each_row || !before_update || create.condition.is_some() || create.is_constraint {
        let what = "moddatetime in another trigger than before update for each row";
        return Err(Fault::unsupported(what, "write before update on … for each row execute function moddatetime(…)"));
    }
    let mut relation = draft.table(&create.table_name)?;
    let trigger = match &*create.name.0 {
        [parsed::ObjectNamePart::Identifier(name)] => lower::name(name)?,
        _ => return Err(Fault::new(sqlstate::SYNTAX_ERROR, "a trigger's name has no schema")),
    };
    match relation.column(&column) {
        Some((_, found)) if !matches!(found.ty, Type::Timestamptz | Type::Timestamp) => {
            let message = format!("attribute \"{column}\" of \"{}\" must be type TIMESTAMP or TIMESTAMPTZ", relation.name);
            return Err(Fault::new(sqlstate::DATATYPE_MISMATCH, message));
        }
        Some(_) => {}
        None => {
            let message = format!("\"{}\" has no attribute \"{column}\"", relation.name);
            return Err(Fault::new(sqlstate::UNDEFINED_COLUMN, message));
        }
    }
    let name = relation.name.clone();
    if let Some(table) = relation.table_mut() {
        match table.touches.iter_mut().find(|touch| touch.trigger == trigger) {
            Some(there) if create.or_replace => there.column = column,
            Some(_) => {
                let message = format!("trigger \"{trigger}\" for relation \"{name}\" already exists");
                return Err(Fault::new(sqlstate::DUPLICATE_OBJECT, message));
            }
            None => table.touches.push(Touch { trigger, column }),
        }
    }
    draft.catalog.put_relation(relation);
    Ok(Effect::tagged("CREATE TRIGGER"))
}

/// The column that a call of `moddatetime` names; `None` when it is another function.
fn touched(called: &parsed::FunctionDesc) -> Option<Result<String, Fault>> {
    let name = called.name.to_string().to_lowercase().replace('"', "");
    if !matches!(&*name, "moddatetime" | "extensions.moddatetime" | "public.moddatetime") {
        return None;
    }
    let wrong = || Err(Fault::new("39000", "moddatetime takes one argument, the column's name"));
    Some(match called.args.as_deref() {
        Some([argument]) => match &argument.data_type {
            parsed::DataType::Custom(name, _) if argument.name.is_none() => match &*name.0 {
                [parsed::ObjectNamePart::Identifier(column)] => lower::name(column),
                _ => wrong(),
            },
            _ => wrong(),
        },
        _ => wrong(),
    })
}

pub(in crate::data::migrate) fn drop_trigger(draft: &mut Draft, drop: &parsed::DropTrigger) -> Result<Effect, Fault> {
    let Some(table_name) = &drop.table_name else {
        return Err(Fault::new(sqlstate::SYNTAX_ERROR, "drop trigger names its table: drop trigger … on …"));
    };
    let mut relation = match draft.table(table_name) {
        Err(fault) if drop.if_exists && fault.code == sqlstate::UNDEFINED_TABLE => return Ok(Effect::tagged("DROP TRIGGER")),
        found => found?,
    };
    let trigger = match &*drop.trigger_name.0 {
        [parsed::ObjectNamePart::Identifier(name)] => lower::name(name)?,
        _ => return Err(Fault::new(sqlstate::SYNTAX_ERROR, "a trigger's name has no schema")),
    };
    let name = relation.name.clone();
    if let Some(table) = relation.table_mut() {
        let before = table.touches.len();
        table.touches.retain(|touch| touch.trigger != trigger);
        if table.touches.len() == before && !drop.if_exists {
            let message = format!("trigger \"{trigger}\" for table \"{name}\" does not exist");
            return Err(Fault::new(sqlstate::UNDEFINED_OBJECT, message));
        }
    }
    draft.catalog.put_relation(relation);
    Ok(Effect::tagged("DROP TRIGGER"))
}

/// Whether a query only sets the path that names are looked up by, as dumps do.
pub(in crate::data::migrate) fn is_set_config(query: &parsed::Query) -> bool {
    let parsed::SetExpr::Select(select) = &*query.body else { return false };
    let [parsed::SelectItem::UnnamedExpr(Expr::Function(call))] = &*select.projection else { return false };
    let name = call.name.to_string().to_lowercase();
    let path = call.args.to_string().to_lowercase();
    select.from.is_empty() && matches!(&*name, "set_config" | "pg_catalog.set_config") && path.starts_with("('search_path'")
}
