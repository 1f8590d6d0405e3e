//! `auth.users`.

use super::unreadable;
use crate::auth::model::{Email, Phone, User};
use crate::auth::principal::Role;
use crate::db::{self, Conn, FromRow, Row};
use crate::types::{Secret, Timestamp, UserId};

impl FromRow for User {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            role: Role::parse(&row.get::<String>("role")?).ok_or_else(|| unreadable("role"))?,
            email: row.get::<Option<String>>("email")?.map(Email::stored),
            phone: row.get::<Option<String>>("phone")?.map(Phone::stored),
            password_hash: row.get::<Option<String>>("encrypted_password")?.map(Secret::new),
            email_confirmed_at: row.get("email_confirmed_at")?,
            phone_confirmed_at: row.get("phone_confirmed_at")?,
            last_sign_in_at: row.get("last_sign_in_at")?,
            banned_until: row.get("banned_until")?,
            app_metadata: row.get("raw_app_meta_data")?,
            user_metadata: row.get("raw_user_meta_data")?,
            is_anonymous: row.get("is_anonymous")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// Adds a user. `false`: the id, the address or the number is another user's, and nothing was added.
#[tracing::instrument(name = "auth.user.insert", skip_all, err)]
pub(in crate::auth) async fn insert(conn: &mut Conn, user: &User) -> db::Result<bool> {
    let added = conn
        .query(
            "insert into auth.users
                    (id, role, email, phone, encrypted_password, email_confirmed_at, phone_confirmed_at, last_sign_in_at,
                     banned_until, raw_app_meta_data, raw_user_meta_data, is_anonymous, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
             on conflict do nothing",
        )
        .bind(user.id)
        .bind(user.role.as_str())
        .bind(user.email.as_ref().map(Email::as_str))
        .bind(user.phone.as_ref().map(Phone::as_str))
        .bind(user.password_hash.as_ref().map(Secret::expose))
        .bind(user.email_confirmed_at)
        .bind(user.phone_confirmed_at)
        .bind(user.last_sign_in_at)
        .bind(user.banned_until)
        .bind(&user.app_metadata)
        .bind(&user.user_metadata)
        .bind(user.is_anonymous)
        .bind(user.created_at)
        .bind(user.updated_at)
        .execute()
        .await?;
    Ok(added == 1)
}

/// Finds a user by id.
#[tracing::instrument(name = "auth.user.find", skip_all, err)]
pub(in crate::auth) async fn find(conn: &mut Conn, id: UserId) -> db::Result<Option<User>> {
    conn.query("select * from auth.users where id = $1").bind(id).fetch_optional().await
}

/// Finds a user by address.
#[tracing::instrument(name = "auth.user.find_by_email", skip_all, err)]
pub(in crate::auth) async fn find_by_email(conn: &mut Conn, email: &Email) -> db::Result<Option<User>> {
    conn.query("select * from auth.users where email = $1").bind(email.as_str()).fetch_optional().await
}

/// Finds a user by phone number.
#[tracing::instrument(name = "auth.user.find_by_phone", skip_all, err)]
pub(in crate::auth) async fn find_by_phone(conn: &mut Conn, phone: &Phone) -> db::Result<Option<User>> {
    conn.query("select * from auth.users where phone = $1").bind(phone.as_str()).fetch_optional().await
}

/// Finds a user who is about to be changed. The row is written to first, so that on PostgreSQL it is locked until the
/// transaction ends, and of two changes the second sees what the first did.
#[tracing::instrument(name = "auth.user.find_for_update", skip_all, err)]
pub(in crate::auth) async fn find_for_update(conn: &mut Conn, id: UserId, now: Timestamp) -> db::Result<Option<User>> {
    conn.query("update auth.users set updated_at = $2 where id = $1 returning *").bind(id).bind(now).fetch_optional().await
}

/// Writes a user whom [`find_for_update`] found in the same transaction.
///
/// # Errors
/// [`db::Error::Unique`] when the address or the number is another user's.
#[tracing::instrument(name = "auth.user.update", skip_all)]
pub(in crate::auth) async fn update(conn: &mut Conn, user: &User) -> db::Result<()> {
    conn.query(
        "update auth.users
            set role = $2, email = $3, phone = $4, encrypted_password = $5, email_confirmed_at = $6, phone_confirmed_at = $7,
                banned_until = $8, raw_app_meta_data = $9, raw_user_meta_data = $10, is_anonymous = $11, updated_at = $12
          where id = $1",
    )
    .bind(user.id)
    .bind(user.role.as_str())
    .bind(user.email.as_ref().map(Email::as_str))
    .bind(user.phone.as_ref().map(Phone::as_str))
    .bind(user.password_hash.as_ref().map(Secret::expose))
    .bind(user.email_confirmed_at)
    .bind(user.phone_confirmed_at)
    .bind(user.banned_until)
    .bind(&user.app_metadata)
    .bind(&user.user_metadata)
    .bind(user.is_anonymous)
    .bind(user.updated_at)
    .execute()
    .await?;
    Ok(())
}

/// Notes a sign-in with the password that was verified, which may get a better hash at this occasion.
///
/// `None`: the user was deleted or has another password by now.
#[tracing::instrument(name = "auth.user.note_sign_in", skip_all, err)]
pub(in crate::auth) async fn note_sign_in(
    conn: &mut Conn,
    id: UserId,
    verified: &Secret<String>,
    better: Option<&Secret<String>>,
    now: Timestamp,
) -> db::Result<Option<User>> {
    conn.query(
        "update auth.users
            set last_sign_in_at = $4, updated_at = $4, encrypted_password = $3
          where id = $1 and encrypted_password = $2
      returning *",
    )
    .bind(id)
    .bind(verified.expose())
    .bind(better.unwrap_or(verified).expose())
    .bind(now)
    .fetch_optional()
    .await
}

/// Deletes a user, and with the row the identities and sessions. `false`: there was none.
#[tracing::instrument(name = "auth.user.delete", skip_all, err)]
pub(in crate::auth) async fn delete(conn: &mut Conn, id: UserId) -> db::Result<bool> {
    let gone = conn.query("delete from auth.users where id = $1").bind(id).execute().await?;
    Ok(gone == 1)
}

/// How many users there are.
#[tracing::instrument(name = "auth.user.count", skip_all, err)]
pub(in crate::auth) async fn count(conn: &mut Conn) -> db::Result<i64> {
    let (count,) = conn.query("select count(*) as count from auth.users").fetch_one().await?;
    Ok(count)
}

/// Some of the users, the newest first.
#[tracing::instrument(name = "auth.user.list", skip_all, err)]
pub(in crate::auth) async fn list(conn: &mut Conn, limit: i64, offset: i64) -> db::Result<Vec<User>> {
    conn.query("select * from auth.users order by created_at desc, id desc limit $1 offset $2")
        .bind(limit)
        .bind(offset)
        .fetch_all()
        .await
}
