//! Row level security, policies and grants.

use sqlparser::ast::{self as parsed, AlterPolicyOperation, CreatePolicyCommand, GrantObjects};

use super::super::draft::{Draft, Effect};
use crate::sql::catalog::{Command, Grant, Grantee, Policy, Privilege, Relation};
use crate::sql::lower;
use crate::sql::{Fault, sqlstate};

/// Policies of one table.
const MAX_POLICIES: usize = 200;

pub(in crate::data::migrate) fn create_policy(draft: &mut Draft, create: &parsed::CreatePolicy) -> Result<Effect, Fault> {
    let mut relation = draft.policed(&create.table_name)?;
    let name = lower::name(&create.name)?;
    let policy = Policy {
        name: name.clone(),
        permissive: create.policy_type != Some(parsed::CreatePolicyType::Restrictive),
        command: match &create.command {
            None | Some(CreatePolicyCommand::All) => Command::All,
            Some(CreatePolicyCommand::Select) => Command::Select,
            Some(CreatePolicyCommand::Insert) => Command::Insert,
            Some(CreatePolicyCommand::Update) => Command::Update,
            Some(CreatePolicyCommand::Delete) => Command::Delete,
        },
        roles: create.to.as_deref().map_or(Ok(Vec::new()), roles)?,
        using: create.using.as_ref().map(ToString::to_string),
        with_check: create.with_check.as_ref().map(ToString::to_string),
    };
    check_clauses(&policy)?;
    let table = table_of(&mut relation)?;
    if table.policies.iter().any(|other| other.name == name) {
        let message = format!("policy \"{name}\" for table \"{}\" already exists", create.table_name);
        return Err(Fault::new(sqlstate::DUPLICATE_OBJECT, message));
    }
    if table.policies.len() >= MAX_POLICIES {
        return Err(Fault::new(sqlstate::PROGRAM_LIMIT, format!("a table has at most {MAX_POLICIES} policies")));
    }
    table.policies.push(policy);
    draft.catalog.put_relation(relation);
    Ok(Effect::documented("CREATE POLICY", create))
}

fn check_clauses(policy: &Policy) -> Result<(), Fault> {
    let message = match policy.command {
        Command::Insert if policy.using.is_some() => "only WITH CHECK expression allowed for INSERT",
        Command::Select | Command::Delete if policy.with_check.is_some() => "WITH CHECK cannot be applied to SELECT or DELETE",
        _ => return Ok(()),
    };
    Err(Fault::new(sqlstate::SYNTAX_ERROR, message))
}

pub(in crate::data::migrate) fn alter_policy(draft: &mut Draft, alter: &parsed::AlterPolicy) -> Result<Effect, Fault> {
    let mut relation = draft.policed(&alter.table_name)?;
    let name = lower::name(&alter.name)?;
    let table = table_of(&mut relation)?;
    let at = policy_at(&table.policies, &name, &alter.table_name)?;
    match &alter.operation {
        AlterPolicyOperation::Rename { new_name } => {
            let new = lower::name(new_name)?;
            if table.policies.iter().any(|other| other.name == new) {
                return Err(Fault::new(sqlstate::DUPLICATE_OBJECT, format!("policy \"{new}\" already exists")));
            }
            table.policies[at].name = new;
        }
        AlterPolicyOperation::Apply { to, using, with_check } => {
            let policy = &mut table.policies[at];
            if let Some(to) = to {
                policy.roles = roles(to)?;
            }
            if let Some(using) = using {
                policy.using = Some(using.to_string());
            }
            if let Some(check) = with_check {
                policy.with_check = Some(check.to_string());
            }
            check_clauses(policy)?;
        }
    }
    draft.catalog.put_relation(relation);
    Ok(Effect::documented("ALTER POLICY", alter))
}

pub(in crate::data::migrate) fn drop_policy(draft: &mut Draft, drop: &parsed::DropPolicy) -> Result<Effect, Fault> {
    let mut relation = match draft.policed(&drop.table_name) {
        Err(fault) if drop.if_exists && fault.code == sqlstate::UNDEFINED_TABLE => return Ok(Effect::tagged("DROP POLICY")),
        found => found?,
    };
    let name = lower::name(&drop.name)?;
    let table = table_of(&mut relation)?;
    match policy_at(&table.policies, &name, &drop.table_name) {
        Ok(at) => drop_at(&mut table.policies, at),
        Err(_) if drop.if_exists => {}
        Err(fault) => return Err(fault),
    }
    draft.catalog.put_relation(relation);
    Ok(Effect::documented("DROP POLICY", drop))
}

fn drop_at(policies: &mut Vec<Policy>, at: usize) {
    policies.remove(at);
}

fn policy_at(policies: &[Policy], name: &str, table: &parsed::ObjectName) -> Result<usize, Fault> {
    policies
        .iter()
        .position(|policy| policy.name == name)
        .ok_or_else(|| Fault::new(sqlstate::UNDEFINED_OBJECT, format!("policy \"{name}\" for table \"{table}\" does not exist")))
}

