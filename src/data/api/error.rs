//! PostgREST's shape of errors: `code`, `message`, `details` and `hint`, always all four.

use std::fmt;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::auth::principal::{Refusal, Role};
use crate::data;
use crate::data::request::Fault;

/// When a client that found the database busy should try again.
const RETRY_SECONDS: &str = "1";

/// An error as a client of PostgREST understands it.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    error: data::Error,
}

/// The body of an error answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DataError)]
pub(super) struct ErrorBody<'a> {
    /// `PGRST…` for what the API says, an SQLSTATE for what the database says.
    #[schema(example = "42703")]
    code: &'a str,
    /// What is wrong.
    #[schema(example = "column todos.titel does not exist")]
    message: &'a str,
    /// More about it; for an ambiguous embed the candidates.
    #[schema(example = json!(null))]
    details: Option<&'a Value>,
    /// What to do.
    #[schema(example = "Perhaps you meant to reference the column \"todos.title\".")]
    hint: Option<&'a str>,
}

impl ApiError {
    /// As a caller of this role is told.
    pub(super) fn told_to(role: Role, error: impl Into<data::Error>) -> Self {
        let error = error.into();
        let status = StatusCode::from_u16(error.status_for(role)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, error }
    }
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        Self::told_to(Role::Authenticated, fault)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::Missing => "PGRST302",
            Refusal::Expired => "PGRST303",
            Refusal::Unavailable => "PGRST001",
            _ => "PGRST301",
        };
        let message = match refusal {
            Refusal::Expired => "JWT expired".to_owned(),
            refusal => refusal.to_string(),
        };
        Self::told_to(Role::Authenticated, data::Error::new(code, message))
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let data::Error { code, message, details, hint, .. } = &self.error;
        let mut answer = HttpResponse::build(self.status);
        match self.status {
            StatusCode::UNAUTHORIZED => drop(answer.insert_header((header::WWW_AUTHENTICATE, "Bearer"))),
            StatusCode::SERVICE_UNAVAILABLE => drop(answer.insert_header((header::RETRY_AFTER, RETRY_SECONDS))),
            StatusCode::RANGE_NOT_SATISFIABLE => {
                if let Some(total) = self.error.total {
                    answer.insert_header((header::CONTENT_RANGE, format!("*/{total}")));
                }
            }
            _ => {}
        }
        answer.json(ErrorBody { code, message, details: details.as_deref(), hint: hint.as_deref() })
    }
}
