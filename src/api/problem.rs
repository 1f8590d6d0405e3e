//! `application/problem+json` (RFC 9457): the shape of every error of Plinth's own API.

use std::fmt;
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use super::Code;
use crate::telemetry::current_request_id;

/// An error as the client sees it.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    detail: Option<String>,
    errors: Vec<FieldError>,
    retry_after: Option<Duration>,
    // Behind a pointer, since a problem travels in every handler's result.
    statement: Option<Box<StatementError>>,
}

/// What is wrong with a statement of SQL, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct StatementError {
    /// PostgreSQL's code (SQLSTATE).
    #[schema(example = "42703")]
    pub code: String,
    /// The migration's file; where migrations are applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "20260101000000_teams.sql")]
    pub file: Option<String>,
    /// The files of the migrations that were applied before it, and stay applied; where migrations are applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<Vec<String>>,
    /// What to write instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "put the table's name before it")]
    pub hint: Option<String>,
    /// The line in the text, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The column in the text, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u64>,
}

/// What is wrong with one field of the input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field, such as `memory_mb`, or a file.
    #[schema(example = "memory_mb")]
    pub field: String,
    /// What is wrong, and what is allowed.
    #[schema(example = "must be a whole number from 128 to 10240")]
    pub message: String,
    /// The line in a file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The column in a file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

/// The body of an error answer (`application/problem+json`).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// Names the kind of problem; stable.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not_found")]
    kind: String,
    /// The kind of problem as a sentence.
    #[schema(example = "Not found")]
    title: &'a str,
    /// The HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// What is wrong with this request, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "there is no function hello")]
    detail: Option<&'a str>,
    /// What is wrong, field by field.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    /// What is wrong with a statement of SQL, and where; for `/problems/sql_refused` alone.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    statement: Option<&'a StatementError>,
    /// The request's id, as in the `x-request-id` header and in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "6f1c1a0e-6d5c-4d6f-9b8e-0d3a7f5f2a11", value_type = Option<String>)]
    request_id: Option<String>,
}

impl Code {
    /// A problem of this kind, explained by an error whose text is meant for the client.
    pub fn because(self, err: impl fmt::Display) -> Problem {
        Problem { code: self, detail: Some(err.to_string()), errors: Vec::new(), retry_after: None, statement: None }
    }

    /// A problem of this kind that needs no explanation.
    #[must_use]
    pub const fn plain(self) -> Problem {
        Problem { code: self, detail: None, errors: Vec::new(), retry_after: None, statement: None }
    }
}

impl Problem {
    /// A failure of the server itself: logged here with its cause, told to the client without it.
    pub fn internal(source: impl fmt::Display) -> Self {
        tracing::error!(error = %source, "a request failed inside the server: {source}");
        Code::Internal.plain()
    }

    /// An input that is not valid, field by field.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = errors.first().map(|first| format!("{}: {}", first.field, first.message));
        Self { code: Code::InvalidInput, detail, errors, retry_after: None, statement: None }
    }

    /// Adds what is wrong, field by field.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    /// Says what is wrong with a statement of SQL, and where.
    #[must_use]
    pub fn with_statement(mut self, statement: StatementError) -> Self {
        self.statement = Some(Box::new(statement));
        self
    }

    /// Tells the client when to try again (`Retry-After`, in whole seconds, at least one).
    #[must_use]
    pub const fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The kind of problem.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }
}

impl FieldError {
    /// What is wrong with a field of the body, the query or a header.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), line: None, column: None }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail.as_deref().unwrap_or(self.code.title()))
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let body = ProblemBody {
            kind: format!("/problems/{}", self.code.name()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: self.detail.as_deref(),
            errors: &self.errors,
            statement: self.statement.as_deref(),
            request_id: current_request_id().map(|id| id.to_string()),
        };
        let mut answer = HttpResponse::build(self.code.status());
        if let Some(wait) = self.retry_after {
            answer.insert_header((header::RETRY_AFTER, wait.as_secs().max(1).to_string()));
        }
        if self.code.status() == StatusCode::UNAUTHORIZED {
            answer.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        match serde_json::to_vec(&body) {
            Ok(json) => answer.content_type("application/problem+json").body(json),
            Err(_) => answer.finish(),
        }
    }
}

impl utoipa::IntoResponses for Problem {
    fn responses() -> std::collections::BTreeMap<String, utoipa::openapi::RefOr<utoipa::openapi::response::Response>> {
        use utoipa::openapi::{Content, Ref, Response};
        let content = Content::new(Some(Ref::from_schema_name("Problem")));
        let mut problem = Response::new("Refused; the problem says why and what to do");
        problem.content.insert("application/problem+json".to_owned(), content.into());
        std::iter::once(("default".to_owned(), problem.into())).collect()
    }
}
