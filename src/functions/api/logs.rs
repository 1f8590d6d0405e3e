//! Reading and following the functions' log. Needs the service key.

use std::collections::HashMap;

use actix_web::http::header;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use futures_util::stream;
use serde::Deserialize;
use utoipa::IntoParams;

use super::admin::{limit_of, query_of};
use super::answers::{LogAnswer, LogsAnswer};
use crate::api::{Code, FieldError, Problem};
use crate::auth::api::Caller;
use crate::functions::FunctionsService;
use crate::functions::logs::{Event, Filter, Follow, Kind, level_of};
use crate::types::{FunctionId, FunctionName, RequestId, Timestamp};

/// Log entries an answer has unless it is asked for another number.
const ENTRIES: u32 = 100;

/// The longest text that is looked for, in bytes.
const CONTAINS: usize = 200;

/// The media type of server-sent events.
const EVENTS: &str = "text/event-stream";

/// Which log entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LogsQuery {
    /// Only entries of this function. For `/admin/v1/logs` alone.
    #[param(value_type = Option<String>, example = "hello")]
    function: Option<FunctionName>,
    /// Only entries of this moment (RFC 3339) and later.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Only entries of this call: the `x-request-id` of its answer.
    #[param(value_type = Option<String>, format = Uuid)]
    request_id: Option<RequestId>,
    /// Only entries of this level and of louder ones: `trace`, `debug`, `info`, `warn` or `error`.
    #[param(example = "warn")]
    level: Option<String>,
    /// Only what functions wrote (`function`), or only the records of calls (`platform`).
    #[param(example = "function")]
    kind: Option<String>,
    /// Only entries whose text has this part, letter by letter; at most 200 bytes.
    #[param(example = "order 17")]
    contains: Option<String>,
    /// Entries at the most, the newest; from 1 to 1000. Not for a stream.
    #[param(default = 100, minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Whether to stay and send what is logged from now on, as server-sent events; `accept: text/event-stream` says the same.
    follow: Option<bool>,
}

/// Read or follow a function's log
///
/// What the function wrote and the records of its calls (START, END, REPORT), with everything of the calls whose answers were
/// received. The newest lines of each function are kept (`functions.log_lines`).
///
/// With `follow=true` (or `accept: text/event-stream`) the answer is a stream of server-sent events that goes on: `log` with an entry as
/// its data and the entry's id as its id, `missed` with `{"lines": n}` where a slow client left so many out, and `end` when the server
/// stops. It begins with what is logged from now on, or with the kept entries from `since` on, or, with `last-event-id`, behind that entry:
/// so a client that reconnects loses none. A comment comes every 15 seconds when nothing else does. At most
/// `functions.log_followers` clients follow at once.
#[utoipa::path(
    get,
    path = "/admin/v1/functions/{name}/logs",
    tag = "functions",
    security(("bearer" = [])),
    params(
        ("name" = String, Path, example = "hello"),
        LogsQuery,
        ("last-event-id" = Option<String>, Header, description = "The id of the last entry that was received; for a stream", example = "4711"),
    ),
    responses(
        (status = 200, description = "The newest entries that match, the oldest of them first; or a stream of them",
         content((LogsAnswer = "application/json"), (String = "text/event-stream", example = "id: 4711\nevent: log\ndata: {\"id\":\"4711\",\"function\":\"hello\",\"level\":\"INFO\",\"text\":\"…\"}\n\n"))),
        (status = 429, description = "As many clients as may follow the log already", body = crate::api::ProblemBody, content_type = "application/problem+json"),
        Problem,
    ),
)]
#[get("/functions/{name}/logs")]
pub(super) async fn read_function_logs(
    caller: Caller,
    name: Path<String>,
    request: HttpRequest,
    functions: Data<FunctionsService>,
) -> Result<HttpResponse, Problem> {
    caller.require_service()?;
    let asked: LogsQuery = query_of(&request)?;
    if asked.function.is_some() {
        return Err(refused("function", "is in the path already; /admin/v1/logs has the log of all functions"));
    }
    let asked = LogsQuery { function: Some(super::existing_name(&name)?), ..asked };
    answer(asked, &request, functions).await
}

/// Read or follow the log of all functions
///
/// As `/admin/v1/functions/{name}/logs`, over every function at once, or one by `function`.
#[utoipa::path(
    get,
    path = "/admin/v1/logs",
    tag = "functions",
    security(("bearer" = [])),
    params(
        LogsQuery,
        ("last-event-id" = Option<String>, Header, description = "The id of the last entry that was received; for a stream", example = "4711"),
    ),
    responses(
        (status = 200, description = "The newest entries that match, the oldest of them first; or a stream of them",
         content((LogsAnswer = "application/json"), (String = "text/event-stream", example = "id: 4711\nevent: log\ndata: {\"id\":\"4711\",\"function\":\"hello\",\"level\":\"INFO\",\"text\":\"…\"}\n\n"))),
        (status = 429, description = "As many clients as may follow the log already", body = crate::api::ProblemBody, content_type = "application/problem+json"),
        Problem,
    ),
)]
#[get("/logs")]
pub(super) async fn read_all_logs(
    caller: Caller,
    request: HttpRequest,
    functions: Data<FunctionsService>,
) -> Result<HttpResponse, Problem> {
    caller.require_service()?;
    answer(query_of(&request)?, &request, functions).await
}

