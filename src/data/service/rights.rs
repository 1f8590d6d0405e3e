//! What a role may do, by its grants and the row policies.

use crate::sql::ast::{Expr, Node};
use crate::sql::catalog::{Command, Function, Grantee, Privilege, Relation};
use crate::sql::compile::{Reach, Rights};
use crate::sql::{Fault, Schema, sqlstate};
use crate::values::{Datum, Type};

/// The rights of a role.
pub(super) struct Granted(pub(super) Grantee);

impl Granted {
    fn is_me(&self, grantee: Grantee) -> bool {
        grantee == Grantee::Public || grantee == self.0
    }

    fn any(&self, relation: &Relation, privilege: Privilege) -> bool {
        relation.grants.iter().any(|grant| grant.privilege == privilege && self.is_me(grant.grantee))
    }

    fn reach(&self, schema: &Schema, relation: &Relation, command: Command, is_check: bool) -> Reach {
        let privilege = match command {
            Command::Insert => Privilege::Insert,
            Command::Update => Privilege::Update,
            Command::Delete => Privilege::Delete,
            Command::Select | Command::All => Privilege::Select,
        };
        if !self.any(relation, privilege) {
            let message = format!("permission denied for table {}", relation.name.name);
            return Reach::Denied(Fault::new(sqlstate::INSUFFICIENT_PRIVILEGE, message));
        }
        if relation.table().is_none_or(|table| !table.row_security) {
            return Reach::Everything;
        }
        let (mut permissive, mut restrictive) = (Vec::new(), Vec::new());
        for policy in schema.policies(&relation.name) {
            let is_mine = policy.roles.is_empty() || policy.roles.iter().any(|role| self.is_me(*role));
            if !is_mine || !(policy.command == command || policy.command == Command::All) {
                continue;
            }
            let condition = if is_check { policy.with_check.as_ref().or(policy.using.as_ref()) } else { policy.using.as_ref() };
            let condition = condition.cloned().unwrap_or(Expr { node: Node::Literal(Datum::Bool(true)), ty: Type::Bool });
            if policy.permissive { permissive.push(condition) } else { restrictive.push(condition) }
        }
        let any = if permissive.is_empty() {
            Expr { node: Node::Literal(Datum::Bool(false)), ty: Type::Bool }
        } else {
            Expr { node: Node::Or(permissive), ty: Type::Bool }
        };
        restrictive.push(any);
        Reach::Where(Expr { node: Node::And(restrictive), ty: Type::Bool })
    }
}

impl Rights for Granted {
    fn rows(&self, schema: &Schema, relation: &Relation, command: Command) -> Reach {
        self.reach(schema, relation, command, false)
    }

    fn check(&self, schema: &Schema, relation: &Relation, command: Command) -> Reach {
        self.reach(schema, relation, command, true)
    }

    fn may(&self, relation: &Relation, privilege: Privilege, column: &str) -> bool {
        relation.grants.iter().any(|grant| {
            grant.privilege == privilege
                && self.is_me(grant.grantee)
                && grant.columns.as_ref().is_none_or(|columns| columns.iter().any(|name| name == column))
        })
    }

    fn may_call(&self, function: &Function) -> bool {
        function.execute.iter().any(|grantee| self.is_me(*grantee))
    }
}
