//! `auth.identities`.

use super::unreadable;
use crate::auth::model::{Identity, Provider};
use crate::db::{self, Conn, FromRow, Row};
use crate::types::{Timestamp, UserId};

impl FromRow for Identity {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            user_id: row.get("user_id")?,
            provider: Provider::parse(&row.get::<String>("provider")?).ok_or_else(|| unreadable("provider"))?,
            provider_id: row.get("provider_id")?,
            data: row.get("identity_data")?,
            last_sign_in_at: row.get("last_sign_in_at")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// Adds an identity, or writes the data of the one that is there.
#[tracing::instrument(name = "auth.identity.put", skip_all, err)]
pub(in crate::auth) async fn put(conn: &mut Conn, identity: &Identity) -> db::Result<()> {
    conn.query(
        "insert into auth.identities
                (id, user_id, provider, provider_id, identity_data, last_sign_in_at, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (provider, provider_id) do update set identity_data = excluded.identity_data, updated_at = excluded.updated_at",
    )
    .bind(identity.id)
    .bind(identity.user_id)
    .bind(identity.provider.as_str())
    .bind(&identity.provider_id)
    .bind(&identity.data)
    .bind(identity.last_sign_in_at)
    .bind(identity.created_at)
    .bind(identity.updated_at)
    .execute()
    .await?;
    Ok(())
}

/// The identities of a user, the oldest first.
#[tracing::instrument(name = "auth.identity.of_user", skip_all, err)]
pub(in crate::auth) async fn of_user(conn: &mut Conn, user: UserId) -> db::Result<Vec<Identity>> {
    conn.query("select * from auth.identities where user_id = $1 order by created_at, id").bind(user).fetch_all().await
}

/// The identities of the users that [`super::users::list`] lists with the same bounds.
#[tracing::instrument(name = "auth.identity.of_page", skip_all, err)]
pub(in crate::auth) async fn of_page(conn: &mut Conn, limit: i64, offset: i64) -> db::Result<Vec<Identity>> {
    conn.query(
        "select * from auth.identities
          where user_id in (select id from auth.users order by created_at desc, id desc limit $1 offset $2)
          order by created_at, id",
    )
    .bind(limit)
    .bind(offset)
    .fetch_all()
    .await
}

/// Notes a sign-in by one of a user's identities.
#[tracing::instrument(name = "auth.identity.note_sign_in", skip_all, err)]
pub(in crate::auth) async fn note_sign_in(conn: &mut Conn, user: UserId, provider: Provider, now: Timestamp) -> db::Result<()> {
    conn.query("update auth.identities set last_sign_in_at = $3, updated_at = $3 where user_id = $1 and provider = $2")
        .bind(user)
        .bind(provider.as_str())
        .bind(now)
        .execute()
        .await?;
    Ok(())
}