fn table_of(relation: &mut Relation) -> Result<&mut crate::sql::catalog::Table, Fault> {
    let name = relation.name.clone();
    relation.table_mut().ok_or_else(|| Fault::new(sqlstate::WRONG_OBJECT_TYPE, format!("\"{name}\" is not a table")))
}

fn roles(owners: &[parsed::Owner]) -> Result<Vec<Grantee>, Fault> {
    let mut roles = Vec::with_capacity(owners.len());
    for owner in owners {
        let parsed::Owner::Ident(ident) = owner else { return Err(unknown_role(&owner.to_string())) };
        match grantee(&lower::name(ident)?)? {
            // Everybody: the other roles say no more.
            Grantee::Public => return Ok(Vec::new()),
            role => roles.push(role),
        }
    }
    Ok(roles)
}

fn grantee(name: &str) -> Result<Grantee, Fault> {
    Ok(match name {
        "public" => Grantee::Public,
        "anon" => Grantee::Anon,
        "authenticated" => Grantee::Authenticated,
        "service_role" => Grantee::ServiceRole,
        other => return Err(unknown_role(other)),
    })
}

fn unknown_role(name: &str) -> Fault {
    let fault = Fault::new(sqlstate::UNDEFINED_OBJECT, format!("role \"{name}\" does not exist"));
    fault.hint("there are anon, authenticated, service_role and public")
}

/// `grant` and `revoke`.
pub(in crate::data::migrate) struct Given<'a> {
    pub(in crate::data::migrate) privileges: &'a parsed::Privileges,
    pub(in crate::data::migrate) objects: Option<&'a GrantObjects>,
    pub(in crate::data::migrate) grantees: &'a [parsed::Grantee],
    pub(in crate::data::migrate) granted: bool,
}

pub(in crate::data::migrate) fn grant(draft: &mut Draft, given: &Given<'_>, native: impl ToString) -> Result<Effect, Fault> {
    let tag = if given.granted { "GRANT" } else { "REVOKE" };
    let to = given.grantees.iter().map(role_of).collect::<Result<Vec<_>, _>>()?;
    match given.objects {
        Some(GrantObjects::Tables(names)) => {
            for name in names {
                let mut relation = draft.relation(name)?;
                change(&mut relation, given, &to)?;
                draft.catalog.put_relation(relation);
            }
        }
        Some(GrantObjects::AllTablesInSchema { schemas }) => {
            only_public(schemas)?;
            let all =
                draft.catalog.relations().filter(|relation| relation.name.is_public()).map(|r| (**r).clone()).collect::<Vec<_>>();
            for mut relation in all {
                change(&mut relation, given, &to)?;
                draft.catalog.put_relation(relation);
            }
        }
        Some(GrantObjects::Function { name, arg_types }) => {
            let types =
                arg_types.iter().map(|ty| Ok(lower::data_type(ty, &draft.catalog)?.bare())).collect::<Result<Vec<_>, Fault>>()?;
            let name = Draft::own_name(name)?;
            execute(draft, given, &to, &|function| {
                function.name == name
                    && (types.is_empty() || function.arguments.iter().map(|a| a.ty.bare()).eq(types.iter().cloned()))
            })?;
        }
        Some(GrantObjects::AllFunctionsInSchema { schemas }) => {
            only_public(schemas)?;
            execute(draft, given, &to, &|function| function.name.is_public())?;
        }
        // Everybody may use the schema, and identities are not sequences that are asked by name.
        Some(GrantObjects::Schemas(_) | GrantObjects::Sequences(_) | GrantObjects::AllSequencesInSchema { .. }) => {}
        _ => {
            return Err(Fault::unsupported(
                "this grant",
                "grant select, insert, update, delete on a table, or execute on a function",
            ));
        }
    }
    Ok(Effect::documented(tag, native))
}

fn only_public(schemas: &[parsed::ObjectName]) -> Result<(), Fault> {
    match schemas {
        [only] if only.to_string().eq_ignore_ascii_case("public") => Ok(()),
        _ => Err(Fault::new(sqlstate::INSUFFICIENT_PRIVILEGE, "permission denied: an app's things are in the schema public")),
    }
}

fn role_of(to: &parsed::Grantee) -> Result<Grantee, Fault> {
    match (&to.grantee_type, &to.name) {
        (parsed::GranteesType::Public, _) => Ok(Grantee::Public),
        (_, Some(parsed::GranteeName::ObjectName(name))) => match name.0.first().and_then(parsed::ObjectNamePart::as_ident) {
            Some(ident) => grantee(&lower::name(ident)?),
            None => Err(unknown_role(&name.to_string())),
        },
        _ => Err(unknown_role(&to.to_string())),
    }
}

/// A privilege with its columns; without them it is on the whole table.
type Named = (Privilege, Option<Vec<String>>);

