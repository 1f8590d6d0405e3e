//! Row policies, put together.

use super::grants::may_at_all;
use crate::sql::ast::{Expr, Node};
use crate::sql::catalog::{Command, Grantee, Privilege, Relation};
use crate::sql::compile::{Lowered, Reach, RowPolicy};
use crate::sql::{Fault, sqlstate};
use crate::values::{Datum, Type};

/// The rows that are there and that a role reaches with a command: by `using`.
///
/// An `update` or `delete` that reads rows, as any with a condition does, needs those of `select` too: the compiler asks for both.
#[must_use]
pub fn visible(role: Grantee, schema: &dyn Lowered, relation: &Relation, command: Command) -> Reach {
    reach((role, relation, command), schema, |policy| policy.using.as_ref())
}

/// What must be true of rows that a role makes by an `insert` or an `update`: `with check`, and `using` where there is none.
#[must_use]
pub fn check(role: Grantee, schema: &dyn Lowered, relation: &Relation, command: Command) -> Reach {
    reach((role, relation, command), schema, |policy| policy.with_check.as_ref().or(policy.using.as_ref()))
}

fn reach(
    (role, relation, command): (Grantee, &Relation, Command),
    schema: &dyn Lowered,
    condition: impl Fn(&RowPolicy) -> Option<&Expr>,
) -> Reach {
    if role == Grantee::ServiceRole {
        return Reach::Everything;
    }
    if !may_at_all(role, relation, privilege_of(command)) {
        return Reach::Denied(denied(relation));
    }
    if !relation.table().is_some_and(|table| table.row_security) {
        return Reach::Everything;
    }
    let applies = |policy: &&RowPolicy| is_for(policy, command) && is_to(policy, role);
    let conditions = |permissive: bool| {
        let policies = schema.policies(&relation.name).iter().filter(applies).filter(move |policy| policy.permissive == permissive);
        policies.filter_map(&condition).cloned().collect::<Vec<Expr>>()
    };
    let mut permissive = conditions(true);
    let one_of = match permissive.len() {
        // Restrictive policies alone allow nothing.
        0 => return Reach::Where(truth(Node::Literal(Datum::Bool(false)))),
        1 => permissive.remove(0),
        _ => truth(Node::Or(permissive)),
    };
    let mut all_of = conditions(false);
    if all_of.is_empty() {
        return Reach::Where(one_of);
    }
    all_of.insert(0, one_of);
    Reach::Where(truth(Node::And(all_of)))
}

const fn truth(node: Node) -> Expr {
    Expr { node, ty: Type::Bool }
}

fn is_for(policy: &RowPolicy, command: Command) -> bool {
    policy.command == Command::All || policy.command == command
}

fn is_to(policy: &RowPolicy, role: Grantee) -> bool {
    policy.roles.is_empty() || policy.roles.iter().any(|to| *to == role || *to == Grantee::Public)
}

const fn privilege_of(command: Command) -> Privilege {
    match command {
        Command::Insert => Privilege::Insert,
        Command::Update => Privilege::Update,
        Command::Delete => Privilege::Delete,
        Command::Select | Command::All => Privilege::Select,
    }
}

fn denied(relation: &Relation) -> Fault {
    let kind = if relation.view().is_some() { "view" } else { "table" };
    Fault::new(sqlstate::INSUFFICIENT_PRIVILEGE, format!("permission denied for {kind} {}", relation.name.name))
}
