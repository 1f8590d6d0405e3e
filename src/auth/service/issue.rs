//! Sessions begun, and the tokens for them.

use serde_json::json;

use super::AuthService;
use crate::auth::model::{Account, Method, Origin, Session, SignedIn, User};
use crate::auth::queries::{identities, sessions};
use crate::auth::token::SALT_LENGTH;
use crate::auth::{Error, Result};
use crate::db::{self, Conn};
use crate::types::{SessionId, Timestamp, UserId};

impl AuthService {
    /// The tokens of a session.
    pub(super) fn tokens(&self, account: Account, session: &Session, now: Timestamp) -> Result<SignedIn> {
        let (access_token, expires_at) = self.0.issuer.issue(&account, session, now)?;
        Ok(SignedIn {
            access_token,
            expires_in: self.0.issuer.lifetime,
            expires_at,
            refresh_token: self.0.refresh.write(session.id, session.refresh_counter, &session.refresh_salt),
            account,
        })
    }
}

/// A new session, not yet in the database.
pub(super) fn session(user: UserId, method: Method, now: Timestamp) -> Result<Session> {
    let mut salt = vec![0; SALT_LENGTH];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| Error::Crypto("random bytes"))?;
    Ok(Session {
        id: SessionId::random(),
        user_id: user,
        aal: "aal1".to_owned(),
        amr: json!([{ "method": method.as_str(), "timestamp": now.seconds() }]),
        refresh_salt: salt,
        refresh_counter: 0,
        refreshed_at: None,
        created_at: now,
    })
}

/// Puts a session into the database; the answer is the user with the identities.
pub(super) async fn begin(conn: &mut Conn, user: User, session: &Session, origin: &Origin) -> db::Result<Account> {
    sessions::insert(conn, session, origin).await?;
    let identities = identities::of_user(conn, user.id).await?;
    Ok(Account { user, identities })
}
