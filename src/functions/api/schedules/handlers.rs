//! The handlers.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path, Payload};
use actix_web::{CustomizeResponder, HttpResponse, Responder, delete, get, put};

use super::answers::{ScheduleAnswer, SchedulesAnswer};
use super::body::Body;
use crate::api::{Code, Problem, json_within};
use crate::auth::api::Caller;
use crate::functions::FunctionsService;
use crate::functions::api::existing_name;
use crate::functions::model::ScheduleName;

/// The longest body: a payload, with blanks, and the rest.
const BODY: usize = 256 * 1024;

/// List the schedules of a function
///
/// At most 100, in the order of their names, each with its next five due times and its last firing.
#[utoipa::path(
    get,
    path = "/admin/v1/functions/{name}/schedules",
    tag = "functions",
    security(("bearer" = [])),
    params(("name" = String, Path, example = "report")),
    responses((status = 200, description = "All of them", body = SchedulesAnswer), Problem),
)]
#[get("/functions/{name}/schedules")]
pub(in crate::functions::api) async fn list_schedules(
    caller: Caller,
    name: Path<String>,
    functions: Data<FunctionsService>,
) -> Result<Json<SchedulesAnswer>, Problem> {
    caller.require_service()?;
    let schedules = functions.schedules(&existing_name(&name)?).await?;
    Ok(Json(SchedulesAnswer { schedules: schedules.into_iter().map(ScheduleAnswer::from).collect() }))
}

/// Get a schedule of a function
#[utoipa::path(
    get,
    path = "/admin/v1/functions/{name}/schedules/{schedule}",
    tag = "functions",
    security(("bearer" = [])),
    params(("name" = String, Path, example = "report"), ("schedule" = String, Path, example = "weekday-mornings")),
    responses((status = 200, description = "The schedule, with its next five due times and its last firing", body = ScheduleAnswer), Problem),
)]
#[get("/functions/{name}/schedules/{schedule}")]
pub(in crate::functions::api) async fn get_schedule(
    caller: Caller,
    path: Path<(String, String)>,
    functions: Data<FunctionsService>,
) -> Result<Json<ScheduleAnswer>, Problem> {
    caller.require_service()?;
    let schedule = functions.schedule(&existing_name(&path.0)?, &existing_schedule(&path.1)?).await?;
    Ok(Json(schedule.into()))
}

/// Call a function by the clock
///
/// Each due time is accepted as an asynchronous call, once, with all that belongs to it: retries, destinations, `/admin/v1/invocations`.
/// The body says everything anew. Where expression, time zone, start, end and `enabled` stay as they were, the due times go on as they
/// were; otherwise they begin anew, and what was missed until then is left out.
#[utoipa::path(
    put,
    path = "/admin/v1/functions/{name}/schedules/{schedule}",
    tag = "functions",
    security(("bearer" = [])),
    params(
        ("name" = String, Path, example = "report"),
        ("schedule" = String, Path, description = "1 to 64 letters, digits, `-` and `_`", example = "weekday-mornings"),
    ),
    request_body = Body,
    responses(
        (status = 200, description = "Changed", body = ScheduleAnswer),
        (status = 201, description = "Made", body = ScheduleAnswer),
        Problem,
    ),
)]
#[put("/functions/{name}/schedules/{schedule}")]
pub(in crate::functions::api) async fn put_schedule(
    caller: Caller,
    path: Path<(String, String)>,
    payload: Payload,
    functions: Data<FunctionsService>,
) -> Result<CustomizeResponder<Json<ScheduleAnswer>>, Problem> {
    caller.require_service()?;
    let function = existing_name(&path.0)?;
    let name: ScheduleName = path.1.parse().map_err(|err| Code::InvalidInput.because(err))?;
    let body: Body = json_within(payload, BODY).await?;
    let draft = body.draft(&name).map_err(Problem::invalid)?;
    let (schedule, is_new) = functions.set_schedule(&function, name, draft).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Json(ScheduleAnswer::from(schedule)).customize().with_status(status))
}

/// Remove a schedule of a function
///
/// Calls that it made already are run.
#[utoipa::path(
    delete,
    path = "/admin/v1/functions/{name}/schedules/{schedule}",
    tag = "functions",
    security(("bearer" = [])),
    params(("name" = String, Path, example = "report"), ("schedule" = String, Path, example = "weekday-mornings")),
    responses((status = 204, description = "Removed"), Problem),
)]
#[delete("/functions/{name}/schedules/{schedule}")]
pub(in crate::functions::api) async fn delete_schedule(
    caller: Caller,
    path: Path<(String, String)>,
    functions: Data<FunctionsService>,
) -> Result<HttpResponse, Problem> {
    caller.require_service()?;
    functions.remove_schedule(&existing_name(&path.0)?, existing_schedule(&path.1)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A name in a path; one that no schedule can have is one that no schedule has.
fn existing_schedule(name: &str) -> Result<ScheduleName, Problem> {
    name.parse().map_err(|err| Code::NotFound.because(format!("there is no such schedule: {err}")))
}
