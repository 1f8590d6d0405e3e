//! What the server's owner does with users.

use std::collections::HashMap;
use std::sync::Arc;

use super::signup::{email_identity, phone_identity};
use super::{AuthService, taken};
use crate::auth::model::{
    Account, BanDuration, Email, MAX_APP_METADATA, MAX_USER_METADATA, Metadata, NewPassword, Phone, Provider, User,
    check_metadata, merge,
};
use crate::auth::principal::Role;
use crate::auth::queries::{identities, sessions, users};
use crate::auth::{Error, Result};
use crate::db::Conn;
use crate::types::{Secret, Timestamp, UserId};

/// What a user shall be, or shall become; what is `None` stays, or is as it is for a new user.
#[derive(Clone, Debug, Default)]
pub struct AdminUser {
    /// Counts for a new user alone.
    pub id: Option<UserId>,
    pub email: Option<Email>,
    pub phone: Option<Phone>,
    pub password: Option<String>,
    /// `true` confirms the address.
    pub email_confirm: bool,
    /// `true` confirms the number.
    pub phone_confirm: bool,
    /// Laid over what is there.
    pub user_metadata: Option<Metadata>,
    /// Laid over what is there.
    pub app_metadata: Option<Metadata>,
    pub role: Option<Role>,
    pub ban: Option<BanDuration>,
}

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    pub number: u32,
    /// Entries a page.
    pub size: u32,
}

impl AuthService {
    /// Makes a user without signing in. One without a password cannot sign in with one.
    ///
    /// # Errors
    /// [`Error::EmailExists`], [`Error::PhoneExists`], [`Error::WeakPassword`], or an input that is not allowed.
    pub async fn create_user(&self, wanted: AdminUser) -> Result<Account> {
        if wanted.email.is_none() && wanted.phone.is_none() {
            return Err(Error::invalid("Cannot create a user without either an email or phone"));
        }
        let hash = self.hash_given(wanted.password.as_ref()).await?;
        let now = self.now();
        let mut user = User::new(wanted.id.unwrap_or_else(UserId::random), now);
        change(&mut user, &wanted, hash, now)?;
        let user = Arc::new(user);
        self.0
            .db
            .write(move |tx| {
                let user = Arc::clone(&user);
                Box::pin(async move {
                    if !users::insert(tx, &user).await? {
                        return Err(why_taken(tx, &user).await?);
                    }
                    account(tx, User::clone(&user), now).await
                })
            })
            .await
    }

