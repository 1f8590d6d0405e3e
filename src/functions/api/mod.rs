//! Functions over HTTP: the operator's side under `/admin/v1/functions`, and the calls under `/functions/v1`.

mod admin;
mod answers;
mod body;
mod config;
mod invocations;
mod invoke;
mod logs;
mod problems;
mod reply;
mod request;
mod status;

use actix_web::{Scope, web};
use utoipa::OpenApi;

use crate::api::{Code, Problem};
use crate::types::FunctionName;

#[doc(hidden)]
pub use self::config::check as check_config;
pub use self::invoke::answer;
pub use self::reply::reply_of;
#[doc(hidden)]
pub use self::request::name_in;
pub use self::request::{Target, headers, without_service_key};
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
