//! `POST /admin/v1/sql`: statements as the service role. Needs the service key.

use actix_web::web::Data;
use actix_web::{HttpResponse, post};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::api::{Code, JsonBody, Problem, StatementError};
use crate::auth::api::Caller;
use crate::data::Schemas;
use crate::data::migrate::{Error, Notice, Outcome};
use crate::db;
use crate::sql::Fault;

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
    /// The rows that a select, or a write with `returning`, gave.
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
/// problem says which: its line and column, PostgreSQL's code, and what to write instead.
#[utoipa::path(
    tag = "data",
    path = "/admin/v1/sql",
    request_body = SqlBody,
    security(("bearer" = []), ("apikey" = [])),
    responses((status = 200, description = "All of it was done", body = SqlAnswer), Problem),
)]
#[post("/sql")]
pub(super) async fn run_sql(caller: Caller, body: JsonBody<SqlBody>, schemas: Data<Schemas>) -> Result<HttpResponse, Problem> {
    caller.require_service()?;
    let applied = schemas.apply(&body.0.sql).await.map_err(problem)?;
    let results = applied.outcomes.into_iter().map(|Outcome { command, rows, row_count }| SqlResult { command, rows, row_count });
    let notices = applied.notices.into_iter().map(|Notice { place, statement, reason }| SqlNotice {
        line: place.line,
        column: place.column,
        statement,
        reason,
    });
    Ok(HttpResponse::Ok().json(SqlAnswer { results: results.collect(), notices: notices.collect() }))
}

fn problem(err: Error) -> Problem {
    match err {
        Error::Refused(Fault { line, column, code, message, hint }) => {
            let known = |number: u64| (number > 0).then_some(number);
            Code::SqlRefused.because(message).with_statement(StatementError {
                code: code.to_owned(),
                hint,
                line: known(line),
                column: known(column),
            })
        }
        Error::Statement { place, source } => match told(&source) {
            Some((code, message)) => Code::SqlRefused.because(message).with_statement(StatementError {
                code,
                hint: None,
                line: Some(place.line),
                column: Some(place.column),
            }),
            None => failed(&source),
        },
        Error::Db(source) => match told(&source) {
            Some((code, message)) => {
                Code::SqlRefused.because(message).with_statement(StatementError { code, ..StatementError::default() })
            }
            None => failed(&source),
        },
    }
}

/// What is no fault of the statements.
fn failed(err: &db::Error) -> Problem {
    match err {
        db::Error::Full(_) => {
            tracing::error!(error = %err, "SQL was not run: {err}");
            Code::StorageFull.because("the database's disk is full: nothing was changed; try again when there is space")
        }
        err if err.is_transient() => {
            tracing::error!(error = %err, "the database does not serve: {err}");
            Code::Unavailable.plain()
        }
        err => Problem::internal(err),
    }
}

/// PostgreSQL's code and words for what the database refused; `None` for failures of the server itself.
fn told(err: &db::Error) -> Option<(String, String)> {
    let told = match err {
        db::Error::Unique { told, .. }
        | db::Error::ForeignKey { told, .. }
        | db::Error::Check { told, .. }
        | db::Error::NotNull { told, .. } => told,
        db::Error::Other(detail) => return Some((detail.code.clone(), detail.message.clone())),
        db::Error::Deadline => return Some(("57014".to_owned(), err.to_string())),
        _ => return None,
    };
    Some((told.code.clone(), told.message.expose().clone()))
}
