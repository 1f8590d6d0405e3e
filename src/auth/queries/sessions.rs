//! `auth.sessions`.

use super::unreadable;
use crate::auth::model::{Origin, Session};
use crate::auth::principal::Role;
use crate::auth::session::State;
use crate::db::{self, Conn, FromRow, Row};
use crate::types::{SessionId, Timestamp, UserId};

impl FromRow for Session {
    fn from_row(row: &Row) -> db::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            user_id: row.get("user_id")?,
            aal: row.get("aal")?,
            amr: row.get("amr")?,
            refresh_salt: row.get("refresh_salt")?,
            refresh_counter: row.get("refresh_counter")?,
            refreshed_at: row.get("refreshed_at")?,
            created_at: row.get("created_at")?,
        })
    }
}

impl FromRow for State {
    fn from_row(row: &Row) -> db::Result<Self> {
        if row.get::<Option<SessionId>>("session_id")?.is_none() {
            return Ok(Self::Over);
        }
        Ok(Self::Live {
            role: Role::parse(&row.get::<String>("role")?).ok_or_else(|| unreadable("role"))?,
            banned_until: row.get("banned_until")?,
        })
    }
}

/// Adds a session.
#[tracing::instrument(name = "auth.session.insert", skip_all, err)]
pub(in crate::auth) async fn insert(conn: &mut Conn, session: &Session, origin: &Origin) -> db::Result<()> {
    conn.query(
        "insert into auth.sessions
                (id, user_id, aal, amr, refresh_salt, refresh_counter, user_agent, ip, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
    )
    .bind(session.id)
    .bind(session.user_id)
    .bind(&session.aal)
    .bind(&session.amr)
    .bind(&session.refresh_salt)
    .bind(session.refresh_counter)
    .bind(origin.user_agent.as_ref())
    .bind(origin.ip.map(|ip| ip.to_string()))
    .bind(session.created_at)
    .execute()
    .await?;
    Ok(())
}

/// Finds a session.
#[tracing::instrument(name = "auth.session.find", skip_all, err)]
pub(in crate::auth) async fn find(conn: &mut Conn, id: SessionId) -> db::Result<Option<Session>> {
    conn.query("select * from auth.sessions where id = $1").bind(id).fetch_optional().await
}

/// Whether a user's session lives, with what a request must know of the user.
#[tracing::instrument(name = "auth.session.state", skip_all, err)]
pub(in crate::auth) async fn state(conn: &mut Conn, session: SessionId, user: UserId) -> db::Result<State> {
    let found = conn
        .query(
            "select u.role, u.banned_until, s.id as session_id
               from auth.users u
               left join auth.sessions s on s.user_id = u.id and s.id = $1
              where u.id = $2",
        )
        .bind(session)
        .bind(user)
        .fetch_optional()
        .await?;
    Ok(found.unwrap_or(State::NoUser))
}

/// Moves a session's counter on, if it is still `counter`. `None`: it is not, or the session is over.
///
/// The comparison is part of the statement, so that of many refreshes at once exactly one moves the counter: on PostgreSQL
/// the others wait for the row and then find another counter.
#[tracing::instrument(name = "auth.session.advance", skip_all, err)]
pub(in crate::auth) async fn advance(
    conn: &mut Conn,
    id: SessionId,
    counter: i64,
    now: Timestamp,
) -> db::Result<Option<Session>> {
    conn.query(
        "update auth.sessions
            set refresh_counter = refresh_counter + 1, refreshed_at = $3, updated_at = $3
          where id = $1 and refresh_counter = $2
      returning *",
    )
    .bind(id)
    .bind(counter)
    .bind(now)
    .fetch_optional()
    .await
}

/// Ends one session.
#[tracing::instrument(name = "auth.session.delete", skip_all, err)]
pub(in crate::auth) async fn delete(conn: &mut Conn, id: SessionId) -> db::Result<()> {
    conn.query("delete from auth.sessions where id = $1").bind(id).execute().await?;
    Ok(())
}

/// Ends the sessions of a user.
#[tracing::instrument(name = "auth.session.delete_of_user", skip_all, err)]
pub(in crate::auth) async fn delete_of_user(conn: &mut Conn, user: UserId) -> db::Result<()> {
    conn.query("delete from auth.sessions where user_id = $1").bind(user).execute().await?;
    Ok(())
}

/// Ends the sessions of a user but one.
#[tracing::instrument(name = "auth.session.delete_others", skip_all, err)]
pub(in crate::auth) async fn delete_others(conn: &mut Conn, user: UserId, kept: SessionId) -> db::Result<()> {
    conn.query("delete from auth.sessions where user_id = $1 and id <> $2").bind(user).bind(kept).execute().await?;
    Ok(())
}

/// Ends sessions that nobody has refreshed since `before`, the oldest first and so many at the most; gives how many.
#[tracing::instrument(name = "auth.session.delete_idle", skip_all, err)]
pub(in crate::auth) async fn delete_idle(conn: &mut Conn, before: Timestamp, most: u32) -> db::Result<u64> {
    conn.query(
        "delete from auth.sessions
          where id in (select id from auth.sessions where updated_at < $1 order by updated_at limit $2)",
    )
    .bind(before)
    .bind(most)
    .execute()
    .await
}
