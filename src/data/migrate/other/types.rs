//! `create type … as enum`, and what changes and drops it.

use sqlparser::ast::{self as parsed, AlterTypeAddValuePosition, AlterTypeOperation, UserDefinedTypeRepresentation};

use super::super::alter::unchanged;
use super::super::draft::{Ddl, Draft, Effect, Native, quoted, target};
use crate::sql::catalog::{Returns, is_of};
use crate::sql::lower;
use crate::sql::{Fault, sqlstate};
use crate::values::{Enum, Type};

/// Labels of one type, as its order is written out where it is asked for.
const MAX_LABELS: usize = 256;
/// Bytes of a label, as in PostgreSQL.
const MAX_LABEL_BYTES: usize = 63;

pub(in crate::data::migrate) fn create(
    draft: &mut Draft,
    name: &parsed::ObjectName,
    representation: Option<&UserDefinedTypeRepresentation>,
) -> Result<Effect, Fault> {
    let Some(UserDefinedTypeRepresentation::Enum { labels }) = representation else {
        return Err(Fault::unsupported("a type other than an enumeration", "write create type … as enum (…), or use jsonb"));
    };
    let name = Draft::own_name(name)?;
    if draft.catalog.enumeration(&name.name).is_some() {
        return Err(Fault::new(sqlstate::DUPLICATE_OBJECT, format!("type \"{name}\" already exists")));
    }
    draft.check_free(&name)?;
    if Type::named(&name.name).is_some() {
        let fault = Fault::new(sqlstate::RESERVED_NAME, format!("\"{name}\" is the name of a type of PostgreSQL"));
        return Err(fault.hint("choose another name"));
    }
    let mut of = Enum { name: name.name.clone(), labels: Vec::with_capacity(labels.len()), fresh: Vec::new() };
    for label in labels {
        check_label(&of, &label.value)?;
        of.labels.push(label.value.clone());
    }
    let listed = of.labels.iter().map(|label| literal(label)).collect::<Vec<_>>().join(", ");
    draft.catalog.put_enumeration(of);
    let native = format!("create type {} as enum ({listed})", target(&name, true));
    Ok(Effect { sqlite: Vec::new(), postgres: vec![Native::Sql(native)], tag: "CREATE TYPE" })
}

