//! `alter table`.

use std::sync::Arc;

use sqlparser::ast::{self as parsed, AlterColumnOperation, AlterTableOperation};

use super::draft::{Ddl, Draft, Effect, From, Native, quoted, target};
use super::index::forget_words;
use super::other::{depend, rights};
use super::{rename, table};
use crate::sql::catalog::{Catalog, Default, Generated, Name, Relation, Table};
use crate::sql::lower::{self, Scope};
use crate::sql::{Fault, sqlstate};

pub(super) fn alter(draft: &mut Draft, alter: &parsed::AlterTable) -> Result<Effect, Fault> {
    let mut effect = Effect::tagged("ALTER TABLE");
    if alter.if_exists && draft.relation(&alter.name).is_err_and(|fault| fault.code == sqlstate::UNDEFINED_TABLE) {
        return Ok(effect);
    }
    for operation in &alter.operations {
        // Migrations say it of the tables that hold files, where it is so already.
        if matches!(operation, AlterTableOperation::EnableRowLevelSecurity) && draft.policed(&alter.name).is_ok_and(is_servers) {
            continue;
        }
        let name = Draft::own_name(&alter.name)?;
        one(draft, &name, alter, operation, &mut effect)?;
    }
    Ok(effect)
}

fn is_servers(relation: Relation) -> bool {
    relation.table().is_some_and(|table| table.is_system)
}

/// Each column from itself.
pub(super) fn unchanged(relation: &Relation) -> Vec<(String, From)> {
    let stored = relation.columns.iter().filter(|column| !matches!(column.generated, Some(Generated::Stored { .. })));
    stored.map(|column| (column.name.clone(), From::Column(column.name.clone()))).collect()
}

fn one(
    draft: &mut Draft,
    name: &Name,
    alter: &parsed::AlterTable,
    operation: &AlterTableOperation,
    effect: &mut Effect,
) -> Result<(), Fault> {
    let native = || format!("alter table {} {operation}", target(name, true));
    match operation {
        AlterTableOperation::RenameTable { table_name } => return rename::table(draft, name, table_name, effect),
        AlterTableOperation::RenameColumn { old_column_name, new_column_name } => {
            let (old, new) = (lower::name(old_column_name)?, lower::name(new_column_name)?);
            return rename::column(draft, name, &old, &new, effect);
        }
        _ => {}
    }
    let mut relation = draft.table(&alter.name)?;
    let before = relation.clone();
    let columns = match operation {
        AlterTableOperation::EnableRowLevelSecurity => return secure(draft, relation, Some(true), native(), effect),
        AlterTableOperation::DisableRowLevelSecurity => return secure(draft, relation, Some(false), native(), effect),
        // The server's own role is above row security either way; a caller's never is.
        AlterTableOperation::ForceRowLevelSecurity | AlterTableOperation::NoForceRowLevelSecurity => {
            return secure(draft, relation, None, String::new(), effect);
        }
        AlterTableOperation::OwnerTo { .. } => return Ok(()),
        AlterTableOperation::AddColumn { if_not_exists, column_def, .. } => {
            if *if_not_exists && relation.column(&lower::name(&column_def.name)?).is_some() {
                return Ok(());
            }
            table::add_column(draft, &mut relation, column_def)?;
            let added = added(&relation)?;
            effect.postgres.extend(add_native(&before, &relation));
            let mut columns = unchanged(&before);
            columns.extend(added);
            columns
        }
        AlterTableOperation::DropColumn { column_names, if_exists, drop_behavior, .. } => {
            let mut dropped = Vec::new();
            for column in column_names {
                let column = lower::name(column)?;
                match relation.column(&column) {
                    Some(_) => dropped.push(column),
                    None if *if_exists => {}
                    None => return Err(no_column(&relation, &column)),
                }
            }
            drop_columns(draft, &mut relation, &dropped)?;
            effect.postgres.extend(dropped.iter().map(|column| {
                // What depends on it natively is documentation; what depends on it in truth was refused.
                Native::Sql(format!("alter table {} drop column {} cascade", target(name, true), quoted(column)))
            }));
            table::finish(&mut relation)?;
            draft.catalog.put_relation(relation.clone());
            let cascade = *drop_behavior == Some(parsed::DropBehavior::Cascade);
            let what = format!("column {} of table {name}", dropped.join(", "));
            depend::settle(draft, &what, cascade, effect)?;
            // Its own policies may have gone along.
            relation = draft.table(&alter.name)?;
            unchanged(&relation)
        }
        AlterTableOperation::AddConstraint { constraint, not_valid } => {
            if *not_valid {
                return Err(Fault::unsupported("not valid", "mend the rows first"));
            }
            table::add_constraint(draft, &mut relation, constraint)?;
            effect.postgres.extend(add_native(&before, &relation));
            unchanged(&relation)
        }
        AlterTableOperation::DropConstraint { if_exists, name: constraint, .. } => {
            let constraint = lower::name(constraint)?;
            if !table::has_constraint(&relation, &constraint) {
                if *if_exists {
                    return Ok(());
                }
                let message = format!("constraint \"{constraint}\" of relation \"{name}\" does not exist");
                return Err(Fault::new(sqlstate::UNDEFINED_OBJECT, message));
            }
            drop_constraint(draft, &mut relation, &constraint)?;
            effect.postgres.push(Native::Sql(format!(
                "alter table {} drop constraint {}",
                target(name, true),
                quoted(&constraint)
            )));
            unchanged(&relation)
        }
        AlterTableOperation::AlterColumn { column_name, op } => {
            let column = lower::name(column_name)?;
            let columns = alter_column(&draft.catalog, &mut relation, &column, op)?;
            effect.postgres.push(Native::Sql(match (op, relation.column(&column)) {
                (AlterColumnOperation::SetDataType { using, .. }, Some((_, altered))) => {
                    let ty = super::postgres::column_type(&altered.ty);
                    let using = using.as_ref().map(|using| format!(" using ({using})")).unwrap_or_default();
                    format!("alter table {} alter column {} type {ty}{using}", target(name, true), quoted(&column))
                }
                _ => native(),
            }));
            columns
        }
        _ => return Err(Fault::unsupported("this form of alter table", "see the table of statements in docs/data.md")),
    };
    table::finish(&mut relation)?;
    let indexes = |relation: &Relation| relation.table().map(|table| table.indexes.clone()).unwrap_or_default();
    let kept = indexes(&relation);
    draft.catalog.put_relation(relation);
    effect.sqlite.push(Ddl::Rebuild { table: name.clone(), columns });
    let gone = indexes(&before).into_iter().filter(|index| !kept.contains(index));
    effect.sqlite.extend(gone.flat_map(|index| forget_words(&index.name)).map(Ddl::Sql));
    Ok(())
}

