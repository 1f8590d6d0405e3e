//! What anybody may know: settings, health, and the keys that verify tokens.

use std::collections::BTreeMap;

use actix_web::http::header;
use actix_web::web::{Data, Json};
use actix_web::{HttpResponse, Responder};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::AuthService;

/// The providers that GoTrue's clients expect to be told about, besides `email` and `anonymous_users`.
const OTHER_PROVIDERS: [&str; 25] = [
    "apple",
    "azure",
    "bitbucket",
    "discord",
    "facebook",
    "figma",
    "fly",
    "github",
    "gitlab",
    "google",
    "kakao",
    "keycloak",
    "linkedin",
    "linkedin_oidc",
    "notion",
    "phone",
    "slack",
    "slack_oidc",
    "snapchat",
    "spotify",
    "twitch",
    "twitter",
    "workos",
    "x",
    "zoom",
];

/// What clients may know of the settings.
#[derive(Serialize, ToSchema)]
#[schema(as = AuthSettings)]
pub(super) struct SettingsView {
    /// Which ways of signing in are on.
    #[schema(value_type = Object, example = json!({"email": true, "anonymous_users": true, "phone": false}))]
    external: BTreeMap<&'static str, bool>,
    /// Whether new users are refused.
    #[schema(example = false)]
    disable_signup: bool,
    /// Whether an address counts as confirmed without a mail.
    #[schema(example = true)]
    mailer_autoconfirm: bool,
    /// Whether a number counts as confirmed without a message.
    #[schema(example = false)]
    phone_autoconfirm: bool,
    #[schema(example = "")]
    sms_provider: &'static str,
    #[schema(example = false)]
    saml_enabled: bool,
}

/// What answers.
#[derive(Serialize, ToSchema)]
#[schema(as = AuthHealth)]
pub(super) struct HealthView {
    #[schema(example = "0.1.0")]
    version: &'static str,
    #[schema(example = "Plinth")]
    name: &'static str,
    #[schema(example = "Plinth's auth is a user registration and authentication API")]
    description: &'static str,
}

/// A JSON Web Key Set (RFC 7517).
#[derive(ToSchema)]
#[schema(as = AuthKeySet)]
#[expect(dead_code, reason = "describes the answer, which jsonwebtoken writes")]
pub(super) struct KeySetView {
    #[schema(value_type = Vec<Object>, example = json!([{
        "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "key_ops": ["verify"],
        "kid": "91e0b1f8-6a0f-4a8e-8f4f-2f1f0a6d9a52", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
    }]))]
    keys: Vec<serde_json::Value>,
}

/// Get the settings that clients may know
#[utoipa::path(
    get,
    path = "/auth/v1/settings",
    tag = "auth",
    security(("apikey" = [])),
    responses(
        (status = 200, description = "The settings", body = SettingsView),
        (status = 401, description = "No API key, or an unknown one"),
    )
)]
pub(super) async fn get_auth_settings(auth: Data<AuthService>) -> Json<SettingsView> {
    let config = auth.config();
    let mut external: BTreeMap<_, _> = OTHER_PROVIDERS.iter().map(|name| (*name, false)).collect();
    external.insert("email", true);
    external.insert("anonymous_users", config.anonymous);
    Json(SettingsView {
        external,
        disable_signup: !config.signup,
        mailer_autoconfirm: true,
        phone_autoconfirm: false,
        sms_provider: "",
        saml_enabled: false,
    })
}

/// Tell that auth answers
#[utoipa::path(
    get,
    path = "/auth/v1/health",
    tag = "auth",
    responses((status = 200, description = "It answers", body = HealthView))
)]
pub(super) async fn get_auth_health() -> Json<HealthView> {
    Json(HealthView {
        version: env!("CARGO_PKG_VERSION"),
        name: "Plinth",
        description: "Plinth's auth is a user registration and authentication API",
    })
}

/// Get the keys that verify access tokens
#[utoipa::path(
    get,
    path = "/auth/v1/.well-known/jwks.json",
    tag = "auth",
    responses((status = 200, description = "The public keys, by their `kid`", body = KeySetView))
)]
pub(super) async fn get_jwks(auth: Data<AuthService>) -> impl Responder {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "public, max-age=600")).json(auth.published_keys())
}
