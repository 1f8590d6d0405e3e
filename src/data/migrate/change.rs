//! One statement's change of the catalogue.

use sqlparser::ast::{self as parsed, ObjectType, Statement};

use super::draft::{Draft, Effect};
use super::other::rights::{self, Given};
use super::other::{depend, statement, trigger, types};
use super::{alter, object, table};
use crate::sql::{Fault, sqlstate};

/// Whether a statement reads or writes rows, and changes no definition.
pub(super) fn is_about_rows(statement: &Statement) -> bool {
    match statement {
        Statement::Query(query) => !statement::is_set_config(query),
        Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) => true,
        _ => false,
    }
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
        Statement::CreateExtension(create) => statement::extension(&create.name),
        Statement::DropExtension(drop) => {
            drop.names.iter().try_for_each(|name| statement::extension(name).map(|_| ()))?;
            Ok(Effect::tagged("DROP EXTENSION"))
        }
        Statement::CreateSchema { schema_name, if_not_exists, .. } => statement::schema(schema_name, *if_not_exists),
        Statement::CreateType { name, representation } => types::create(draft, name, representation.as_ref()),
        Statement::AlterType(alter) => types::alter(draft, alter),
        Statement::CreateTrigger(create) => trigger::create(draft, create),
        Statement::DropTrigger(drop) => trigger::drop(draft, drop),
        Statement::Truncate(of) => statement::truncate(draft, of),
        Statement::Set(set) => statement::set(set),
        // The text is one transaction already.
        Statement::StartTransaction { .. } => Ok(Effect::tagged("BEGIN")),
        Statement::Commit { .. } => Ok(Effect::tagged("COMMIT")),
        Statement::Query(_) => Ok(Effect::tagged("SELECT")),
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
            ObjectType::Type => types::drop(draft, name, if_exists)?,
            other => {
                return Err(Fault::unsupported(format!("drop {other}"), "drop a table, view, index, type, function or policy"));
            }
        };
        all.sqlite.extend(effect.sqlite);
        all.postgres.extend(effect.postgres);
        all.tag = effect.tag;
    }
    if matches!(kind, ObjectType::Table | ObjectType::View) {
        let named = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        depend::settle(draft, &format!("{} {named}", kind.to_string().to_lowercase()), cascade, &mut all)?;
    }
    Ok(all)
}

/// What to write instead of a statement that the subset lacks.
fn refused(statement: &Statement) -> Fault {
    let (what, hint) = match statement {
        Statement::Rollback { .. } | Statement::Savepoint { .. } => {
            let fault = Fault::new(sqlstate::INVALID_TRANSACTION, "the text is one transaction already");
            return fault.hint("leave rollback and savepoint out");
        }
        Statement::CreateSequence { .. } => ("a sequence", "use generated always as identity"),
        Statement::CreateRole(_) => ("create role", "there are anon, authenticated and service_role"),
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