fn secure(draft: &mut Draft, mut relation: Relation, on: Option<bool>, native: String, effect: &mut Effect) -> Result<(), Fault> {
    rights::row_security(&mut relation, on)?;
    draft.catalog.put_relation(relation);
    if !native.is_empty() {
        effect.postgres.push(Native::Optional(native));
    }
    Ok(())
}

/// What the rows that are there get in a new column.
fn added(relation: &Relation) -> Result<Option<(String, From)>, Fault> {
    let Some(column) = relation.columns.last() else { return Ok(None) };
    Ok(match &column.generated {
        Some(Generated::Stored { .. }) => None,
        Some(_) => return Err(Fault::unsupported("adding an identity", "create a new table, and insert into it from this one")),
        None if column.default.is_some() => Some((column.name.clone(), From::Default)),
        None => Some((column.name.clone(), From::Null)),
    })
}

/// PostgreSQL's statements for what one form of a table has more than another.
fn add_native(before: &Relation, after: &Relation) -> Vec<Native> {
    let table = target(&after.name, true);
    let (Some(old), Some(new)) = (before.table(), after.table()) else { return Vec::new() };
    let sql = |what: String| Native::Sql(format!("alter table {table} add {what}"));
    let columns = after.columns[before.columns.len()..].iter();
    let mut added = columns.map(|column| Native::AddColumn(after.name.clone(), column.clone())).collect::<Vec<_>>();
    if old.primary_key.is_none() {
        added.extend(new.primary_key.iter().map(|key| sql(super::postgres::key(key, "primary key"))));
    }
    added.extend(new.uniques[old.uniques.len()..].iter().map(|key| sql(super::postgres::key(key, "unique"))));
    let checks = new.checks[old.checks.len()..].iter();
    added.extend(checks.map(|check| Native::AddCheck(after.name.clone(), check.clone())));
    added.extend(new.foreign_keys[old.foreign_keys.len()..].iter().map(|key| sql(super::foreign_key(key, true))));
    added
}