/// The privileges that a grant names.
fn privileges(privileges: &parsed::Privileges) -> Result<Vec<Named>, Fault> {
    let parsed::Privileges::Actions(actions) = privileges else {
        let all = [Privilege::Select, Privilege::Insert, Privilege::Update, Privilege::Delete];
        return Ok(all.into_iter().map(|privilege| (privilege, None)).collect());
    };
    let columns = |columns: &Option<Vec<parsed::Ident>>| -> Result<Option<Vec<String>>, Fault> {
        columns.as_ref().map(|columns| columns.iter().map(lower::name).collect()).transpose()
    };
    let mut named = Vec::with_capacity(actions.len());
    for action in actions {
        match action {
            parsed::Action::Select { columns: of } => named.push((Privilege::Select, columns(of)?)),
            parsed::Action::Insert { columns: of } => named.push((Privilege::Insert, columns(of)?)),
            parsed::Action::Update { columns: of } => named.push((Privilege::Update, columns(of)?)),
            parsed::Action::Delete => named.push((Privilege::Delete, None)),
            // These say nothing here: no caller can do them.
            parsed::Action::References { .. } | parsed::Action::Trigger | parsed::Action::Truncate => {}
            other => {
                return Err(Fault::unsupported(
                    format!("the privilege {other} on a table"),
                    "there are select, insert, update, delete",
                ));
            }
        }
    }
    Ok(named)
}

fn change(relation: &mut Relation, given: &Given<'_>, to: &[Grantee]) -> Result<(), Fault> {
    for (privilege, columns) in privileges(given.privileges)? {
        for column in columns.iter().flatten() {
            if relation.column(column).is_none() {
                let message = format!("column \"{column}\" of relation \"{}\" does not exist", relation.name);
                return Err(Fault::new(sqlstate::UNDEFINED_COLUMN, message));
            }
        }
        for grantee in to {
            let change = if given.granted { give } else { take };
            change(relation, *grantee, privilege, columns.as_deref());
        }
    }
    Ok(())
}

fn give(relation: &mut Relation, grantee: Grantee, privilege: Privilege, columns: Option<&[String]>) {
    let same = |grant: &&mut Grant| {
        grant.grantee == grantee && grant.privilege == privilege && grant.columns.is_some() == columns.is_some()
    };
    match (relation.grants.iter_mut().find(same), columns) {
        (Some(Grant { columns: Some(there), .. }), Some(named)) => {
            let new = named.iter().filter(|name| !there.contains(name)).cloned().collect::<Vec<_>>();
            there.extend(new);
        }
        (Some(_), _) => {}
        (None, _) => relation.grants.push(Grant { grantee, privilege, columns: columns.map(<[String]>::to_vec) }),
    }
}

/// As in PostgreSQL, taking the table's right takes the columns' too, and not the other way round.
fn take(relation: &mut Relation, grantee: Grantee, privilege: Privilege, columns: Option<&[String]>) {
    let same = |grant: &Grant| grant.grantee == grantee && grant.privilege == privilege;
    let Some(named) = columns else {
        relation.grants.retain(|grant| !same(grant));
        return;
    };
    for there in relation.grants.iter_mut().filter(|grant| same(grant)).filter_map(|grant| grant.columns.as_mut()) {
        there.retain(|column| !named.contains(column));
    }
    relation.grants.retain(|grant| grant.columns.as_ref().is_none_or(|columns| !columns.is_empty()));
}

fn execute(
    draft: &mut Draft,
    given: &Given<'_>,
    to: &[Grantee],
    chosen: &dyn Fn(&crate::sql::catalog::Function) -> bool,
) -> Result<(), Fault> {
    let executes = match given.privileges {
        parsed::Privileges::All { .. } => true,
        parsed::Privileges::Actions(actions) => {
            actions.iter().all(|action| matches!(action, parsed::Action::Execute { .. } | parsed::Action::Exec { .. }))
        }
    };
    if !executes {
        return Err(Fault::unsupported("this privilege on a function", "there is execute"));
    }
    let functions = draft.catalog.functions().filter(|function| chosen(function)).map(|f| (**f).clone()).collect::<Vec<_>>();
    if functions.is_empty() && matches!(given.objects, Some(GrantObjects::Function { .. })) {
        return Err(Fault::new(sqlstate::UNDEFINED_FUNCTION, "the function does not exist"));
    }
    for mut function in functions {
        function.execute.retain(|grantee| !to.contains(grantee));
        if given.granted {
            function.execute.extend(to);
        }
        draft.catalog.put_function(function);
    }
    Ok(())
}

/// `enable`, `disable` and `force row level security`.
pub(in crate::data::migrate) fn row_security(relation: &mut Relation, on: Option<bool>) -> Result<(), Fault> {
    let table = table_of(relation)?;
    if let Some(on) = on {
        table.row_security = on;
    }
    Ok(())
}
