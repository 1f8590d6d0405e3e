//! Calls of the app's SQL functions.

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::answer;
use super::ask::{self, Ask};
use super::error::{ApiError, ErrorBody, Refused, WriteRefused};
use crate::auth::api::Caller;
use crate::data::request::headers::Action;
use crate::data::request::{CallBody, Fault, Kind, Query};
use crate::data::service::DataService;

/// Call a function
///
/// A function that was made by `create function … language sql`, with the caller's rights. A function that gives rows can be filtered,
/// ordered and embedded like a table.
#[utoipa::path(
    post,
    path = "/rest/v1/rpc/{function}",
    tag = "data",
    security(("bearer" = []), ("apikey" = [])),
    params(
        ("function" = String, Path, description = "The function", example = "add_them"),
        ("select" = Option<String>, Query, description = "The columns to answer with, where it gives rows"),
        ("prefer" = Option<String>, Header, description = "`count=exact`, `handling=strict,max-affected=1`, `return=minimal` for no body"),
    ),
    request_body(description = "The arguments by name", content((Object = "application/json", example = json!({"a": 1, "b": 2})))),
    responses(
        (status = 200, description = "What the function gives: a bare value, or rows", body = Object),
        (status = 204, description = "The function gives nothing"),
        WriteRefused,
    ),
)]
pub(super) async fn call_function(
    caller: Caller,
    http: HttpRequest,
    function: Path<String>,
    payload: Payload,
    data: Data<DataService>,
) -> Result<HttpResponse, ApiError> {
    let ask = Ask::of(&http, &caller)?;
    let query = Query::parse(http.query_string(), Kind::RpcPost)?;
    let body = CallBody::parse(ask::content(&http)?, &ask::body(payload).await?, query.columns.as_deref())?;
    let answer = data.rpc(&ask.caller, &function, &query, Some(&body), &ask.wants).await.map_err(|err| ask.refused(err))?;
    answer::rows(&ask, Action::Call, answer)
}

/// Query a function
///
/// As by POST, for functions that are `stable` or `immutable`; the arguments are parameters of the query.
#[utoipa::path(
    method(get, head),
    path = "/rest/v1/rpc/{function}",
    tag = "data",
    security(("bearer" = []), ("apikey" = [])),
    params(
        ("function" = String, Path, description = "The function", example = "add_them"),
        ("{argument}" = Option<String>, Query, description = "An argument by its name; arrays as `{1,2}`", example = "1"),
        ("select" = Option<String>, Query, description = "The columns to answer with, where it gives rows"),
        ("prefer" = Option<String>, Header, description = "`count=exact`"),
    ),
    responses(
        (status = 200, description = "What the function gives: a bare value, or rows", body = Object),
        (status = 204, description = "The function gives nothing"),
        (status = 405, description = "The function may write: call it by POST", body = ErrorBody),
        Refused,
    ),
)]
pub(super) async fn query_function(
    caller: Caller,
    http: HttpRequest,
    function: Path<String>,
    data: Data<DataService>,
) -> Result<HttpResponse, ApiError> {
    let ask = Ask::of(&http, &caller)?;
    let mut query = Query::parse(http.query_string(), Kind::RpcGet)?;
    if let Some(range) = Ask::range(&http)? {
        query.narrow(range)?;
    }
    let answer = data.rpc(&ask.caller, &function, &query, None, &ask.wants).await.map_err(|err| ask.refused(err))?;
    answer::rows(&ask, Action::Call, answer)
}

/// What can be done with a function.
pub(super) async fn options() -> HttpResponse {
    answer::options("OPTIONS,GET,HEAD,POST")
}

pub(super) async fn no_such_method(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Err(Fault::RpcMethod(request.method().to_string()).into())
}