fn drop_columns(draft: &Draft, relation: &mut Relation, dropped: &[String]) -> Result<(), Fault> {
    for column in dropped {
        check_not_referenced(draft, relation, |key| key.contains(column), column)?;
    }
    relation.columns.retain(|column| !dropped.contains(&column.name));
    let uses = |columns: &[String]| columns.iter().any(|column| dropped.contains(column));
    for grant in &mut relation.grants {
        if let Some(columns) = &mut grant.columns {
            columns.retain(|column| !dropped.contains(column));
        }
    }
    relation.grants.retain(|grant| grant.columns.as_ref().is_none_or(|columns| !columns.is_empty()));
    let own = relation.name.clone();
    if let Some(table) = relation.table_mut() {
        if table.primary_key.as_ref().is_some_and(|key| uses(&key.columns)) {
            table.primary_key = None;
        }
        table.uniques.retain(|key| !uses(&key.columns));
        table.touches.retain(|touch| !dropped.contains(&touch.column));
        table.foreign_keys.retain(|key| !uses(&key.columns) && (key.references != own || !uses(&key.referenced_columns)));
        // As in PostgreSQL, indexes and checks go with the columns they are about.
        table
            .indexes
            .retain(|index| !uses(&index.columns) && !dropped.iter().any(|column| rename::index_mentions(&index.text, column)));
        table.checks.retain(|check| !dropped.iter().any(|column| rename::mentions(&check.text, column)));
    }
    Ok(())
}

fn drop_constraint(draft: &Draft, relation: &mut Relation, name: &str) -> Result<(), Fault> {
    let keyed = relation.table().and_then(|table| {
        table.primary_key.iter().chain(&table.uniques).find(|key| key.name == name).map(|key| key.columns.clone())
    });
    if let Some(columns) = keyed {
        check_not_referenced(draft, relation, |key| key == columns, name)?;
    }
    if let Some(table) = relation.table_mut() {
        table.primary_key = table.primary_key.take().filter(|key| key.name != name);
        table.uniques.retain(|key| key.name != name);
        table.foreign_keys.retain(|key| key.name != name);
        table.checks.retain(|check| check.name != name);
    }
    Ok(())
}

fn check_not_referenced(draft: &Draft, relation: &Relation, hit: impl Fn(&[String]) -> bool, what: &str) -> Result<(), Fault> {
    let refers =
        |table: &Table| table.foreign_keys.iter().any(|key| key.references == relation.name && hit(&key.referenced_columns));
    let others = draft.catalog.relations().filter(|other| other.name != relation.name);
    match others.into_iter().find(|other| other.table().is_some_and(refers)) {
        None => Ok(()),
        Some(other) => {
            let message = format!("cannot drop {what} because other objects depend on it: a foreign key of {}", other.name);
            Err(Fault::new(sqlstate::DEPENDENT_OBJECTS, message).hint("drop the foreign key first"))
        }
    }
}

fn alter_column(
    catalog: &Catalog,
    relation: &mut Relation,
    column: &str,
    operation: &AlterColumnOperation,
) -> Result<Vec<(String, From)>, Fault> {
    let mut columns = unchanged(relation);
    let in_key =
        relation.table().and_then(|table| table.primary_key.as_ref()).is_some_and(|key| key.columns.contains(&column.to_owned()));
    let refused = no_column(relation, column);
    let before = relation.clone();
    let Some(found) = relation.columns.iter_mut().find(|other| other.name == column) else { return Err(refused) };
    match operation {
        AlterColumnOperation::SetNotNull => found.not_null = true,
        AlterColumnOperation::DropNotNull if in_key || found.generated.is_some() => {
            let message = format!("column \"{column}\" is in a primary key, or makes its own values");
            return Err(Fault::new(sqlstate::INVALID_TABLE_DEFINITION, message));
        }
        AlterColumnOperation::DropNotNull => found.not_null = false,
        AlterColumnOperation::SetDefault { value } => found.default = Some(Default { text: value.to_string() }),
        AlterColumnOperation::DropDefault => found.default = None,
        AlterColumnOperation::SetDataType { data_type, using, .. } => {
            let ty = lower::data_type(data_type, catalog)?;
            if let Some(using) = using {
                let before = Arc::new(before);
                let scope = Scope::row(&before).expecting(ty.clone());
                let value = lower::expression_with(&using.to_string(), catalog, &scope)?;
                found.ty = ty;
                for (_, from) in columns.iter_mut().filter(|(name, _)| name == column) {
                    *from = From::Using(value.clone());
                }
                return Ok(columns);
            }
            if !lower::assigns(&found.ty, &ty) {
                let message = format!("column \"{column}\" cannot be cast automatically to type {ty}");
                return Err(Fault::new(sqlstate::DATATYPE_MISMATCH, message).hint("say how: using (…)::type"));
            }
            let old = std::mem::replace(&mut found.ty, ty);
            for (_, from) in columns.iter_mut().filter(|(name, _)| name == column) {
                *from = From::Cast(column.to_owned(), old.clone());
            }
        }
        AlterColumnOperation::AddGenerated { .. } => {
            return Err(Fault::unsupported("adding an identity", "create a new table, and insert into it from this one"));
        }
    }
    Ok(columns)
}

fn no_column(relation: &Relation, column: &str) -> Fault {
    let message = format!("column \"{column}\" of relation \"{}\" does not exist", relation.name);
    Fault::new(sqlstate::UNDEFINED_COLUMN, message)
}
