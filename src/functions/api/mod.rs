//! Functions over HTTP: the operator's side under `/admin/v1/functions`, and the calls under `/functions/v1`.

mod admin;
mod answers;
mod body;
mod config;
mod invoke;
mod logs;
mod reply;
mod request;
mod status;

use std::time::Duration;

use actix_web::{Scope, web};
use utoipa::OpenApi;

use super::Error;
use crate::api::{Code, FieldError, Problem};
use crate::types::FunctionName;
use crate::{blob, db};

#[doc(hidden)]
pub use self::config::check as check_config;
pub use self::invoke::answer;
pub use self::reply::reply_of;
#[doc(hidden)]
pub use self::request::name_in;
pub use self::request::{Target, headers, without_service_key};
pub use self::status::FunctionsStatus;

/// When a call that found no place should be tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

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

impl From<Error> for Problem {
    fn from(err: Error) -> Self {
        match err {
            Error::UnknownFunction(_) | Error::UnknownQualifier { .. } | Error::Absent { .. } => Code::NotFound.because(err),
            Error::Present { .. } | Error::Exists(_) | Error::Contended(_) | Error::OtherRevision | Error::InUse(_) => {
                Code::Conflict.because(err)
            }
            Error::Invalid { field, message } => Self::invalid(vec![FieldError::new(field, message)]),
            Error::Rejected(ref diagnostics) => {
                let error = |at: &crate::isolate::protocol::Diagnostic| FieldError {
                    line: at.line,
                    column: at.column,
                    ..FieldError::new(&at.file, &at.message)
                };
                let errors = diagnostics.iter().map(error).collect();
                Code::InvalidSource.because(err).with_errors(errors)
            }
            Error::SourceTooLarge { .. } => Code::TooLarge.because(err),
            Error::BadArchive(_) | Error::CompilerFailed(_) => Code::InvalidSource.because(err),
            Error::Busy(_) | Error::Reserved { .. } => Code::TooManyRequests.because(err).retry_after(RETRY_AFTER),
            Error::Stopping => Code::Unavailable.because(err),
            Error::NoWorker(_) => {
                tracing::error!(error = %err, "a function was not run: {err}");
                Code::Unavailable.because("no function worker can be started at the moment; the server's log says why")
            }
            Error::Db(db::Error::Full(_)) | Error::Blob(blob::Error::Full(_)) => {
                tracing::error!(error = %err, "a function's deployment was refused: {err}");
                Code::StorageFull.because("the server's disk is full: nothing was changed; try again when there is space")
            }
            Error::Db(source) if source.is_transient() => {
                tracing::error!(error = %source, "the database does not serve: {source}");
                Code::Unavailable.plain()
            }
            Error::Damaged(..) | Error::Db(_) | Error::Blob(_) | Error::Vault(_) => Self::internal(err),
        }
    }
}
