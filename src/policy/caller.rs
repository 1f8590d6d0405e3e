//! A caller's rights, as the compiler asks for them.

use super::{grants, rows};
use crate::sql::catalog::{Command, Function, Grantee, Privilege, Relation};
use crate::sql::compile::{Lowered, Reach, Rights};

/// Who a statement is run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub role: Grantee,
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