fn check_label(of: &Enum, label: &str) -> Result<(), Fault> {
    if label.is_empty() || label.len() > MAX_LABEL_BYTES || label.contains('\0') {
        let fault = Fault::new(sqlstate::INVALID_NAME, format!("invalid enum label \"{label}\""));
        return Err(fault.hint(format!("labels have 1 to {MAX_LABEL_BYTES} bytes")));
    }
    if of.labels.iter().any(|other| other == label) {
        return Err(Fault::new(sqlstate::DUPLICATE_OBJECT, format!("enum label \"{label}\" already exists")));
    }
    if of.labels.len() >= MAX_LABELS {
        let fault = Fault::new(sqlstate::PROGRAM_LIMIT, format!("an enumeration has at most {MAX_LABELS} labels"));
        return Err(fault.hint("use a table that others refer to"));
    }
    Ok(())
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

pub(in crate::data::migrate) fn alter(draft: &mut Draft, alter: &parsed::AlterType) -> Result<Effect, Fault> {
    let name = Draft::own_name(&alter.name)?;
    let Some(of) = draft.catalog.enumeration(&name.name).cloned() else {
        return Err(Fault::new(sqlstate::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist")));
    };
    let mut effect = Effect::tagged("ALTER TYPE");
    match &alter.operation {
        AlterTypeOperation::Rename(rename) => {
            let new = lower::name(&rename.new_name)?;
            if draft.catalog.enumeration(&new).is_some() {
                return Err(Fault::new(sqlstate::DUPLICATE_OBJECT, format!("type \"{new}\" already exists")));
            }
            draft.catalog.rename_enumeration(&name.name, &new);
            effect.postgres.push(Native::Sql(format!("alter type {} rename to {}", target(&name, true), quoted(&new))));
        }
        AlterTypeOperation::AddValue(add) => {
            if add.if_not_exists && of.labels.contains(&add.value.value) {
                return Ok(effect);
            }
            let beside = add_value(draft, of, add)?;
            let label = literal(&add.value.value);
            effect.postgres.push(Native::Sql(format!("alter type {} add value {label}{beside}", target(&name, true))));
            // The order is written out in checks, generated columns and indexes.
            for relation in draft.catalog.relations() {
                if relation.table().is_some() && relation.columns.iter().any(|column| is_of(&column.ty, &name.name)) {
                    effect.sqlite.push(Ddl::Rebuild { table: relation.name.clone(), columns: unchanged(relation) });
                }
            }
        }
        AlterTypeOperation::RenameValue(_) => {
            return Err(Fault::unsupported(
                "alter type … rename value",
                "add a value, and update the rows in the next migration",
            ));
        }
    }
    Ok(effect)
}

/// Where the new label stands, in PostgreSQL's words.
fn add_value(draft: &mut Draft, mut of: Enum, add: &parsed::AlterTypeAddValue) -> Result<String, Fault> {
    let label = &add.value.value;
    check_label(&of, label)?;
    let place = |other: &parsed::Ident| {
        of.labels
            .iter()
            .position(|label| *label == other.value)
            .ok_or_else(|| Fault::new("22023", format!("\"{}\" is not an existing enum label", other.value)))
    };
    let (at, beside) = match &add.position {
        None => (of.labels.len(), String::new()),
        Some(AlterTypeAddValuePosition::Before(other)) => (place(other)?, format!(" before {}", literal(&other.value))),
        Some(AlterTypeAddValuePosition::After(other)) => (place(other)? + 1, format!(" after {}", literal(&other.value))),
    };
    of.labels.insert(at, label.clone());
    of.fresh.push(label.clone());
    draft.catalog.put_enumeration(of);
    Ok(beside)
}

pub(in crate::data::migrate) fn drop(draft: &mut Draft, name: &parsed::ObjectName, if_exists: bool) -> Result<Effect, Fault> {
    let name = Draft::own_name(name)?;
    if draft.catalog.enumeration(&name.name).is_none() {
        if if_exists {
            return Ok(Effect::tagged("DROP TYPE"));
        }
        return Err(Fault::new(sqlstate::UNDEFINED_OBJECT, format!("type \"{name}\" does not exist")));
    }
    let uses = |ty: &Type| is_of(ty, &name.name);
    let columns = draft.catalog.relations().flat_map(|relation| {
        let used = relation.columns.iter().filter(|column| uses(&column.ty));
        used.map(|column| format!("column {} of {}", column.name, relation.name))
    });
    let functions = draft.catalog.functions().filter(|function| {
        let returned = match &function.returns {
            Returns::Scalar(ty) | Returns::SetOfScalar(ty) => uses(ty),
            Returns::Table(columns) => columns.iter().any(|(_, ty)| uses(ty)),
            Returns::Void | Returns::Row(_) | Returns::SetOfRow(_) | Returns::Trigger(_) => false,
        };
        returned || function.arguments.iter().any(|argument| uses(&argument.ty))
    });
    let users = columns.chain(functions.map(|function| format!("function {}", function.name))).collect::<Vec<_>>();
    if !users.is_empty() {
        let message = format!("cannot drop type {name} because other objects depend on it: {}", users.join(", "));
        return Err(Fault::new(sqlstate::DEPENDENT_OBJECTS, message).hint("drop them first, or give the columns another type"));
    }
    draft.catalog.remove_enumeration(&name.name);
    // What depends on it natively is documentation.
    let native = format!("drop type {} cascade", target(&name, true));
    Ok(Effect { sqlite: Vec::new(), postgres: vec![Native::Sql(native)], tag: "DROP TYPE" })
}
