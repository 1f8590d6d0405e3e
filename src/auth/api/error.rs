//! GoTrue's shape of errors, in both of its versions.
//!
//! A client that sends `X-Supabase-Api-Version: 2024-01-01` (or later) gets `{"code": "…", "message": "…"}` and the header back; any
//! other gets `{"code": 400, "error_code": "…", "msg": "…"}`. The handler's error does not know which; [`versioned`] does.

use std::fmt;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Error;
use crate::auth::principal::Refusal;
use crate::db;

const VERSION_HEADER: &str = "x-supabase-api-version";
const VERSION: &str = "2024-01-01";

/// When a client that found the hashing queue full, or the database busy, should try again.
const RETRY_SECONDS: u64 = 1;

/// An error as a client of GoTrue understands it.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    weak_password: Option<WeakPassword>,
    retry_after: Option<u64>,
}

/// The body of an error answer.
///
/// The first form goes to clients that send `X-Supabase-Api-Version: 2024-01-01` (or later), the second to all others.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = AuthError)]
pub(super) enum ErrorBody<'a> {
    /// With the version header.
    Versioned {
        /// What went wrong; stable.
        #[schema(example = "invalid_credentials")]
        code: &'a str,
        /// The same for people.
        #[schema(example = "Invalid login credentials")]
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        weak_password: Option<&'a WeakPassword>,
    },
    /// Without it.
    Initial {
        /// The HTTP status.
        #[schema(example = 400)]
        code: u16,
        /// What went wrong; stable.
        #[schema(example = "invalid_credentials")]
        error_code: &'a str,
        /// The same for people.
        #[schema(example = "Invalid login credentials")]
        msg: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        weak_password: Option<&'a WeakPassword>,
    },
}

/// What a password lacks.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct WeakPassword {
    /// Why it is weak: `length`.
    #[schema(value_type = Vec<String>, example = json!(["length"]))]
    reasons: &'static [&'static str],
}

impl ApiError {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl fmt::Display) -> Self {
        Self { status, code, message: message.to_string(), weak_password: None, retry_after: None }
    }

    pub(super) fn invalid(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "validation_failed", message)
    }

    fn internal(source: &dyn fmt::Display) -> Self {
        tracing::error!(error = %source, "a request to auth failed inside the server: {source}");
        let message = "Unexpected failure, please check server logs for more information";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "unexpected_failure", message)
    }

    fn unavailable(message: &str) -> Self {
        let answer = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unexpected_failure", message);
        Self { retry_after: Some(RETRY_SECONDS), ..answer }
    }

    fn answer(&self, body: &ErrorBody<'_>) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        answer.insert_header(("x-sb-error-code", self.code));
        if let Some(seconds) = self.retry_after {
            answer.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        answer.json(body)
    }

    fn versioned(&self) -> HttpResponse {
        let body = ErrorBody::Versioned { code: self.code, message: &self.message, weak_password: self.weak_password.as_ref() };
        let mut answer = self.answer(&body);
        answer.headers_mut().insert(header::HeaderName::from_static(VERSION_HEADER), header::HeaderValue::from_static(VERSION));
        answer
    }
}

