//! Who is calling.

use std::sync::Arc;

use super::AuthService;
use crate::auth::keys::AccessKey;
use crate::auth::principal::{Credential, Identity, Principal, Refusal};
use crate::auth::session::State;
use crate::types::Timestamp;

impl AuthService {
    /// The access key of an id, for requests that are signed; `None` if this server has none of that id.
    #[must_use]
    pub fn access_key(&self, id: &str) -> Option<Arc<AccessKey>> {
        self.0.keys.access_key(id).cloned()
    }

    /// Looks at a request's credentials: the bearer's text, and the `apikey`. Refuses nothing; the answer says what is wrong
    /// with each.
    pub async fn identify(&self, bearer: Option<&str>, key: Option<&str>) -> Identity {
        let now = self.now();
        let api_key = match key {
            None => Credential::Absent,
            Some(key) => self
                .0
                .keys
                .find(key, now)
                .map_or(Credential::Refused(Refusal::UnknownKey), |principal| Credential::Known(Arc::clone(principal))),
        };
        let bearer = match bearer {
            None => Credential::Absent,
            Some(token) => self.bearer(token, now).await.map_or_else(Credential::Refused, Credential::Known),
        };
        Identity { bearer, api_key }
    }

    async fn bearer(&self, token: &str, now: Timestamp) -> Result<Arc<Principal>, Refusal> {
        if let Some(principal) = self.0.keys.find(token, now) {
            return Ok(Arc::clone(principal));
        }
        let principal = self.0.verifier.verify(token, now)?;
        let (Some(session), Some(user)) = (principal.session_id, principal.user_id) else { return Err(Refusal::NoUser) };
        let state = self.0.sessions.state(&self.0.db, session, user).await.map_err(|err| {
            tracing::error!(error = %err, "a session could not be checked: {err}");
            Refusal::Unavailable
        })?;
        match state {
            State::NoUser => Err(Refusal::UserGone),
            State::Over => Err(Refusal::SessionOver),
            State::Live { banned_until: Some(until), .. } if until > now => Err(Refusal::Banned),
            State::Live { role, .. } if role == principal.role => Ok(principal),
            // The role was changed after the token was issued: what was taken away is gone at once.
            State::Live { role, .. } => {
                let mut principal = Principal::clone(&principal);
                principal.role = role;
                Arc::make_mut(&mut principal.claims).insert("role".to_owned(), role.as_str().into());
                Ok(Arc::new(principal))
            }
        }
    }
}
