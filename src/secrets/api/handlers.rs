//! What an operator does with secrets.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use actix_web::{CustomizeResponder, HttpResponse, Responder, delete, get, put};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::{Code, FieldError, JsonBody, Problem};
use crate::auth::api::Caller;
use crate::db;
use crate::secrets::{Error, SecretInfo, SecretName, SecretsService};
use crate::types::{Secret, Timestamp};

/// A secret's value.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretBody {
    /// 1 byte to 64 KiB of text.
    #[schema(value_type = String, example = "sk_live_4eC39HqLyjWDarjtT1zdp7dc")]
    value: String,
}

/// What is told of a secret.
#[derive(Serialize, ToSchema)]
#[schema(as = Secret)]
pub(super) struct SecretAnswer {
    #[schema(example = "STRIPE_KEY")]
    name: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was written last.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

/// Every secret.
#[derive(Serialize, ToSchema)]
#[schema(as = Secrets)]
pub(super) struct SecretsAnswer {
    /// In the order of their names.
    secrets: Vec<SecretAnswer>,
}

/// Write a secret
///
/// Functions whose `permissions.secrets` name it find it in `process.env`. Environments that began before are not called any more: the
/// next call of such a function has the new value, on other nodes after a second at the latest.
#[utoipa::path(
    put,
    path = "/admin/v1/secrets/{name}",
    tag = "secrets",
    security(("bearer" = [])),
    params(("name" = String, Path, description = "1 to 128 letters, digits and `_`", example = "STRIPE_KEY")),
    request_body = SecretBody,
    responses(
        (status = 200, description = "Written; there was one before", body = SecretAnswer),
        (status = 201, description = "Written for the first time", body = SecretAnswer),
        (status = 409, description = "There are 1000 secrets already", body = crate::api::ProblemBody, content_type = "application/problem+json"),
        Problem,
    ),
)]
#[put("/secrets/{name}")]
pub(super) async fn put_secret(
    caller: Caller,
    name: Path<String>,
    body: JsonBody<SecretBody>,
    secrets: Data<SecretsService>,
) -> Result<CustomizeResponder<Json<SecretAnswer>>, Problem> {
    caller.require_service()?;
    let name = SecretName::new(&name)?;
    let (info, is_new) = secrets.put(name, Secret::new(body.0.value)).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(Json(SecretAnswer::from(info)).customize().with_status(status))
}

/// List the secrets
///
/// Their names and dates; their values are not readable.
#[utoipa::path(
    get,
    path = "/admin/v1/secrets",
    tag = "secrets",
    security(("bearer" = [])),
    responses((status = 200, description = "Every secret", body = SecretsAnswer), Problem),
)]
#[get("/secrets")]
pub(super) async fn list_secrets(caller: Caller, secrets: Data<SecretsService>) -> Result<Json<SecretsAnswer>, Problem> {
    caller.require_service()?;
    Ok(Json(SecretsAnswer { secrets: secrets.list().await?.into_iter().map(SecretAnswer::from).collect() }))
}

/// Delete a secret
///
/// The next call of a function that names it has it no longer, on other nodes after a second at the latest.
#[utoipa::path(
    delete,
    path = "/admin/v1/secrets/{name}",
    tag = "secrets",
    security(("bearer" = [])),
    params(("name" = String, Path, example = "STRIPE_KEY")),
    responses((status = 204, description = "Deleted"), Problem),
)]
#[delete("/secrets/{name}")]
pub(super) async fn delete_secret(
    caller: Caller,
    name: Path<String>,
    secrets: Data<SecretsService>,
) -> Result<HttpResponse, Problem> {
    caller.require_service()?;
    let name = SecretName::new(&name).map_err(|err| Code::NotFound.because(format!("there is no such secret: {err}")))?;
    secrets.delete(name).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<SecretInfo> for SecretAnswer {
    fn from(info: SecretInfo) -> Self {
        Self { name: info.name.to_string(), created_at: info.created_at, updated_at: info.updated_at }
    }
}

impl From<Error> for Problem {
    fn from(err: Error) -> Self {
        match err {
            Error::Unknown(_) => Code::NotFound.because(err),
            Error::Invalid { field, message } => Self::invalid(vec![FieldError::new(field, message)]),
            Error::TooMany => Code::Conflict.because(err),
            Error::Db(db::Error::Full(_)) => {
                tracing::error!(error = %err, "a secret was not written: {err}");
                Code::StorageFull.because("the server's disk is full: nothing was changed; try again when there is space")
            }
            Error::Db(source) if source.is_transient() => {
                tracing::error!(error = %source, "the database does not serve: {source}");
                Code::Unavailable.plain()
            }
            Error::Damaged(..) | Error::Db(_) | Error::Vault(_) => Self::internal(err),
        }
    }
}
