//! Signing out.

use super::AuthService;
use crate::auth::principal::{Principal, Refusal};
use crate::auth::queries::sessions;
use crate::auth::{Error, Result};

/// Which of the user's sessions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    Global,
    /// The caller's.
    Local,
    /// All but the caller's.
    Others,
}

impl AuthService {
    /// Ends sessions of the caller's user. They are over when this returns.
    ///
    /// # Errors
    /// The caller is not a user, or the database failed.
    pub async fn sign_out(&self, caller: &Principal, scope: Scope) -> Result<()> {
        let (Some(user), Some(session)) = (caller.user_id, caller.session_id) else { return Err(Refusal::NoUser.into()) };
        self.0
            .db
            .write(move |tx| {
                Box::pin(async move {
                    match scope {
                        Scope::Global => sessions::delete_of_user(tx, user).await?,
                        Scope::Local => sessions::delete(tx, session).await?,
                        Scope::Others => sessions::delete_others(tx, user, session).await?,
                    }
                    Ok::<_, Error>(())
                })
            })
            .await?;
        self.0.sessions.forget(user);
        Ok(())
    }
}