// No `_` arm: a new variant does not compile until someone picks its code.
impl From<Error> for ApiError {
    fn from(err: Error) -> Self {
        const BAD: StatusCode = StatusCode::BAD_REQUEST;
        const UNFIT: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
        match err {
            Error::Refused(refusal) => refusal.into(),
            Error::BadCredentials => Self::new(BAD, "invalid_credentials", err),
            Error::Banned => Self::new(BAD, "user_banned", err),
            Error::EmailNotConfirmed => Self::new(BAD, "email_not_confirmed", err),
            Error::UnknownRefreshToken => Self::new(BAD, "refresh_token_not_found", err),
            Error::SpentRefreshToken => Self::new(BAD, "refresh_token_already_used", err),
            Error::Invalid(_) => Self::new(BAD, "validation_failed", err),
            Error::PhoneDisabled => Self::new(BAD, "phone_provider_disabled", err),
            Error::AdminOnly(_) => Self::new(StatusCode::FORBIDDEN, "not_admin", err),
            Error::UserNotFound => Self::new(StatusCode::NOT_FOUND, "user_not_found", err),
            Error::SignupDisabled => Self::new(UNFIT, "signup_disabled", err),
            Error::AnonymousDisabled => Self::new(UNFIT, "anonymous_provider_disabled", err),
            Error::UserExists => Self::new(UNFIT, "user_already_exists", err),
            Error::EmailExists => Self::new(UNFIT, "email_exists", err),
            Error::PhoneExists => Self::new(UNFIT, "phone_exists", err),
            Error::SamePassword => Self::new(UNFIT, "same_password", err),
            Error::NeedsAddress => Self::new(UNFIT, "validation_failed", err),
            Error::WeakPassword(_) => {
                let weak = WeakPassword { reasons: &["length"] };
                Self { weak_password: Some(weak), ..Self::new(UNFIT, "weak_password", err) }
            }
            Error::HashQueueFull => {
                let answer = Self::new(StatusCode::TOO_MANY_REQUESTS, "over_request_rate_limit", err);
                Self { retry_after: Some(RETRY_SECONDS), ..answer }
            }
            Error::Db(source @ db::Error::Full(_)) => {
                tracing::error!(error = %source, "a write of auth was refused: {source}");
                let message = "the server's disk is full: nothing was changed; try again when there is space";
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "unexpected_failure", message)
            }
            Error::Db(source) if source.is_transient() => {
                tracing::warn!(error = %source, "the database did not answer auth: {source}");
                Self::unavailable("the database is busy; try again")
            }
            Error::Db(source) => Self::internal(&source),
            Error::WrongMasterKey | Error::MasterKey(_) | Error::Crypto(_) | Error::Inconsistent(_) => Self::internal(&err),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        const NO: StatusCode = StatusCode::FORBIDDEN;
        match refusal {
            Refusal::Missing => Self::new(StatusCode::UNAUTHORIZED, "no_authorization", refusal),
            Refusal::BadToken(_) | Refusal::Expired | Refusal::NoUser => Self::new(NO, "bad_jwt", refusal),
            Refusal::UnknownKey => Self::new(NO, "bad_jwt", "invalid JWT: the API key is unknown or was revoked"),
            Refusal::SessionOver => Self::new(NO, "session_not_found", refusal),
            Refusal::UserGone => Self::new(NO, "user_not_found", refusal),
            Refusal::Banned => Self::new(NO, "user_banned", refusal),
            Refusal::NotService => Self::new(NO, "not_admin", refusal),
            Refusal::Unavailable => Self::unavailable(&refusal.to_string()),
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        self.answer(&ErrorBody::Initial {
            code: self.status.as_u16(),
            error_code: self.code,
            msg: &self.message,
            weak_password: self.weak_password.as_ref(),
        })
    }
}

/// Puts an error into the shape that the client asked for.
///
/// # Errors
/// None of its own.
pub(super) async fn versioned<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    let asked = request.headers().get(VERSION_HEADER).and_then(|value| value.to_str().ok()).is_some_and(is_versioned);
    let response = next.call(request).await?;
    let error = response.response().error().and_then(|err| err.as_error::<ApiError>());
    match error.filter(|_| asked).map(ApiError::versioned) {
        Some(answer) => Ok(response.into_response(answer).map_into_right_body()),
        None => Ok(response.map_into_left_body()),
    }
}

/// Whether a date as `2024-01-01` is not before the version's; such dates compare as text.
fn is_versioned(date: &str) -> bool {
    let digits = |range: std::ops::Range<usize>| date.get(range).is_some_and(|part| part.bytes().all(|b| b.is_ascii_digit()));
    date.len() == 10 && digits(0..4) && digits(5..7) && digits(8..10) && date >= VERSION
}
