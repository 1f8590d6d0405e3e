//! The rows of a table or view.

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::answer;
use super::ask::{self, Ask};
use super::error::{ApiError, ErrorBody, Refused, WriteRefused};
use crate::auth::api::Caller;
use crate::auth::principal::Role;
use crate::data::request::headers::Action;
use crate::data::request::{Body, Kind, Query};
use crate::data::service::DataService;

/// The query parameters that all of these have in common.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "the fields are the document's; the query is read whole, since any column's name may be a parameter"
)]
struct RowFilters {
    /// The columns to answer with: names, aliases (`alias:column`), casts (`column::text`), JSON paths (`column->a->>b`), embedded
    /// tables (`author(name)`), aggregates (`amount.sum()`).
    #[param(example = "id,title,author(name)")]
    select: Option<String>,
    /// The order: columns with `.asc` or `.desc`, `.nullsfirst` or `.nullslast`.
    #[param(example = "created_at.desc")]
    order: Option<String>,
    /// Rows at the most; never more than `data.max_rows`.
    limit: Option<u64>,
    /// Rows to leave out first.
    offset: Option<u64>,
    /// One of several conditions: `(a.eq.1,and(b.gt.2,c.is.null))`.
    or: Option<String>,
    /// All of several conditions.
    and: Option<String>,
    /// A condition on a column, by the column's name: `eq`, `neq`, `gt`, `gte`, `lt`, `lte`, `like`, `ilike`, `match`, `imatch`,
    /// `in.(…)`, `is.null`, `isdistinct`, `cs`, `cd`, `ov`, `fts`, `plfts`, `phfts`, `wfts`, each with `not.` before it if need be.
    #[param(rename = "{column}", example = "eq.1")]
    column: Option<String>,
}

/// Read rows
///
/// A table or view of the app, as far as the caller's grants and row policies let it see. Every parameter that is not listed here is a
/// condition on the column of its name.
#[utoipa::path(
    method(get, head),
    path = "/rest/v1/{relation}",
    tag = "data",
    security(("bearer" = []), ("apikey" = [])),
    params(
        ("relation" = String, Path, description = "A table or view", example = "todos"),
        RowFilters,
        ("prefer" = Option<String>, Header, description = "`count=exact` for the number of all rows; `handling=strict`", example = "count=exact"),
        ("range" = Option<String>, Header, description = "Rows by their places, from 0", example = "0-19"),
        ("accept" = Option<String>, Header, description = "`application/json`, `application/vnd.pgrst.object+json` for the one row, `…;nulls=stripped`, `text/csv`"),
    ),
    responses(
        (status = 200, description = "The rows", body = Vec<Object>,
         headers(("content-range" = String, description = "`0-9/*`, or `0-9/57` when a count was asked for"))),
        (status = 206, description = "A part of the rows that were counted", body = Vec<Object>),
        (status = 416, description = "PGRST103: beyond the last row", body = ErrorBody),
        Refused,
    ),
)]
pub(super) async fn read_rows(
    caller: Caller,
    http: HttpRequest,
    relation: Path<String>,
    data: Data<DataService>,
) -> Result<HttpResponse, ApiError> {
    let ask = Ask::of(&http, &caller)?;
    let mut query = Query::parse(http.query_string(), Kind::Table)?;
    if let Some(range) = Ask::range(&http)? {
        query.narrow(range)?;
    }
    let answer =
        data.read(&ask.caller, &relation, &query, http.query_string(), &ask.wants).await.map_err(|err| ask.refused(err))?;
    answer::rows(&ask, Action::Read, answer)
}

/// Insert rows
///
/// One row (an object) or several (an array): all or none. With `resolution=merge-duplicates` or `ignore-duplicates` rows whose key is
/// there already (the primary key, or the columns of `on_conflict`) are changed or left alone. What was accepted is on the disk.
#[utoipa::path(
    post,
    path = "/rest/v1/{relation}",
    tag = "data",
    security(("bearer" = []), ("apikey" = [])),
    params(
        ("relation" = String, Path, description = "A table", example = "todos"),
        ("select" = Option<String>, Query, description = "The columns to answer with, for `return=representation`"),
        ("columns" = Option<String>, Query, description = "The columns that the rows' keys are taken for; others are ignored", example = "title,done"),
        ("on_conflict" = Option<String>, Query, description = "The columns of a unique constraint, for an upsert", example = "slug"),
        ("prefer" = Option<String>, Header, example = "return=representation",
         description = "`return=minimal|headers-only|representation`, `resolution=merge-duplicates|ignore-duplicates`, `missing=default|null`, `count=exact`"),
    ),
    request_body(description = "A row or rows as JSON; also `text/csv` and a form",
        content((Object = "application/json", example = json!({"title": "Buy milk"})), (String = "text/csv"), (Object = "application/x-www-form-urlencoded"))),
    responses(
        (status = 201, description = "The rows are there; with `return=representation` they are the body", body = Vec<Object>),
        (status = 200, description = "Every row was there already and was changed", body = Vec<Object>),
        WriteRefused,
    ),
)]
pub(super) async fn insert_rows(
    caller: Caller,
    http: HttpRequest,
    relation: Path<String>,
    payload: Payload,
    data: Data<DataService>,
) -> Result<HttpResponse, ApiError> {
    let ask = Ask::of(&http, &caller)?;
    let query = Query::parse(http.query_string(), Kind::Table)?;
    let body = Body::parse(ask::content(&http)?, &ask::body(payload).await?, query.columns.as_deref())?;
    let answer = data.insert(&ask.caller, &relation, &query, &body, &ask.wants).await.map_err(|err| ask.refused(err))?;
    Ok(answer::inserted(&ask, &relation, answer))
}

