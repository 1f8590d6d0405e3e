//! Who is calling, for handlers: [`identify`] looks once for each request, [`Caller`] reads what it found.

use std::convert::Infallible;
use std::future::{Ready, ready};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::web::{Data, Query};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::json;

use crate::api::{Code, Problem};
use crate::auth::AuthService;
use crate::auth::principal::{Identity, Kind, Principal, Refusal};

/// Who is calling. Reading it awaits nothing, so that it never loses to a bad body.
#[derive(Clone, Debug, Default)]
pub struct Caller(Identity);

impl Caller {
    /// Looks at the credentials of a request that did not come through [`identify`].
    pub async fn of(http: &HttpRequest, auth: &AuthService) -> Self {
        Self(identity_of(http, auth).await.unwrap_or_default())
    }

    /// The caller, if one is known: the bearer's owner, or without a bearer the key's.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.require().ok()
    }

    /// The caller.
    ///
    /// # Errors
    /// Why nobody is known to be.
    pub fn require(&self) -> Result<&Principal, Refusal> {
        self.0.caller().map(AsRef::as_ref)
    }

    /// The caller, if it is the server's owner.
    ///
    /// # Errors
    /// [`Refusal::NotService`], or why nobody is known to be the caller.
    pub fn require_service(&self) -> Result<&Principal, Refusal> {
        self.require().and_then(service)
    }

    /// The signed-in user who is the bearer.
    ///
    /// # Errors
    /// [`Refusal::NoUser`] for an API key, or why no user is known.
    pub fn require_user(&self) -> Result<&Principal, Refusal> {
        let principal = self.0.bearer.principal()?;
        if principal.kind == Kind::User { Ok(principal) } else { Err(Refusal::NoUser) }
    }

    /// The server's owner as the bearer; a key in `apikey` alone is not enough, as for GoTrue.
    pub(super) fn require_service_bearer(&self) -> Result<&Principal, Refusal> {
        self.0.bearer.principal().map(AsRef::as_ref).and_then(service)
    }
}

fn service(principal: &Principal) -> Result<&Principal, Refusal> {
    if principal.is_service() { Ok(principal) } else { Err(Refusal::NotService) }
}

impl FromRequest for Caller {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(request.extensions().get::<Identity>().cloned().unwrap_or_default())))
    }
}

#[derive(Default, Deserialize)]
struct KeyQuery {
    apikey: Option<String>,
}

/// Looks at the request's credentials and leaves what they come to for [`Caller`]. Refuses nothing.
///
/// # Errors
/// None of its own.
pub async fn identify<B: MessageBody>(request: ServiceRequest, next: Next<B>) -> Result<ServiceResponse<B>, actix_web::Error> {
    if let Some(auth) = request.app_data::<Data<AuthService>>()
        && let Some(identity) = identity_of(request.request(), auth).await
    {
        request.extensions_mut().insert(identity);
    }
    next.call(request).await
}

/// What a request's credentials come to; `None` when it has none.
async fn identity_of(http: &HttpRequest, auth: &AuthService) -> Option<Identity> {
    let bearer = header_text(http, header::AUTHORIZATION.as_str()).and_then(bearer_of);
    let key = header_text(http, "apikey").map(str::to_owned).or_else(|| query_key(http.query_string()));
    if bearer.is_none() && key.is_none() {
        return None;
    }
    Some(auth.identify(bearer, key.as_deref()).await)
}

/// Refuses a request without an API key of this server, as Supabase's gateway does. A bearer that is an API key counts too.
///
/// # Errors
/// None of its own.
pub async fn require_key<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    let refusal = request.extensions().get::<Identity>().map_or(Some(Refusal::Missing), |identity| identity.key().err());
    let message = match refusal {
        None => return next.call(request).await.map(ServiceResponse::map_into_left_body),
        Some(Refusal::Missing) => "No API key found in request",
        Some(_) => "Invalid API key",
    };
    let answer = HttpResponse::Unauthorized().json(json!({ "message": message }));
    Ok(request.into_response(answer).map_into_right_body())
}

/// A header's text. One that is not text cannot be a credential of this server: it is taken as an unknown one.
fn header_text<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers().get(name).map(|value| value.to_str().unwrap_or_default()).filter(|text| !text.is_empty())
}

/// The token of `Bearer …`; `None` for another scheme, such as a signature of AWS's.
fn bearer_of(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn query_key(query: &str) -> Option<String> {
    if !query.contains("apikey=") {
        return None;
    }
    Query::<KeyQuery>::from_query(query).ok()?.into_inner().apikey
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Missing => Code::NoCredential.because("send the API key as apikey, or a token as Authorization: Bearer"),
            Refusal::BadToken(_)
            | Refusal::Expired
            | Refusal::NoUser
            | Refusal::SessionOver
            | Refusal::UserGone
            | Refusal::Banned
            | Refusal::UnknownKey => Code::BadCredential.because(refusal),
            Refusal::NotService => Code::Forbidden.because("this needs the service key"),
            Refusal::Unavailable => Code::Unavailable.because(refusal),
        }
    }
}
