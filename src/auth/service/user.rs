//! What users do with their own account.

use std::sync::Arc;

use super::signup::email_identity;
use super::{AuthService, taken};
use crate::auth::model::{
    Account, Email, MAX_USER_METADATA, Metadata, NewPassword, Phone, Provider, User, check_metadata, merge,
};
use crate::auth::password::Verdict;
use crate::auth::principal::{Principal, Refusal};
use crate::auth::queries::{identities, sessions, users};
use crate::auth::{Error, Result};
use crate::db::Conn;
use crate::types::{Secret, SessionId, Timestamp, UserId};

/// What a user wants to change; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct UserChanges {
    pub email: Option<Email>,
    pub phone: Option<Phone>,
    pub password: Option<String>,
    /// Laid over `user_metadata`.
    pub data: Option<Metadata>,
}

impl AuthService {
    /// The caller's account, as the database has it now.
    ///
    /// # Errors
    /// A [`Refusal`], since the session may be over for up to three seconds before every node knows.
    pub async fn own_account(&self, caller: &Principal) -> Result<Account> {
        let (user, session) = user_and_session(caller)?;
        read_own(&mut self.0.db.read().await?, user, session, self.now()).await
    }

    /// Changes the caller's account. A new address counts as confirmed; a new password ends the other sessions.
    ///
    /// # Errors
    /// [`Error::SamePassword`], [`Error::WeakPassword`], [`Error::EmailExists`], [`Error::PhoneDisabled`], a [`Refusal`], or an
    /// input over its limit.
    pub async fn update_own_account(&self, caller: &Principal, changes: UserChanges) -> Result<Account> {
        let (id, session) = user_and_session(caller)?;
        let account = self.own_account(caller).await?;
        if changes.phone.as_ref().is_some_and(|phone| account.user.phone.as_ref() != Some(phone)) {
            return Err(Error::PhoneDisabled);
        }
        let hash = self.new_hash(&account.user, &changes).await?;
        let now = self.now();
        let input = Arc::new((changes, hash));
        let account = self
            .0
            .db
            .write(move |tx| {
                let input = Arc::clone(&input);
                Box::pin(async move {
                    let (changes, hash) = &*input;
                    read_own(tx, id, session, now).await?;
                    let user = apply(tx, id, changes, hash.as_ref(), now).await?;
                    if hash.is_some() {
                        sessions::delete_others(tx, id, session).await?;
                    }
                    let identities = identities::of_user(tx, id).await?;
                    Ok::<_, Error>(Account { user, identities })
                })
            })
            .await?;
        self.0.sessions.forget(id);
        Ok(account)
    }

    /// The hash of a new password; `None` if there is no new password.
    async fn new_hash(&self, user: &User, changes: &UserChanges) -> Result<Option<Secret<String>>> {
        let Some(password) = &changes.password else { return Ok(None) };
        let password = NewPassword::parse(password.clone(), self.0.config.password_min_length)?;
        if user.is_anonymous && user.email.is_none() && changes.email.is_none() {
            return Err(Error::NeedsAddress);
        }
        if user.password_hash.is_some() {
            let verdict = self.0.passwords.verify(password.secret(), user.password_hash.as_ref()).await?;
            if verdict != Verdict::Wrong {
                return Err(Error::SamePassword);
            }
        }
        self.0.passwords.hash(password.secret()).await.map(Some)
    }
}

fn user_and_session(caller: &Principal) -> Result<(UserId, SessionId)> {
    caller.user_id.zip(caller.session_id).ok_or(Error::Refused(Refusal::NoUser))
}

async fn read_own(conn: &mut Conn, id: UserId, session: SessionId, now: Timestamp) -> Result<Account> {
    let user = users::find(conn, id).await?.ok_or(Refusal::UserGone)?;
    if sessions::find(conn, session).await?.is_none_or(|session| session.user_id != id) {
        return Err(Refusal::SessionOver.into());
    }
    if user.is_banned(now) {
        return Err(Refusal::Banned.into());
    }
    let identities = identities::of_user(conn, id).await?;
    Ok(Account { user, identities })
}

async fn apply(
    conn: &mut Conn,
    id: UserId,
    changes: &UserChanges,
    hash: Option<&Secret<String>>,
    now: Timestamp,
) -> Result<User> {
    let mut user = users::find_for_update(conn, id, now).await?.ok_or(Refusal::UserGone)?;
    if let Some(data) = &changes.data {
        merge(&mut user.user_metadata, data);
        check_metadata("data", &user.user_metadata, MAX_USER_METADATA)?;
    }
    if let Some(hash) = hash {
        user.password_hash = Some(hash.clone());
    }
    let new_email = changes.email.as_ref().filter(|email| user.email.as_ref() != Some(email));
    if let Some(email) = new_email {
        user.email = Some(email.clone());
        user.email_confirmed_at = Some(now);
        user.is_anonymous = false;
    }
    if new_email.is_some() || hash.is_some() {
        user.add_provider(Provider::Email.as_str());
    }
    users::update(conn, &user).await.map_err(taken)?;
    if (new_email.is_some() || hash.is_some())
        && let Some(identity) = email_identity(&user, now)
    {
        identities::put(conn, &identity).await?;
    }
    Ok(user)
}
