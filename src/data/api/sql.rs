//! `POST /admin/v1/sql`: statements as the service role. Needs the service key.

use actix_web::web::{Data, Payload};
use actix_web::{HttpResponse, post};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::statement::problem;
use crate::api::{Problem, json_within};
use crate::auth::api::Caller;
use crate::data::Schemas;
use crate::data::migrate::{Notice, Outcome};

/// Bytes of a body: a text of the longest that is taken, however its characters are escaped.
const MAX_BODY: usize = 8 << 20;

/// Statements to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SqlBody {
    /// Statements in PostgreSQL's grammar, in the portable subset; at most 1 MiB.
    #[schema(example = "create table todos (id bigint generated always as identity primary key, title text not null)")]
    sql: String,
}

/// What the statements did, in order.
#[derive(Debug, Serialize, ToSchema)]
struct SqlAnswer {
    results: Vec<SqlResult>,
    /// Native views, functions, policies and grants that PostgreSQL did not take. The API serves them all the same, since its requests
    /// never depend on them; whoever reaches the database by other means does not find them there. Always empty on SQLite.
    notices: Vec<SqlNotice>,
}

/// A native definition that was left out.
#[derive(Debug, Serialize, ToSchema)]
struct SqlNotice {
    /// Where its statement begins in the text, from 1.
    line: u64,
    column: u64,
    /// How its statement begins.
    #[schema(example = "CREATE VIEW mine AS SELECT id FROM todos WHERE owner = auth.uid()")]
    statement: String,
    /// PostgreSQL's reason.
    #[schema(example = "permission denied for schema public")]
    reason: String,
}

/// What one statement did.
#[derive(Debug, Serialize, ToSchema)]
struct SqlResult {
    /// As PostgreSQL names it.
    #[schema(example = "CREATE TABLE")]
    command: String,
    /// The rows that a select, or a write with `returning`, gave: all of them, at most 10,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<serde_json::Value>>)]
    rows: Option<Box<RawValue>>,
    /// How many rows it gave or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    row_count: Option<u64>,
}

/// Run SQL
///
/// Runs statements in PostgreSQL's grammar in one transaction, with the rights of the service role: definitions (tables, policies,
/// views, functions, grants) and rows alike, on SQLite and on PostgreSQL. When one is refused, nothing of the text is done, and the
/// problem says which: its line and column, PostgreSQL's code, and what to write instead. A statement that gives more than 10,000 rows
/// is refused (`54000`), one that still runs after `data.sql_timeout` is ended (`57014`).
#[utoipa::path(
    tag = "data",
    path = "/admin/v1/sql",
    request_body = SqlBody,
    security(("bearer" = []), ("apikey" = [])),
    responses((status = 200, description = "All of it was done", body = SqlAnswer), Problem),
)]
#[post("/sql")]
pub(super) async fn run_sql(caller: Caller, body: Payload, schemas: Data<Schemas>) -> Result<HttpResponse, Problem> {
    caller.require_service()?;
    let SqlBody { sql } = json_within(body, MAX_BODY).await?;
    let applied = schemas.apply(sql).await.map_err(|err| problem(err, "data.sql_timeout"))?;
    let results = applied.outcomes.into_iter().map(|Outcome { command, rows, row_count }| SqlResult { command, rows, row_count });
    let notices = applied.notices.into_iter().map(|Notice { place, statement, reason }| SqlNotice {
        line: place.line,
        column: place.column,
        statement,
        reason,
    });
    Ok(HttpResponse::Ok().json(SqlAnswer { results: results.collect(), notices: notices.collect() }))
}
