//! `plinth.function_urls`.

use serde_json::{Value, json};

use super::functions::{unreadable, word, word_of};
use crate::db::{self, Conn, FromRow, Row};
use crate::functions::model::FunctionUrl;
use crate::types::FunctionId;

/// What a URL is read from.
const URL: &str = "select u.*, f.name as name from plinth.function_urls u join plinth.functions f on f.id = u.function_id";

impl FromRow for FunctionUrl {
    fn from_row(row: &Row) -> db::Result<Self> {
        let cors: Option<Value> = row.get("cors")?;
        let alias: String = row.get("alias")?;
        Ok(Self {
            function_id: row.get("function_id")?,
            function: row.get("name")?,
            alias: Some(alias).filter(|alias| !alias.is_empty()),
            url_id: row.get("url_id")?,
            auth_type: word_of(row, "auth_type")?,
            invoke_mode: word_of(row, "invoke_mode")?,
            cors: cors.map(serde_json::from_value).transpose().map_err(|_| unreadable("cors"))?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// The URL of a function, or of an alias; `None` when it has none.
#[tracing::instrument(name = "functions.urls.find", skip_all, err)]
pub(in crate::functions) async fn find(conn: &mut Conn, function: FunctionId, alias: &str) -> db::Result<Option<FunctionUrl>> {
    conn.query_owned(format!("{URL} where u.function_id = $1 and u.alias = $2")).bind(function).bind(alias).fetch_optional().await
}

/// The URL of an id; `None` when there is none.
#[tracing::instrument(name = "functions.urls.find_id", skip_all, err)]
pub(in crate::functions) async fn find_id(conn: &mut Conn, url_id: &str) -> db::Result<Option<FunctionUrl>> {
    conn.query_owned(format!("{URL} where u.url_id = $1")).bind(url_id).fetch_optional().await
}

/// The URLs of a function and its aliases after one, in the order of the aliases.
#[tracing::instrument(name = "functions.urls.list", skip_all, err)]
pub(in crate::functions) async fn list(
    conn: &mut Conn,
    function: FunctionId,
    after: Option<&str>,
    limit: u32,
) -> db::Result<Vec<FunctionUrl>> {
    let (condition, after) = after.map_or((">=", ""), |after| (">", after));
    conn.query_owned(format!("{URL} where u.function_id = $1 and u.alias {condition} $2 order by u.alias limit $3"))
        .bind(function)
        .bind(after)
        .bind(limit)
        .fetch_all()
        .await
}

/// Adds a URL; false when the function or alias has one.
#[tracing::instrument(name = "functions.urls.insert", skip_all, err)]
pub(in crate::functions) async fn insert(conn: &mut Conn, url: &FunctionUrl) -> db::Result<bool> {
    let added = conn
        .query(
            "insert into plinth.function_urls
                    (function_id, alias, url_id, auth_type, invoke_mode, cors, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)
             on conflict (function_id, alias) do nothing",
        )
        .bind(url.function_id)
        .bind(url.alias.as_deref().unwrap_or_default())
        .bind(&url.url_id)
        .bind(word(&json!(url.auth_type)))
        .bind(word(&json!(url.invoke_mode)))
        .bind(url.cors.as_ref().map(|cors| json!(cors)))
        .bind(url.created_at)
        .bind(url.updated_at)
        .execute()
        .await?;
    Ok(added > 0)
}

/// Changes a URL; false when it is gone.
#[tracing::instrument(name = "functions.urls.update", skip_all, err)]
pub(in crate::functions) async fn update(conn: &mut Conn, url: &FunctionUrl) -> db::Result<bool> {
    let changed = conn
        .query("update plinth.function_urls set auth_type = $2, invoke_mode = $3, cors = $4, updated_at = $5 where url_id = $1")
        .bind(&url.url_id)
        .bind(word(&json!(url.auth_type)))
        .bind(word(&json!(url.invoke_mode)))
        .bind(url.cors.as_ref().map(|cors| json!(cors)))
        .bind(url.updated_at)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Removes the URL of a function or alias; gives its id, or `None` when there was none.
#[tracing::instrument(name = "functions.urls.delete", skip_all, err)]
pub(in crate::functions) async fn delete(conn: &mut Conn, function: FunctionId, alias: &str) -> db::Result<Option<String>> {
    let deleted: Option<(String,)> = conn
        .query("delete from plinth.function_urls where function_id = $1 and alias = $2 returning url_id")
        .bind(function)
        .bind(alias)
        .fetch_optional()
        .await?;
    Ok(deleted.map(|(id,)| id))
}
