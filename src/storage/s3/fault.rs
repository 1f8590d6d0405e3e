//! Refusals in S3's codes, statuses and XML.

use std::fmt::Write as _;

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use s3s::{S3Error, S3ErrorCode};

use crate::auth::principal::Refusal;
use crate::aws::{ChunkFault, Refused};
use crate::storage::Error;
use crate::storage::model::InvalidName;
use crate::{blob, db};

/// Why a request is refused, as S3's clients know it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) status: u16,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { code, status, message: message.into() }
    }

    /// What a parameter must be.
    pub(super) fn argument(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidArgument", message)
    }

    /// What a request must be.
    pub(super) fn request(message: impl Into<String>) -> Self {
        Self::new(400, "InvalidRequest", message)
    }

    /// What S3 has and this server has not.
    pub(super) fn not_implemented(what: &str) -> Self {
        Self::new(501, "NotImplemented", format!("{what} is not supported; see docs/storage.md for what is"))
    }

    pub(super) fn precondition() -> Self {
        Self::new(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
    }

    pub(super) fn no_such_key() -> Self {
        Self::new(404, "NoSuchKey", "The specified key does not exist.")
    }

    pub(super) fn internal(source: impl std::fmt::Display) -> Self {
        tracing::error!(error = %source, "a request to storage by S3 failed: {source}");
        Self::new(500, "InternalError", "We encountered an internal error. Please try again.")
    }

    fn unavailable(message: &str) -> Self {
        Self::new(503, "ServiceUnavailable", message)
    }

    fn full() -> Self {
        Self::new(507, "InsufficientStorage", "there is no space left to store it")
    }

    /// The answer. `resource` is the path that was asked for.
    pub(super) fn response(&self, resource: &str, request_id: &str) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        answer(status, self.code, &escaped(&self.message), (resource, request_id))
    }
}

/// An error's answer; the message is as it stands in XML.
pub(super) fn answer(status: StatusCode, code: &str, message: &str, (resource, request_id): (&str, &str)) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.insert_header((header::RETRY_AFTER, "1"));
    }
    if status == StatusCode::NOT_MODIFIED {
        return response.finish();
    }
    let resource = escaped(resource);
    response.content_type("application/xml").body(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
         <Resource>{resource}</Resource><RequestId>{request_id}</RequestId></Error>"
    ))
}

/// Text as XML has it; what XML cannot have is left out.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, c| {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // Writing to a string does not fail.
            '\r' | '\n' | '\t' => drop(write!(escaped, "&#{};", u32::from(c))),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => {}
            c => escaped.push(c),
        }
        escaped
    })
}

impl From<Fault> for S3Error {
    fn from(fault: Fault) -> Self {
        let code = S3ErrorCode::from_bytes(fault.code.as_bytes()).unwrap_or(S3ErrorCode::InternalError);
        let mut error = Self::with_message(code, fault.message);
        if let Ok(status) = http::StatusCode::from_u16(fault.status) {
            error.set_status_code(status);
        }
        error
    }
}

impl From<Error> for Fault {
    fn from(err: Error) -> Self {
        let message = err.to_string();
        match err {
            Error::NoSuchBucket => Self::new(404, "NoSuchBucket", "The specified bucket does not exist"),
            Error::NoSuchKey => Self::no_such_key(),
            Error::NoSuchUpload => Self::new(
                404,
                "NoSuchUpload",
                "The specified multipart upload does not exist. The upload ID might be invalid, or the multipart upload might have \
                 been aborted or completed.",
            ),
            // Made only on the condition that there is none.
            Error::Duplicate | Error::Changed => Self::precondition(),
            Error::BucketNotEmpty => Self::new(409, "BucketNotEmpty", "The bucket you tried to delete is not empty"),
            Error::Refused(_) => Self::new(403, "AccessDenied", "Access Denied"),
            Error::InvalidName(name) => name.into(),
            Error::InvalidInput(_) | Error::InvalidToken(_) => Self::argument(message),
            Error::TooLarge { .. } => Self::new(400, "EntityTooLarge", message),
            Error::OverQuota { .. } => Self::new(403, "QuotaExceeded", message),
            Error::MimeNotAllowed(_) => Self::request(message),
            Error::BrokenOff(_) => Self::new(400, "IncompleteBody", message),
            Error::Conflict(_) => Self::new(409, "OperationAborted", message),
            Error::Blob(blob::Error::Full(_)) | Error::Db(db::Error::Full(_)) => Self::full(),
            Error::Blob(blob::Error::Unavailable(_)) => {
                Self::unavailable("The store of files' bytes is out of reach; try again.")
            }
            Error::Db(db::Error::Busy(_) | db::Error::Deadline | db::Error::Unavailable(_)) => {
                Self::unavailable("The database is busy or out of reach; try again.")
            }
            Error::Blob(_) | Error::Db(_) | Error::Sql(_) => Self::internal(message),
        }
    }
}

impl From<InvalidName> for Fault {
    fn from(err: InvalidName) -> Self {
        if err.0.contains("bytes") {
            return Self::new(400, "KeyTooLongError", "Your key is too long");
        }
        Self::argument(format!("the name cannot be used: {}", err.0))
    }
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        let message = refused.to_string();
        match refused {
            Refused::Missing => Self::new(403, "AccessDenied", "Access Denied: the request is not signed"),
            Refused::Incomplete(_) | Refused::OutOfScope(_) => Self::new(400, "AuthorizationHeaderMalformed", message),
            Refused::UnknownKey => {
                Self::new(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
            }
            Refused::Skewed(_) => Self::new(403, "RequestTimeTooSkewed", message),
            Refused::Expired(_) => Self::new(403, "AccessDenied", "Request has expired"),
            Refused::UnsignedHeader(_) => Self::new(403, "AccessDenied", message),
            Refused::Mismatch => Self::new(
                403,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
            ),
            Refused::OtherBody => Self::other_body(),
        }
    }
}

impl Fault {
    pub(super) fn other_body() -> Self {
        let message = "The provided 'x-amz-content-sha256' header does not match what was computed.";
        Self::new(400, "XAmzContentSHA256Mismatch", message)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unavailable => Self::unavailable("The session could not be checked; try again."),
            Refusal::Expired => Self::new(400, "ExpiredToken", "The provided token has expired."),
            refusal => Self::new(403, "InvalidToken", format!("The session token does not do: {refusal}")),
        }
    }
}

impl From<ChunkFault> for Fault {
    fn from(fault: ChunkFault) -> Self {
        let message = fault.to_string();
        match fault {
            ChunkFault::Malformed(_) | ChunkFault::Length => Self::new(400, "IncompleteBody", message),
            ChunkFault::Signature => Self::new(403, "SignatureDoesNotMatch", message),
        }
    }
}
