//! PostgREST's shape of errors: `code`, `message`, `details` and `hint`, always all four.

use std::collections::BTreeMap;
use std::fmt;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};

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

/// What any request of a table or a function may be refused with, for its document.
pub(super) struct Refused;

/// The same of requests that write.
pub(super) struct WriteRefused;

const REFUSED: &[(&str, &str)] = &[
    ("300", "PGRST201, PGRST203: several relationships or functions could be meant"),
    (
        "400",
        "The query or the body is not understood, a column does not exist, a value is not of its type, a constraint does not hold, or \
         PGRST124",
    ),
    ("401", "No key, a token that is not valid, or 42501 and nobody is signed in"),
    ("403", "42501: the caller's role has no grant, or a row policy does not allow the row"),
    ("404", "PGRST205, PGRST202: there is no such table, or no function of that name with these arguments"),
    ("406", "PGRST106, PGRST107, PGRST116: the schema, the form, or not one row"),
    ("413", "54000: the answer is larger than `data.max_result_bytes`; PGRST102: the body is over a limit"),
    ("500", "57014: it took longer than `data.statement_timeout`"),
    ("503", "53100, PGRST000: the disk is full, or the database cannot be reached"),
    ("504", "PGRST003: the database was busy for too long"),
];

const WRITE_REFUSED: (&str, &str) = ("409", "23505, 23503: the key is taken, or what is referred to is not there, or still is");

impl utoipa::IntoResponses for Refused {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        REFUSED.iter().map(described).collect()
    }
}

impl utoipa::IntoResponses for WriteRefused {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        REFUSED.iter().chain([&WRITE_REFUSED]).map(described).collect()
    }
}

fn described((status, description): &(&str, &str)) -> (String, RefOr<utoipa::openapi::Response>) {
    let body = ContentBuilder::new().schema(Some(Ref::from_schema_name(ErrorBody::name()))).build();
    let response = ResponseBuilder::new().description(*description).content("application/json", body).build();
    ((*status).to_owned(), response.into())
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
