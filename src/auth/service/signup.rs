//! Signing up.

use std::sync::Arc;

use uuid::Uuid;

use super::{AuthService, issue};
use crate::auth::model::{
    Email, Identity, MAX_USER_METADATA, Metadata, Method, NewPassword, Origin, Provider, SignedIn, User, check_metadata,
};
use crate::auth::queries::{identities, users};
use crate::auth::{Error, Result};
use crate::types::{Timestamp, UserId};

/// Who wants to sign up.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The address and the password; without them the user is anonymous.
    pub credentials: Option<(Email, String)>,
    /// What becomes `user_metadata`.
    pub data: Metadata,
}

impl AuthService {
    /// Makes a user and signs them in.
    ///
    /// The address counts as confirmed: this server sends no mail yet.
    ///
    /// # Errors
    /// [`Error::UserExists`], [`Error::WeakPassword`], [`Error::SignupDisabled`], [`Error::AnonymousDisabled`],
    /// [`Error::HashQueueFull`], or an input over its limit.
    pub async fn sign_up(&self, new: NewUser, origin: Origin) -> Result<SignedIn> {
        if !self.0.config.signup {
            return Err(Error::SignupDisabled);
        }
        if new.credentials.is_none() && !self.0.config.anonymous {
            return Err(Error::AnonymousDisabled);
        }
        check_metadata("data", &new.data, MAX_USER_METADATA)?;

        let now = self.now();
        let mut user = User::new(UserId::random(), now);
        user.user_metadata = new.data;
        user.last_sign_in_at = Some(now);
        let mut method = Method::Anonymous;
        match new.credentials {
            None => user.is_anonymous = true,
            Some((email, password)) => {
                let password = NewPassword::parse(password, self.0.config.password_min_length)?;
                user.password_hash = Some(self.0.passwords.hash(password.secret()).await?);
                user.email = Some(email);
                user.email_confirmed_at = Some(now);
                user.add_provider(Provider::Email.as_str());
                method = Method::Password;
            }
        }
        self.insert_and_begin(user, method, origin, now).await
    }

    async fn insert_and_begin(&self, user: User, method: Method, origin: Origin, now: Timestamp) -> Result<SignedIn> {
        let session = issue::session(user.id, method, now)?;
        let identity = email_identity(&user, now);
        let input = Arc::new((user, identity, session.clone(), origin));
        let account = self
            .0
            .db
            .write(move |tx| {
                let input = Arc::clone(&input);
                Box::pin(async move {
                    let (user, identity, session, origin) = &*input;
                    if !users::insert(tx, user).await? {
                        return Err(Error::UserExists);
                    }
                    if let Some(identity) = identity {
                        identities::put(tx, identity).await?;
                    }
                    Ok(issue::begin(tx, user.clone(), session, origin).await?)
                })
            })
            .await?;
        self.tokens(account, &session, now)
    }
}

/// The identity that goes with a user's address; `None` where there is no address.
pub(super) fn email_identity(user: &User, now: Timestamp) -> Option<Identity> {
    let email = user.email.as_ref()?.as_str();
    let data = [("email", email.into()), ("email_verified", user.email_confirmed_at.is_some().into())];
    Some(identity(user, Provider::Email, data, now))
}

/// The identity that goes with a user's phone number; `None` where there is no number.
pub(super) fn phone_identity(user: &User, now: Timestamp) -> Option<Identity> {
    let phone = user.phone.as_ref()?.as_str();
    let data = [("phone", phone.into()), ("phone_verified", user.phone_confirmed_at.is_some().into())];
    Some(identity(user, Provider::Phone, data, now))
}

fn identity(user: &User, provider: Provider, data: [(&str, serde_json::Value); 2], now: Timestamp) -> Identity {
    let mut data: Metadata = data.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    data.insert("sub".to_owned(), user.id.to_string().into());
    Identity {
        id: Uuid::new_v4(),
        user_id: user.id,
        provider,
        provider_id: user.id.to_string(),
        data,
        last_sign_in_at: user.last_sign_in_at,
        created_at: now,
        updated_at: now,
    }
}