    /// A user.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn user(&self, id: UserId) -> Result<Account> {
        let mut conn = self.0.db.read().await?;
        let user = users::find(&mut conn, id).await?.ok_or(Error::UserNotFound)?;
        let identities = identities::of_user(&mut conn, id).await?;
        Ok(Account { user, identities })
    }

    /// A page of the users, the newest first, and how many users there are.
    ///
    /// # Errors
    /// The database failed.
    pub async fn users(&self, page: Page) -> Result<(Vec<Account>, u64)> {
        let (limit, offset) = (i64::from(page.size), i64::from(page.number.saturating_sub(1)) * i64::from(page.size));
        let mut conn = self.0.db.read().await?;
        let total = users::count(&mut conn).await?;
        let users = users::list(&mut conn, limit, offset).await?;
        let mut of_user: HashMap<UserId, Vec<_>> = HashMap::new();
        for identity in identities::of_page(&mut conn, limit, offset).await? {
            of_user.entry(identity.user_id).or_default().push(identity);
        }
        let accounts = users.into_iter().map(|user| {
            let identities = of_user.remove(&user.id).unwrap_or_default();
            Account { user, identities }
        });
        Ok((accounts.collect(), u64::try_from(total).unwrap_or(0)))
    }

    /// Changes a user. A new password ends all sessions; a ban and a role count from this moment on.
    ///
    /// # Errors
    /// [`Error::UserNotFound`], [`Error::EmailExists`], [`Error::PhoneExists`], [`Error::WeakPassword`], or an input that is not
    /// allowed.
    pub async fn update_user(&self, id: UserId, wanted: AdminUser) -> Result<Account> {
        let hash = self.hash_given(wanted.password.as_ref()).await?;
        let now = self.now();
        let input = Arc::new((wanted, hash));
        let account = self
            .0
            .db
            .write(move |tx| {
                let input = Arc::clone(&input);
                Box::pin(async move {
                    let (wanted, hash) = &*input;
                    let mut user = users::find_for_update(tx, id, now).await?.ok_or(Error::UserNotFound)?;
                    change(&mut user, wanted, hash.clone(), now)?;
                    users::update(tx, &user).await.map_err(taken)?;
                    if hash.is_some() {
                        sessions::delete_of_user(tx, id).await?;
                    }
                    account(tx, user, now).await
                })
            })
            .await?;
        self.0.sessions.forget(id);
        Ok(account)
    }

    /// Deletes a user, with all that belongs to the user in auth.
    ///
    /// # Errors
    /// [`Error::UserNotFound`].
    pub async fn delete_user(&self, id: UserId) -> Result<()> {
        let was_there = self.0.db.write(move |tx| Box::pin(async move { Ok::<_, Error>(users::delete(tx, id).await?) })).await?;
        self.0.sessions.forget(id);
        if was_there { Ok(()) } else { Err(Error::UserNotFound) }
    }

    async fn hash_given(&self, password: Option<&String>) -> Result<Option<Secret<String>>> {
        let Some(password) = password else { return Ok(None) };
        let password = NewPassword::parse(password.clone(), self.0.config.password_min_length)?;
        self.0.passwords.hash(password.secret()).await.map(Some)
    }
}

fn change(user: &mut User, wanted: &AdminUser, hash: Option<Secret<String>>, now: Timestamp) -> Result<()> {
    if let Some(email) = &wanted.email {
        user.email = Some(email.clone());
        user.add_provider(Provider::Email.as_str());
    }
    if let Some(phone) = &wanted.phone {
        user.phone = Some(phone.clone());
        user.add_provider(Provider::Phone.as_str());
    }
    if wanted.email_confirm && user.email.is_some() {
        user.email_confirmed_at = user.email_confirmed_at.or(Some(now));
        user.is_anonymous = false;
    }
    if wanted.phone_confirm && user.phone.is_some() {
        user.phone_confirmed_at = user.phone_confirmed_at.or(Some(now));
        user.is_anonymous = false;
    }
    if let Some(hash) = hash {
        user.password_hash = Some(hash);
    }
    if let Some(changes) = &wanted.user_metadata {
        merge(&mut user.user_metadata, changes);
        check_metadata("user_metadata", &user.user_metadata, MAX_USER_METADATA)?;
    }
    if let Some(changes) = &wanted.app_metadata {
        merge(&mut user.app_metadata, changes);
        check_metadata("app_metadata", &user.app_metadata, MAX_APP_METADATA)?;
    }
    user.role = wanted.role.unwrap_or(user.role);
    if let Some(ban) = wanted.ban {
        user.banned_until = ban.until(now);
    }
    Ok(())
}

/// The user with identities that say what the user's row says.
async fn account(conn: &mut Conn, user: User, now: Timestamp) -> Result<Account> {
    for identity in [email_identity(&user, now), phone_identity(&user, now)].into_iter().flatten() {
        identities::put(conn, &identity).await?;
    }
    let identities = identities::of_user(conn, user.id).await?;
    Ok(Account { user, identities })
}

/// Why a user could not be added.
async fn why_taken(conn: &mut Conn, user: &User) -> Result<Error> {
    if let Some(email) = &user.email
        && users::find_by_email(conn, email).await?.is_some()
    {
        return Ok(Error::EmailExists);
    }
    if let Some(phone) = &user.phone
        && users::find_by_phone(conn, phone).await?.is_some()
    {
        return Ok(Error::PhoneExists);
    }
    Ok(Error::invalid("id: another user has this id"))
}
