//! `POST /auth/v1/signup`.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json};
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::RawBody;
use super::error::{ApiError, ErrorBody};
use super::views::SessionView;
use super::{given, origin};
use crate::api::ClientAddress;
use crate::auth::model::Metadata;
use crate::auth::{AuthService, Error, NewUser};

/// Who signs up: an address and a password, or neither for an anonymous user.
#[derive(Deserialize, ToSchema)]
pub(super) struct SignUpRequest {
    /// At most 254 bytes; kept in lower case.
    #[schema(example = "ada@example.com")]
    email: Option<String>,
    /// At least 6 characters, unless the server is configured otherwise; at most 1024 bytes.
    #[schema(example = "correct horse battery staple")]
    password: Option<String>,
    /// Not supported: answered with `phone_provider_disabled`.
    phone: Option<String>,
    /// What becomes `user_metadata`; at most 64 KiB of JSON.
    #[schema(value_type = Option<Object>, example = json!({"name": "Ada"}))]
    data: Option<Metadata>,
}

/// Sign a user up
///
/// With an address and a password, or anonymously where the body has only `data` (or nothing). The answer is a session: the address
/// counts as confirmed.
#[utoipa::path(
    post,
    path = "/auth/v1/signup",
    tag = "auth",
    request_body = SignUpRequest,
    security(("apikey" = [])),
    responses(
        (status = 200, description = "Signed up and signed in", body = SessionView),
        (status = 400, description = "`bad_json`, `validation_failed`, `phone_provider_disabled`", body = ErrorBody),
        (status = 401, description = "No API key, or an unknown one"),
        (status = 413, description = "`request_entity_too_large`", body = ErrorBody),
        (status = 422, description = "`user_already_exists`, `weak_password`, `signup_disabled`, `anonymous_provider_disabled`", body = ErrorBody),
        (status = 429, description = "`over_request_rate_limit`: too many passwords are waiting to be hashed; see `Retry-After`", body = ErrorBody),
    )
)]
pub(super) async fn sign_up(
    request: HttpRequest,
    address: ClientAddress,
    body: RawBody,
    auth: Data<AuthService>,
) -> Result<Json<SessionView>, ApiError> {
    let new = body.json::<SignUpRequest>()?.checked()?;
    let signed_in = auth.sign_up(new, origin(&request, address)).await?;
    Ok(Json(signed_in.into()))
}

impl SignUpRequest {
    fn checked(self) -> Result<NewUser, ApiError> {
        let data = self.data.unwrap_or_default();
        let credentials = match (given(self.email), given(self.phone), given(self.password)) {
            (Some(_), Some(_), _) => {
                return Err(ApiError::invalid("Only an email address or phone number should be provided on signup."));
            }
            (None, Some(_), _) => return Err(Error::PhoneDisabled.into()),
            (Some(_), None, None) => return Err(ApiError::invalid("Signup requires a valid password")),
            (None, None, Some(_)) => return Err(ApiError::invalid("email: a password needs an address to go with it")),
            (None, None, None) => None,
            (Some(email), None, Some(password)) => Some((email.parse()?, password)),
        };
        Ok(NewUser { credentials, data })
    }
}