async fn answer(asked: LogsQuery, request: &HttpRequest, functions: Data<FunctionsService>) -> Result<HttpResponse, Problem> {
    let limit = limit_of(asked.limit, ENTRIES)?;
    let follows = asked.follow.unwrap_or_else(|| accepts_events(request));
    let mut names = Names::default();
    let function = match &asked.function {
        Some(name) => {
            let id = functions.get(name).await?.function_id;
            names.0.insert(id, name.to_string());
            Some(id)
        }
        None => None,
    };
    let filter = filter_of(asked, function)?;
    if follows {
        let after = last_event(request)?;
        let follow = functions.follow_logs(filter, after).await?.ok_or_else(|| {
            let message = "as many clients as may follow the functions' log already (functions.log_followers)";
            Code::TooManyRequests.because(message).retry_after(super::problems::RETRY_AFTER)
        })?;
        return Ok(events(Stream { follow, names, functions, over: false }));
    }
    let lines = functions.logs(&filter, limit).await?;
    let mut entries = Vec::with_capacity(lines.len());
    for line in lines {
        let name = names.of(line.function, &functions).await;
        entries.push(LogAnswer::new(line, name));
    }
    Ok(HttpResponse::Ok().json(LogsAnswer { entries }))
}

fn filter_of(asked: LogsQuery, function: Option<FunctionId>) -> Result<Filter, Problem> {
    let LogsQuery { since, request_id, level, kind, contains, .. } = asked;
    let level = level.map(|name| level_of(&name).ok_or_else(|| refused("level", "must be trace, debug, info, warn or error")));
    let kind_of = |name: String| Kind::ALL.into_iter().find(|kind| kind.as_str() == name);
    let kind = kind.map(|name| kind_of(name).ok_or_else(|| refused("kind", "must be function or platform")));
    if contains.as_ref().is_some_and(|part| part.is_empty() || part.len() > CONTAINS || part.contains('\0')) {
        return Err(refused("contains", "must be a text of 1 to 200 bytes without NUL"));
    }
    Ok(Filter { function, request: request_id, since, level: level.transpose()?, kind: kind.transpose()?, contains })
}

fn refused(field: &str, message: &str) -> Problem {
    Problem::invalid(vec![FieldError::new(field, message)])
}

fn accepts_events(request: &HttpRequest) -> bool {
    let accepted = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|kind| kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(EVENTS))
}

/// The entry behind which a stream goes on.
fn last_event(request: &HttpRequest) -> Result<Option<i64>, Problem> {
    let Some(value) = request.headers().get("last-event-id") else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| text.trim().parse::<i64>().ok()).filter(|id| *id >= 0);
    id.map(Some).ok_or_else(|| Code::InvalidInput.because("last-event-id must be the id of an entry"))
}

/// The names of functions by their ids, as far as they were asked for.
#[derive(Default)]
struct Names(HashMap<FunctionId, String>);

impl Names {
    /// A function's name; empty when it was deleted meanwhile.
    async fn of(&mut self, function: FunctionId, functions: &FunctionsService) -> String {
        if let Some(name) = self.0.get(&function) {
            return name.clone();
        }
        let found = functions.name_of(function).await.ok().flatten();
        let name = found.map(|name| name.to_string()).unwrap_or_default();
        self.0.entry(function).or_insert(name).clone()
    }
}

struct Stream {
    follow: Follow,
    names: Names,
    functions: Data<FunctionsService>,
    over: bool,
}

fn events(stream: Stream) -> HttpResponse {
    // The first bytes say at once that the server follows.
    let begin = stream::once(async { Ok::<_, actix_web::Error>(Bytes::from_static(b": following\n\n")) });
    let rest = stream::unfold(stream, |mut stream| async move {
        if stream.over {
            return None;
        }
        let text = stream.next().await;
        Some((Ok(Bytes::from(text)), stream))
    });
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, EVENTS))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(futures_util::StreamExt::chain(begin, rest))
}

impl Stream {
    /// The next event as text.
    async fn next(&mut self) -> String {
        match self.follow.next().await {
            Ok(Event::Line(line)) => {
                let (id, name) = (line.id, self.names.of(line.function, &self.functions).await);
                let data = serde_json::to_string(&LogAnswer::new(line, name)).unwrap_or_default();
                format!("id: {id}\nevent: log\ndata: {data}\n\n")
            }
            Ok(Event::Missed(lines)) => format!("event: missed\ndata: {{\"lines\":{lines}}}\n\n"),
            Ok(Event::Nothing) => ": nothing new\n\n".to_owned(),
            Ok(Event::End) => {
                self.over = true;
                "event: end\ndata: {\"reason\":\"the server is stopping\"}\n\n".to_owned()
            }
            Err(err) => {
                tracing::error!(error = %err, "a stream of the functions' log is cut: {err}");
                self.over = true;
                "event: end\ndata: {\"reason\":\"the log cannot be read at the moment\"}\n\n".to_owned()
            }
        }
    }
}
