//! Functions over HTTP: the operator's side under `/admin/v1/functions`, and the calls under `/functions/v1`.

mod admin;
mod answers;
mod config;
mod http;
mod invocations;
mod invoke;
mod logs;
mod manage;
mod problems;
mod schedules;
mod status;
mod usage;

use actix_web::{Scope, web};
use utoipa::OpenApi;

use crate::api::{Code, Problem};
use crate::types::FunctionName;

#[doc(hidden)]
pub use self::config::check as check_config;
pub use self::http::reply::reply_of;
#[doc(hidden)]
pub use self::http::request::name_in;
pub use self::http::request::{Target, headers, without_service_key};
pub use self::invoke::answer;
pub use self::status::FunctionsStatus;

/// The document of functions.
#[derive(OpenApi)]
#[openapi(
    paths(
        admin::deploy_function,
        admin::list_functions,
        admin::get_function,
        admin::delete_function,
        logs::read_function_logs,
        logs::read_all_logs,
        invocations::list_invocations,
        invocations::get_invocation,
        invocations::redrive_invocation,
        invocations::redrive_invocations,
        invocations::remove_invocation,
        invocations::purge_invocations,
        schedules::handlers::list_schedules,
        schedules::handlers::get_schedule,
        schedules::handlers::put_schedule,
        schedules::handlers::delete_schedule,
        usage::read_usage,
        manage::list_function_versions,
        manage::publish_function_version,
        manage::list_function_aliases,
        manage::put_function_alias,
        manage::delete_function_alias,
        manage::roll_back_function,
        manage::change_env,
        manage::run_function,
        invoke::invoke_function,
    ),
    components(schemas(answers::FailureAnswer)),
    tags((name = "functions", description = "JavaScript and TypeScript functions: deploy, call, watch"))
)]
pub struct Doc;

/// Adds the operator's side to the scope of `/admin/v1`.
#[must_use]
pub fn admin_routes(scope: Scope) -> Scope {
    scope
        .service(admin::deploy_function)
        .service(admin::list_functions)
        .service(admin::get_function)
        .service(admin::delete_function)
        .service(logs::read_function_logs)
        .service(logs::read_all_logs)
        .service(invocations::list_invocations)
        .service(invocations::redrive_invocations)
        .service(invocations::get_invocation)
        .service(invocations::redrive_invocation)
        .service(invocations::remove_invocation)
        .service(invocations::purge_invocations)
        .service(schedules::handlers::list_schedules)
        .service(schedules::handlers::get_schedule)
        .service(schedules::handlers::put_schedule)
        .service(schedules::handlers::delete_schedule)
        .service(usage::read_usage)
        .configure(manage::routes)
}

/// Everything under `/functions/v1`. The server wraps it in `auth::api::identify`.
#[must_use]
pub fn invoke_routes() -> Scope {
    web::scope("/functions/v1").default_service(web::to(invoke::invoke_function))
}

/// A name in a path; one that no function can have is one that no function has.
fn existing_name(name: &str) -> Result<FunctionName, Problem> {
    name.parse().map_err(|err| Code::NotFound.because(format!("there is no such function: {err}")))
}
