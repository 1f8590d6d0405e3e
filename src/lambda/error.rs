//! Refusals in AWS Lambda's names, statuses and words.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::aws::Refused;
use crate::functions::model::arn;
use crate::functions::{self};

/// What operations return.
pub(super) type Result<T = HttpResponse> = std::result::Result<T, Exception>;

/// An exception of AWS Lambda's API.
#[derive(Clone, Debug)]
pub(super) struct Exception {
    name: &'static str,
    status: StatusCode,
    message: String,
    /// What was exceeded, for 429.
    reason: Option<&'static str>,
}

/// The body of a refusal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LambdaException)]
pub(super) struct ExceptionBody<'a> {
    /// Whose fault it is: `User` or `Service`.
    #[serde(rename = "Type")]
    #[schema(example = "User")]
    kind: &'static str,
    /// Why.
    #[serde(rename = "Message")]
    #[schema(example = "Function not found: arn:aws:lambda:local:000000000000:function:hello")]
    upper: &'a str,
    /// The same, since some of AWS's shapes spell it so.
    #[schema(example = "Function not found: arn:aws:lambda:local:000000000000:function:hello")]
    message: &'a str,
    /// What was exceeded, for 429.
    #[serde(rename = "Reason", skip_serializing_if = "Option::is_none")]
    #[schema(example = "ReservedFunctionConcurrentInvocationLimitExceeded")]
    reason: Option<&'static str>,
}

impl Exception {
    fn new(name: &'static str, status: StatusCode, message: impl Into<String>) -> Self {
        Self { name, status, message: message.into(), reason: None }
    }

