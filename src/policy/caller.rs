//! A caller's rights, as the compiler asks for them.

use std::sync::Arc;

use super::{grants, rows};
use crate::sql::catalog::{Command, Function, Grantee, Privilege, Relation};
use crate::sql::compile::{Lowered, Owner, Reach, Rights};

/// Who a statement is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub role: Grantee,
}

/// What a role may do. `service_role` may do everything.
#[must_use]
pub fn rights(role: Grantee) -> Arc<dyn Rights + Send> {
    match role {
        Grantee::ServiceRole => Arc::new(Owner),
        role => Arc::new(Caller { role }),
    }
}

impl Rights for Caller {
    fn rows(&self, schema: &dyn Lowered, relation: &Relation, command: Command) -> Reach {
        rows::visible(self.role, schema, relation, command)
    }

    fn check(&self, schema: &dyn Lowered, relation: &Relation, command: Command) -> Reach {
        rows::check(self.role, schema, relation, command)
    }

    fn may(&self, relation: &Relation, privilege: Privilege, column: &str) -> bool {
        grants::may(self.role, relation, privilege, column)
    }

    fn may_call(&self, function: &Function) -> bool {
        let is_granted = |to: &Grantee| *to == self.role || *to == Grantee::Public;
        self.role == Grantee::ServiceRole || function.execute.iter().any(is_granted)
    }
}
