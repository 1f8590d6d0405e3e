//! Whose rights a call has.

use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::auth::principal::{Principal, Role};
use crate::sql::catalog::Grantee;

/// Whose rights a call has, and whose the objects it makes are.
#[derive(Clone, Debug)]
pub struct Caller {
    pub role: Role,
    /// The token's claims as verified.
    pub claims: Arc<Map<String, Value>>,
    /// The user who is signed in.
    pub uid: Option<Uuid>,
    /// Who owns what is made: the user, or who signed the upload.
    pub owner: Option<Uuid>,
}

impl Caller {
    /// The server itself, for what was allowed before: a signed upload makes objects of who signed it.
    #[must_use]
    pub fn server(owner: Option<Uuid>) -> Self {
        Self { role: Role::ServiceRole, claims: Arc::default(), uid: None, owner }
    }

    /// Whether policies do not apply.
    #[must_use]
    pub fn is_service(&self) -> bool {
        self.role == Role::ServiceRole
    }

    /// The role as grants and policies name it.
    #[must_use]
    pub const fn grantee(&self) -> Grantee {
        match self.role {
            Role::Anon => Grantee::Anon,
            Role::Authenticated => Grantee::Authenticated,
            Role::ServiceRole => Grantee::ServiceRole,
        }
    }
}

impl From<&Principal> for Caller {
    fn from(principal: &Principal) -> Self {
        let uid = principal.user_id.map(|id| id.0);
        Self { role: principal.role, claims: Arc::clone(&principal.claims), uid, owner: uid }
    }
}
