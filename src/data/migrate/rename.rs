//! `alter table … rename`: the catalogue's texts are changed where they are about the table itself; where a policy, view or function
//! of something else still says the old name, the change does not lower and is refused.

use std::ops::ControlFlow;

use sqlparser::ast::{self as parsed, Expr, RenameTableNameKind, VisitMut, VisitorMut};

use super::draft::{Ddl, Draft, Effect, Native, quoted, target};
use crate::sql::catalog::{Generated, Name, Relation};
use crate::sql::lower;
use crate::sql::{Fault, sqlstate};

pub(super) fn table(draft: &mut Draft, old: &Name, new: &RenameTableNameKind, effect: &mut Effect) -> Result<(), Fault> {
    let (RenameTableNameKind::To(new) | RenameTableNameKind::As(new)) = new;
    let new = Draft::own_name(new)?;
    let Some(relation) = draft.catalog.relation(old).map(|relation| (**relation).clone()) else {
        return Err(Fault::new(sqlstate::UNDEFINED_TABLE, format!("relation \"{old}\" does not exist")));
    };
    draft.check_free(&new)?;
    draft.catalog.remove_relation(old);
    let is_table = relation.table().is_some();
    let mut renamed = Relation { name: new.clone(), ..relation };
    if let Some(table) = renamed.table_mut() {
        for index in &mut table.indexes {
            index.text = index_on(&index.text, &new)?;
        }
        // A table's own conditions may say its name before a column's.
        for text in table.checks.iter_mut().map(|check| &mut check.text) {
            *text = changed(text, &mut Change { qualifier: Some((&old.name, &new.name)), column: None })?;
        }
        for policy in &mut table.policies {
            for text in policy.using.iter_mut().chain(&mut policy.with_check) {
                *text = changed(text, &mut Change { qualifier: Some((&old.name, &new.name)), column: None })?;
            }
        }
    }
    draft.catalog.put_relation(renamed);
    let referring = draft.catalog.relations().map(|relation| (**relation).clone()).collect::<Vec<_>>();
    for mut other in referring {
        let Some(table) = other.table_mut() else { continue };
        let keys = table.foreign_keys.iter_mut().filter(|key| key.references == *old);
        let mut refers = false;
        for key in keys {
            key.references = new.clone();
            refers = true;
        }
        if refers {
            draft.catalog.put_relation(other);
        }
    }
    let statement = |postgres| format!("alter table {} rename to {}", target(old, postgres), quoted(&new.name));
    if is_table {
        effect.sqlite.push(Ddl::Sql(statement(false)));
        effect.postgres.push(Native::Sql(statement(true)));
    } else {
        effect.postgres.push(Native::Optional(statement(true)));
    }
    Ok(())
}