/// Update rows
///
/// Every row that the conditions match and the caller's policies let it change.
#[utoipa::path(
    patch,
    path = "/rest/v1/{relation}",
    tag = "data",
    security(("bearer" = []), ("apikey" = [])),
    params(
        ("relation" = String, Path, description = "A table", example = "todos"),
        RowFilters,
        ("prefer" = Option<String>, Header, example = "return=representation",
         description = "`return=minimal|representation`, `count=exact`, `handling=strict,max-affected=1`"),
    ),
    request_body(description = "The columns to change with their new values", content((Object = "application/json", example = json!({"done": true})))),
    responses(
        (status = 204, description = "Changed, matched or not"),
        (status = 200, description = "The rows as they are now", body = Vec<Object>),
        WriteRefused,
    ),
)]
pub(super) async fn update_rows(
    caller: Caller,
    http: HttpRequest,
    relation: Path<String>,
    payload: Payload,
    data: Data<DataService>,
) -> Result<HttpResponse, ApiError> {
    let ask = Ask::of(&http, &caller)?;
    let query = Query::parse(http.query_string(), Kind::Table)?;
    let body = Body::parse(ask::content(&http)?, &ask::body(payload).await?, query.columns.as_deref())?;
    let answer = data.update(&ask.caller, &relation, &query, &body, &ask.wants).await.map_err(|err| ask.refused(err))?;
    Ok(answer::changed(&ask, Action::Update, answer))
}

/// Put one row
///
/// The row with the primary key that the conditions name, all of its key and nothing else, is made or replaced.
#[utoipa::path(
    put,
    path = "/rest/v1/{relation}",
    tag = "data",
    security(("bearer" = []), ("apikey" = [])),
    params(
        ("relation" = String, Path, description = "A table", example = "todos"),
        ("{key}" = String, Query, description = "Each column of the primary key", example = "eq.1"),
        ("prefer" = Option<String>, Header, description = "`return=minimal|representation`"),
    ),
    request_body(description = "The whole row", content((Object = "application/json", example = json!({"id": 1, "title": "Buy milk"})))),
    responses(
        (status = 201, description = "The row is new", body = Vec<Object>),
        (status = 200, description = "The row as it is now", body = Vec<Object>),
        (status = 204, description = "The row was replaced"),
        (status = 405, description = "PGRST105: the conditions are not the primary key", body = ErrorBody),
        WriteRefused,
    ),
)]
pub(super) async fn put_row(
    caller: Caller,
    http: HttpRequest,
    relation: Path<String>,
    payload: Payload,
    data: Data<DataService>,
) -> Result<HttpResponse, ApiError> {
    let ask = Ask::of(&http, &caller)?;
    let query = Query::parse(http.query_string(), Kind::Table)?;
    let body = Body::parse(ask::content(&http)?, &ask::body(payload).await?, query.columns.as_deref())?;
    let answer = data.put(&ask.caller, &relation, &query, &body, &ask.wants).await.map_err(|err| ask.refused(err))?;
    Ok(answer::put(&ask, answer))
}

/// Delete rows
///
/// Every row that the conditions match and the caller's policies let it delete.
#[utoipa::path(
    delete,
    path = "/rest/v1/{relation}",
    tag = "data",
    security(("bearer" = []), ("apikey" = [])),
    params(
        ("relation" = String, Path, description = "A table", example = "todos"),
        RowFilters,
        ("prefer" = Option<String>, Header, description = "`return=minimal|representation`, `count=exact`, `handling=strict,max-affected=1`"),
    ),
    responses(
        (status = 204, description = "Deleted, matched or not"),
        (status = 200, description = "The rows as they were", body = Vec<Object>),
        WriteRefused,
    ),
)]
pub(super) async fn delete_rows(
    caller: Caller,
    http: HttpRequest,
    relation: Path<String>,
    data: Data<DataService>,
) -> Result<HttpResponse, ApiError> {
    let ask = Ask::of(&http, &caller)?;
    let query = Query::parse(http.query_string(), Kind::Table)?;
    let answer = data.delete(&ask.caller, &relation, &query, &ask.wants).await.map_err(|err| ask.refused(err))?;
    Ok(answer::changed(&ask, Action::Delete, answer))
}

/// What can be done with a table or view.
pub(super) async fn options(relation: Path<String>, data: Data<DataService>) -> Result<HttpResponse, ApiError> {
    let is_table = data.is_table(&relation).map_err(|err| ApiError::told_to(Role::Authenticated, err))?;
    Ok(answer::options(if is_table { "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE" } else { "OPTIONS,GET,HEAD" }))
}