    /// A parameter is not what it must be.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterValueException", StatusCode::BAD_REQUEST, message)
    }

    /// The body is not what it must be.
    pub(super) fn content(message: impl Into<String>) -> Self {
        Self::new("InvalidRequestContentException", StatusCode::BAD_REQUEST, message)
    }

    /// There is nothing of that name.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new("ResourceNotFoundException", StatusCode::NOT_FOUND, message)
    }

    /// It is there already, or is needed.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new("ResourceConflictException", StatusCode::CONFLICT, message)
    }

    /// The body is over the limit of an operation.
    pub(super) fn too_large(limit: usize, operation: &str) -> Self {
        let message = format!("Request must be smaller than {limit} bytes for the {operation} operation");
        Self::new("RequestTooLargeException", StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    /// There is no such operation.
    pub(super) fn unknown_operation(what: impl Into<String>) -> Self {
        Self::new("UnknownOperationException", StatusCode::NOT_FOUND, what)
    }

    /// Nothing is provisioned.
    pub(super) fn nothing_provisioned() -> Self {
        let message = "No Provisioned Concurrency Config found for this function";
        Self::new("ProvisionedConcurrencyConfigNotFoundException", StatusCode::NOT_FOUND, message)
    }

    /// The request has gone through too many functions.
    pub(super) fn recursive() -> Self {
        let message = "Lambda has detected your function being invoked in a recursive loop with other functions and stopped it.";
        Self::new("RecursiveInvocationException", StatusCode::BAD_REQUEST, message)
    }

    /// The caller is known, and may not.
    pub(super) fn denied(operation: &str) -> Self {
        let message = format!("The access key is not authorized to perform: lambda:{operation}");
        Self::new("AccessDeniedException", StatusCode::FORBIDDEN, message)
    }

    /// A failure of the server's own; what it was is in the log.
    pub(super) fn internal(source: impl std::fmt::Display) -> Self {
        tracing::error!(error = %source, "a request failed inside the server: {source}");
        Self::new("ServiceException", StatusCode::INTERNAL_SERVER_ERROR, "An error occurred and the request cannot be processed.")
    }

    fn unavailable(message: &str) -> Self {
        Self::new("ServiceException", StatusCode::SERVICE_UNAVAILABLE, message)
    }

    fn throttled(reason: &'static str) -> Self {
        let mut exception = Self::new("TooManyRequestsException", StatusCode::TOO_MANY_REQUESTS, "Rate Exceeded.");
        exception.reason = Some(reason);
        exception
    }

    /// The status it is answered with.
    pub(super) const fn status(&self) -> StatusCode {
        self.status
    }

    /// Its name and text, and what was exceeded.
    pub(super) fn into_parts(self) -> (&'static str, String, Option<&'static str>) {
        (self.name, self.message, self.reason)
    }

    /// Whether the same may be asked again in a moment.
    pub(super) const fn is_passing(status: StatusCode) -> bool {
        matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
    }

    /// The answer.
    pub(super) fn response(&self) -> HttpResponse {
        let kind = if self.status.is_server_error() { "Service" } else { "User" };
        let body = ExceptionBody { kind, upper: &self.message, message: &self.message, reason: self.reason };
        let mut response = HttpResponse::build(self.status);
        response.insert_header(("x-amzn-errortype", self.name));
        if Self::is_passing(self.status) {
            response.insert_header((header::RETRY_AFTER, "1"));
        }
        response.json(body)
    }
}

impl From<Refused> for Exception {
    fn from(refused: Refused) -> Self {
        Self::new(refused.code(), StatusCode::FORBIDDEN, refused.to_string())
    }
}

impl From<functions::Error> for Exception {
    fn from(err: functions::Error) -> Self {
        use functions::Error;
        let not_found = |name: &crate::types::FunctionName, qualifier: Option<&str>| {
            Self::not_found(format!("Function not found: {}", arn(name.as_str(), qualifier)))
        };
        match err {
            Error::UnknownFunction(name) => not_found(&name, None),
            Error::UnknownQualifier { function, qualifier } => not_found(&function, Some(&qualifier)),
            Error::Absent { .. } => Self::not_found(format!("The resource you requested does not exist: {err}")),
            Error::Present { .. } | Error::InUse(_) | Error::Mapped(_) => Self::conflict(err.to_string()),
            Error::Exists(name) => Self::conflict(format!("Function already exist: {name}")),
            Error::Contended(name) => Self::conflict(format!(
                "The operation cannot be performed at this time. An update is in progress for resource: {}",
                arn(name.as_str(), None)
            )),
            Error::OtherRevision => {
                let message = "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to \
                               retrieve the latest Revision Id";
                Self::new("PreconditionFailedException", StatusCode::PRECONDITION_FAILED, message)
            }
            Error::Invalid { field, message } if field == "Policy" => {
                Self::new("PolicyLengthExceededException", StatusCode::BAD_REQUEST, message)
            }
            Error::Invalid { field, message } => Self::invalid(format!("{field}: {message}")),
            Error::BadArchive(why) => {
                Self::invalid(format!("Could not unzip uploaded file. Please check your file, then try to upload again. ({why})"))
            }
            Error::Rejected(_) | Error::CompilerFailed(_) => Self::invalid(format!("The code was refused: {err}")),
            Error::SourceTooLarge { .. } => Self::new("RequestTooLargeException", StatusCode::PAYLOAD_TOO_LARGE, err.to_string()),
            Error::Busy(_) => Self::throttled("ConcurrentInvocationLimitExceeded"),
            Error::Reserved { .. } => Self::throttled("ReservedFunctionConcurrentInvocationLimitExceeded"),
            Error::Stopping => Self::unavailable("The server is stopping; try again."),
            Error::NoWorker(_) => {
                tracing::error!(error = %err, "a function was not run: {err}");
                Self::unavailable("No function worker can be started at the moment; the server's log says why.")
            }
            err if err.is_full() => {
                tracing::error!(error = %err, "there is no space: {err}");
                Self::unavailable("The server's disk is full: nothing was stored. Try again when there is space.")
            }
            Error::Db(source) if source.is_transient() => {
                tracing::error!(error = %source, "the database does not serve: {source}");
                Self::unavailable("The database does not serve at the moment; try again.")
            }
            Error::Damaged(..) | Error::Db(_) | Error::Blob(_) | Error::Vault(_) | Error::Secrets(_) => Self::internal(err),
        }
    }
}