pub(super) fn column(draft: &mut Draft, of: &Name, old: &str, new: &str, effect: &mut Effect) -> Result<(), Fault> {
    let Some(mut relation) = draft.catalog.relation(of).map(|relation| (**relation).clone()) else {
        return Err(Fault::new(sqlstate::UNDEFINED_TABLE, format!("relation \"{of}\" does not exist")));
    };
    if relation.table().is_none() {
        return Err(Fault::unsupported("renaming a view's column", "drop the view and create it again"));
    }
    if relation.columns.iter().any(|column| column.name.to_lowercase() == new.to_lowercase() && column.name != old) {
        let message = format!("column \"{new}\" of relation \"{of}\" already exists");
        return Err(Fault::new(sqlstate::DUPLICATE_COLUMN, message));
    }
    let Some(column) = relation.columns.iter_mut().find(|column| column.name == old) else {
        return Err(Fault::new(sqlstate::UNDEFINED_COLUMN, format!("column \"{old}\" of relation \"{of}\" does not exist")));
    };
    new.clone_into(&mut column.name);
    let swap = |columns: &mut Vec<String>| columns.iter_mut().filter(|column| **column == old).for_each(|c| new.clone_into(c));
    for grant in &mut relation.grants {
        grant.columns.iter_mut().for_each(swap);
    }
    let change = |text: &mut String| -> Result<(), Fault> {
        *text = changed(text, &mut Change { qualifier: None, column: Some((old, new)) })?;
        Ok(())
    };
    for column in &mut relation.columns {
        if let Some(Generated::Stored { text }) = &mut column.generated {
            change(text)?;
        }
    }
    if let Some(table) = relation.table_mut() {
        table.primary_key.iter_mut().chain(&mut table.uniques).for_each(|key| swap(&mut key.columns));
        for key in &mut table.foreign_keys {
            swap(&mut key.columns);
        }
        table.touches.iter_mut().filter(|touch| touch.column == old).for_each(|touch| new.clone_into(&mut touch.column));
        for check in &mut table.checks {
            change(&mut check.text)?;
        }
        for policy in &mut table.policies {
            policy.using.iter_mut().chain(&mut policy.with_check).try_for_each(change)?;
        }
        for index in &mut table.indexes {
            swap(&mut index.columns);
            index.text = index_column(&index.text, old, new)?;
        }
    }
    draft.catalog.put_relation(relation);
    let referring = draft.catalog.relations().map(|relation| (**relation).clone()).collect::<Vec<_>>();
    for mut other in referring {
        let Some(table) = other.table_mut() else { continue };
        if table.foreign_keys.iter().any(|key| key.references == *of) {
            table.foreign_keys.iter_mut().filter(|key| key.references == *of).for_each(|key| swap(&mut key.referenced_columns));
            draft.catalog.put_relation(other);
        }
    }
    let statement = |postgres| format!("alter table {} rename column {} to {}", target(of, postgres), quoted(old), quoted(new));
    effect.sqlite.push(Ddl::Sql(statement(false)));
    effect.postgres.push(Native::Sql(statement(true)));
    Ok(())
}

/// Renames a table before columns, or a column, in an expression.
struct Change<'a> {
    qualifier: Option<(&'a str, &'a str)>,
    column: Option<(&'a str, &'a str)>,
}

impl VisitorMut for Change<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let (last, before) = match expr {
            Expr::Identifier(ident) => (Some(ident), None),
            Expr::CompoundIdentifier(parts) => {
                let mut parts = parts.iter_mut().rev();
                (parts.next(), parts.next())
            }
            _ => return ControlFlow::Continue(()),
        };
        replace(before, self.qualifier);
        replace(last, self.column);
        ControlFlow::Continue(())
    }
}

fn replace(ident: Option<&mut parsed::Ident>, names: Option<(&str, &str)>) {
    if let (Some(ident), Some((old, new))) = (ident, names)
        && lower::name(ident).is_ok_and(|name| name == old)
    {
        *ident = parsed::Ident::with_quote('"', new);
    }
}

fn changed(text: &str, change: &mut Change<'_>) -> Result<String, Fault> {
    let mut expr = lower::parse_expression(text)?;
    let _: ControlFlow<()> = expr.visit(change);
    Ok(expr.to_string())
}

/// Whether an expression names a column.
pub(super) fn mentions(text: &str, column: &str) -> bool {
    changed(text, &mut Change { qualifier: None, column: Some((column, "\u{1}")) }).is_ok_and(|text| text.contains('\u{1}'))
}

/// Whether an index names a column.
pub(super) fn index_mentions(text: &str, column: &str) -> bool {
    index_column(text, column, "\u{1}").is_ok_and(|text| text.contains('\u{1}'))
}

fn index_on(text: &str, table: &Name) -> Result<String, Fault> {
    let parsed::Statement::CreateIndex(mut index) = lower::parse_statement(text)? else { return Ok(text.to_owned()) };
    index.table_name = parsed::ObjectName::from(vec![parsed::Ident::with_quote('"', &*table.name)]);
    Ok(index.to_string())
}

fn index_column(text: &str, old: &str, new: &str) -> Result<String, Fault> {
    let mut statement = lower::parse_statement(text)?;
    let _: ControlFlow<()> = statement.visit(&mut Change { qualifier: None, column: Some((old, new)) });
    Ok(statement.to_string())
}
