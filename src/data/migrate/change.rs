//! One statement's change of the catalogue.

use sqlparser::ast::{self as parsed, ObjectType, Statement};

use super::draft::{Draft, Effect};
use super::rights::Given;
use super::{alter, object, rights, table};
use crate::sql::{Fault, sqlstate};

/// Whether a statement reads or writes rows, and changes no definition.
pub(super) const fn is_about_rows(statement: &Statement) -> bool {
    matches!(statement, Statement::Query(_) | Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_))
}

/// Changes the catalogue, and says what the databases are to do.
pub(super) fn change(draft: &mut Draft, statement: &Statement) -> Result<Effect, Fault> {
    match statement {
        Statement::CreateTable(create) => table::create(draft, create),
        Statement::AlterTable(alter) => alter::alter(draft, alter),
        Statement::CreateIndex(create) => object::create_index(draft, create),
        Statement::CreateView(create) => object::create_view(draft, create),
        Statement::CreateFunction(create) => object::create_function(draft, create),
        Statement::DropFunction(drop) => object::drop_function(draft, drop),
        Statement::CreatePolicy(create) => rights::create_policy(draft, create),
        Statement::AlterPolicy(alter) => rights::alter_policy(draft, alter),
        Statement::DropPolicy(drop) => rights::drop_policy(draft, drop),
        Statement::Grant(grant) => {
            let given = Given {
                privileges: &grant.privileges,
                objects: grant.objects.as_ref(),
                grantees: &grant.grantees,
                granted: true,
            };
            rights::grant(draft, &given, statement)
        }
        Statement::Revoke(revoke) => {
            let given = Given {
                privileges: &revoke.privileges,
                objects: revoke.objects.as_ref(),
                grantees: &revoke.grantees,
                granted: false,
            };
            rights::grant(draft, &given, statement)
        }
        Statement::Comment { object_type, object_name, comment, .. } => {
            object::comment(draft, *object_type, object_name, comment.as_ref())
        }
        Statement::CreateExtension(create) => extension(create),
        Statement::Drop { object_type, if_exists, names, cascade, .. } => drop(draft, *object_type, *if_exists, names, *cascade),
        other => Err(refused(other)),
    }
}

fn drop(
    draft: &mut Draft,
    kind: ObjectType,
    if_exists: bool,
    names: &[parsed::ObjectName],
    cascade: bool,
) -> Result<Effect, Fault> {
    let mut all = Effect::default();
    for name in names {
        let effect = match kind {
            ObjectType::Table => object::drop_table(draft, name, if_exists, cascade)?,
            ObjectType::View => object::drop_view(draft, name, if_exists)?,
            ObjectType::Index => object::drop_index(draft, name, if_exists)?,
            other => return Err(Fault::unsupported(format!("drop {other}"), "drop a table, view, index, function or policy")),
        };
        all.sqlite.extend(effect.sqlite);
        all.postgres.extend(effect.postgres);
        all.tag = effect.tag;
    }
    Ok(all)
}

/// What these extensions are for is there without them.
fn extension(create: &parsed::CreateExtension) -> Result<Effect, Fault> {
    match &*create.name.value.to_lowercase() {
        "pgcrypto" | "uuid-ossp" => Ok(Effect::tagged("CREATE EXTENSION")),
        other => Err(Fault::unsupported(format!("the extension {other}"), "leave it out")),
    }
}

/// What to write instead of a statement that the subset lacks.
fn refused(statement: &Statement) -> Fault {
    let (what, hint) = match statement {
        Statement::StartTransaction { .. }
        | Statement::Commit { .. }
        | Statement::Rollback { .. }
        | Statement::Savepoint { .. } => {
            let fault = Fault::new(sqlstate::INVALID_TRANSACTION, "the text is one transaction already");
            return fault.hint("leave begin, commit and rollback out");
        }
        Statement::CreateType { .. } => ("create type", "use text with a check (… in (…))"),
        Statement::CreateTrigger(_) | Statement::DropTrigger(_) => {
            ("a trigger", "use defaults, generated columns, or a function's trigger")
        }
        Statement::CreateSequence { .. } => ("a sequence", "use generated always as identity"),
        Statement::CreateSchema { .. } => ("create schema", "an app's own things are in the schema public"),
        Statement::CreateRole(_) => ("create role", "there are anon, authenticated and service_role"),
        Statement::Truncate(_) => ("truncate", "write delete from …"),
        Statement::Set(_) => ("set", "leave it out"),
        Statement::CreateDomain(_) => ("create domain", "use the type itself, with a check"),
        Statement::CreateProcedure { .. } | Statement::Call(_) => {
            ("a procedure", "use a function language sql, or a JavaScript function")
        }
        Statement::Merge(_) => ("merge", "write insert … on conflict do update"),
        Statement::Copy { .. } => ("copy", "write insert into …, or post CSV to /rest/v1"),
        Statement::Explain { .. } => ("explain", "ask the database itself"),
        _ => ("this statement", "see the table of statements in docs/data.md"),
    };
    Fault::unsupported(what, hint)
}
