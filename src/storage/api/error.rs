//! Errors as Supabase's storage clients know them.

use std::fmt;

use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::principal::Refusal;
use crate::storage::Error;
use crate::{blob, db};

/// When a client that found the database busy should try again.
const RETRY_SECONDS: &str = "1";

/// An error as a client understands it. `status` is what the body says; the answer itself is 400 for nearly all of them, as clients
/// expect it, except where there is no body to say it.
#[derive(Debug)]
pub(super) struct ApiError {
    status: u16,
    http: StatusCode,
    error: &'static str,
    code: &'static str,
    message: String,
}

/// The body of an error answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StorageError)]
pub(super) struct ErrorBody<'a> {
    /// The status that is meant, as text.
    #[serde(rename = "statusCode")]
    #[schema(example = "404")]
    status_code: String,
    /// The kind of error.
    #[schema(example = "not_found")]
    error: &'a str,
    /// What is wrong.
    #[schema(example = "Object not found")]
    message: &'a str,
    /// The kind of error, more exactly.
    #[schema(example = "NoSuchKey")]
    code: &'a str,
}

impl ApiError {
    fn new(status: u16, (error, code): (&'static str, &'static str), message: impl fmt::Display) -> Self {
        let http = if status >= 500 {
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
        } else {
            StatusCode::BAD_REQUEST
        };
        Self { status, http, error, code, message: message.to_string() }
    }

    /// The same for a request whose answer has no body: the status alone tells.
    pub(super) fn to(mut self, request: &HttpRequest) -> Self {
        if request.method() == Method::HEAD {
            self.http = StatusCode::from_u16(self.status).unwrap_or(self.http);
        }
        self
    }

    /// The same for a client that goes by the answer's own status.
    pub(super) fn plainly(mut self) -> Self {
        self.http = StatusCode::from_u16(self.status).unwrap_or(self.http);
        self
    }

    /// Another version of the protocol of resumable uploads.
    pub(super) fn other_version() -> Self {
        Self::new(412, ("Precondition Failed", "PreconditionFailed"), "Tus-Resumable must be 1.0.0")
    }

    /// A body of another media type than the one that there is.
    pub(super) fn other_type(wanted: &str) -> Self {
        Self::new(415, ("Unsupported Media Type", "InvalidContentType"), format_args!("content-type must be {wanted}"))
    }

    /// A body that is not what it must be.
    pub(super) fn invalid(message: impl fmt::Display) -> Self {
        Self::new(400, ("Bad Request", "InvalidRequest"), message)
    }

    pub(super) fn no_such_path() -> Self {
        Self {
            http: StatusCode::NOT_FOUND,
            ..Self::new(404, ("not_found", "NoSuchPath"), "there is no such path under /storage/v1")
        }
    }

    pub(super) fn no_such_method(method: &Method) -> Self {
        let error = Self::new(405, ("method_not_allowed", "MethodNotAllowed"), format_args!("{method} is not allowed here"));
        Self { http: StatusCode::METHOD_NOT_ALLOWED, ..error }
    }

    fn of_db(err: &db::Error) -> Self {
        match err {
            db::Error::Busy(_) | db::Error::Deadline | db::Error::Unavailable(_) => {
                Self::new(503, ("unavailable", "DatabaseTimeout"), "the database is busy or out of reach; try again")
            }
            db::Error::Full(_) => Self::full(),
            other => Self::internal(other),
        }
    }

    fn full() -> Self {
        Self::new(507, ("storage_full", "StorageFull"), "there is no space left to store it")
    }

    fn internal(err: &dyn fmt::Display) -> Self {
        tracing::error!(error = %err, "a request to storage failed: {err}");
        Self::new(500, ("internal", "InternalError"), "something failed in the server; its log says how")
    }
}

impl From<Error> for ApiError {
    fn from(err: Error) -> Self {
        let (status, names) = match &err {
            Error::NoSuchBucket => (404, ("Bucket not found", "NoSuchBucket")),
            Error::NoSuchKey => (404, ("not_found", "NoSuchKey")),
            Error::NoSuchUpload => (404, ("not_found", "NoSuchUpload")),
            Error::Duplicate => (409, ("Duplicate", "Duplicate")),
            Error::BucketNotEmpty => (409, ("InvalidRequest", "BucketNotEmpty")),
            Error::Conflict(_) | Error::Changed => (409, ("Conflict", "Conflict")),
            Error::Refused(_) => (403, ("Unauthorized", "AccessDenied")),
            Error::InvalidName(_) => (400, ("InvalidKey", "InvalidKey")),
            Error::InvalidInput(_) => (400, ("Bad Request", "InvalidRequest")),
            Error::TooLarge { .. } => (413, ("Payload too large", "EntityTooLarge")),
            Error::OverQuota { .. } => (413, ("Payload too large", "QuotaExceeded")),
            Error::MimeNotAllowed(_) => (415, ("invalid_mime_type", "InvalidMimeType")),
            Error::InvalidToken(_) => (400, ("InvalidJWT", "InvalidJWT")),
            Error::BrokenOff(_) => (400, ("Bad Request", "IncompleteBody")),
            Error::Blob(blob::Error::Full(_)) => return Self::full(),
            Error::Blob(blob @ blob::Error::Unavailable(_)) => {
                tracing::warn!("the store of files' bytes failed: {blob}");
                return Self::new(503, ("unavailable", "StorageUnavailable"), "the store of files' bytes failed; try again");
            }
            Error::Blob(blob) => return Self::internal(blob),
            Error::Db(db) => return Self::of_db(db),
            Error::Sql(fault) => {
                tracing::warn!(code = fault.code, "a policy of storage cannot be evaluated: {}", fault.message);
                (500, ("DatabaseError", "DatabaseError"))
            }
        };
        Self::new(status, names, err)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Missing => {
                Self::new(400, ("InvalidJWT", "InvalidJWT"), "headers must have the required property 'authorization'")
            }
            Refusal::NotService => Self::new(403, ("Unauthorized", "AccessDenied"), "this needs the service key"),
            Refusal::Unavailable => Self::new(503, ("unavailable", "DatabaseTimeout"), refusal),
            Refusal::Expired => Self::new(400, ("InvalidJWT", "InvalidJWT"), "jwt expired"),
            refusal => Self::new(400, ("InvalidJWT", "InvalidJWT"), refusal),
        }
    }
}

impl From<super::InvalidName> for ApiError {
    fn from(err: super::InvalidName) -> Self {
        Error::InvalidName(err).into()
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.http
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.http);
        if self.http == StatusCode::SERVICE_UNAVAILABLE {
            answer.insert_header((header::RETRY_AFTER, RETRY_SECONDS));
        }
        answer.json(ErrorBody {
            status_code: self.status.to_string(),
            error: self.error,
            message: &self.message,
            code: self.code,
        })
    }
}
